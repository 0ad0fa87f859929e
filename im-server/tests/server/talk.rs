//! Two people talk by REST alone.

use serde_json::{Value, json};

use crate::house::{Answer, House, text};

fn say(words: &str) -> Value {
    json!({"content": {"kind": "text", "text": words}})
}

#[tokio::test]
async fn two_users_talk_and_read_their_history() {
    let house = House::open().await;
    let (alice, bob) = (house.token_of("alice").await, house.token_of("bob").await);
    let chat = house
        .ask("PUT /v1/conversations/direct/bob")
        .token(&alice)
        .send()
        .await
        .json();
    let path = format!("/v1/conversations/{}", text(&chat["conversation"]));
    let messages = format!("POST {path}/messages");

    let sent = house
        .ask(&messages)
        .token(&alice)
        .json(say("hello bob"))
        .await;
    assert_eq!(sent.status, 201);
    let seq = sent.json()["seq"].as_u64().unwrap();
    house
        .ask(&messages)
        .token(&bob)
        .json(say("hello alice"))
        .await;

    let history = house
        .ask(&format!("GET {path}/messages?after_seq={}", seq - 1))
        .token(&bob)
        .send()
        .await
        .json();
    let said: Vec<_> = history["items"].as_array().unwrap().iter().collect();
    assert_eq!(said.len(), 2);
    assert_eq!(said[0]["sender"], "alice");
    assert_eq!(said[0]["body"]["content"]["text"], "hello bob");
    assert_eq!(said[1]["body"]["content"]["text"], "hello alice");
    assert_eq!(history["done"], true);

    let unread = |view: Value| view["unread"].as_u64().unwrap();
    let view = async |token: &str| {
        house
            .ask(&format!("GET {path}"))
            .token(token)
            .send()
            .await
            .json()
    };
    assert_eq!(unread(view(&alice).await), 1);
    let read = house
        .ask(&format!("PUT {path}/read"))
        .token(&alice)
        .json(json!({"seq": seq + 1}))
        .await;
    assert_eq!(read.json()["read"], seq + 1);
    assert_eq!(unread(view(&alice).await), 0);
}

#[tokio::test]
async fn a_retry_with_the_same_key_sends_once() {
    let house = House::open().await;
    let (alice, _bob) = (house.token_of("alice").await, house.token_of("bob").await);
    let chat = house
        .ask("PUT /v1/conversations/direct/bob")
        .token(&alice)
        .send()
        .await
        .json();
    let line = format!(
        "POST /v1/conversations/{}/messages",
        text(&chat["conversation"])
    );
    let send = async |key: &str, words: &str| {
        let ask = house
            .ask(&line)
            .token(&alice)
            .header("idempotency-key", key);
        ask.json(say(words)).await
    };

    let (first, retry) = (send("k1", "hello").await, send("k1", "hello").await);

    assert_eq!(first.json(), retry.json());
    assert_eq!(first.json()["client_id"], "k1");
    assert_eq!(
        send("k1", "something else").await.problem(),
        (409, "conflict".to_owned())
    );
    assert_ne!(send("k2", "hello").await.json()["seq"], first.json()["seq"]);
}

#[tokio::test]
async fn a_group_lives_by_rest() {
    let house = House::open().await;
    let (alice, bob) = (house.token_of("alice").await, house.token_of("bob").await);
    house.sign_in("carol").await;
    let new = json!({"name": "trip", "members": ["bob"]});
    let create = || {
        house
            .ask("POST /v1/conversations")
            .token(&alice)
            .header("idempotency-key", "g1")
    };
    let (created, again) = (create().json(new.clone()).await, create().json(new).await);
    assert_eq!(created.status, 201);
    assert_eq!(created.json()["conversation"], again.json()["conversation"]);
    let path = format!(
        "/v1/conversations/{}",
        text(&created.json()["conversation"])
    );
    let ask = |token: &str, verb: &str, tail: &str, body: Value| {
        house
            .ask(&format!("{verb} {path}{tail}"))
            .token(token)
            .json(body)
    };
    let ok = |answer: Answer| {
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        answer.json()
    };

    ok(ask(&alice, "POST", "/members", json!({"users": ["carol"]})).await);
    ok(ask(&alice, "PUT", "/members/bob/role", json!({"role": "admin"})).await);
    ok(ask(&bob, "PATCH", "", json!({"name": "journey"})).await);
    ok(ask(&bob, "PATCH", "/settings", json!({"pinned": true})).await);
    let page = ok(ask(&bob, "GET", "/members?limit=2", json!(null)).await);
    assert_eq!(page["done"], false);
    assert_eq!(page["next_cursor"], "bob");
    let page = ok(ask(&bob, "GET", "/members?cursor=bob", json!(null)).await);
    assert_eq!(page["items"][0]["user"], "carol");
    assert_eq!(page["done"], true);
    ok(ask(
        &bob,
        "DELETE",
        "/members?user=carol&reason=late",
        json!(null),
    )
    .await);
    assert_eq!(
        ask(&alice, "POST", "/leave", json!(null)).await.problem(),
        (409, "owner_must_transfer".to_owned())
    );

    let sent = ask(&alice, "POST", "/messages", say("first")).await.json();
    let message = format!("/messages/{}", sent["seq"]);
    ok(ask(&alice, "PATCH", &message, say("second")).await);
    ok(ask(&alice, "DELETE", &message, json!(null)).await);
    assert_eq!(
        ask(&alice, "PATCH", &message, say("third")).await.problem(),
        (410, "recalled".to_owned())
    );
    assert_eq!(
        ask(&alice, "POST", "/typing", json!(null)).await.status,
        204
    );

    let list = house
        .ask("GET /v1/conversations?limit=1")
        .token(&bob)
        .send()
        .await
        .json();
    assert_eq!(list["items"][0]["info"]["name"], "journey");
    assert_eq!(list["items"][0]["settings"]["pinned"], true);
    let history = ask(&bob, "GET", "/messages", json!(null)).await;
    assert!(
        !String::from_utf8_lossy(&history.body).contains("second"),
        "recalled content is gone"
    );
}

#[tokio::test]
async fn blocks_presence_profiles_and_sync_have_their_doors() {
    let house = House::open().await;
    let (alice, _bob) = (house.token_of("alice").await, house.token_of("bob").await);
    let ask = |line: &str| house.ask(line).token(&alice);

    assert_eq!(ask("PUT /v1/contacts/blocks/bob").send().await.status, 204);
    let blocks = ask("GET /v1/contacts/blocks").send().await.json();
    assert_eq!(blocks["items"][0]["user"], "bob");
    assert_eq!(
        ask("DELETE /v1/contacts/blocks/bob").send().await.status,
        204
    );
    assert_eq!(
        ask("GET /v1/contacts/blocks").send().await.json()["items"],
        json!([])
    );

    let presence = ask("GET /v1/presence?user=bob&user=nobody")
        .send()
        .await
        .json();
    assert_eq!(presence["items"][0]["availability"], "offline");
    ask("PATCH /v1/users/me")
        .json(json!({"nickname": "Al"}))
        .await;
    let users = ask("GET /v1/users?user=alice&user=nobody")
        .send()
        .await
        .json();
    assert_eq!(users["items"].as_array().unwrap().len(), 1);
    assert_eq!(users["items"][0]["nickname"], "Al");
    assert_eq!(ask("GET /v1/users/nobody").send().await.problem().0, 404);

    ask("PUT /v1/conversations/direct/bob").send().await;
    let page = ask("POST /v1/sync").json(json!({})).await.json();
    assert_eq!(page["done"], true);
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let page = ask("POST /v1/sync")
        .json(json!({"cursor": page["cursor"]}))
        .await
        .json();
    assert_eq!(page["items"], json!([]));
    assert_eq!(
        ask("GET /v1/devices").send().await.json()["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_comma_in_a_user_id_separates_nobody() {
    let house = House::open().await;
    let alice = house.token_of("alice").await;
    for user in ["bob", "carol", "bob,carol"] {
        house.sign_in(user).await;
    }
    let group = house
        .ask("POST /v1/conversations")
        .token(&alice)
        .json(json!({"members": ["bob", "carol", "bob,carol"]}))
        .await
        .json();
    let members = format!("/v1/conversations/{}/members", text(&group["conversation"]));

    let kicked = house
        .ask(&format!("DELETE {members}?user=bob%2Ccarol"))
        .token(&alice)
        .send()
        .await;

    assert_eq!(kicked.status, 200, "{kicked:?}");
    let left = house.ask(&format!("GET {members}")).token(&alice).send();
    let left = left.await.json();
    let left: Vec<_> = left["items"].as_array().unwrap().iter().collect();
    let left: Vec<_> = left.iter().map(|member| text(&member["user"])).collect();
    assert_eq!(left, ["alice", "bob", "carol"]);
}

#[tokio::test]
async fn nobody_can_write_to_somebody_who_does_not_exist() {
    let house = House::open().await;
    let alice = house.token_of("alice").await;
    let answer = house
        .ask("PUT /v1/conversations/direct/nobody")
        .token(&alice)
        .send()
        .await;
    assert_eq!(answer.problem().0, 404);
}
