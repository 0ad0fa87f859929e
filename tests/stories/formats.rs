//! JSON and MessagePack are two spellings of one language.

use im_core::{Content, OpenDirect, testing::user, wire::Format};
use serde_json::json;

use crate::world::{ByHand, World, call, within};

#[tokio::test]
async fn somebody_in_json_talks_with_somebody_in_messagepack() {
    let world = World::engine().await;
    let door = world.new_proxy().await;
    let mut alice = world
        .connect_in(&door, "alice", "phone", Format::Json)
        .await;
    let mut bob = world
        .connect_in(&door, "bob", "phone", Format::MessagePack)
        .await;
    let chat = call(&alice, OpenDirect { user: user("bob") })
        .await
        .conversation;
    let contents = [
        Content::text("plain"),
        Content::text("\u{0}\u{1f600} \"quoted\" \\ \u{2028} 你好 \u{10ffff}"),
        Content::Custom {
            name: "poll".into(),
            data: json!({"a": [1, -2, 3.5, null, true, "x", {"": {}}], "big": u64::MAX, "low": i64::MIN}),
        },
    ];

    for content in contents {
        let sent = within("a send", alice.send(&chat, content.clone()))
            .await
            .unwrap();
        let heard = within("a message", bob.next_message()).await.unwrap();
        assert_eq!(heard.seq, sent.seq);
        assert_eq!(content_of(&heard), &content);
        let sent = within("a send", bob.send(&chat, content.clone()))
            .await
            .unwrap();
        let heard = within("a message", alice.next_message()).await.unwrap();
        assert_eq!(heard.seq, sent.seq);
        assert_eq!(content_of(&heard), &content);
    }
}

#[tokio::test]
async fn both_spellings_of_a_push_say_the_same() {
    let world = World::engine().await;
    let mut alice = world.by_hand("alice", "phone").await;
    let mut text = world.by_hand("bob", "text").await;
    let mut binary = ByHand::dial(world.address(), Some("im.v1.msgpack")).await;
    let open = json!({"token": "bob", "device": "binary"});
    binary.call("session.open", open).await.unwrap();

    let chat = alice
        .call("conversation.direct", json!({"user": "bob"}))
        .await;
    let chat = chat.unwrap()["conversation"].clone();
    let content = json!({"kind": "custom", "name": "n", "data": {"x": [1.5, null]}});
    let send = json!({"conversation": chat, "client_id": "c", "content": content});
    alice.call("message.send", send).await.unwrap();
    let read = json!({"conversation": chat, "seq": 1});
    alice.call("conversation.read", read).await.unwrap();
    alice
        .call("conversation.typing", json!({"conversation": chat}))
        .await
        .unwrap();

    for _ in 0..3 {
        assert_eq!(text.push().await, binary.push().await);
    }
}

fn content_of(entry: &im_core::Entry) -> &Content {
    match &entry.body {
        im_core::Body::Message(im_core::Message { content, .. }) => content,
        other => panic!("{other:?}"),
    }
}
