//! Registering, signing in and getting in again by a code; being found by an address.

use im_server::{CodeSending, Config, Mode, RateLimits, Registration, Secret, Server};
use serde_json::{Value, json};

use crate::{
    house::{Answer, House, PASSWORD, credentials, text},
    postbox::PostOffice,
};

const MAIL: &str = "alice@example.org";

/// Registers alice by a code, without a password.
async fn register(office: &PostOffice) {
    let code = office.code("register", MAIL, None).await;
    let new = json!({"user": "alice", "identifier": " Alice@Example.org", "code": code});
    let answer = office.house.ask("POST /v1/accounts").json(new).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}

async fn post(office: &PostOffice, line: &str, body: Value) -> Answer {
    office.house.ask(line).json(body).await
}

#[tokio::test]
async fn a_user_registers_and_signs_in_by_code() {
    let office = PostOffice::open().await;
    register(&office).await;
    let code = office.code("sign_in", MAIL, None).await;
    let body = json!({"identifier": MAIL, "code": code, "device": "phone"});

    let signed_in = post(&office, "POST /v1/sessions/code", body.clone()).await;
    assert_eq!(signed_in.status, 201, "{signed_in:?}");
    assert_eq!(signed_in.json()["user"], "alice");
    let again = post(&office, "POST /v1/sessions/code", body).await;
    assert_eq!(
        again.problem(),
        (401, "unauthenticated".to_owned()),
        "a code works once"
    );

    let token = text(&signed_in.json()["access_token"]);
    let own = office.house.ask("GET /v1/accounts/me").token(&token);
    let own = own.send().await.json();
    assert_eq!(
        (&own["email"], &own["has_password"]),
        (&json!(MAIL), &json!(false))
    );
}

#[tokio::test]
async fn a_code_is_good_for_one_purpose_and_one_address() {
    let office = PostOffice::open().await;
    register(&office).await;
    let code = office.code("sign_in", MAIL, None).await;
    let reset = json!({"identifier": MAIL, "code": code, "password": PASSWORD});
    assert_eq!(
        post(&office, "POST /v1/accounts/password", reset)
            .await
            .status,
        401
    );
    let other = json!({"identifier": "+4915112345678", "code": code});
    assert_eq!(
        post(&office, "POST /v1/sessions/code", other).await.status,
        401
    );

    let right = json!({"identifier": MAIL, "code": code});
    assert_eq!(
        post(&office, "POST /v1/sessions/code", right).await.status,
        201
    );
}

#[tokio::test]
async fn a_code_ends_after_five_wrong_tries() {
    let office = PostOffice::open().await;
    register(&office).await;
    let code = office.code("sign_in", MAIL, None).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        let body = json!({"identifier": MAIL, "code": wrong});
        assert_eq!(
            post(&office, "POST /v1/sessions/code", body).await.status,
            401
        );
    }

    let body = json!({"identifier": MAIL, "code": code});
    assert_eq!(
        post(&office, "POST /v1/sessions/code", body).await.status,
        401
    );
}

#[tokio::test]
async fn nobody_learns_by_codes_who_has_an_account() {
    let office = PostOffice::open().await;
    register(&office).await;
    let ask = async |purpose: &str, identifier: &str| {
        let body = json!({"purpose": purpose, "identifier": identifier});
        let answer = post(&office, "POST /v1/codes", body).await;
        (answer.status, answer.body, answer.headers.len())
    };
    for purpose in ["sign_in", "reset_password", "register"] {
        let known = ask(purpose, MAIL).await;
        let unknown = ask(purpose, "nobody@example.org").await;
        assert_eq!(known, unknown, "{purpose}");
        assert_eq!(known.0, 202);
    }
    let mut sent = Vec::new();
    for _ in 0..3 {
        let letter = office.letter().await;
        sent.push((letter.purpose.as_str(), letter.to));
    }
    sent.sort();
    let expected = [
        ("register", "nobody@example.org"),
        ("reset_password", MAIL),
        ("sign_in", MAIL),
    ];
    assert_eq!(sent, expected.map(|(purpose, to)| (purpose, to.to_owned())));

    for line in ["POST /v1/sessions/code", "POST /v1/accounts/password"] {
        let attempt = async |identifier: &str| {
            let body = json!({"identifier": identifier, "code": "abc", "password": PASSWORD});
            post(&office, line, body).await.anonymous_problem()
        };
        assert_eq!(attempt(MAIL).await, attempt("nobody@example.org").await);
    }
}

#[tokio::test]
async fn a_lost_password_is_reset_and_ends_all_sign_ins() {
    let office = PostOffice::open().await;
    register(&office).await;
    let code = office.code("sign_in", MAIL, None).await;
    let body = json!({"identifier": MAIL, "code": code});
    let session = post(&office, "POST /v1/sessions/code", body).await.json();
    let token = text(&session["access_token"]);

    let code = office.code("reset_password", MAIL, None).await;
    let short = json!({"identifier": MAIL, "code": code, "password": "short"});
    assert_eq!(
        post(&office, "POST /v1/accounts/password", short)
            .await
            .status,
        400
    );
    let reset = json!({"identifier": MAIL, "code": code, "password": PASSWORD});
    assert_eq!(
        post(&office, "POST /v1/accounts/password", reset)
            .await
            .status,
        204
    );

    let me = office.house.ask("GET /v1/users/me").token(&token);
    assert_eq!(me.send().await.status, 401);
    let refresh = json!({"refresh_token": session["refresh_token"]});
    assert_eq!(
        post(&office, "POST /v1/sessions/refresh", refresh)
            .await
            .status,
        401
    );
    for name in [
        json!({"user": "alice"}),
        json!({"identifier": "ALICE@example.org"}),
    ] {
        let mut body = name;
        body["password"] = PASSWORD.into();
        assert_eq!(post(&office, "POST /v1/sessions", body).await.status, 201);
    }
}

#[tokio::test]
async fn an_account_gets_an_address_by_code_and_password() {
    let office = PostOffice::open().await;
    let token = office.house.token_of("bob").await;
    let phone = "+49 151 12345678";
    let code = office.code("verify", phone, Some(&token)).await;
    let attach = async |body: Value| {
        let ask = office.house.ask("PUT /v1/accounts/me/identifiers");
        ask.token(&token).json(body).await
    };

    let without = json!({"identifier": phone, "code": code});
    assert_eq!(attach(without).await.problem().0, 400);
    let wrong = json!({"identifier": phone, "code": code, "password": "incorrect horse"});
    assert_eq!(attach(wrong).await.problem(), (403, "forbidden".to_owned()));
    let right = json!({"identifier": phone, "code": code, "password": PASSWORD});
    assert_eq!(
        attach(right.clone()).await.json()["phone"],
        "+4915112345678"
    );
    assert_eq!(attach(right).await.status, 401, "a code works once");

    let body = json!({"identifier": "+4915112345678", "password": PASSWORD});
    assert_eq!(
        post(&office, "POST /v1/sessions", body).await.json()["user"],
        "bob"
    );
}

#[tokio::test]
async fn an_address_belongs_to_one_account() {
    let office = PostOffice::open().await;
    register(&office).await;
    let token = office.house.token_of("bob").await;
    let code = office.code("verify", MAIL, Some(&token)).await;

    let body = json!({"identifier": MAIL, "code": code, "password": PASSWORD});
    let ask = office.house.ask("PUT /v1/accounts/me/identifiers");
    let taken = ask.token(&token).json(body).await;

    assert_eq!(taken.problem(), (409, "conflict".to_owned()));
    let carol = office.house.token_of("carol").await;
    let code = office.code("verify", "c@example.org", Some(&token)).await;
    let body = json!({"identifier": "c@example.org", "code": code, "password": PASSWORD});
    let ask = office.house.ask("PUT /v1/accounts/me/identifiers");
    let others = ask.token(&carol).json(body).await;
    assert_eq!(others.status, 401, "a code is for who asked for it");
}

#[tokio::test]
async fn codes_that_cannot_be_given_say_why() {
    let office = PostOffice::open().await;
    for (body, status) in [
        (json!({"purpose": "sign_in", "identifier": "nowhere"}), 400),
        (json!({"purpose": "dance", "identifier": MAIL}), 400),
        (json!({"purpose": "verify", "identifier": MAIL}), 401),
    ] {
        let answer = post(&office, "POST /v1/codes", body.clone()).await;
        assert_eq!(answer.problem().0, status, "{body}");
    }
    for body in [
        json!({"user": "alice"}),
        json!({"user": "alice", "identifier": MAIL}),
        json!({"user": "alice", "code": "123456"}),
    ] {
        let answer = post(&office, "POST /v1/accounts", body.clone()).await;
        assert_eq!(answer.problem().0, 400, "{body}");
    }
    let mut both = credentials("alice");
    both["identifier"] = MAIL.into();
    assert_eq!(
        post(&office, "POST /v1/sessions", both).await.problem().0,
        400
    );
    let silent = House::open().await;
    let body = json!({"purpose": "sign_in", "identifier": MAIL});
    let answer = silent.ask("POST /v1/codes").json(body).await;
    assert_eq!(answer.problem().0, 403);
    let closed = PostOffice::open_with(|config| config.registration = Registration::Closed).await;
    let body = json!({"purpose": "register", "identifier": MAIL});
    assert_eq!(post(&closed, "POST /v1/codes", body).await.problem().0, 403);
}

#[tokio::test]
async fn codes_to_one_target_are_slowed_down() {
    let office = PostOffice::open_with(|config| {
        config.rate_limits = RateLimits {
            codes_per_target: 2,
            ..RateLimits::default()
        };
    })
    .await;
    let ask = || {
        let body = json!({"purpose": "register", "identifier": MAIL});
        post(&office, "POST /v1/codes", body)
    };
    assert_eq!(ask().await.status, 202);
    assert_eq!(ask().await.status, 202);

    assert_eq!(ask().await.problem(), (429, "rate_limited".to_owned()));
}

#[tokio::test]
async fn a_server_for_people_does_not_start_with_codes_in_its_log() {
    let home = tempfile::tempdir().unwrap();
    let mut config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        data_dir: home.path().into(),
        database_url: Secret::new("memory:"),
        code_sender: CodeSending::Log,
        ..Config::default()
    };
    let refused = Server::start(&config).await.err().unwrap().to_string();
    assert!(
        refused.contains("code_sender") && refused.contains("development"),
        "{refused}"
    );

    config.mode = Mode::Development;
    assert!(Server::start(&config).await.is_ok());
}
