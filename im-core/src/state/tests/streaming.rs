//! Messages whose text comes piece by piece: beginning, ending.

use super::*;
use crate::{Ending, FinishMessage, Message, Stream, state::Interrupt};

fn open(text: &str) -> Ask {
    let send = SendMessage::new(id(), key(), Content::text(text));
    Ask::Send(SendMessage {
        streaming: true,
        ..send
    })
}

fn finish(text: &str) -> Ask {
    Ask::Finish(FinishMessage {
        conversation: id(),
        client_id: key(),
        seq: Seq(4),
        content: Some(Content::text(text)),
    })
}

fn interrupt(content: Option<&str>) -> Ask {
    Ask::Interrupt(Interrupt {
        conversation: id(),
        client_id: key(),
        target: Seq(4),
        content: content.map(Content::text),
    })
}

/// A message of mia's at seq 4 that is open, whatever the time.
fn opened() -> Facts {
    let mut facts = said_by("mia", u64::from(u32::MAX));
    facts.targets[0].body = Body::Message(Message {
        stream: Some(Box::new(Stream::Open { until_ms: NOW })),
        ..Message::from("hello")
    });
    facts
}

fn ended(text: &str, ending: Ending) -> Result<Decision, Code> {
    Ok(Decision::Append(Body::Edited {
        target: Seq(4),
        content: Some(Content::text(text)),
        ending: Some(ending),
    }))
}

#[test]
fn a_message_can_begin_with_nothing_and_says_until_when_it_is_open() {
    let decided = asked(&group(), "mia", open(""));

    let until_ms = Timestamp(NOW.0 + 600_000);
    let message = Message {
        stream: Some(Box::new(Stream::Open { until_ms })),
        ..Message::from("")
    };
    assert_eq!(decided, Ok(Decision::Append(Body::Message(message))));
    assert_eq!(
        asked(&group(), "mia", open(" ")),
        Err(Code::InvalidRequest),
        "blanks are not nothing"
    );
}

#[test]
fn the_sender_alone_finishes_and_the_time_to_edit_does_not_count() {
    assert_eq!(
        decide(&group(), "mia", finish("done"), &opened()),
        ended("done", Ending::Finished)
    );
    for other in ["olga", "max"] {
        let refused = decide(&group(), other, finish("done"), &opened());
        assert_eq!(refused, Err(Code::Forbidden));
    }
    let empty = decide(&group(), "mia", finish(""), &opened());
    assert_eq!(empty, Err(Code::InvalidRequest));
}

#[test]
fn what_is_not_open_is_not_finished_and_what_is_open_is_not_edited() {
    let plain = said_by("mia", 0);
    let refused = decide(&group(), "mia", finish("done"), &plain);
    assert_eq!(refused, Err(Code::Expired));

    let edited = decide(&group(), "mia", edit(), &opened());
    assert_eq!(edited, Err(Code::Conflict));
}

#[test]
fn without_its_text_a_message_is_not_finished() {
    let Ask::Finish(ask) = finish("") else {
        unreachable!("it was made just now");
    };
    let ask = Ask::Finish(FinishMessage {
        content: None,
        ..ask
    });

    assert_eq!(decide(&group(), "mia", ask, &opened()), Err(Code::Gap));
}

#[test]
fn who_may_not_speak_may_not_finish() {
    let facts = Facts {
        blocked: true,
        ..opened()
    };
    let refused = decide(&direct(), "mia", finish("done"), &facts);
    assert_eq!(refused, Err(Code::Blocked));
}

#[test]
fn an_interruption_keeps_what_is_known_and_happens_once() {
    let decided = |content, facts: &Facts| decide(&group(), "nobody", interrupt(content), facts);

    let interrupted = |text| ended(text, Ending::Interrupted);
    assert_eq!(
        decided(Some("hello wor"), &opened()),
        interrupted("hello wor")
    );
    assert_eq!(decided(None, &opened()), interrupted("hello"));
    let plain = said_by("mia", 0);
    assert_eq!(decided(Some("again"), &plain), Ok(Decision::Nothing));
    assert_eq!(
        decided(Some("gone"), &Facts::default()),
        Ok(Decision::Nothing)
    );
}

#[test]
fn an_end_that_comes_twice_changes_nothing_the_second_time() {
    let Facts { mut targets, .. } = opened();
    let message = &mut targets[0];
    let end = |seq, text| {
        let body = Body::Edited {
            target: Seq(4),
            content: Some(Content::text(text)),
            ending: Some(Ending::Finished),
        };
        entry(seq, "mia", body).revisions().remove(0)
    };

    assert!(message.revise(&end(5, "done")));
    assert!(!message.revise(&end(6, "done again")));

    let said = message.body.as_message().unwrap();
    assert_eq!(said.content, Content::text("done"));
    assert_eq!(said.stream, Some(Box::new(Stream::Finished { by: Seq(5) })));
    assert_eq!((said.edited, said.changed_by()), (None, Some(Seq(5))));
}
