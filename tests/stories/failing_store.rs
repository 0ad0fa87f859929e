//! A database that does not answer for a while: sends are refused as retryable, service resumes by itself, and nothing
//! that was acknowledged is lost.

use im_core::{
    Code, Error, History, Limits, OpenDirect, Rejection, SendMessage, Seq, testing::user,
};
use sqlx::{Connection as _, Executor as _, SqliteConnection};

use crate::{
    restart::talk,
    world::{Database, World, call, entries_until, key, messages_in, seqs, within},
};

#[tokio::test]
async fn a_locked_database_refuses_sends_as_retryable_and_reads_go_on() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let chat = call(&alice, OpenDirect { user: user("bob") })
        .await
        .conversation;
    alice.send(&chat, "before").await.unwrap();
    let mut other = SqliteConnection::connect(world.database().url())
        .await
        .unwrap();
    other.execute("BEGIN EXCLUSIVE").await.unwrap();

    let refused = SendMessage::new(chat, key(), "refused");
    let rejection = rejection_of(within("a refusal", alice.call(refused.clone())).await);
    assert!(rejection.code.is_retryable(), "{rejection}");
    assert_eq!(rejection.code, Code::Unavailable);
    assert!(rejection.retry_after_ms.is_some());
    assert!(!rejection.detail.contains("SQL"), "{rejection}");
    let history = History {
        after_seq: Some(Seq::ZERO),
        ..History::of(chat)
    };
    let page = call(&bob, history.clone()).await;
    assert_eq!(messages_in(&page.items), ["before"]);
    // A session's send waits for better times.
    let sender = alice.sender();
    let patient = tokio::spawn(async move { sender.send(&chat, "patient").await });

    other.execute("ROLLBACK").await.unwrap();
    drop(other);

    let patient = within("the patient send", patient).await.unwrap().unwrap();
    // The same request with the same client id, which is what the refusal advised.
    let again = within("a retry", async {
        loop {
            match alice.call(refused.clone()).await {
                Ok(sent) => break sent,
                Err(Error::Rejected(rejection)) if rejection.code.is_retryable() => {}
                Err(error) => panic!("{error}"),
            }
        }
    })
    .await;
    alice.send(&chat, "after").await.unwrap();
    let log = call(&bob, history).await.items;
    let mut texts = messages_in(&log);
    assert_eq!(
        (texts.first(), texts.last()),
        (Some(&"before"), Some(&"after"))
    );
    texts.sort_unstable();
    assert_eq!(texts, ["after", "before", "patient", "refused"]);
    assert_eq!(patient.seq.0 + again.seq.0, 7, "seqs 3 and 4, one each");
    // And everybody was told, in order.
    let mut heard = Vec::new();
    for _ in 0..4 {
        let entry = within("a message", bob.next_message()).await.unwrap();
        heard.push(entry.seq.0);
    }
    assert_eq!(heard, [2, 3, 4, 5]);
}

#[tokio::test]
async fn new_sessions_and_receipts_come_through_when_the_lock_is_gone() {
    let world = World::server().await;
    world.token("carol", "phone").await;
    world.token("bob", "none").await;
    let alice = world.connect("alice", "phone").await;
    let chat = call(&alice, OpenDirect { user: user("bob") })
        .await
        .conversation;
    alice.send(&chat, "before").await.unwrap();
    let token = world.token("bob", "phone").await;
    let mut other = SqliteConnection::connect(world.database().url())
        .await
        .unwrap();
    other.execute("BEGIN EXCLUSIVE").await.unwrap();

    // A device that was never here has to be remembered, which cannot be done now.
    let mut link = crate::world::ByHand::dial(world.address(), None).await;
    let open = serde_json::json!({"token": token, "device": "phone"});
    let error = link.call("session.open", open.clone()).await.unwrap_err();
    assert_eq!(
        (&error["code"], &error["retryable"]),
        (&"unavailable".into(), &true.into())
    );
    other.execute("ROLLBACK").await.unwrap();

    // Another attempt on the same link, or on a new one when the old one has waited too long.
    let mut link = world.by_hand("bob", "phone").await;
    let read = serde_json::json!({"conversation": chat, "seq": 2});
    let receipt = link.call("conversation.read", read).await.unwrap();
    assert_eq!(receipt["read"], 2);
}

/// A database server that hangs up on everybody, again and again, as in a fail-over.
pub(crate) async fn broken_connections(database: Database) {
    let world = World::engine_on(database, Limits::default()).await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&alice, open).await.conversation;

    let talker = talk(&alice, chat, 60);
    let mut heard = Vec::new();
    for break_at in [10, 30, 50] {
        heard.extend(entries_until(&mut bob, chat, Seq(break_at)).await);
        world.database().break_connections().await;
    }
    heard.extend(entries_until(&mut bob, chat, Seq(61)).await);

    assert_eq!(seqs(&heard), (1..=61).collect::<Vec<_>>());
    let acknowledged = within("the last reply", talker).await.unwrap();
    assert_eq!(acknowledged, (2..=61).collect::<Vec<_>>());
}

fn rejection_of<T: std::fmt::Debug>(answer: Result<T, Error>) -> Rejection {
    match answer {
        Err(Error::Rejected(rejection)) => rejection,
        other => panic!("{other:?} instead of a refusal"),
    }
}
