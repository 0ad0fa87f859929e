//! Requests that cannot be: each gets its stable code, the session lives, and nothing is stored half.

use std::{collections::BTreeSet, fs, path::PathBuf};

use im_core::METHODS;
use serde_json::{Value, json};

use crate::{
    bad_requests::{Ids, said, table},
    world::{ByHand, World},
};

async fn set_up(world: &World) -> (ByHand, Ids) {
    for name in ["alice", "bob", "carol", "dave", "erin"] {
        world.token(name, "any").await;
    }
    let mut alice = world.by_hand("alice", "phone").await;
    let mut carol = world.by_hand("carol", "phone").await;
    let chat = alice
        .call("conversation.direct", json!({"user": "bob"}))
        .await
        .unwrap();
    let create = json!({"client_id": "room", "members": ["bob"]});
    let room = alice.call("conversation.create", create).await.unwrap();
    let foreign = carol
        .call("conversation.direct", json!({"user": "dave"}))
        .await
        .unwrap();
    let ids = Ids {
        chat: chat["conversation"].clone(),
        room: room["conversation"].clone(),
        foreign: foreign["conversation"].clone(),
        absent: json!("01234567-89ab-7def-8123-456789abcdef"),
    };
    for (link, id) in [(&mut alice, &ids.chat), (&mut carol, &ids.foreign)] {
        link.call("message.send", said(id, "first", "hello"))
            .await
            .unwrap();
    }
    (alice, ids)
}

#[tokio::test]
async fn every_bad_request_gets_its_code_and_leaves_no_trace() {
    let world = World::server().await;
    let (mut alice, ids) = set_up(&world).await;

    let mut wrong = Vec::new();
    for (what, method, params, code) in table(&ids) {
        let answer = alice.call(method, params).await;
        let is_right = |error: &Value| error["code"] == code && error["retryable"] == false;
        if !answer.as_ref().is_err_and(is_right) {
            wrong.push(format!("{what}: {answer:?} instead of {code}"));
        }
        alice.call("session.ping", json!({})).await.unwrap();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    assert_untouched(&world, &mut alice, &ids).await;
}

#[test]
fn every_command_has_a_row_in_the_table() {
    let nobody = || json!("01234567-89ab-7def-8123-456789abcdef");
    let ids = Ids {
        chat: nobody(),
        room: nobody(),
        foreign: nobody(),
        absent: nobody(),
    };

    let told: BTreeSet<_> = table(&ids).into_iter().map(|row| row.1).collect();

    let without: Vec<_> = METHODS.iter().filter(|it| !told.contains(*it)).collect();
    assert!(
        without.is_empty(),
        "give them rows in tests/stories/bad_requests: {without:?}"
    );
}

/// The parameters of a command, as its golden frame has them.
fn golden(method: &str) -> Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden");
    let text = fs::read(folder.join(format!("{method}.json"))).unwrap();
    let mut frame: Value = serde_json::from_slice(&text).unwrap();
    frame["request"]["params"].take()
}

/// Fields that take any JSON.
const ANYTHING: &[(&str, &str)] = &[
    ("notice.send", "data"),
    ("user.update", "extra"),
    ("user.upsert", "extra"),
];

/// Fields without which there is no request, where a command has them; but these.
const NEEDED: &[&str] = &[
    "client_id",
    "code",
    "content",
    "conversation",
    "emoji",
    "root",
    "seq",
    "target",
];
const NOT_NEEDED: &[(&str, &str)] = &[
    ("admin.dismiss", "client_id"),
    ("message.finish", "content"),
    ("message.search", "conversation"),
];

#[tokio::test]
async fn a_field_of_the_wrong_shape_and_one_that_is_missing_are_refused_by_every_command() {
    let world = World::server().await;
    let (mut alice, ids) = set_up(&world).await;

    let mut wrong = Vec::new();
    for method in METHODS {
        // A link ends when too much of what it brings makes no sense.
        let mut alice = world.by_hand("alice", "tablet").await;
        let params = golden(method);
        for name in params
            .as_object()
            .into_iter()
            .flat_map(|fields| fields.keys())
        {
            let field = &(*method, name.as_str());
            let mut asks = Vec::new();
            if !ANYTHING.contains(field) {
                let mut params = params.clone();
                params[name] = json!([[[]]]);
                asks.push(params);
            }
            if NEEDED.contains(&field.1) && !NOT_NEEDED.contains(field) {
                let mut params = params.clone();
                params.as_object_mut().unwrap().remove(name);
                asks.push(params);
            }
            for params in asks {
                let answer = alice.call(method, params.clone()).await;
                let code = answer.as_ref().err().map(|error| &error["code"]);
                if code != Some(&json!("invalid_request")) {
                    wrong.push(format!("{method} {params}: {answer:?}"));
                }
                // Who says nothing else but what makes no sense is sent away.
                alice.call("session.ping", json!({})).await.unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    assert_untouched(&world, &mut alice, &ids).await;
}

#[tokio::test]
async fn a_client_id_that_was_used_for_something_else_is_a_conflict() {
    let world = World::server().await;
    let (mut alice, ids) = set_up(&world).await;
    let recall = json!({"conversation": ids.chat, "client_id": "first", "target": 2});
    let mut edit = said(&ids.chat, "first", "hello");
    edit["target"] = json!(2);
    let again = json!({"client_id": "room", "name": "other", "members": ["bob"]});

    for (method, params) in [
        ("message.send", said(&ids.chat, "first", "something else")),
        ("message.edit", edit),
        ("message.recall", recall),
        ("conversation.create", again),
    ] {
        let error = alice.call(method, params).await.unwrap_err();
        assert_eq!(error["code"], "conflict", "{method}: {error}");
    }

    assert_untouched(&world, &mut alice, &ids).await;
    // Somebody else's key, and one's own in another conversation, are other keys.
    let mut bob = world.by_hand("bob", "phone").await;
    bob.call("message.send", said(&ids.chat, "first", "mine"))
        .await
        .unwrap();
    alice
        .call("message.send", said(&ids.room, "first", "other room"))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_belongs_to_others_cannot_be_told_from_what_does_not_exist() {
    let world = World::server().await;
    let (mut alice, ids) = set_up(&world).await;
    let asks = [
        (
            "message.send",
            json!({"client_id": "c", "content": {"kind": "text", "text": "x"}}),
        ),
        (
            "message.edit",
            json!({"client_id": "c", "target": 2, "content": {"kind": "text", "text": "x"}}),
        ),
        ("message.recall", json!({"client_id": "c", "target": 2})),
        ("message.history", json!({})),
        ("message.history", json!({"after_seq": 0})),
        ("conversation.get", json!({})),
        ("conversation.members", json!({})),
        ("conversation.settings", json!({"pinned": true})),
        ("conversation.delivered", json!({"seq": 1})),
        ("conversation.read", json!({"seq": 1})),
        ("conversation.typing", json!({})),
        ("group.add", json!({"client_id": "c", "users": ["bob"]})),
        ("group.add", json!({"client_id": "c", "users": ["nobody"]})),
        ("group.kick", json!({"client_id": "c", "users": ["dave"]})),
        ("group.join", json!({"client_id": "c"})),
        ("group.leave", json!({"client_id": "c"})),
        (
            "group.role",
            json!({"client_id": "c", "user": "dave", "role": "admin"}),
        ),
        ("group.info", json!({"client_id": "c", "name": "x"})),
    ];

    for (method, params) in asks {
        let mut answers = Vec::new();
        for id in [&ids.foreign, &ids.absent] {
            let mut params = params.clone();
            params["conversation"] = id.clone();
            answers.push(alice.call(method, params).await.unwrap_err());
        }
        assert_eq!(answers[0]["code"], "not_found", "{method} {params}");
        assert_eq!(answers[0], answers[1], "{method} {params}");
    }

    let pull = json!({"have": {ids.foreign.as_str().unwrap(): 1}});
    let page = alice.call("sync.pull", pull).await.unwrap();
    assert!(!page.to_string().contains(ids.foreign.as_str().unwrap()));
    assert_untouched(&world, &mut alice, &ids).await;
}

#[tokio::test]
async fn a_group_never_has_more_members_than_the_limit() {
    let limits = im_core::Limits {
        group_members: 3,
        ..im_core::Limits::default()
    };
    let world = World::engine_on(crate::world::Database::sqlite(), limits).await;
    let mut alice = world.by_hand("alice", "phone").await;
    let full = json!({"client_id": "g", "members": ["b", "c", "d"]});
    let error = alice.call("conversation.create", full).await.unwrap_err();
    assert_eq!(error["code"], "too_many");
    let create = json!({"client_id": "g", "members": ["b", "b", "alice"], "joining": "open"});
    let room = alice.call("conversation.create", create).await.unwrap();
    let room = &room["conversation"];
    let add = |id, users: &[&str]| json!({"conversation": room, "client_id": id, "users": users});

    let error = alice
        .call("group.add", add("a1", &["c", "d"]))
        .await
        .unwrap_err();
    assert_eq!(error["code"], "too_many");
    alice
        .call("group.add", add("a2", &["c", "c", "b"]))
        .await
        .unwrap();
    let mut dave = world.by_hand("d", "phone").await;
    let join = json!({"conversation": room, "client_id": "j"});
    let error = dave.call("group.join", join).await.unwrap_err();

    assert_eq!(error["code"], "too_many");
    let view = alice
        .call("conversation.get", json!({"conversation": room}))
        .await
        .unwrap();
    assert_eq!(
        (&view["info"]["member_count"], &view["head"]["seq"]),
        (&json!(3), &json!(2))
    );
}

/// The logs are as `set_up` left them, and alice is in two conversations.
async fn assert_untouched(world: &World, alice: &mut ByHand, ids: &Ids) {
    let list = alice.call("conversation.list", json!({})).await.unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let mut carol = world.by_hand("carol", "tablet").await;
    assert_head(alice, &ids.chat, 2).await;
    assert_head(alice, &ids.room, 1).await;
    assert_head(&mut carol, &ids.foreign, 2).await;
}

async fn assert_head(link: &mut ByHand, id: &Value, head: usize) {
    let ask = json!({"conversation": id, "after_seq": 0});
    let page = link.call("message.history", ask).await.unwrap();
    assert_eq!(page["head"]["seq"], head);
    assert_eq!(page["items"].as_array().unwrap().len(), head);
}
