//! Checks of real names.

use im_server::{Config, Mode, RateLimits, RealNameChecks, Secret, Server};
use serde_json::{Value, json};

use crate::house::{Answer, House};

async fn open() -> House {
    House::open_with(|config| {
        config.mode = Mode::Development;
        config.real_names = RealNameChecks::Test;
        config.rate_limits = RateLimits {
            sign_ins_per_user: 0,
            ..RateLimits::default()
        };
    })
    .await
}

async fn show(house: &House, token: &str, number: &str) -> Answer {
    let ask = house.ask("POST /v1/accounts/me/real-name").token(token);
    ask.json(json!({"name": "Alice Liddell", "number": number}))
        .await
}

async fn state(house: &House, token: &str) -> Value {
    let ask = house.ask("GET /v1/accounts/me").token(token);
    ask.send().await.json()["real_name"]["state"].clone()
}

#[tokio::test]
async fn a_document_that_is_believed_verifies_its_user() {
    let house = open().await;
    let token = house.token_of("alice").await;
    assert_eq!(state(&house, &token).await, "none");

    assert_eq!(
        show(&house, &token, "L-1").await.json()["state"],
        "rejected"
    );
    assert_eq!(
        show(&house, &token, "TEST-1").await.json()["state"],
        "verified"
    );

    assert_eq!(state(&house, &token).await, "verified");
    assert_eq!(show(&house, &token, "TEST-2").await.problem().0, 409);
}

#[tokio::test]
async fn a_document_that_waits_is_decided_by_a_back_end() {
    let house = open().await;
    let token = house.token_of("alice").await;
    let key = house.server.accounts().create_key("desk").await.unwrap();
    let decide = async |token: &str, verified: bool| {
        let ask = house.ask("PUT /v1/users/alice/real-name").token(token);
        ask.json(json!({"verified": verified})).await.status
    };
    assert_eq!(decide(&key, true).await, 409, "nothing is pending");
    assert_eq!(
        show(&house, &token, "WAIT-1").await.json()["state"],
        "pending"
    );
    assert_eq!(show(&house, &token, "TEST-1").await.problem().0, 409);

    assert_eq!(decide(&token, true).await, 403);
    assert_eq!(decide(&key, false).await, 204);
    assert_eq!(state(&house, &token).await, "rejected");
    assert_eq!(show(&house, &token, "WAIT-1").await.status, 200);
    assert_eq!(decide(&key, true).await, 204);
    assert_eq!(state(&house, &token).await, "verified");
}

#[tokio::test]
async fn a_document_is_not_in_the_database() {
    let house = open().await;
    let token = house.token_of("alice").await;
    show(&house, &token, "TEST-canary").await;

    let found = crate::erasing::find(&house, &["Liddell", "TEST-canary", "test-canary"]).await;

    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn names_are_checked_where_somebody_does_it() {
    let house = House::open().await;
    let token = house.token_of("alice").await;
    assert_eq!(show(&house, &token, "TEST-1").await.problem().0, 403);
    assert_eq!(show(&house, &token, "").await.problem().0, 400);

    let home = tempfile::tempdir().unwrap();
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        data_dir: home.path().into(),
        database_url: Secret::new("memory:"),
        real_names: RealNameChecks::Test,
        ..Config::default()
    };
    let refused = Server::start(&config).await.err().unwrap().to_string();
    assert!(refused.contains("real_names"), "{refused}");
}
