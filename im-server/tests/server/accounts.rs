//! Registering, signing in, staying signed in, signing out.

use std::time::{Duration, Instant};

use im_server::{ClientAddress, RateLimits, Registration};
use serde_json::json;

use crate::house::{Answer, House, credentials, text};

#[tokio::test]
async fn a_user_registers_signs_in_and_is_known() {
    let house = House::open().await;
    let new = json!({"user": "alice", "password": "correct horse", "nickname": "Alice"});

    let registered = house.ask("POST /v1/accounts").json(new).await;
    assert_eq!(registered.status, 201);
    let session = house
        .ask("POST /v1/sessions")
        .json(credentials("alice"))
        .await;
    assert_eq!(session.status, 201);
    assert_eq!(session.headers["cache-control"], "no-store");
    let token = text(&session.json()["access_token"]);

    let me = house.ask("GET /v1/users/me").token(&token).send().await;
    assert_eq!(me.json()["nickname"], "Alice");
}

#[tokio::test]
async fn a_name_is_taken_once_and_a_retry_finds_its_own_account() {
    let house = House::open().await;
    let new = |password: &str| json!({"user": "alice", "password": password});
    let register = |key: &'static str, password: &'static str| {
        let ask = house
            .ask("POST /v1/accounts")
            .header("idempotency-key", key);
        ask.json(new(password))
    };

    assert_eq!(register("k1", "correct horse").await.status, 201);
    assert_eq!(register("k1", "correct horse").await.status, 201);
    let conflict = (409, "conflict".to_owned());
    assert_eq!(register("k1", "another horse").await.problem(), conflict);
    assert_eq!(register("k2", "correct horse").await.problem(), conflict);
    let without_key = house
        .ask("POST /v1/accounts")
        .json(new("correct horse"))
        .await;
    assert_eq!(without_key.problem(), conflict);
}

#[tokio::test]
async fn bad_registrations_say_what_to_do() {
    let house = House::open().await;
    for (body, status) in [
        (json!({"user": "alice", "password": "short"}), 400),
        (json!({"user": "alice", "password": "x".repeat(129)}), 400),
        (json!({"user": "a b", "password": "correct horse"}), 400),
        (json!({"user": "me", "password": "correct horse"}), 409),
        (json!({"user": "alice"}), 400),
        (json!({"user": "alice", "password": "x".repeat(9000)}), 413),
    ] {
        let answer = house.ask("POST /v1/accounts").json(body.clone()).await;
        assert_eq!(answer.problem().0, status, "{body:.60}");
    }
    let closed = House::open_with(|config| config.registration = Registration::Closed).await;
    let answer = closed
        .ask("POST /v1/accounts")
        .json(credentials("alice"))
        .await;
    assert_eq!(answer.problem().0, 403);
}

#[tokio::test]
async fn a_wrong_password_and_an_absent_account_cannot_be_told_apart() {
    let house = House::open().await;
    house.sign_in("alice").await;
    let attempt = async |user: &str| {
        let started = Instant::now();
        let body = json!({"user": user, "password": "incorrect horse"});
        let answer = house.ask("POST /v1/sessions").json(body).await;
        (
            answer.anonymous_problem(),
            answer.headers.len(),
            started.elapsed(),
        )
    };
    let mut times = [Vec::new(), Vec::new()];

    for _ in 0..7 {
        let (wrong, nobody) = (attempt("alice").await, attempt("nobody").await);
        assert_eq!(wrong.0, nobody.0);
        assert_eq!(wrong.1, nobody.1);
        assert_eq!(wrong.0["status"], 401);
        times[0].push(wrong.2);
        times[1].push(nobody.2);
    }

    let [wrong, nobody] = times.map(median);
    // Hashing takes most of the time; without it the ratio would be far beyond two.
    assert!(
        wrong < nobody * 2 && nobody < wrong * 2,
        "{wrong:?} {nobody:?}"
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Who refreshes and asks who it is.
struct Door<'a>(&'a House);

impl Door<'_> {
    async fn refresh(&self, token: &str) -> Answer {
        let body = json!({"refresh_token": token});
        self.0.ask("POST /v1/sessions/refresh").json(body).await
    }

    async fn me(&self, token: &str) -> u16 {
        let ask = self.0.ask("GET /v1/users/me").token(token);
        ask.send().await.status
    }
}

#[tokio::test]
async fn a_used_refresh_token_ends_its_sign_in_once_its_successor_is_used() {
    let house = House::open().await;
    let first = house.sign_in("alice").await;
    let door = Door(&house);

    let second = door.refresh(&text(&first["refresh_token"])).await;
    assert_eq!(second.status, 200);
    let second = second.json();
    assert_eq!(second["device"], first["device"]);
    assert_eq!(door.me(&text(&second["access_token"])).await, 200);
    let third = door.refresh(&text(&second["refresh_token"])).await.json();
    let token = text(&third["access_token"]);

    let stolen = door.refresh(&text(&first["refresh_token"])).await;
    assert_eq!(stolen.problem(), (401, "unauthenticated".to_owned()));
    let unknown = door.refresh("imr_nothing").await;
    assert_eq!(stolen.anonymous_problem(), unknown.anonymous_problem());
    let refused = door.refresh(&text(&third["refresh_token"])).await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        door.me(&token).await,
        401,
        "the access token ended with its family"
    );
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_can_be_repeated() {
    let house = House::open().await;
    let first = house.sign_in("alice").await;
    let door = Door(&house);

    let lost = door.refresh(&text(&first["refresh_token"])).await.json();
    let retry = door.refresh(&text(&first["refresh_token"])).await;

    assert_eq!(retry.status, 200, "{retry:?}");
    let retry = retry.json();
    for field in ["user", "device", "refresh_token", "refresh_expires_at_ms"] {
        assert_eq!(retry[field], lost[field], "{field}");
    }
    assert_eq!(door.me(&text(&retry["access_token"])).await, 200);
    let next = door.refresh(&text(&retry["refresh_token"])).await;
    assert_eq!(next.status, 200, "the sign-in goes on");
}

#[tokio::test]
async fn signing_out_ends_one_device_or_all() {
    let house = House::open().await;
    house.sign_in("alice").await;
    let device = async |device: &str| {
        let mut body = credentials("alice");
        body["device"] = device.into();
        house.ask("POST /v1/sessions").json(body).await.json()
    };
    let (phone, laptop) = (device("phone").await, device("laptop").await);
    let (phone_token, laptop_token) = (text(&phone["access_token"]), text(&laptop["access_token"]));
    let me = async |token: &str| {
        house
            .ask("GET /v1/users/me")
            .token(token)
            .send()
            .await
            .status
    };

    let out = house
        .ask("DELETE /v1/sessions/current")
        .token(&phone_token)
        .send()
        .await;
    assert_eq!(out.status, 204);
    assert_eq!(
        (me(&phone_token).await, me(&laptop_token).await),
        (401, 200)
    );
    let refresh = json!({"refresh_token": phone["refresh_token"]});
    assert_eq!(
        house
            .ask("POST /v1/sessions/refresh")
            .json(refresh)
            .await
            .status,
        401
    );

    let third = text(&device("tablet").await["access_token"]);
    let out = house
        .ask("DELETE /v1/sessions/current?everywhere=true")
        .token(&laptop_token)
        .send()
        .await;
    assert_eq!(out.status, 204);
    assert_eq!(me(&laptop_token).await, 401);
    assert_eq!(me(&third).await, 401);
    let refresh = json!({"refresh_token": laptop["refresh_token"]});
    assert_eq!(
        house
            .ask("POST /v1/sessions/refresh")
            .json(refresh)
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_ticket_opens_one_session() {
    let house = House::open().await;
    let token = house.token_of("alice").await;

    let ticket = house.ask("POST /v1/tickets").token(&token).send().await;
    assert_eq!(ticket.status, 201);
    assert_eq!(ticket.json()["url"], "/v1/ws");
    let ticket = text(&ticket.json()["ticket"]);

    let identity = house.server.im().authenticate(&ticket).await.unwrap();
    assert_eq!(identity.actor.user.as_str(), "alice");
    assert!(house.server.im().authenticate(&ticket).await.is_err());
    let as_bearer = house.ask("GET /v1/users/me").token(&ticket).send().await;
    assert_eq!(as_bearer.status, 401, "a ticket is no access token");
}

#[tokio::test]
async fn a_ticket_ends_with_the_sign_in_that_it_came_from() {
    let house = House::open().await;
    let token = house.token_of("alice").await;
    let ticket = house
        .ask("POST /v1/tickets")
        .token(&token)
        .send()
        .await
        .json();

    house
        .ask("DELETE /v1/sessions/current")
        .token(&token)
        .send()
        .await;

    let ticket = text(&ticket["ticket"]);
    assert!(house.server.im().authenticate(&ticket).await.is_err());
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let limits = RateLimits {
        sign_ins_per_address: 100,
        sign_ins_per_user: 3,
        ..RateLimits::default()
    };
    let house = House::open_with(|config| config.rate_limits = limits).await;
    let guess = || {
        let body = json!({"user": "alice", "password": "incorrect horse"});
        house.ask("POST /v1/sessions").json(body)
    };
    for _ in 0..3 {
        assert_eq!(guess().await.status, 401);
    }

    let refused = guess().await;

    assert_eq!(refused.problem(), (429, "rate_limited".to_owned()));
    assert!(refused.headers.contains_key("retry-after"));
    let wait = refused.json()["retry_after_ms"].as_u64().unwrap();
    assert!((1..=20_000).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_user_signs_in_while_a_stranger_guesses() {
    let house = House::open_with(|config| {
        config.client_address = ClientAddress::XForwardedFor;
        config.rate_limits = RateLimits {
            sign_ins_per_address: 100,
            sign_ins_per_user: 3,
            ..RateLimits::default()
        };
    })
    .await;
    house.sign_in("alice").await;
    let guess = json!({"user": "alice", "password": "incorrect horse"});
    let from = |address: &str| {
        house
            .ask("POST /v1/sessions")
            .header("x-forwarded-for", address)
    };
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(from("192.0.2.1").json(guess.clone()).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 429]);

    let alice = from("198.51.100.1").json(credentials("alice")).await;

    assert_eq!(alice.status, 201, "{alice:?}");
}
