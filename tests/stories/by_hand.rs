//! Somebody without an SDK follows docs/protocol.md: open, send, receive, resume.

use serde_json::{Value, json};

use crate::world::{ByHand, Opcode, World};

#[tokio::test]
async fn a_client_written_by_hand_talks_goes_away_and_resumes_by_its_cursor() {
    let world = World::server().await;
    let alices = world.token("alice", "console").await;
    let bobs = world.token("bob", "console").await;

    // Open. No subprotocol means JSON.
    let mut alice = ByHand::dial(world.address(), None).await;
    let open = json!({"token": alices, "device": "console", "class": "web"});
    let opened = alice.call("session.open", open).await.unwrap();
    assert_eq!(opened["user"], "alice");
    assert!(opened["heartbeat_ms"].as_u64().unwrap() >= 1_000);
    let mut bob = ByHand::open(world.address(), &bobs, "console").await;
    let start = bob.call("sync.pull", json!({})).await.unwrap();
    assert_eq!(
        (&start["items"], &start["done"]),
        (&json!([]), &json!(true))
    );

    // Send.
    let chat = alice
        .call("conversation.direct", json!({"user": "bob"}))
        .await;
    let chat = chat.unwrap()["conversation"].clone();
    let sent = alice
        .call("message.send", text(&chat, "c1", "hello"))
        .await
        .unwrap();
    assert_eq!(
        (&sent["seq"], &sent["client_id"]),
        (&json!(2), &json!("c1"))
    );

    // Receive.
    let began = bob.push().await;
    assert_eq!(
        (&began["method"], &began["params"]["seq"]),
        (&json!("entry.appended"), &json!(1))
    );
    assert_eq!(began["params"]["body"]["type"], "created");
    let heard = bob.push().await;
    assert_eq!(heard["jsonrpc"], "2.0");
    assert_eq!(heard["method"], "message.stored");
    assert!(heard.get("id").is_none());
    let entry = &heard["params"];
    assert_eq!(
        (&entry["seq"], &entry["sender"]),
        (&json!(2), &json!("alice"))
    );
    let content = json!({"kind": "text", "text": "hello"});
    assert_eq!(
        entry["body"],
        json!({"type": "message", "content": content, "first": true})
    );

    // Say what came by pushes, and get a cursor for it. Then go.
    let mut have = serde_json::Map::new();
    have.insert(chat.as_str().unwrap().to_owned(), json!(2));
    let pull = json!({"cursor": start["cursor"], "have": have});
    let page = bob.call("sync.pull", pull).await.unwrap();
    let entries = entries_of(&page);
    assert!(
        entries.is_empty(),
        "what the device has is not sent again: {entries:?}"
    );
    bob.call("session.close", json!({})).await.unwrap();
    assert_eq!(bob.close_code().await, 1000);

    // Resume.
    alice
        .call("message.send", text(&chat, "c2", "still there?"))
        .await
        .unwrap();
    alice
        .call("message.send", text(&chat, "c3", "hello?"))
        .await
        .unwrap();
    let mut bob = ByHand::open(world.address(), &bobs, "console").await;
    let pull = json!({"cursor": page["cursor"]});
    let page = bob.call("sync.pull", pull).await.unwrap();
    assert_eq!(
        (&page["reset"], &page["done"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(entries_of(&page), [json!(3), json!(4)]);
    assert_eq!(page["items"][0]["view"]["unread"], 3);
    alice
        .call("message.send", text(&chat, "c4", "ah!"))
        .await
        .unwrap();
    assert_eq!(bob.push_of("message.stored").await["seq"], 5);
}

#[tokio::test]
async fn a_long_absence_is_made_up_for_page_by_page() {
    let world = World::engine().await;
    let mut alice = world.by_hand("alice", "phone").await;
    let mut bob = world.by_hand("bob", "phone").await;
    let mut chats = Vec::new();
    for n in 0..3 {
        let create = json!({"client_id": format!("g{n}"), "members": ["bob"]});
        let room = alice.call("conversation.create", create).await.unwrap();
        chats.push(room["conversation"].clone());
    }
    let start = bob.call("sync.pull", json!({})).await.unwrap();
    bob.call("session.close", json!({})).await.unwrap();
    for n in 0..20 {
        for chat in &chats {
            let send = text(chat, &format!("c{n}"), "hello");
            alice.call("message.send", send).await.unwrap();
        }
    }

    let mut bob = world.by_hand("bob", "phone").await;
    let (mut cursor, mut got, mut pages) = (start["cursor"].clone(), Vec::new(), 0);
    loop {
        let pull = json!({"cursor": cursor, "limit": 7});
        let page = bob.call("sync.pull", pull).await.unwrap();
        cursor = page["cursor"].clone();
        pages += 1;
        let mut count = 0;
        for item in page["items"].as_array().unwrap() {
            for entry in item["entries"].as_array().unwrap() {
                got.push((
                    entry["conversation"].clone(),
                    entry["seq"].as_u64().unwrap(),
                ));
                count += 1;
            }
        }
        assert!(count <= 7);
        if page["done"] == true {
            break;
        }
    }

    for chat in &chats {
        let seqs = got.iter().filter(|(id, _)| id == chat).map(|(_, seq)| *seq);
        assert_eq!(seqs.collect::<Vec<_>>(), (2..=21).collect::<Vec<_>>());
    }
    assert_eq!(got.len(), 60);
    assert!(pages >= 9);
}

#[tokio::test]
async fn a_ping_frame_is_answered_and_unknown_fields_are_ignored() {
    let world = World::engine().await;
    let mut alice = world.by_hand("alice", "phone").await;

    alice.write(Opcode::Ping, b"are you there").await;
    assert_eq!(
        alice.frame().await,
        crate::world::Frame::Pong(b"are you there".to_vec())
    );

    let frame = json!({
        "jsonrpc": "2.0", "id": "text", "method": "session.ping",
        "params": {"from": "the future"}, "trace": [1, 2],
    });
    alice.send(&frame).await;
    let crate::world::Frame::Value(answer) = alice.frame().await else {
        panic!("no answer");
    };
    assert_eq!(answer["id"], "text");
    assert!(answer["result"]["server_time_ms"].is_i64());
}

#[tokio::test]
async fn a_cursor_of_another_history_means_starting_over() {
    let world = World::engine().await;
    let mut alice = world.by_hand("alice", "phone").await;
    let chat = alice
        .call("conversation.direct", json!({"user": "bob"}))
        .await;
    let chat = chat.unwrap()["conversation"].clone();
    alice
        .call("message.send", text(&chat, "c", "hello"))
        .await
        .unwrap();
    let foreign = im_core::Cursor {
        epoch: im_core::Epoch(1),
        positions: [(serde_json::from_value(chat).unwrap(), im_core::Seq(2))].into(),
        ..im_core::Cursor::default()
    };

    let page = alice
        .call("sync.pull", json!({"cursor": foreign}))
        .await
        .unwrap();

    assert_eq!(page["reset"], true);
    assert_eq!(entries_of(&page), [json!(1), json!(2)]);
}

fn text(chat: &Value, client_id: &str, text: &str) -> Value {
    json!({
        "conversation": chat,
        "client_id": client_id,
        "content": {"kind": "text", "text": text},
    })
}

/// The seqs of all entries of a page.
fn entries_of(page: &Value) -> Vec<Value> {
    let items = page["items"].as_array().unwrap();
    let entries = items
        .iter()
        .flat_map(|item| item["entries"].as_array().unwrap());
    entries.map(|entry| entry["seq"].clone()).collect()
}
