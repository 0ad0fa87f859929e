//! A reply that gets lost: whoever asks again gets the first answer, and everything happened once.

use im_core::{History, Limits, OpenDirect, testing::user};
use serde_json::{Value, json};

use crate::world::{ByHand, Database, World, call, messages_in, within};

#[tokio::test]
async fn a_message_whose_reply_was_lost_is_stored_once() {
    tell(Database::sqlite()).await;
}

pub(crate) async fn tell(database: Database) {
    let world = World::engine_on(database, Limits::default()).await;
    let door = world.new_proxy().await;
    let alice = world.connect_by(&door, "alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&alice, open).await.conversation;

    for round in 1..=5 {
        let text = format!("did number {round} arrive?");
        door.hold();
        let (sender, said) = (alice.sender(), text.clone());
        let sending = tokio::spawn(async move { sender.send(&chat, said).await });
        // Bob has it, so it is stored; alice has not heard of it.
        let stored = within("the message", bob.next_message()).await.unwrap();
        assert!(!sending.is_finished());
        door.cut();
        let sent = within("the reply", sending).await.unwrap().unwrap();
        assert_eq!((sent.seq, sent.at_ms), (stored.seq, stored.at_ms));
        assert_eq!(sent.client_id, stored.client_id);
        assert_eq!(stored.seq.0, round + 1);
    }

    assert_eq!(door.connections(), 6);
    let ask = History::of(chat);
    let log = call(&bob, ask).await.items;
    assert_eq!((log.len(), messages_in(&log).len()), (6, 5));
}

#[tokio::test]
async fn every_write_that_is_repeated_gets_its_first_answer_whatever_happened_since() {
    let world = World::engine().await;
    let mut alice = world.by_hand("alice", "phone").await;
    let create = json!({"client_id": "create", "members": ["bob"], "joining": "open"});
    let room = alice.call("conversation.create", create.clone()).await;
    let room = room.unwrap()["conversation"].clone();
    let text = |text| json!({"kind": "text", "text": text});
    let mut carol = world.by_hand("carol", "phone").await;
    let joining = (
        "group.join",
        json!({"conversation": room, "client_id": "join"}),
    );
    let leaving = (
        "group.leave",
        json!({"conversation": room, "client_id": "leave"}),
    );
    let writes = [
        (
            "message.send",
            json!({"client_id": "send", "content": text("one")}),
        ),
        (
            "message.edit",
            json!({"client_id": "edit", "target": 2, "content": text("two")}),
        ),
        (
            "message.recall",
            json!({"client_id": "recall", "target": 2}),
        ),
        ("group.add", json!({"client_id": "add", "users": ["dave"]})),
        (
            "group.kick",
            json!({"client_id": "kick", "users": ["dave"]}),
        ),
        (
            "group.role",
            json!({"client_id": "role", "user": "bob", "role": "admin"}),
        ),
        ("group.info", json!({"client_id": "info", "name": "other"})),
    ];
    let writes: Vec<_> = writes
        .into_iter()
        .map(|(method, mut params)| {
            params["conversation"] = room.clone();
            (method, params)
        })
        .collect();

    let mut first = Vec::new();
    for (method, params) in &writes {
        first.push(repeat(&mut alice, method, params).await);
    }
    let joined = repeat(&mut carol, joining.0, &joining.1).await;
    let left = repeat(&mut carol, leaving.0, &leaving.1).await;

    // From another link, after everything else has happened.
    let mut alice = world.by_hand("alice", "laptop").await;
    for ((method, params), first) in writes.iter().zip(&first) {
        assert_eq!(repeat(&mut alice, method, params).await, *first, "{method}");
    }
    assert_eq!(
        repeat(&mut carol, joining.0, &joining.1).await,
        joined,
        "group.join"
    );
    assert_eq!(
        repeat(&mut carol, leaving.0, &leaving.1).await,
        left,
        "group.leave"
    );
    let again = alice.call("conversation.create", create).await.unwrap();
    assert_eq!(again["conversation"], room);
    let seqs: Vec<_> = first
        .iter()
        .map(|answer| answer["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (2..=8).collect::<Vec<_>>());
    assert_eq!((&joined["seq"], &left["seq"]), (&json!(9), &json!(10)));
    assert_eq!(again["head"]["seq"], 10, "nothing happened twice");
}

#[tokio::test]
async fn two_links_that_send_the_same_message_at_once_store_it_once() {
    let world = World::engine().await;
    let mut phone = world.by_hand("alice", "phone").await;
    let mut laptop = world.by_hand("alice", "laptop").await;
    let chat = phone
        .call("conversation.direct", json!({"user": "bob"}))
        .await;
    let chat = chat.unwrap()["conversation"].clone();

    for round in 2..30 {
        let send = json!({
            "conversation": chat,
            "client_id": format!("c{round}"),
            "content": {"kind": "text", "text": "the same"},
        });
        let asked = phone.ask("message.send", send.clone()).await;
        let other = laptop.ask("message.send", send).await;
        let (one, two) = (phone.answer(asked).await, laptop.answer(other).await);
        assert_eq!(one, two);
        assert_eq!(one.unwrap()["seq"], round);
    }
}

/// Asks twice, and returns the answer, which must be the same.
async fn repeat(link: &mut ByHand, method: &str, params: &Value) -> Value {
    let first = link.call(method, params.clone()).await.unwrap();
    let second = link.call(method, params.clone()).await.unwrap();
    assert_eq!(second, first, "{method}");
    first
}
