//! Messages whose text comes piece by piece, as assistants do.

use im_core::{
    AddText, Body, Code, Content, ConversationId, Entry, FinishMessage, GetMessages, KickMembers,
    Limits, ListEdits, Message, Push, RecallMessage, SearchMessages, SendMessage, Seq, Session,
    Stream, testing::user,
};

use serde_json::json;

use crate::world::{Database, Rest, World, call, group, key, next_that, refused, within};

/// The text that a device gathers: what it fetched, and what is pushed from there on.
async fn text_until(session: &mut Session, mut text: String, end: &str) -> String {
    while !text.ends_with(end) {
        let length = text.chars().count() as u64;
        let new = next_that(session, "more text", |push| match push {
            Push::TextGrew(grew) => {
                assert!(grew.offset <= length, "a gap before {grew:?}");
                let known = (length - grew.offset) as usize;
                Some(grew.text.chars().skip(known).collect::<String>())
            }
            _ => None,
        })
        .await;
        text += &new;
    }
    text
}

/// Waits for the entry that ends a stream.
async fn end_of(session: &mut Session) -> Entry {
    next_that(session, "the end of a stream", |push| match push {
        Push::Entry(entry) => match &entry.body {
            Body::Edited {
                ending: Some(_), ..
            } => Some(entry.clone()),
            _ => None,
        },
        _ => None,
    })
    .await
}

async fn message(session: &Session, conversation: ConversationId, seq: Seq) -> Message {
    let ask = GetMessages {
        conversation,
        seqs: vec![seq],
    };
    let entry = call(session, ask).await.items.remove(0);
    entry.body.as_message().unwrap().clone()
}

fn text_of(message: &Message) -> String {
    message.content.as_text().unwrap().to_owned()
}

fn piece(conversation: ConversationId, seq: Seq, offset: u64, text: &str) -> AddText {
    AddText {
        conversation,
        seq,
        offset,
        text: text.to_owned(),
    }
}

fn opening(conversation: ConversationId, text: &str) -> SendMessage {
    SendMessage {
        streaming: true,
        ..SendMessage::new(conversation, key(), text)
    }
}

#[tokio::test]
async fn who_comes_back_after_a_message_was_begun_is_given_all_of_it() {
    let world = World::engine().await;
    let assistant = world.connect("assistant", "service").await;
    let mut alice = world.connect("alice", "phone").await;
    let room = group(&assistant, &["alice"]).await;
    let mut answer = assistant.stream(&room, "Seven ").await.unwrap();
    next_that(&mut alice, "its beginning", |push| match push {
        Push::Entry(entry) => (entry.seq == answer.seq()).then_some(()),
        _ => None,
    })
    .await;
    let cursor = alice.cursor();
    drop(alice);

    let mut alice = world.resume("alice", "phone", cursor).await;
    answer.push("and a half").await.unwrap();
    answer.finish().await.unwrap();

    let given = within("all of it", alice.next_message()).await.unwrap();
    let message = given.body.as_message().unwrap();
    assert_eq!(message.content.as_text(), Some("Seven and a half"));
}

#[tokio::test]
async fn an_assistant_answers_word_by_word_and_the_end_is_the_same_for_all() {
    let world = World::engine().await;
    let assistant = world.connect("assistant", "service").await;
    let mut alice = world.connect("alice", "phone").await;
    let room = group(&assistant, &["alice", "bob"]).await;
    let mut answer = assistant.stream(&room, "").await.unwrap();
    let seq = answer.seq();
    for word in ["Seven ", "times ", "six "] {
        answer.push(word).await.unwrap();
    }
    let heard = text_until(&mut alice, String::new(), "six ").await;
    assert_eq!(heard, "Seven times six ");

    let mut bob = world.connect("bob", "laptop").await;
    let fetched = text_of(&message(&bob, room, seq).await);
    assert_eq!(fetched, "Seven times six ");
    answer.push("is 42.").await.unwrap();
    assert_eq!(
        text_until(&mut bob, fetched, ".").await,
        "Seven times six is 42."
    );
    let sent = answer.finish().await.unwrap();

    let ended = Message {
        stream: Some(Box::new(Stream::Finished { by: sent.seq })),
        ..Message::from("Seven times six is 42.")
    };
    for session in [&mut alice, &mut bob] {
        let end = end_of(session).await;
        assert_eq!(end.seq, sent.seq);
        assert_eq!(message(session, room, seq).await, ended);
    }
    let edits = ListEdits {
        conversation: room,
        target: seq,
    };
    assert_eq!(
        call(&assistant, edits).await.items,
        [],
        "nothing was edited"
    );
    let search = SearchMessages {
        text: Some("is 42".into()),
        ..SearchMessages::default()
    };
    assert_eq!(call(&alice, search).await.items[0].seq, seq);
}

#[tokio::test]
async fn who_reads_messages_gets_one_when_it_is_complete() {
    let world = World::engine().await;
    let assistant = world.connect("assistant", "service").await;
    let mut alice = world.connect("alice", "phone").await;
    let room = group(&assistant, &["alice"]).await;
    let mut answer = assistant.stream(&room, "").await.unwrap();
    answer.push("Complete.").await.unwrap();
    let seq = answer.seq();
    answer.finish().await.unwrap();
    assistant.send(&room, "And on.").await.unwrap();

    for (expected, text) in [(seq, "Complete."), (Seq(seq.0 + 2), "And on.")] {
        let entry = within("a message", alice.next_message()).await.unwrap();
        assert_eq!(entry.seq, expected);
        assert_eq!(text_of(entry.body.as_message().unwrap()), text);
    }
}

#[tokio::test]
async fn an_assistant_that_is_cut_off_leaves_an_interrupted_message() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["assistant", "bob"]).await;
    let assistant = world.connect("assistant", "service").await;
    let mut answer = assistant.stream(&room, "It ").await.unwrap();
    answer.push("all began").await.unwrap();
    let seq = answer.seq();
    text_until(&mut bob, "It ".into(), "began").await;

    drop((answer, assistant));

    let end = end_of(&mut bob).await;
    let interrupted = Message {
        stream: Some(Box::new(Stream::Interrupted { by: end.seq })),
        ..Message::from("It all began")
    };
    assert_eq!(message(&alice, room, seq).await, interrupted);
}

#[tokio::test]
async fn who_falls_silent_is_interrupted_too() {
    let limits = Limits {
        stream_idle_ms: 50,
        ..Limits::default()
    };
    let world = World::engine_on(Database::sqlite(), limits).await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let opened = call(&alice, opening(room, "well")).await;

    let end = end_of(&mut bob).await;

    let stream = message(&bob, room, opened.seq).await.stream;
    assert_eq!(stream, Some(Box::new(Stream::Interrupted { by: end.seq })));
    let late = piece(room, opened.seq, 4, "…");
    assert_eq!(refused(&alice, late).await, Code::Expired);
}

#[tokio::test]
async fn after_a_crash_the_message_ends_with_what_the_log_has() {
    let limits = Limits {
        stream_ms: 8_000,
        ..Limits::default()
    };
    let mut world = World::engine_on(Database::sqlite(), limits).await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let mut answer = alice.stream(&room, "begun").await.unwrap();
    answer.push(" and lost").await.unwrap();
    let seq = answer.seq();
    text_until(&mut bob, "begun".into(), "lost").await;

    world.crash().await;

    let end = end_of(&mut bob).await;
    let interrupted = Message {
        stream: Some(Box::new(Stream::Interrupted { by: end.seq })),
        ..Message::from("begun")
    };
    assert_eq!(message(&bob, room, seq).await, interrupted);
}

#[tokio::test]
async fn a_sender_that_comes_back_after_a_crash_goes_on() {
    let mut world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let mut answer = alice.stream(&room, "begun").await.unwrap();
    answer.push(", kept").await.unwrap();
    let seq = answer.seq();

    world.crash().await;
    answer.push(" and finished").await.unwrap();

    let so_far = text_of(&message(&alice, room, seq).await);
    assert_eq!(so_far, "begun, kept and finished");
    answer.finish().await.unwrap();
    let said = message(&alice, room, seq).await;
    assert_eq!(text_of(&said), "begun, kept and finished");
    assert!(matches!(
        said.stream.as_deref(),
        Some(Stream::Finished { .. })
    ));
}

#[tokio::test]
async fn a_recall_ends_a_message_and_wipes_what_came() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let opened = call(&alice, opening(room, "a secret")).await;
    call(&alice, piece(room, opened.seq, 8, ": 1234")).await;
    text_until(&mut bob, "a secret".into(), "1234").await;

    let recall = RecallMessage {
        conversation: room,
        client_id: key(),
        target: opened.seq,
    };
    call(&alice, recall).await;

    let ask = GetMessages {
        conversation: room,
        seqs: vec![opened.seq],
    };
    let items = call(&bob, ask).await.items;
    assert!(matches!(items[0].body, Body::RecalledMessage { .. }));
    let more = piece(room, opened.seq, 14, "5");
    assert_eq!(refused(&alice, more).await, Code::Expired);
    let finish = FinishMessage {
        conversation: room,
        client_id: key(),
        seq: opened.seq,
        content: None,
    };
    assert_eq!(refused(&alice, finish).await, Code::Recalled);
}

#[tokio::test]
async fn a_sender_who_is_removed_is_interrupted_and_newcomers_see_nothing_of_it() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mallory = world.connect("mallory", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let mut carol = world.connect("carol", "phone").await;
    let room = group(&alice, &["mallory", "bob"]).await;
    let opened = call(&mallory, opening(room, "you ")).await;
    let add = im_core::AddMembers {
        conversation: room,
        client_id: key(),
        users: vec![user("carol")],
    };
    call(&alice, add).await;
    call(&mallory, piece(room, opened.seq, 4, "will see")).await;
    text_until(&mut bob, "you ".into(), "see").await;

    let kick = KickMembers {
        conversation: room,
        client_id: key(),
        users: vec![user("mallory")],
        reason: None,
        banned_until_ms: None,
    };
    call(&alice, kick).await;

    end_of(&mut bob).await;
    let more = piece(room, opened.seq, 12, "!");
    assert_eq!(refused(&mallory, more).await, Code::NotFound);
    // Everything that carol is told comes in order, and the end is the last of it.
    next_that(&mut carol, "the end of a stream", |push| match push {
        Push::TextGrew(grew) => panic!("carol was told {grew:?}"),
        Push::Entry(entry) => matches!(
            entry.body,
            Body::Edited {
                ending: Some(_),
                ..
            }
        )
        .then_some(()),
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn who_left_sees_nothing_of_what_came_after() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob", "carol"]).await;
    let opened = call(&alice, opening(room, "one")).await;
    let leave = im_core::LeaveGroup {
        conversation: room,
        client_id: key(),
    };
    call(&bob, leave).await;

    call(&alice, piece(room, opened.seq, 3, " two")).await;

    assert_eq!(text_of(&message(&bob, room, opened.seq).await), "one");
    assert_eq!(text_of(&message(&alice, room, opened.seq).await), "one two");
}

#[tokio::test]
async fn pieces_are_idempotent_gaps_are_refused_and_strangers_add_nothing() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let carol = world.connect("carol", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let open = opening(room, "日本");
    let opened = call(&alice, open.clone()).await;
    let seq = opened.seq;
    for _ in 0..2 {
        assert_eq!(call(&alice, piece(room, seq, 2, "語")).await.length, 3);
    }

    let add = |offset, text| piece(room, seq, offset, text);
    assert_eq!(refused(&alice, add(4, "!")).await, Code::Gap);
    assert_eq!(refused(&alice, add(2, "x")).await, Code::Conflict);
    assert_eq!(refused(&bob, add(3, "!")).await, Code::Forbidden);
    assert_eq!(refused(&carol, add(3, "!")).await, Code::NotFound);
    assert_eq!(call(&alice, open).await, opened, "a retry");
    let edit = im_core::EditMessage {
        conversation: room,
        client_id: key(),
        target: seq,
        content: Content::text("another"),
    };
    assert_eq!(refused(&alice, edit.clone()).await, Code::Conflict);

    let finish = FinishMessage {
        conversation: room,
        client_id: key(),
        seq,
        content: None,
    };
    let sent = call(&alice, finish.clone()).await;
    assert_eq!(call(&alice, finish).await, sent, "a retry");
    assert_eq!(text_of(&message(&bob, room, seq).await), "日本語");
    call(&alice, edit).await;
    let said = message(&bob, room, seq).await;
    assert_eq!(text_of(&said), "another");
    assert!(said.edited.is_some());
}

#[tokio::test]
async fn an_assistant_without_a_session_answers_over_rest() {
    let world = World::server().await;
    let mut alice = world.connect("alice", "phone").await;
    let token = world.token("assistant", "service").await;
    let rest = Rest::new(world.address(), Some(token));
    let room = group(&alice, &["assistant"]).await;
    let messages = format!("/v1/conversations/{room}/messages");
    let open = json!({"content": {"kind": "text", "text": ""}, "streaming": true});
    let opened = rest.send_once("POST", &messages, "open", &open).await;
    assert_eq!(opened.status, 201, "{opened:?}");
    let at = format!("{messages}/{}", opened.body["seq"]);

    let hello = json!({"offset": 0, "text": "Hello"});
    let added = rest.send("POST", &format!("{at}/text"), &hello).await;
    assert_eq!((added.status, &added.body["length"]), (200, &json!(5)));
    assert_eq!(text_until(&mut alice, String::new(), "o").await, "Hello");
    let gap = json!({"offset": 9, "text": "!"});
    let refused = rest.send("POST", &format!("{at}/text"), &gap).await;
    assert_eq!((refused.status, refused.code()), (409, "gap"));
    let finish = format!("{at}/finish");
    let finished = rest.send_once("POST", &finish, "finish", &json!({})).await;
    assert_eq!(finished.status, 200, "{finished:?}");

    let seq = Seq(opened.body["seq"].as_u64().unwrap());
    assert_eq!(text_of(&message(&alice, room, seq).await), "Hello");
}

#[tokio::test]
async fn a_user_has_so_many_open_messages_at_a_time() {
    let limits = Limits {
        streams_per_user: 1,
        ..Limits::default()
    };
    let world = World::engine_on(Database::sqlite(), limits).await;
    let alice = world.connect("alice", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let first = opening(room, "one");
    let opened = call(&alice, first.clone()).await;

    assert_eq!(refused(&alice, opening(room, "two")).await, Code::TooMany);
    assert_eq!(call(&alice, first).await, opened, "a retry");

    let finish = FinishMessage {
        conversation: room,
        client_id: key(),
        seq: opened.seq,
        content: None,
    };
    call(&alice, finish).await;
    call(&alice, opening(room, "two")).await;
}
