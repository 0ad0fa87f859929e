//! Messages whose text comes piece by piece, in virtual time.

use std::time::Duration;

use im_core::{
    AddText, Code, FinishMessage, GetMessages, Message, Rejection, ScheduleMessage, SendMessage,
    Seq, Stream, TextAdded,
    hook::{NoFlags, WordFilter, Words},
    port::Runtime as _,
    testing::client_id,
};

use crate::hooks::{House, message};

fn house() -> House {
    House::new(|im, _| im)
}

fn filtered(list: &str) -> House {
    let filter = WordFilter::new(Words::parse(list).unwrap(), NoFlags);
    House::new(|im, _| im.before(filter))
}

fn open(house: &House, text: &str) -> Seq {
    let send = SendMessage {
        streaming: true,
        ..message(house.chat, "open", text)
    };
    house.call(send).unwrap().seq
}

fn add(house: &House, seq: Seq, offset: u64, text: &str) -> Result<TextAdded, Rejection> {
    house.call(AddText {
        conversation: house.chat,
        seq,
        offset,
        text: text.to_owned(),
    })
}

fn finish(house: &House, seq: Seq) -> Result<im_core::Sent, Rejection> {
    house.call(FinishMessage {
        conversation: house.chat,
        client_id: client_id("finish"),
        seq,
        content: None,
    })
}

fn said(house: &House, seq: Seq) -> Message {
    let ask = GetMessages {
        conversation: house.chat,
        seqs: vec![seq],
    };
    let entry = house.call(ask).unwrap().items.remove(0);
    entry.body.as_message().unwrap().clone()
}

fn text_of(house: &House, seq: Seq) -> String {
    said(house, seq).content.as_text().unwrap().to_owned()
}

fn is_open(house: &House, seq: Seq) -> bool {
    said(house, seq).open_until().is_some()
}

fn advance(house: &House, ms: u64) {
    house.runtime.advance(Duration::from_millis(ms));
    house.runtime.run_until_idle();
}

#[test]
fn a_message_waits_for_more_for_so_long_and_a_sign_of_life_is_enough() {
    let house = house();
    let seq = open(&house, "let me think");
    advance(&house, 29_000);
    add(&house, seq, 12, "").unwrap();

    advance(&house, 29_000);
    assert!(is_open(&house, seq));
    advance(&house, 2_000);

    let end = said(&house, seq);
    assert_eq!(end.content.as_text(), Some("let me think"));
    assert!(matches!(
        end.stream.as_deref(),
        Some(Stream::Interrupted { .. })
    ));
    let late = add(&house, seq, 12, "!").unwrap_err();
    assert_eq!(late.code, Code::Expired);
}

#[test]
fn however_much_comes_a_message_ends_at_its_time() {
    let house = house();
    let seq = open(&house, "");
    let until = said(&house, seq).open_until().unwrap();
    let mut length = 0;
    while house.runtime.now() < until {
        length = add(&house, seq, length, ".").unwrap().length;
        advance(&house, 20_000);
    }

    assert!(!is_open(&house, seq));
    assert_eq!(text_of(&house, seq).len() as u64, length);
}

#[test]
fn a_finished_message_is_not_interrupted_later() {
    let house = house();
    let seq = open(&house, "");
    add(&house, seq, 0, "done").unwrap();
    let by = finish(&house, seq).unwrap().seq;

    advance(&house, 3_600_000);

    let finished = Message {
        first: true,
        stream: Some(Box::new(Stream::Finished { by })),
        ..Message::from("done")
    };
    assert_eq!(said(&house, seq), finished);
    assert_eq!(finish(&house, seq).unwrap().seq, by, "a retry");
}

#[test]
fn a_word_that_is_not_allowed_is_found_in_a_piece_and_over_several() {
    let house = filtered("reject badword");
    let seq = open(&house, "a ");
    let refused = add(&house, seq, 2, "badword").unwrap_err();
    assert_eq!(refused.code, Code::ContentRejected);
    add(&house, seq, 2, "bad").unwrap();
    add(&house, seq, 5, "word").unwrap();

    let refused = finish(&house, seq).unwrap_err();
    assert_eq!(refused.code, Code::ContentRejected);
    advance(&house, 31_000);

    assert!(!is_open(&house, seq));
    assert_eq!(text_of(&house, seq), "a ", "what was let pass");
}

#[test]
fn words_are_replaced_where_that_moves_nothing() {
    let house = filtered("replace damn");
    let seq = open(&house, "");

    add(&house, seq, 0, "damn it").unwrap();
    add(&house, seq, 7, ", da").unwrap();
    add(&house, seq, 11, "mn").unwrap();
    finish(&house, seq).unwrap();

    assert_eq!(text_of(&house, seq), "**** it, ****");
}

#[test]
fn what_comes_piece_by_piece_is_not_scheduled() {
    let house = house();
    let schedule = ScheduleMessage {
        message: SendMessage {
            streaming: true,
            ..message(house.chat, "later", "x")
        },
        at_ms: house.runtime.now().plus(Duration::from_secs(60)),
    };

    let refused = house.call(schedule).unwrap_err();

    assert_eq!(refused.code, Code::InvalidRequest);
}
