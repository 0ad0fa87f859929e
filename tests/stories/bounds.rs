//! Bounds that depend on what there is: one passes, the next is too many.

use im_core::Limits;
use serde_json::{Value, json};

use crate::{bad_requests::said, world::World};

fn limits() -> Limits {
    Limits {
        blocks_per_user: 1,
        contact_requests: 1,
        favourites_per_user: 1,
        follows_per_user: 1,
        invites: 1,
        join_requests: 1,
        pins: 1,
        presence_subscriptions: 1,
        reactions: 1,
        scheduled_per_user: 1,
        ..Limits::default()
    }
}

/// A method, and parameters of which the first pass and the second are one too many.
type Row = (&'static str, Value, Value);

fn rows(chat: &Value, room: &Value) -> Vec<Row> {
    let with = |target: u64, emoji: &str| json!({"conversation": chat, "target": target, "emoji": emoji, "on": true});
    let pin =
        |id: &str, target: u64| json!({"conversation": chat, "client_id": id, "target": target});
    let keep = |seq: u64| json!({"conversation": chat, "seq": seq});
    let user = |name: &str| json!({"user": name});
    let watch = |name: &str| json!({"users": [name]});
    let link = || json!({"conversation": room});
    let later = |id: &str| {
        let mut ask = said(chat, id, "later");
        ask["at_ms"] = json!(4_000_000_000_000_i64);
        ask
    };
    vec![
        ("contact.block", user("dave"), user("erin")),
        ("contact.follow", user("bob"), user("carol")),
        ("contact.request", user("bob"), user("carol")),
        ("favourite.add", keep(2), keep(3)),
        ("group.invite", link(), link()),
        ("message.pin", pin("p1", 2), pin("p2", 3)),
        ("message.react", with(2, "a"), with(2, "b")),
        ("message.schedule", later("l1"), later("l2")),
        ("presence.subscribe", watch("bob"), watch("carol")),
    ]
}

#[tokio::test]
async fn of_everything_that_is_bounded_one_more_is_too_many() {
    let world = World::server_with(Limits {
        // Until far beyond the end of this century.
        schedule_ahead_ms: 1 << 43,
        ..limits()
    })
    .await;
    for name in ["bob", "carol", "dave", "erin"] {
        world.token(name, "any").await;
    }
    let mut alice = world.by_hand("alice", "phone").await;
    let ask = json!({"user": "bob"});
    let chat = alice.call("conversation.direct", ask).await.unwrap();
    // Whom one shares nothing with one does not watch.
    let ask = json!({"client_id": "room", "members": ["carol"]});
    let room = alice.call("conversation.create", ask).await.unwrap();
    let (chat, room) = (&chat["conversation"], &room["conversation"]);
    for id in ["a", "b"] {
        alice
            .call("message.send", said(chat, id, "x"))
            .await
            .unwrap();
    }

    for (method, first, second) in rows(chat, room) {
        let passes = alice.call(method, first).await;
        let refused = alice.call(method, second).await;

        assert!(passes.is_ok(), "{method}: {passes:?}");
        let code = refused.unwrap_err()["code"].clone();
        assert_eq!(code, "too_many", "{method}");
    }
}

#[tokio::test]
async fn no_more_than_the_bound_wait_before_a_door() {
    let world = World::server_with(limits()).await;
    let mut alice = world.by_hand("alice", "phone").await;
    let ask = json!({"client_id": "room", "joining": "approval"});
    let room = alice.call("conversation.create", ask).await.unwrap();
    let ask = || json!({"conversation": room["conversation"]});
    let mut bob = world.by_hand("bob", "phone").await;
    let mut carol = world.by_hand("carol", "phone").await;

    bob.call("group.request", ask()).await.unwrap();
    // The same again takes no place.
    bob.call("group.request", ask()).await.unwrap();
    let refused = carol.call("group.request", ask()).await.unwrap_err();

    assert_eq!(refused["code"], "too_many");
    bob.call("group.withdraw", ask()).await.unwrap();
    carol.call("group.request", ask()).await.unwrap();
}
