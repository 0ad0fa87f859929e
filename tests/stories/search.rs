//! Finding what was said: over a WebSocket, in process and by REST.

use im_core::{
    Code, EditMessage, OpenDirect, RecallMessage, SearchMessages, Seq, Session, testing::user,
};
use serde_json::json;

use crate::world::{Database, Rest, World, call, group, key, messages_in, refused, send_all, seqs};

fn of(text: &str) -> SearchMessages {
    SearchMessages {
        text: Some(text.into()),
        ..SearchMessages::default()
    }
}

async fn texts(session: &Session, ask: SearchMessages) -> Vec<String> {
    let page = call(session, ask).await;
    assert!(page.done);
    let texts = messages_in(&page.items).into_iter();
    texts.map(String::from).collect()
}

#[tokio::test]
async fn people_find_what_was_said_in_all_their_conversations_and_in_no_other() {
    tell(Database::sqlite()).await;
}

pub(crate) async fn tell(database: Database) {
    let world = World::engine_on(database, im_core::Limits::default()).await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let carol = world.connect("carol", "phone").await;
    let room = group(&alice, &["bob", "carol"]).await;
    let open = OpenDirect { user: user("bob") };
    let aside = call(&alice, open).await.conversation;

    send_all(&alice, &room, ["我们去北京", "再见 北京"].map(String::from)).await;
    send_all(&bob, &aside, ["北京の天気", "nothing"].map(String::from)).await;

    let all = ["北京の天気", "再见 北京", "我们去北京"];
    assert_eq!(texts(&alice, of("北京")).await, all);
    assert_eq!(texts(&bob, of("北京")).await, all);
    assert_eq!(texts(&carol, of("北京")).await, all[1..]);
    let bobs = SearchMessages {
        sender: Some(user("bob")),
        ..of("京")
    };
    assert_eq!(texts(&alice, bobs).await, all[..1]);
    let here = SearchMessages {
        conversation: Some(aside),
        ..of("北京")
    };
    assert_eq!(texts(&bob, here.clone()).await, all[..1]);
    assert_eq!(refused(&carol, here).await, Code::NotFound);

    // What was changed is found as it is now, what was taken back is not.
    let edit = EditMessage {
        conversation: room,
        client_id: key(),
        target: Seq(2),
        content: "我们去上海".into(),
    };
    call(&alice, edit).await;
    let recall = RecallMessage {
        conversation: room,
        client_id: key(),
        target: Seq(3),
    };
    call(&alice, recall).await;
    assert_eq!(texts(&carol, of("北京")).await, [""; 0]);
    assert_eq!(texts(&carol, of("上海")).await, ["我们去上海"]);
    assert_eq!(texts(&alice, of("北京")).await, all[..1]);
}

#[tokio::test]
async fn a_long_conversation_is_searched_page_by_page() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let room = group(&alice, &[]).await;
    let talk = (2..=400).map(|n| format!("message {n}{}", if n % 40 == 0 { " 重要" } else { "" }));
    send_all(&alice, &room, talk).await;

    let mut found = Vec::new();
    let mut ask = SearchMessages {
        limit: Some(3),
        ..of("重要")
    };
    loop {
        let page = call(&alice, ask.clone()).await;
        found.extend(seqs(&page.items));
        ask.cursor = page.next_cursor;
        if page.done {
            break;
        }
    }

    assert_eq!(found, (1..=10).rev().map(|n| n * 40).collect::<Vec<_>>());
}

#[tokio::test]
async fn rest_finds_messages_and_jumps_to_them() {
    let world = World::server().await;
    world.token("bob", "any").await;
    let alice = Rest::new(world.address(), Some(world.token("alice", "curl").await));
    let chat = alice
        .send("PUT", "/v1/conversations/direct/bob", &json!({}))
        .await;
    let id = chat.body["conversation"].as_str().unwrap().to_owned();
    let messages = format!("/v1/conversations/{id}/messages");
    for text in ["one", "Two", "three", "Ｔｗｏ again"] {
        let said = json!({"content": {"kind": "text", "text": text}});
        assert_eq!(alice.send("POST", &messages, &said).await.status, 201);
    }

    let first = alice.get("/v1/search?text=two&limit=1").await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(first.body["items"][0]["seq"], 5);
    assert_eq!(first.body["conversations"][0]["peer"], "bob");
    assert_eq!(first.body["done"], false);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = format!("/v1/search?text=two&limit=1&cursor={cursor}");
    let second = alice.get(&second).await;
    assert_eq!(second.body["items"][0]["body"]["content"]["text"], "Two");
    let around = alice.get(&format!("{messages}?around_seq=3&limit=2")).await;
    let seqs = around.body["items"].as_array().unwrap().iter();
    assert_eq!(
        seqs.map(|entry| entry["seq"].as_u64().unwrap())
            .collect::<Vec<_>>(),
        [2, 3]
    );
    let at = second.body["items"][0]["at_ms"].as_i64().unwrap();
    let later = alice
        .get(&format!("{messages}?at_ms={}", at + 86_400_000))
        .await;
    assert_eq!(later.body["items"], json!([]));
    let unread = alice.get(&format!("{messages}?from=first_unread")).await;
    assert_eq!(unread.status, 200, "{unread:?}");

    for (path, code) in [
        ("/v1/search", "invalid_request"),
        ("/v1/search?text=two&cursor=x", "invalid_request"),
        ("/v1/search?text=two&conversation=x", "invalid_request"),
        (
            "/v1/search?text=two&conversation=0192d3a4-0000-7000-8000-000000000000",
            "not_found",
        ),
    ] {
        assert_eq!(alice.get(path).await.code(), code, "{path}");
    }
    let anyone = Rest::new(world.address(), None);
    assert_eq!(anyone.get("/v1/search?text=two").await.status, 401);
}
