//! Admins, over REST: what they decide about users, what that does to sign-ins and tokens, and what is written down of it.

use im_core::{Actor, CloseReason, Error, PromoteUser, Session, Timestamp};
use serde_json::{Value, json};

use crate::house::{Answer, House, PASSWORD, credentials, text};

/// A house with an admin, ann, and her token.
async fn house() -> (House, String) {
    let house = House::open().await;
    let token = house.token_of("ann").await;
    promote(&house, "ann").await;
    (house, token)
}

/// As the operator does.
async fn promote(house: &House, name: &str) {
    let user: im_core::UserId = name.try_into().unwrap();
    let operator = Actor::service(user.clone());
    let promote = PromoteUser { user };
    house.server.im().call(&operator, promote).await.unwrap();
}

async fn restrict(house: &House, token: &str, path: &str, body: Value) -> Answer {
    let line = format!("PUT /v1/admin/users/{path}");
    house.ask(&line).token(token).json(body).await
}

async fn sign_in(house: &House, user: &str, password: &str) -> Answer {
    let mut body = credentials(user);
    body["password"] = json!(password);
    house.ask("POST /v1/sessions").json(body).await
}

fn in_an_hour(house: &House) -> Timestamp {
    let now = house.server.im().ports().runtime.now();
    now.plus(std::time::Duration::from_secs(3600))
}

#[tokio::test]
async fn a_banned_user_is_told_so_once_its_password_is_right_and_nobody_else_is() {
    let (house, ann) = house().await;
    let bob = house.sign_in("bob").await;
    let token = text(&bob["access_token"]);
    let wrong_before = sign_in(&house, "bob", "incorrect horse").await;
    let ban = json!({"until_ms": in_an_hour(&house), "reason": "fraud"});

    let banned = restrict(&house, &ann, "bob/restrictions/banned", ban).await;
    assert_eq!(banned.status, 200, "{banned:?}");

    let wrong = sign_in(&house, "bob", "incorrect horse").await;
    assert_eq!(wrong.anonymous_problem(), wrong_before.anonymous_problem());
    let right = sign_in(&house, "bob", PASSWORD).await;
    assert_eq!(right.problem(), (403, "account_banned".to_owned()));
    let detail = text(&right.json()["detail"]);
    assert!(
        detail.contains("fraud") && detail.contains("UTC"),
        "{detail}"
    );
    assert!(right.json()["retry_after_ms"].as_u64().unwrap() > 3_500_000);
    let me = house.ask("GET /v1/users/me").token(&token).send().await;
    assert_eq!(me.problem().0, 401, "its token is over");
    let refresh = json!({"refresh_token": bob["refresh_token"]});
    let refreshed = house.ask("POST /v1/sessions/refresh").json(refresh).await;
    assert_eq!(refreshed.problem().0, 401);
    let key = house.server.accounts().create_key("shop").await.unwrap();
    let issued = house.ask("POST /v1/users/bob/tokens").token(&key);
    let issued = issued.json(json!({})).await;
    assert_eq!(issued.problem(), (403, "account_banned".to_owned()));
}

#[tokio::test]
async fn a_ban_that_is_lifted_lets_in_again_and_an_old_token_stays_over() {
    let (house, ann) = house().await;
    let token = house.token_of("bob").await;
    restrict(&house, &ann, "bob/restrictions/disabled", json!({})).await;
    let out = sign_in(&house, "bob", PASSWORD).await;
    assert_eq!(out.problem(), (403, "account_disabled".to_owned()));

    let line = "DELETE /v1/admin/users/bob/restrictions/disabled";
    let lifted = house.ask(line).token(&ann).send().await;

    assert_eq!(
        lifted.json(),
        json!({"user": "bob", "admin": false, "restrictions": []})
    );
    assert_eq!(sign_in(&house, "bob", PASSWORD).await.status, 201);
    let me = house.ask("GET /v1/users/me").token(&token).send().await;
    assert_eq!(me.problem().0, 401);
}

#[tokio::test]
async fn a_frozen_user_changes_nothing_of_its_account_either() {
    let (house, ann) = house().await;
    let token = house.token_of("bob").await;

    restrict(&house, &ann, "bob/restrictions/frozen", json!({})).await;

    let ask = |line: &str| house.ask(line).token(&token);
    assert_eq!(ask("GET /v1/accounts/me").send().await.status, 200);
    assert_eq!(ask("GET /v1/conversations").send().await.status, 200);
    let frozen = (403, "frozen".to_owned());
    let passwords = json!({"old": PASSWORD, "new": "another horse"});
    let changed = ask("POST /v1/accounts/me/password").json(passwords).await;
    assert_eq!(changed.problem(), frozen);
    let erased = ask("DELETE /v1/accounts/me");
    let erased = erased.json(json!({"password": PASSWORD})).await;
    assert_eq!(erased.problem(), frozen);
    let begun = ask("PUT /v1/conversations/direct/ann").send().await;
    assert_eq!(begun.problem(), frozen);
}

#[tokio::test]
async fn an_admin_signs_a_user_out_everywhere() {
    let (house, ann) = house().await;
    let bob = house.sign_in("bob").await;
    let token = text(&bob["access_token"]);
    let line = "DELETE /v1/admin/users/bob/sessions";

    let out = house.ask(line).token(&ann).send().await;

    assert_eq!(out.status, 204);
    let me = house.ask("GET /v1/users/me").token(&token).send().await;
    assert_eq!(me.problem().0, 401);
    let refresh = json!({"refresh_token": bob["refresh_token"]});
    let refreshed = house.ask("POST /v1/sessions/refresh").json(refresh).await;
    assert_eq!(refreshed.problem().0, 401);
    assert_eq!(sign_in(&house, "bob", PASSWORD).await.status, 201);
}

#[tokio::test]
async fn who_is_signed_out_or_banned_on_one_server_is_so_on_the_other() {
    let (house, ann) = house().await;
    let other = house.neighbour().await;
    let (bob, carol) = (house.token_of("bob").await, house.token_of("carol").await);
    let me = async |token: &str| {
        let ask = other.ask("GET /v1/users/me").token(token);
        ask.send().await.status
    };
    assert_eq!((me(&bob).await, me(&carol).await), (200, 200));
    let bobs = other.im().connect("bob", "desk").await.unwrap();
    let carols = other.im().connect("carol", "desk").await.unwrap();

    let out = house.ask("DELETE /v1/admin/users/bob/sessions");
    assert_eq!(out.token(&ann).send().await.status, 204);
    restrict(&house, &ann, "carol/restrictions/banned", json!({})).await;

    assert_eq!(end_of(bobs).await, CloseReason::Unauthenticated);
    assert_eq!(end_of(carols).await, CloseReason::Banned);
    assert_eq!((me(&bob).await, me(&carol).await), (401, 401));
}

/// Why a session ends.
async fn end_of(mut session: Session) -> CloseReason {
    loop {
        if let Err(Error::Closed(reason)) = session.next_event().await {
            return reason;
        }
    }
}

#[tokio::test]
async fn an_admin_sees_users_and_who_is_restricted() {
    let (house, ann) = house().await;
    house.sign_in("bob").await;
    let muted = json!({"reason": "advertising"});
    restrict(&house, &ann, "bob/restrictions/muted", muted).await;
    let get = async |path: &str| {
        let ask = house.ask(&format!("GET /v1/admin/users{path}"));
        ask.token(&ann).send().await
    };

    let bob = get("/bob").await.json();
    assert_eq!(bob["profile"]["user"], "bob");
    assert_eq!(bob["standing"]["restrictions"][0]["kind"], "muted");
    assert_eq!(bob["standing"]["restrictions"][0]["reason"], "advertising");
    assert_eq!(get("/nobody").await.problem().0, 404);
    let first = get("?limit=1").await.json();
    assert_eq!(first["items"][0]["user"], "ann");
    assert_eq!(first["items"][0]["admin"], true);
    let next = text(&first["next_cursor"]);
    let second = get(&format!("?limit=9&cursor={next}")).await.json();
    assert_eq!(second["items"][0]["user"], "bob");
    assert_eq!(second["done"], true);
}

#[tokio::test]
async fn who_is_no_admin_has_no_way_in_and_a_former_one_has_none_any_more() {
    let (house, ann) = house().await;
    let ben = house.token_of("ben").await;
    let list = async |token: &str| {
        let ask = house.ask("GET /v1/admin/users").token(token);
        ask.send().await.status
    };
    assert_eq!(list(&ben).await, 403);
    promote(&house, "ben").await;
    assert_eq!(list(&ben).await, 200);

    let demote = house.ask("DELETE /v1/admin/users/ben/admin").token(&ann);
    assert_eq!(demote.send().await.status, 200);

    assert_eq!(list(&ben).await, 403);
    let last = house.ask("DELETE /v1/admin/users/ann/admin").token(&ann);
    let last = last.send().await;
    assert_eq!(last.problem(), (403, "forbidden".to_owned()));
    assert!(text(&last.json()["detail"]).contains("promote another first"));
}

#[tokio::test]
async fn an_admin_erases_a_user_and_decides_about_a_name_and_it_is_written_down() {
    let (house, ann) = house().await;
    let bob = house.token_of("bob").await;
    let verdict = json!({"verified": true});
    let path = "PUT /v1/users/bob/real-name";
    let refused = house.ask(path).token(&bob).json(verdict.clone()).await;
    assert_eq!(refused.problem().0, 403);

    let decided = house.ask(path).token(&ann).json(verdict).await;
    assert_eq!(decided.problem().0, 409, "none is pending");
    let erased = house.ask("DELETE /v1/users/bob").token(&ann).send().await;
    assert_eq!(erased.status, 204, "{erased:?}");

    let records = house.ask("GET /v1/admin/audit?about=bob").token(&ann);
    let records = records.send().await.json();
    let told: Vec<_> = records["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| [&it["actor"], &it["method"], &it["outcome"]].map(text))
        .collect();
    assert_eq!(
        told,
        [
            ["ann", "user.erase", "done"],
            ["ann", "user.real_name", "conflict"]
        ]
    );
}

#[tokio::test]
async fn requests_of_admins_that_cannot_be_are_refused() {
    let (house, ann) = house().await;
    house.sign_in("bob").await;
    let long = "x".repeat(201);
    for (path, body, status, code) in [
        (
            "bob/restrictions/muted",
            json!({"until_ms": 1}),
            400,
            "invalid_request",
        ),
        (
            "bob/restrictions/muted",
            json!({"reason": long}),
            413,
            "too_large",
        ),
        (
            "bob/restrictions/disabled",
            json!({"reason": "x"}),
            400,
            "invalid_request",
        ),
        ("bob/restrictions/hanged", json!({}), 400, "invalid_request"),
        ("nobody/restrictions/muted", json!({}), 404, "not_found"),
        ("ann/restrictions/muted", json!({}), 403, "forbidden"),
        ("nobody/admin", json!({}), 404, "not_found"),
    ] {
        let refused = restrict(&house, &ann, path, body).await;
        assert_eq!(refused.problem(), (status, code.to_owned()), "{path}");
    }
    let absent = "6f1c1e0e-0000-4000-8000-000000000000";
    for line in [
        format!("DELETE /v1/admin/conversations/{absent}"),
        format!("DELETE /v1/admin/conversations/{absent}/messages/1"),
    ] {
        let refused = house.ask(&line).token(&ann).send().await;
        assert_eq!(refused.problem(), (404, "not_found".to_owned()), "{line}");
    }
}

#[tokio::test]
async fn an_admin_is_not_erased_before_it_is_demoted() {
    let (house, ann) = house().await;
    house.sign_in("ben").await;
    promote(&house, "ben").await;
    let refused = (403, "forbidden".to_owned());

    let other = house.ask("DELETE /v1/users/ben").token(&ann).send().await;
    assert_eq!(other.problem(), refused);
    let erase = house.ask("DELETE /v1/accounts/me").token(&ann);
    let own = erase.json(json!({"password": PASSWORD})).await;
    assert_eq!(own.problem(), refused);

    let demote = house.ask("DELETE /v1/admin/users/ben/admin").token(&ann);
    assert_eq!(demote.send().await.status, 200);
    let erased = house.ask("DELETE /v1/users/ben").token(&ann).send().await;
    assert_eq!(erased.status, 204, "{erased:?}");
}
