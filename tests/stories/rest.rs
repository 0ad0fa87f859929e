//! Two people with `curl`, and a back end that brings its own users.

use serde_json::{Value, json};

use crate::world::{ByHand, Rest, World};

#[tokio::test]
async fn two_people_register_talk_and_read_what_was_said() {
    let world = World::server().await;
    let alice = sign_in(&world, "alice").await;
    let bob = sign_in(&world, "bob").await;

    let chat = alice
        .send("PUT", "/v1/conversations/direct/bob", &json!({}))
        .await;
    assert_eq!(chat.status, 200, "{chat:?}");
    let messages = format!(
        "/v1/conversations/{}/messages",
        text(&chat.body["conversation"])
    );
    let sent = alice.send("POST", &messages, &said("hello")).await;
    assert_eq!(
        (sent.status, &sent.body["seq"]),
        (201, &json!(2)),
        "{sent:?}"
    );
    let sent = bob.send("POST", &messages, &said("hello yourself")).await;
    assert_eq!(sent.body["seq"], 3);

    let read = alice.get(&format!("{messages}?after_seq=1")).await;
    assert_eq!(read.status, 200);
    assert_eq!(read.headers["content-type"], "application/json");
    assert_eq!(
        (&read.body["done"], &read.body["head"]["seq"]),
        (&json!(true), &json!(3))
    );
    let items = read.body["items"].as_array().unwrap();
    let texts: Vec<_> = items
        .iter()
        .map(|entry| text(&entry["body"]["content"]["text"]))
        .collect();
    assert_eq!(texts, ["hello", "hello yourself"]);
    assert_eq!(
        (&items[0]["sender"], &items[1]["sender"]),
        (&json!("alice"), &json!("bob"))
    );
}

#[tokio::test]
async fn what_is_said_by_rest_is_heard_on_links_and_the_other_way_round() {
    let world = World::server().await;
    let alice = Rest::new(world.address(), Some(world.token("alice", "curl").await));
    let mut bob = world.by_hand("bob", "phone").await;
    let chat = alice
        .send("PUT", "/v1/conversations/direct/bob", &json!({}))
        .await;
    let chat = chat.body["conversation"].clone();
    let messages = format!("/v1/conversations/{}/messages", text(&chat));

    alice.send("POST", &messages, &said("by curl")).await;
    let heard = bob.push_of("message.stored").await;
    let answer = json!({"conversation": chat, "client_id": "c", "content": {"kind": "text", "text": "by frame"}});
    bob.call("message.send", answer).await.unwrap();
    let log = alice.get(&messages).await;

    assert_eq!(heard["body"]["content"]["text"], "by curl");
    assert_eq!(
        log.body["items"][1], heard,
        "one thing looks the same by every door"
    );
    assert_eq!(log.body["items"][2]["body"]["content"]["text"], "by frame");
}

#[tokio::test]
async fn every_write_of_a_conversations_life_has_a_route() {
    let world = World::server().await;
    for name in ["bob", "carol"] {
        world.token(name, "any").await;
    }
    let alice = Rest::new(world.address(), Some(world.token("alice", "curl").await));
    let bob = Rest::new(world.address(), Some(world.token("bob", "curl").await));
    let group = json!({"name": "the group", "members": ["bob"], "joining": "open"});
    let room = alice.send("POST", "/v1/conversations", &group).await;
    assert_eq!(room.status, 201, "{room:?}");
    let at = |rest: &str| {
        format!(
            "/v1/conversations/{}{rest}",
            text(&room.body["conversation"])
        )
    };
    let user = |name: &str| json!({"users": [name]});
    let steps = [
        (&alice, "POST", at("/messages"), said("one"), 201, 2),
        (&alice, "PATCH", at("/messages/2"), said("two"), 200, 3),
        (&alice, "DELETE", at("/messages/2"), json!({}), 200, 4),
        (&alice, "POST", at("/members"), user("carol"), 200, 5),
        (
            &alice,
            "PUT",
            at("/members/bob/role"),
            json!({"role": "admin"}),
            200,
            6,
        ),
        (
            &bob,
            "DELETE",
            at("/members?user=carol&reason=no"),
            json!({}),
            200,
            7,
        ),
        (&bob, "PATCH", at(""), json!({"name": "other"}), 200, 8),
        (&bob, "POST", at("/leave"), json!({}), 200, 9),
        (&bob, "POST", at("/join"), json!({}), 200, 10),
        (&bob, "PUT", at("/read"), json!({"seq": 10}), 200, 0),
        (&bob, "PUT", at("/delivered"), json!({"seq": 10}), 200, 0),
        (
            &bob,
            "PATCH",
            at("/settings"),
            json!({"pinned": true}),
            200,
            0,
        ),
        (&bob, "POST", at("/typing"), json!({}), 204, 0),
        (
            &bob,
            "PUT",
            "/v1/contacts/blocks/alice".into(),
            json!({}),
            204,
            0,
        ),
        (
            &bob,
            "DELETE",
            "/v1/contacts/blocks/alice".into(),
            json!({}),
            204,
            0,
        ),
    ];

    for (n, (who, verb, path, body, status, seq)) in steps.into_iter().enumerate() {
        let key = format!("step-{n}");
        let answer = who.send_once(verb, &path, &key, &body).await;
        assert_eq!(answer.status, status, "{verb} {path}: {answer:?}");
        if seq > 0 {
            assert_eq!(answer.body["seq"], seq, "{verb} {path}");
            let again = who.send_once(verb, &path, &key, &body).await;
            assert_eq!(again.body, answer.body, "a retry of {verb} {path}");
        }
    }

    let view = bob.get(&at("")).await.body;
    assert_eq!(
        (&view["head"]["seq"], &view["info"]["name"]),
        (&json!(10), &json!("other"))
    );
    assert_eq!(view["settings"]["pinned"], true);
    let members = bob.get(&at("/members")).await.body;
    assert_eq!(members["items"].as_array().unwrap().len(), 2);
    let sync = bob.send("POST", "/v1/sync", &json!({})).await.body;
    assert_eq!(
        (&sync["done"], sync["items"].as_array().unwrap().len()),
        (&json!(true), 1)
    );
    let presence = bob.get("/v1/presence?user=alice&user=carol").await;
    assert_eq!(
        presence.body["items"][0]["availability"], "offline",
        "{presence:?}"
    );
    let blocks = bob.get("/v1/contacts/blocks").await.body;
    assert_eq!(blocks["items"], json!([]));
}

#[tokio::test]
async fn a_back_end_with_a_server_key_brings_its_users_and_acts_for_them() {
    let world = World::server().await;
    let key = world
        .server_handle()
        .accounts()
        .create_key("backend")
        .await
        .unwrap();
    let backend = Rest::new(world.address(), Some(key));
    for name in ["ann", "ben"] {
        let path = format!("/v1/users/{name}");
        let made = backend.send("PUT", &path, &json!({"nickname": "N"})).await;
        assert_eq!(made.status, 200, "{made:?}");
    }
    let issued = backend
        .send("POST", "/v1/users/ben/tokens", &json!({"device": "web"}))
        .await;
    assert_eq!(issued.status, 201, "{issued:?}");
    let token = text(&issued.body["access_token"]).to_owned();
    let mut ben = ByHand::open(world.address(), &token, "web").await;

    let json = ("content-type", "application/json");
    let acting = [json, ("im-user", "ann")];
    let path = "/v1/conversations/direct/ben";
    let chat = backend.request("PUT", path, &acting, b"{}".to_vec()).await;
    assert_eq!(chat.status, 200, "{chat:?}");
    let messages = format!(
        "/v1/conversations/{}/messages",
        text(&chat.body["conversation"])
    );
    let body = said("from the back end").to_string();
    backend
        .request("POST", &messages, &acting, body.into())
        .await;

    assert_eq!(ben.push_of("message.stored").await["sender"], "ann");
    // A user may not do what only a back end may.
    let user = Rest::new(world.address(), Some(token));
    assert_eq!(
        user.send("PUT", "/v1/users/mallory", &json!({}))
            .await
            .status,
        403
    );
    assert_eq!(
        user.send("POST", "/v1/users/ann/tokens", &json!({}))
            .await
            .status,
        403
    );
    let stranger = [json, ("im-user", "nobody")];
    let answer = backend
        .request("PUT", path, &stranger, b"{}".to_vec())
        .await;
    assert_eq!(answer.status, 404);
}

/// Registers, signs in, and returns what the token opens.
async fn sign_in(world: &World, name: &str) -> Rest {
    let nobody = Rest::new(world.address(), None);
    let account = json!({"user": name, "password": "correct horse battery"});
    let made = nobody.send("POST", "/v1/accounts", &account).await;
    assert_eq!(made.status, 201, "{made:?}");
    let session = nobody.send("POST", "/v1/sessions", &account).await;
    assert_eq!(session.status, 201, "{session:?}");
    Rest::new(
        world.address(),
        Some(text(&session.body["access_token"]).to_owned()),
    )
}

fn said(text: &str) -> Value {
    json!({"content": {"kind": "text", "text": text}})
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}
