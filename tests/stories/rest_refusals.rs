//! Bad requests by REST: each gets its status and its stable code, and leaves no trace.

use std::time::Duration;

use im_core::{Limits, testing::user};
use im_server::WantedToken;
use serde_json::{Value, json};

use crate::world::{Rest, World};

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
    let messages = format!("{at}/messages");
    let absent = "/v1/conversations/01234567-89ab-7def-8123-456789abcdef";
    let crowd: Vec<_> = (0..501).map(|n| format!("user-{n}")).collect();
    let custom = |content: Value| json!({"content": content});
    let blob = custom(json!({"kind": "custom", "name": "n", "data": "x".repeat(64 * 1024)}));
    let groups = "/v1/conversations";
    let rows = [
        (
            "a path that is none",
            "GET",
            "/v1/nothing".to_owned(),
            json!({}),
            404,
            "not_found",
        ),
        (
            "a verb that the path does not take",
            "PUT",
            groups.into(),
            json!({}),
            405,
            "unknown_method",
        ),
        (
            "a body of the wrong shape",
            "POST",
            messages.clone(),
            json!({}),
            400,
            "invalid_request",
        ),
        (
            "a body that is a list",
            "POST",
            messages.clone(),
            json!([]),
            400,
            "invalid_request",
        ),
        (
            "a report of messages that are not there",
            "POST",
            "/v1/reports".into(),
            json!({"about": {"kind": "messages", "conversation": at.rsplit('/').next(), "seqs": [9_999]}, "reason": "spam"}),
            404,
            "not_found",
        ),
        (
            "a report for no reason",
            "POST",
            "/v1/reports".into(),
            json!({"about": {"kind": "user", "user": "bob"}}),
            400,
            "invalid_request",
        ),
        (
            "looking at what others report",
            "GET",
            "/v1/admin/reports".into(),
            json!({}),
            403,
            "forbidden",
        ),
        (
            "changing the settings of the system",
            "PATCH",
            "/v1/admin/settings".into(),
            json!({"changes": {"limits": {"page": 1}}}),
            403,
            "forbidden",
        ),
        (
            "an empty text",
            "POST",
            messages.clone(),
            said(""),
            400,
            "invalid_request",
        ),
        (
            "a huge text",
            "POST",
            messages.clone(),
            said(&"x".repeat(10_001)),
            413,
            "too_large",
        ),
        (
            "a huge content",
            "POST",
            messages.clone(),
            blob,
            413,
            "too_large",
        ),
        (
            "a body beyond all limits",
            "POST",
            messages.clone(),
            said(&"x".repeat(1 << 20)),
            413,
            "too_large",
        ),
        (
            "a kind that nobody knows",
            "POST",
            messages.clone(),
            custom(json!({"kind": "smell"})),
            422,
            "unsupported_content",
        ),
        (
            "an admin's question from a user",
            "GET",
            "/v1/admin/users".into(),
            json!({}),
            403,
            "forbidden",
        ),
        (
            "a restriction from a user",
            "PUT",
            "/v1/admin/users/bob/restrictions/banned".into(),
            json!({}),
            403,
            "forbidden",
        ),
        (
            "a restriction that is none",
            "PUT",
            "/v1/admin/users/bob/restrictions/hanged".into(),
            json!({}),
            400,
            "invalid_request",
        ),
        (
            "an id that is none",
            "GET",
            "/v1/conversations/chat".into(),
            json!({}),
            400,
            "invalid_request",
        ),
        (
            "a conversation that is not there",
            "GET",
            absent.into(),
            json!({}),
            404,
            "not_found",
        ),
        (
            "a seq that is none",
            "PATCH",
            format!("{messages}/two"),
            said("x"),
            400,
            "invalid_request",
        ),
        (
            "a seq beyond the head",
            "PATCH",
            format!("{messages}/99"),
            said("x"),
            404,
            "not_found",
        ),
        (
            "a piece of text beyond the head",
            "POST",
            format!("{messages}/99/text"),
            json!({"offset": 0, "text": "x"}),
            404,
            "not_found",
        ),
        (
            "a piece of text without a place",
            "POST",
            format!("{messages}/99/text"),
            json!({"text": "x"}),
            400,
            "invalid_request",
        ),
        (
            "the end of nothing",
            "POST",
            format!("{messages}/99/finish"),
            json!({}),
            404,
            "not_found",
        ),
        (
            "a recall beyond the head",
            "DELETE",
            format!("{messages}/99"),
            json!({}),
            404,
            "not_found",
        ),
        (
            "a seq beyond all numbers",
            "PATCH",
            format!("{messages}/1152921504606846976"),
            said("x"),
            404,
            "not_found",
        ),
        (
            "a text that is a number",
            "POST",
            messages.clone(),
            custom(json!({"kind": "text", "text": 7})),
            400,
            "invalid_request",
        ),
        (
            "too many to add",
            "POST",
            format!("{at}/members"),
            json!({"users": crowd}),
            422,
            "too_many",
        ),
        (
            "a limit that is none",
            "GET",
            format!("{messages}?limit=many"),
            json!({}),
            400,
            "invalid_request",
        ),
        (
            "two bounds",
            "GET",
            format!("{messages}?after_seq=1&before_seq=2"),
            json!({}),
            400,
            "invalid_request",
        ),
        (
            "a page that is none",
            "GET",
            format!("{groups}?cursor=x"),
            json!({}),
            400,
            "invalid_request",
        ),
        (
            "too many members",
            "POST",
            groups.into(),
            json!({"members": crowd}),
            422,
            "too_many",
        ),
        (
            "somebody who does not exist",
            "PUT",
            format!("{groups}/direct/nobody"),
            json!({}),
            404,
            "not_found",
        ),
        (
            "leaving a direct conversation",
            "POST",
            format!("{at}/leave"),
            json!({}),
            403,
            "forbidden",
        ),
        (
            "making users",
            "PUT",
            "/v1/users/mallory".into(),
            json!({}),
            403,
            "forbidden",
        ),
        (
            "a draft of nothing",
            "PUT",
            format!("{at}/draft"),
            said(""),
            400,
            "invalid_request",
        ),
        (
            "a draft in a conversation that is not there",
            "PUT",
            format!("{absent}/draft"),
            said("x"),
            404,
            "not_found",
        ),
        (
            "contacts with oneself",
            "PUT",
            "/v1/contacts/requests/alice".into(),
            json!({}),
            400,
            "invalid_request",
        ),
        (
            "accepting what nobody asked",
            "POST",
            "/v1/contacts/requests/carol/accept".into(),
            json!({}),
            404,
            "not_found",
        ),
        (
            "naming who is no contact",
            "PATCH",
            "/v1/contacts/users/carol".into(),
            json!({"remark": "C."}),
            404,
            "not_found",
        ),
        (
            "following somebody who does not exist",
            "PUT",
            "/v1/contacts/follows/nobody".into(),
            json!({}),
            404,
            "not_found",
        ),
        (
            "forgetting a device that has no id",
            "DELETE",
            "/v1/devices/my%20phone".into(),
            json!({}),
            400,
            "invalid_request",
        ),
        (
            "a favourite that is no message",
            "PUT",
            at.replace("conversations", "favourites") + "/1",
            json!({}),
            404,
            "not_found",
        ),
        (
            "readers of nothing",
            "GET",
            format!("{messages}/99/readers"),
            json!({}),
            404,
            "not_found",
        ),
        (
            "a minute that is none",
            "PATCH",
            "/v1/users/me/settings".into(),
            json!({"notifications": {"quiet_hours": {"from_minute": 1440, "to_minute": 0}}}),
            400,
            "invalid_request",
        ),
        (
            "a cursor that is none",
            "POST",
            "/v1/sync".into(),
            json!({"cursor": "AAAA"}),
            400,
            "invalid_request",
        ),
    ];

    let mut wrong = Vec::new();
    for (what, verb, path, body, status, code) in rows {
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
        let issued = accounts
            .issue(WantedToken {
                ttl: lifetime,
                ..WantedToken::of(user("alice"))
            })
            .await;
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

fn said(text: &str) -> Value {
    json!({"content": {"kind": "text", "text": text}})
}
