//! What is not as it should be gets one code and a sentence.

use serde_json::json;

use crate::house::{House, text};

const ABSENT: &str = "6f1c1e0e-0000-4000-8000-000000000000";

#[tokio::test]
async fn each_bad_request_has_its_status_and_code() {
    let house = House::open().await;
    let token = house.token_of("alice").await;
    let invalid = (400, "invalid_request");
    let frame = (400, "invalid_frame");
    let absent = format!("/v1/conversations/{ABSENT}");
    let cases = [
        ("POST /v1/sync".to_owned(), "{", frame),
        ("POST /v1/sync".to_owned(), "", frame),
        ("POST /v1/sync".to_owned(), "[]", invalid),
        ("POST /v1/sync".to_owned(), r#"{"cursor":"AQ"}"#, invalid),
        ("POST /v1/sync".to_owned(), r#"{"have":{"x":1}}"#, invalid),
        ("POST /v1/sync".to_owned(), r#"{"limit":"many"}"#, invalid),
        (format!("POST {absent}/messages"), "{}", invalid),
        (
            format!("POST {absent}/messages"),
            r#"{"content":"hi"}"#,
            invalid,
        ),
        (
            format!("POST {absent}/messages"),
            r#"{"content":{"kind":"text","text":7}}"#,
            invalid,
        ),
        (format!("PUT {absent}/read"), r#"{"seq":-1}"#, invalid),
        (format!("PUT {absent}/read"), r#"{"seq":1.5}"#, invalid),
        (
            "POST /v1/conversations".to_owned(),
            r#"{"members":["a b"]}"#,
            invalid,
        ),
        (
            "POST /v1/conversations".to_owned(),
            r#"{"joining":"sideways"}"#,
            invalid,
        ),
        ("GET /v1/conversations/seven".to_owned(), "", invalid),
        ("GET /v1/conversations?limit=many".to_owned(), "", invalid),
        ("GET /v1/conversations?cursor=seven".to_owned(), "", invalid),
        ("GET /v1/users".to_owned(), "", invalid),
        ("GET /v1/users?user=".to_owned(), "", invalid),
        ("GET /v1/users?users=alice".to_owned(), "", invalid),
        (format!("DELETE {absent}/messages/first"), "", invalid),
        (format!("GET {absent}/messages?after_seq=-1"), "", invalid),
        (
            format!("PUT {absent}/members/a%20b/role"),
            r#"{"role":"admin"}"#,
            invalid,
        ),
        ("GET /v1/events".to_owned(), "", invalid),
        ("GET /v1/events?device=a%20b".to_owned(), "", invalid),
        ("POST /v1/events/x".to_owned(), "{", (404, "not_found")),
        ("GET /v1/updates?after=seven".to_owned(), "", invalid),
        ("GET /v1/updates?wait_s=51".to_owned(), "", invalid),
        ("GET /v1/updates?wait_s=-1".to_owned(), "", invalid),
        ("POST /v1/updates".to_owned(), r#"{"limit":0}"#, invalid),
        ("POST /v1/updates".to_owned(), r#"{"after":7}"#, invalid),
        (format!("GET {absent}"), "", (404, "not_found")),
        ("GET /nowhere".to_owned(), "", (404, "not_found")),
        ("GET /v1".to_owned(), "", (404, "not_found")),
        ("GET /v1/users/".to_owned(), "", (404, "not_found")),
        ("DELETE /v1/sync".to_owned(), "", (405, "unknown_method")),
        ("OPTIONS /v1/users".to_owned(), "", (405, "unknown_method")),
    ];
    for (line, body, expected) in cases {
        let ask = house
            .ask(&line)
            .token(&token)
            .header("content-type", "application/json");
        let answer = ask.body(body.to_owned()).await;
        let (status, code) = answer.problem();
        assert_eq!(
            (status, code.as_str()),
            expected,
            "{line} {body}: {:?}",
            answer.body
        );
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let house = House::open().await;
    let answer = house.ask("PUT /v1/conversations").send().await;
    assert_eq!(answer.problem().0, 405);
    let allow = answer.headers["allow"].to_str().unwrap();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
}

#[tokio::test]
async fn a_huge_body_is_refused_and_a_body_that_is_no_json_too() {
    let house = House::open().await;
    let token = house.token_of("alice").await;
    let sync = || house.ask("POST /v1/sync").token(&token);

    let huge = format!(r#"{{"cursor":"{}"}}"#, "x".repeat(1024 * 1024));
    let huge = sync()
        .header("content-type", "application/json")
        .body(huge)
        .await;
    assert_eq!(huge.problem(), (413, "too_large".to_owned()));
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
    ] {
        let form = sync().header("content-type", kind).body("{}").await;
        assert_eq!(form.problem(), (415, "invalid_frame".to_owned()));
    }
    let json = sync()
        .header("content-type", "Application/JSON; charset=utf-8")
        .body("{}")
        .await;
    assert_eq!(json.status, 200);
}

#[tokio::test]
async fn a_bad_idempotency_key_is_refused_before_anything_happens() {
    let house = House::open().await;
    let token = house.token_of("alice").await;
    for key in ["", "a b", &"x".repeat(65)] {
        let ask = house
            .ask("POST /v1/conversations")
            .token(&token)
            .header("idempotency-key", key);
        let answer = ask.json(json!({"name": "g"})).await;
        assert_eq!(answer.problem().0, 400, "{key:?}");
        assert!(text(&answer.json()["detail"]).contains("Idempotency-Key"));
    }
    let list = house
        .ask("GET /v1/conversations")
        .token(&token)
        .send()
        .await
        .json();
    assert_eq!(list["items"], json!([]));
}

#[tokio::test]
async fn other_peoples_conversations_look_like_absent_ones() {
    let house = House::open().await;
    let (alice, eve) = (house.token_of("alice").await, house.token_of("eve").await);
    let group = house
        .ask("POST /v1/conversations")
        .token(&alice)
        .json(json!({"name": "secret"}))
        .await
        .json();
    let foreign = text(&group["conversation"]);
    let requests = [
        ("GET", "", json!(null)),
        ("PATCH", "", json!({"name": "mine"})),
        ("PATCH", "/settings", json!({"pinned": true})),
        ("GET", "/members", json!(null)),
        ("POST", "/members", json!({"users": ["eve"]})),
        ("DELETE", "/members?user=alice", json!(null)),
        ("PUT", "/members/eve/role", json!({"role": "owner"})),
        ("POST", "/join", json!(null)),
        ("POST", "/leave", json!(null)),
        ("GET", "/messages", json!(null)),
        (
            "POST",
            "/messages",
            json!({"content": {"kind": "text", "text": "hi"}}),
        ),
        (
            "PATCH",
            "/messages/1",
            json!({"content": {"kind": "text", "text": "hi"}}),
        ),
        ("DELETE", "/messages/1", json!(null)),
        ("PUT", "/read", json!({"seq": 1})),
        ("PUT", "/delivered", json!({"seq": 1})),
        ("POST", "/typing", json!(null)),
    ];
    for (verb, tail, body) in requests {
        let ask = async |id: &str| {
            let line = format!("{verb} /v1/conversations/{id}{tail}");
            house.ask(&line).token(&eve).json(body.clone()).await
        };
        let (foreign, absent) = (ask(&foreign).await, ask(ABSENT).await);
        assert_eq!(foreign.status, 404, "{verb} {tail}");
        assert_eq!(
            foreign.anonymous_problem(),
            absent.anonymous_problem(),
            "{verb} {tail}"
        );
    }
}

#[tokio::test]
async fn a_sane_request_id_comes_back_and_another_is_replaced() {
    let house = House::open().await;
    let id_for = async |id: &str| {
        let answer = house
            .ask("GET /healthz")
            .header("x-request-id", id)
            .send()
            .await;
        answer.headers["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(id_for("trace-1.a_B").await, "trace-1.a_B");
    assert_ne!(id_for("two words").await, "two words");
}
