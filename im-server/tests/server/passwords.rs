//! Changing passwords, and being locked out.

use im_server::RateLimits;
use serde_json::{Value, json};

use crate::house::{Answer, House, PASSWORD, credentials, text};

const NEW: &str = "battery staple";

async fn change(house: &House, token: &str, old: &str, new: &str) -> Answer {
    let ask = house.ask("POST /v1/accounts/me/password").token(token);
    ask.json(json!({"old": old, "new": new})).await
}

async fn status_of(house: &House, token: &str) -> u16 {
    let ask = house.ask("GET /v1/users/me").token(token);
    ask.send().await.status
}

async fn refresh(house: &House, session: &Value) -> u16 {
    let body = json!({"refresh_token": session["refresh_token"]});
    house
        .ask("POST /v1/sessions/refresh")
        .json(body)
        .await
        .status
}

#[tokio::test]
async fn a_changed_password_ends_all_sign_ins_but_the_one_that_asked() {
    let house = House::open().await;
    let phone = house.sign_in("alice").await;
    let mut body = credentials("alice");
    body["device"] = "laptop".into();
    let laptop = house.ask("POST /v1/sessions").json(body).await.json();
    let (here, there) = (text(&phone["access_token"]), text(&laptop["access_token"]));
    let there_too = house.server.im().authenticate(&there).await.unwrap();
    assert!(there_too.sign_in.is_some());

    assert_eq!(change(&house, &here, PASSWORD, NEW).await.status, 204);

    assert_eq!(
        (
            status_of(&house, &here).await,
            status_of(&house, &there).await
        ),
        (200, 401)
    );
    assert_eq!(
        (
            refresh(&house, &phone).await,
            refresh(&house, &laptop).await
        ),
        (200, 401)
    );
    let old = house
        .ask("POST /v1/sessions")
        .json(credentials("alice"))
        .await;
    assert_eq!(old.status, 401);
    let new = json!({"user": "alice", "password": NEW});
    assert_eq!(house.ask("POST /v1/sessions").json(new).await.status, 201);
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it() {
    let house = House::open().await;
    let token = house.token_of("alice").await;
    for (old, new, expected) in [
        ("incorrect horse", NEW, (403, "forbidden")),
        (PASSWORD, "short", (400, "invalid_request")),
    ] {
        let refused = change(&house, &token, old, new).await.problem();
        assert_eq!(refused, (expected.0, expected.1.to_owned()));
    }
    let key = house.server.accounts().create_key("shop").await.unwrap();
    assert_eq!(change(&house, &key, PASSWORD, NEW).await.problem().0, 403);
    house
        .ask("PUT /v1/users/theirs")
        .token(&key)
        .json(json!({}))
        .await;
    let issued = house.ask("POST /v1/users/theirs/tokens").token(&key);
    let token = text(&issued.json(json!({})).await.json()["access_token"]);
    assert_eq!(change(&house, &token, PASSWORD, NEW).await.problem().0, 404);
    let own = house.ask("GET /v1/accounts/me").token(&token);
    assert_eq!(own.send().await.problem().0, 404);
}

#[tokio::test]
async fn who_is_locked_out_cannot_tell() {
    let house = House::open_with(|config| {
        config.rate_limits = RateLimits {
            sign_ins_per_address: 0,
            sign_ins_per_user: 0,
            failures_before_lock: 3,
            ..RateLimits::default()
        };
    })
    .await;
    let token = house.token_of("alice").await;
    let attempt = async |user: &str, password: &str| {
        let body = json!({"user": user, "password": password});
        let answer = house.ask("POST /v1/sessions").json(body).await;
        (
            answer.status,
            answer.anonymous_problem(),
            answer.headers.len(),
        )
    };
    let wrong = attempt("alice", "incorrect horse").await;
    for _ in 0..2 {
        assert_eq!(attempt("alice", "incorrect horse").await, wrong);
    }

    assert_eq!(attempt("alice", PASSWORD).await, wrong, "right, and locked");
    assert_eq!(attempt("nobody", PASSWORD).await, wrong);
    let changed = change(&house, &token, PASSWORD, NEW).await;
    assert_eq!(
        changed.problem(),
        (403, "forbidden".to_owned()),
        "that door is locked too"
    );
    assert_eq!(
        status_of(&house, &token).await,
        200,
        "who is signed in stays so"
    );
}

#[tokio::test]
async fn a_right_password_in_between_starts_the_count_anew() {
    let house = House::open_with(|config| {
        config.rate_limits = RateLimits {
            sign_ins_per_address: 0,
            sign_ins_per_user: 0,
            failures_before_lock: 3,
            ..RateLimits::default()
        };
    })
    .await;
    house.sign_in("alice").await;
    let attempt = async |password: &str| {
        let body = json!({"user": "alice", "password": password});
        house.ask("POST /v1/sessions").json(body).await.status
    };
    for _ in 0..3 {
        assert_eq!(attempt("incorrect horse").await, 401);
        assert_eq!(attempt("incorrect horse").await, 401);
        assert_eq!(attempt(PASSWORD).await, 201);
    }
}
