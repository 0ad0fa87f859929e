//! Favourites point at messages, and hold no copy of them.

use im_core::{
    AddFavourite, Body, Code, ConversationId, KickMembers, Limits, ListFavourites, RecallMessage,
    RemoveFavourite, Seq, testing::user,
};
use serde_json::json;

use crate::world::{Database, Rest, World, call, group, key, refused, send_all};

#[tokio::test]
async fn a_favourite_shows_the_message_as_it_is_now() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    send_all(&alice, &room, ["one", "two", "three"].map(String::from)).await;

    for seq in [2, 3, 3] {
        call(&bob, add(room, seq)).await;
    }
    let recall = RecallMessage {
        conversation: room,
        client_id: key(),
        target: Seq(3),
    };
    call(&alice, recall).await;

    let listed = call(&bob, list()).await;
    assert!(listed.done);
    let bodies: Vec<_> = listed
        .items
        .iter()
        .map(|item| &item.entry.as_ref().unwrap().body)
        .collect();
    assert!(matches!(bodies[0], Body::Message(_)), "{bodies:?}");
    assert!(
        matches!(bodies[1], Body::RecalledMessage { .. }),
        "{bodies:?}"
    );
    assert_eq!(bodies.len(), 2);
    assert_eq!(refused(&bob, add(room, 3)).await, Code::Recalled);
    assert_eq!(refused(&bob, add(room, 1)).await, Code::NotFound);
    assert_eq!(refused(&bob, add(room, 99)).await, Code::NotFound);
    assert_eq!(call(&alice, list()).await.items, []);

    let remove = RemoveFavourite {
        conversation: room,
        seq: Seq(3),
    };
    call(&bob, remove.clone()).await;
    call(&bob, remove).await;
    assert_eq!(call(&bob, list()).await.items.len(), 1);
}

#[tokio::test]
async fn a_favourite_shows_no_more_than_the_user_may_see() {
    let limits = Limits {
        favourites_per_user: 2,
        ..Limits::default()
    };
    let world = World::engine_on(Database::sqlite(), limits).await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let mallory = world.connect("mallory", "phone").await;
    let room = group(&alice, &["bob"]).await;
    send_all(&alice, &room, ["one", "two", "three"].map(String::from)).await;
    assert_eq!(refused(&mallory, add(room, 2)).await, Code::NotFound);
    call(&bob, add(room, 2)).await;
    call(&bob, add(room, 3)).await;
    assert_eq!(refused(&bob, add(room, 4)).await, Code::TooMany);

    let kick = KickMembers {
        conversation: room,
        client_id: key(),
        users: vec![user("bob")],
        reason: None,
        banned_until_ms: None,
    };
    call(&alice, kick).await;
    send_all(&alice, &room, ["after"].map(String::from)).await;

    // What it saw it still sees; what came after it went it does not.
    let page = ListFavourites {
        after: None,
        limit: Some(1),
    };
    let first = call(&bob, page).await;
    assert!(first.items[0].entry.is_some() && !first.done);
    let rest = ListFavourites {
        after: first.next_cursor,
        limit: None,
    };
    let rest = call(&bob, rest).await;
    assert_eq!((rest.items[0].seq, rest.done), (Seq(3), true));
    assert_eq!(refused(&bob, add(room, 6)).await, Code::NotFound);
}

#[tokio::test]
async fn favourites_by_rest() {
    let world = World::server().await;
    let alice = Rest::new(world.address(), Some(world.token("alice", "curl").await));
    let room = alice.send("POST", "/v1/conversations", &json!({})).await;
    let room = room.body["conversation"].as_str().unwrap().to_owned();
    let said = json!({"content": {"kind": "text", "text": "keep this"}});
    alice
        .send("POST", &format!("/v1/conversations/{room}/messages"), &said)
        .await;

    let path = format!("/v1/favourites/{room}/2");
    let added = alice.send("PUT", &path, &json!({})).await;
    assert_eq!(
        (added.status, &added.body["value"]["seq"]),
        (200, &json!(2))
    );
    let listed = alice.get("/v1/favourites").await.body;
    assert_eq!(
        listed["items"][0]["entry"]["body"]["content"]["text"],
        "keep this"
    );
    assert_eq!(
        alice.request("DELETE", &path, &[], Vec::new()).await.status,
        204
    );
    assert_eq!(alice.get("/v1/favourites").await.body["items"], json!([]));
}

const fn add(conversation: ConversationId, seq: u64) -> AddFavourite {
    AddFavourite {
        conversation,
        seq: Seq(seq),
    }
}

const fn list() -> ListFavourites {
    ListFavourites {
        after: None,
        limit: None,
    }
}
