//! What a browser could be made to do by a page from elsewhere, and what it could make of our answers.

use std::collections::BTreeSet;

use crate::{
    access::{PUBLIC, document, filled, operations},
    house::{Answer, House, text},
};

const FOREIGN: &str = "https://evil.example";

/// Headers that every answer has, whatever it is.
const ALWAYS: [(&str, &str); 4] = [
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
];

fn assert_inert(line: &str, answer: &Answer) {
    for (name, value) in ALWAYS {
        let said = answer
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap());
        assert_eq!(said, Some(value), "{line}: {name}");
    }
    let kind = answer
        .headers
        .get("content-type")
        .map(|kind| kind.to_str().unwrap());
    let is_json =
        kind.is_none_or(|kind| ["application/json", "application/problem+json"].contains(&kind));
    assert!(is_json, "{line}: {kind:?}");
}

#[tokio::test]
async fn no_answer_can_be_run_framed_sniffed_or_kept() {
    let house = House::open().await;
    let token = house.token_of("alice").await;
    let mut lines: Vec<_> = operations(&document(&house).await)
        .into_iter()
        .map(|(verb, path, _)| filled(&verb, &path))
        .collect();
    lines.extend(
        [
            "GET /",
            "GET /nowhere",
            "PUT /healthz",
            "GET /v1/users?limit=%00",
        ]
        .map(str::to_owned),
    );

    for line in &lines {
        assert_inert(line, &house.ask(line).send().await);
        // Not the end of the sign-in that the others need.
        if !line.contains("/v1/sessions/current") && !line.starts_with("DELETE /v1/accounts/me") {
            assert_inert(line, &house.ask(line).token(&token).send().await);
        }
    }
    assert!(lines.len() > 100, "{}", lines.len());
}

#[tokio::test]
async fn a_form_of_a_foreign_page_changes_nothing() {
    let house = House::open().await;
    for (verb, path, _) in operations(&document(&house).await) {
        if verb == "get" || !PUBLIC.contains(&format!("{verb} {path}").as_str()) {
            continue;
        }
        // What a page may send without asking first.
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        ] {
            let form = house
                .ask(&filled(&verb, &path))
                .header("origin", FOREIGN)
                .header("content-type", kind)
                .body("{}")
                .await;
            assert_eq!(
                form.problem(),
                (415, "invalid_frame".to_owned()),
                "{path} {kind}"
            );
        }
    }
}

#[tokio::test]
async fn a_cookie_is_nobodys_credential() {
    let house = House::open().await;
    let token = house.token_of("alice").await;
    let cookies = format!("im_sso={token}; token={token}; session={token}; access_token={token}");
    let mut gave = BTreeSet::new();
    for (verb, path, _) in operations(&document(&house).await) {
        let line = filled(&verb, &path);
        let with = house.ask(&line).header("cookie", &cookies).send().await;
        let without = house.ask(&line).send().await;
        assert_eq!(with.status, without.status, "{line}");
        if with.headers.contains_key("set-cookie") {
            gave.insert(line);
        } else if with.status >= 400 {
            assert_eq!(
                with.anonymous_problem(),
                without.anonymous_problem(),
                "{line}"
            );
        }
    }
    // The way to an identity provider and back has one (see single_sign_on); none is configured here.
    assert_eq!(gave, BTreeSet::new());
}

#[tokio::test]
async fn a_foreign_page_opens_no_link_even_with_a_token() {
    let house = House::open().await;
    let token = house.token_of("alice").await;
    let ticket = house.ask("POST /v1/tickets").token(&token).send().await;
    assert_eq!(ticket.status, 201, "{}", text(&ticket.json()["url"]));
    for origin in [
        FOREIGN,
        "null",
        "http://127.0.0.1",
        "https://127.0.0.1.evil.example",
        "",
    ] {
        let refused = house
            .ask("GET /v1/ws")
            .token(&token)
            .header("origin", origin)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .send()
            .await;
        assert_eq!(refused.problem(), (403, "forbidden".to_owned()), "{origin}");
    }
}
