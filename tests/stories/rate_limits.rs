//! Who asks too much waits a little, and nothing else happens to them.

use im_core::{Limits, OpenDirect, Seq, testing::user};
use serde_json::json;

use crate::world::{Rest, World, call, entries_until, seqs};

/// Few enough that a burst of them takes no time at all.
fn limits() -> Limits {
    Limits {
        requests_per_second: Some(3),
        ..Limits::default()
    }
}

#[tokio::test]
async fn too_many_requests_are_refused_at_both_doors_and_the_session_lives() {
    let world = World::server_with(limits()).await;
    world.token("bob", "any").await;
    let mut link = world.by_hand("alice", "phone").await;
    let rest = Rest::new(world.address(), Some(world.token("alice", "curl").await));
    let open = link.call("conversation.direct", json!({"user": "bob"}));
    let chat = open.await.unwrap()["conversation"].clone();
    let typing = json!({"conversation": chat});

    let error = loop {
        if let Err(error) = link.call("conversation.typing", typing.clone()).await {
            break error;
        }
    };
    let answer = loop {
        let answer = rest.get("/v1/conversations").await;
        if answer.status != 200 {
            break answer;
        }
    };

    assert_eq!(error["code"], "rate_limited", "{error}");
    assert_eq!(error["retryable"], true);
    let wait_ms = error["retry_after_ms"].as_u64().unwrap();
    assert!((1..=334).contains(&wait_ms), "{error}");
    assert_eq!((answer.status, answer.code()), (429, "rate_limited"));
    assert_eq!(answer.headers["retry-after"], "1");
    for _ in 0..20 {
        link.call("session.ping", json!({})).await.unwrap();
    }
    let message = json!({
        "conversation": chat,
        "client_id": "c",
        "content": {"kind": "text", "text": "still here"},
    });
    let sent = link.call("message.send", message).await.unwrap();
    assert_eq!(sent["seq"], 2);
    link.call("session.close", json!({})).await.unwrap();
}

#[tokio::test]
async fn a_device_that_was_away_catches_up_though_its_allowance_is_used_up() {
    let world = World::engine_on(crate::world::Database::sqlite(), limits()).await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&alice, open).await.conversation;
    assert_eq!(seqs(&entries_until(&mut bob, chat, Seq(1)).await), [1]);
    let cursor = bob.cursor();
    drop(bob);
    // More than one page of what was missed.
    for n in 2..=900 {
        alice.send(&chat, n.to_string()).await.unwrap();
    }
    let mut impatient = world.by_hand("bob", "tablet").await;
    while impatient.call("conversation.list", json!({})).await.is_ok() {}

    let mut bob = world.resume("bob", "phone", cursor).await;

    let missed = entries_until(&mut bob, chat, Seq(900)).await;
    assert_eq!(seqs(&missed), (2..=900).collect::<Vec<_>>());
}
