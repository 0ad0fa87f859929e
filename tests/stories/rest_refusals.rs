//! Bad requests by REST: each gets its status and its stable code, and leaves no trace.

use std::time::Duration;

use im_core::{Limits, testing::user};
use serde_json::json;

use crate::{
    rest_rows::{rows, said},
    world::{Rest, World},
};

/// Alice's way in, and a conversation of hers with bob.
async fn set_up(world: &World) -> (Rest, String) {
    for name in ["bob", "carol", "dave"] {
        world.token(name, "any").await;
    }
    let alice = Rest::new(world.address(), Some(world.token("alice", "curl").await));
    let chat = alice
        .send("PUT", "/v1/conversations/direct/bob", &json!({}))
        .await;
    let at = format!(
        "/v1/conversations/{}",
        chat.body["conversation"].as_str().unwrap()
    );
    let path = format!("{at}/messages");
    let sent = alice
        .send_once("POST", &path, "first", &said("hello"))
        .await;
    assert_eq!(sent.status, 201, "{sent:?}");
    (alice, at)
}

#[tokio::test]
async fn every_bad_request_is_a_problem_with_a_code_and_leaves_no_trace() {
    let world = World::server().await;
    let (alice, at) = set_up(&world).await;

    let mut wrong = Vec::new();
    for (what, verb, path, body, status, code) in rows(&at) {
        let answer = alice.send(verb, &path, &body).await;
        let problem = json!({
            "type": format!("urn:im:problem:{code}"),
            "status": status,
            "code": code,
            "retryable": false,
            "request_id": answer.headers["x-request-id"].to_str().unwrap(),
        });
        let members = problem.as_object().unwrap();
        let is_right = answer.status == status
            && answer.headers["content-type"] == "application/problem+json"
            && answer.body["detail"]
                .as_str()
                .is_some_and(|it| it.len() > 10)
            && members
                .iter()
                .all(|(key, value)| answer.body[key] == *value);
        if !is_right {
            wrong.push(format!("{what}: {answer:?} instead of {status} {code}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    assert_untouched(&alice, &at).await;
}

/// What is wrong in the place of each parameter of a path.
const WRONG: &[(&str, &str, &str)] = &[
    ("{id}", "01234567-89ab-7def-8123-456789abcdef", "chat"),
    ("{user}", "bob", "a%20b"),
    ("{seq}", "2", "two"),
    ("{client_id}", "c", "a%20b"),
    ("{notice}", "n", "a%20b"),
    ("{role}", "admin", "king"),
];

#[tokio::test]
async fn every_route_refuses_a_path_that_makes_no_sense() {
    let world = World::server().await;
    let (alice, at) = set_up(&world).await;
    let doors = alice.get("/v1/capabilities").await.body["methods"].clone();
    let doors = doors.as_array().unwrap().iter();

    let mut wrong = Vec::new();
    for door in doors.filter(|door| door["path"].as_str().unwrap().contains('{')) {
        let (verb, path) = (
            door["verb"].as_str().unwrap(),
            door["path"].as_str().unwrap(),
        );
        for (name, _, bad) in WRONG.iter().filter(|(name, ..)| path.contains(name)) {
            let others = WRONG
                .iter()
                .fold(path.replace(name, bad), |path, (name, good, _)| {
                    path.replace(name, good)
                });
            let others = ["{code}", "{emoji}", "{name}"]
                .iter()
                .fold(others, |path, name| path.replace(name, "x"));
            let answer = alice.send(verb, &others, &json!({})).await;
            if (answer.status, answer.code()) != (400, "invalid_request") {
                wrong.push(format!("{verb} {others}: {answer:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    assert_untouched(&alice, &at).await;
}

#[tokio::test]
async fn a_body_that_is_no_json_is_told_from_json_that_makes_no_sense() {
    let world = World::server().await;
    let (alice, at) = set_up(&world).await;
    let path = format!("{at}/messages");
    let json = [("content-type", "application/json")];
    let plain = [("content-type", "text/plain")];
    let valid = said("hello").to_string().into_bytes();
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8], u16, &'a str);
    let cases: [Case<'_>; 6] = [
        (
            "truncated JSON",
            &json,
            br#"{"content": {"ki"#,
            400,
            "invalid_frame",
        ),
        (
            "not UTF-8",
            &json,
            b"{\"content\": {\"kind\": \"text\", \"text\": \"\xff\"}}",
            400,
            "invalid_frame",
        ),
        ("nothing", &json, b"", 400, "invalid_frame"),
        (
            "something after the end",
            &json,
            b"{} {}",
            400,
            "invalid_request",
        ),
        ("another media type", &plain, &valid, 415, "invalid_frame"),
        ("no media type", &[], &valid, 415, "invalid_frame"),
    ];

    for (what, headers, body, status, code) in cases {
        let answer = alice.request("POST", &path, headers, body.to_vec()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (status, code),
            "{what}: {answer:?}"
        );
    }
    for key in ["", "a b", &"x".repeat(65)] {
        let answer = alice.send_once("POST", &path, key, &said("hello")).await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "invalid_request"),
            "{key:?}"
        );
    }

    assert_untouched(&alice, &at).await;
}

#[tokio::test]
async fn an_idempotency_key_that_was_used_for_something_else_is_a_conflict() {
    let world = World::server().await;
    let (alice, at) = set_up(&world).await;
    let path = format!("{at}/messages");

    let again = alice
        .send_once("POST", &path, "first", &said("hello"))
        .await;
    assert_eq!((again.status, &again.body["seq"]), (201, &json!(2)));
    let other = alice
        .send_once("POST", &path, "first", &said("other"))
        .await;
    assert_eq!((other.status, other.code()), (409, "conflict"));
    let edit = alice
        .send_once("PATCH", &format!("{path}/2"), "first", &said("hello"))
        .await;
    assert_eq!((edit.status, edit.code()), (409, "conflict"));

    assert_untouched(&alice, &at).await;
}

#[tokio::test]
async fn without_a_good_token_there_is_nothing_to_see() {
    let world = World::server().await;
    let (_, at) = set_up(&world).await;
    let mallory = world.token("mallory", "curl").await;
    let expired = {
        let accounts = world.server_handle().accounts();
        let lifetime = Some(Duration::from_millis(1));
        let issued = accounts.issue(user("alice"), None, lifetime).await;
        issued.unwrap().access_token
    };
    let foreign = World::server().await.token("alice", "curl").await;
    let bad = [
        None,
        Some(expired),
        Some(foreign),
        Some(String::new()),
        Some("nonsense".into()),
        Some(format!("{mallory}x")),
    ];

    for token in bad {
        let nobody = Rest::new(world.address(), token);
        for path in [
            &*at,
            "/v1/conversations",
            "/v1/users/me",
            "/v1/users?user=alice",
        ] {
            let answer = nobody.get(path).await;
            assert_eq!(
                (answer.status, answer.code()),
                (401, "unauthenticated"),
                "{path}"
            );
            assert!(answer.headers.contains_key("www-authenticate"));
        }
        // Nobody learns from the order of the checks what is there.
        let answer = nobody
            .send("POST", &format!("{at}/messages"), &json!([]))
            .await;
        assert_eq!(answer.status, 401);
    }
    let mallory = Rest::new(world.address(), Some(mallory));
    let foreign = mallory.get(&format!("{at}/messages")).await;
    let absent = "/v1/conversations/01234567-89ab-7def-8123-456789abcdef/messages";
    let absent = mallory.get(absent).await;
    assert_eq!((foreign.status, absent.status), (404, 404));
    assert_eq!(foreign.body["detail"], absent.body["detail"]);
}

#[tokio::test]
async fn bounds_that_depend_on_what_there_is_have_their_code_and_their_sentence() {
    let world = World::server_with(Limits {
        group_members: 3,
        conversations_per_user: 2,
        ..Limits::default()
    })
    .await;
    let (alice, _) = set_up(&world).await;
    let groups = "/v1/conversations";
    let with_bob = json!({"members": ["bob"]});
    let room = alice.send("POST", groups, &with_bob).await.body["conversation"].clone();
    let members = format!("{groups}/{}/members", room.as_str().unwrap());

    let crowded = json!({"users": ["carol", "dave"]});
    let crowded = alice.send("POST", &members, &crowded).await;
    let own = alice.send("POST", groups, &json!({})).await;
    let carol = Rest::new(world.address(), Some(world.token("carol", "curl").await));
    let invited = carol.send("POST", groups, &with_bob).await;
    let direct = carol
        .send("PUT", "/v1/conversations/direct/alice", &json!({}))
        .await;

    for (answer, sentence) in [
        (crowded, "a group has at most 3 members; 1 more fit"),
        (
            own,
            "you are in 2 conversations, as many as one user can be; leave one first",
        ),
        (invited, "as one user can be: bob; try without them"),
        (direct, "as one user can be: alice; try without them"),
    ] {
        assert_eq!((answer.status, answer.code()), (422, "too_many"));
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(sentence), "{detail}");
    }
    let lists = [alice.get(groups).await.body, carol.get(groups).await.body];
    let counts = lists.map(|list| list["items"].as_array().unwrap().len());
    assert_eq!(counts, [2, 0], "nothing is stored by half");
    let again = alice
        .send("PUT", "/v1/conversations/direct/bob", &json!({}))
        .await;
    assert_eq!(again.status, 200, "what there is can be opened: {again:?}");
}

async fn assert_untouched(alice: &Rest, at: &str) {
    let list = alice.get("/v1/conversations").await.body;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let log = alice.get(&format!("{at}/messages")).await.body;
    assert_eq!(log["head"]["seq"], 2, "{log}");
    assert_eq!(log["items"][1]["body"]["content"]["text"], "hello");
}
