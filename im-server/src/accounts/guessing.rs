//! Whoever guesses learns nothing: not from the words of the answer, and not from the work that it takes.
#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr};

use im_core::{Actor, Identifier, Rejection, UpsertUser, UserId};

use super::{Attempt, Name, NewAccount, Password};
use crate::{
    app::App,
    config::{Config, Registration},
    secret::Secret,
    throttle::RateLimits,
    wire,
};

const RIGHT: &str = "correct horse";
const FAILURES: u32 = 3;

async fn house(home: &tempfile::TempDir) -> App {
    let config = Config {
        data_dir: home.path().into(),
        database_url: Secret::new("memory:"),
        rate_limits: RateLimits {
            failures_before_lock: FAILURES,
            ..RateLimits::default()
        },
        registration: Registration::Open,
        ..Config::default()
    };
    let app = wire::assemble(&config).await.unwrap();
    for name in ["alice", "locked"] {
        let account = NewAccount::with_password(user(name), Password::new(RIGHT));
        app.accounts.register(account, None).await.unwrap();
    }
    let service = Actor::service(user("back-end"));
    let theirs = UpsertUser::new(user("no-password"));
    app.im.call(&service, theirs).await.unwrap();
    app
}

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

/// The answer to a guess, and how many hashings it took.
async fn guess(app: &App, name: Name, password: &str) -> (Rejection, usize) {
    let before = app.accounts.passwords.runs();
    let attempt = Attempt {
        name,
        password: Password::new(password),
        device: None,
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let refusal = app.accounts.sign_in(attempt).await.err().unwrap();
    (refusal, app.accounts.passwords.runs() - before)
}

#[tokio::test]
async fn a_guess_gets_the_same_words_and_costs_the_same_whomever_it_is_for() {
    let home = tempfile::tempdir().unwrap();
    let app = house(&home).await;
    let named = |id: &str| Name::User(user(id));
    let at = |text: &str| Name::Identifier(Identifier::parse(text).unwrap());
    for _ in 0..FAILURES {
        guess(&app, named("locked"), "incorrect horse").await;
    }

    let first = guess(&app, named("alice"), "incorrect horse").await;

    assert_eq!(first.1, 1, "one hashing");
    for (what, name, password) in [
        ("nobody", named("nobody"), RIGHT),
        ("an account without a password", named("no-password"), RIGHT),
        ("an address of nobody", at("nobody@example.org"), RIGHT),
        ("a phone of nobody", at("+491701234567"), RIGHT),
        ("right, and locked out", named("locked"), RIGHT),
        ("wrong, and locked out", named("locked"), "incorrect horse"),
        ("no password at all", named("alice"), ""),
    ] {
        assert_eq!(guess(&app, name, password).await, first, "{what}");
    }
}

#[tokio::test]
async fn a_guess_that_is_too_long_is_hashed_for_nobody() {
    let home = tempfile::tempdir().unwrap();
    let app = house(&home).await;
    let long = "x".repeat(10_000);

    let alice = guess(&app, Name::User(user("alice")), &long).await;
    let nobody = guess(&app, Name::User(user("nobody")), &long).await;

    assert_eq!(alice.1, 0);
    assert_eq!(alice, nobody);
}
