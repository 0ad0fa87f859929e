//! Signing in at an identity provider, against a small one on this machine.

use im_server::{Config, OidcProvider, RateLimits, Secret, Server};
use serde_json::json;

use crate::{
    house::{Answer, House, PASSWORD, text},
    identity_provider::{CLIENT, IdentityProvider, SECRET},
};

fn provider(issuer: &str) -> OidcProvider {
    OidcProvider {
        name: "corp".to_owned(),
        issuer: issuer.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: Some(Secret::new(SECRET)),
        client_secret_file: None,
        create_accounts: true,
    }
}

async fn open(issuer: &str, change: impl FnOnce(&mut OidcProvider)) -> House {
    let mut provider = provider(issuer);
    change(&mut provider);
    House::open_with(|config| {
        config.public_url = Some("https://im.example.org/chat".parse().unwrap());
        config.oidc = vec![provider];
        config.rate_limits = RateLimits {
            sign_ins_per_address: 0,
            ..RateLimits::default()
        };
    })
    .await
}

/// A browser that was sent to the provider.
struct Traveller {
    location: String,
    cookie: String,
}

async fn depart(house: &House) -> Traveller {
    let answer = house
        .ask("GET /v1/oidc/corp/start?device=laptop")
        .send()
        .await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
    let cookie = header("set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("Secure"),
        "{cookie}"
    );
    Traveller {
        location: header("location"),
        cookie: cookie.split(';').next().unwrap().to_owned(),
    }
}

async fn come_back(house: &House, query: &str, cookie: &str) -> Answer {
    let ask = house.ask(&format!("GET /v1/oidc/corp/callback?{query}"));
    ask.header("cookie", &format!("other=1; {cookie}"))
        .send()
        .await
}

/// There and back.
async fn sign_in(house: &House, idp: &IdentityProvider) -> Answer {
    let traveller = depart(house).await;
    let query = idp.authorize(&traveller.location);
    come_back(house, &query, &traveller.cookie).await
}

#[tokio::test]
async fn whoever_the_provider_knows_gets_an_account_and_keeps_it() {
    let idp = IdentityProvider::open().await;
    let house = open(&idp.issuer, |_| {}).await;

    let first = sign_in(&house, &idp).await;
    assert_eq!(first.status, 200, "{first:?}");
    let first = first.json();
    assert_eq!(first["device"], "laptop");
    let token = text(&first["access_token"]);
    let me = house
        .ask("GET /v1/users/me")
        .token(&token)
        .send()
        .await
        .json();
    assert_eq!(me["nickname"], "Alice Liddell");
    let own = house.ask("GET /v1/accounts/me").token(&token);
    assert_eq!(own.send().await.json()["single_sign_ons"], 1);

    let second = sign_in(&house, &idp).await.json();
    assert_eq!(
        second["user"], first["user"],
        "linked by issuer and subject"
    );
    idp.become_somebody_else();
    let other = sign_in(&house, &idp).await.json();
    assert_ne!(other["user"], first["user"]);
}

#[tokio::test]
async fn an_account_is_found_by_an_identity_that_was_linked_to_it() {
    let idp = IdentityProvider::open().await;
    let house = open(&idp.issuer, |provider| provider.create_accounts = false).await;
    let token = house.token_of("alice").await;
    let link = async |password: &str| {
        let ask = house.ask("POST /v1/oidc/corp/link").token(&token);
        ask.json(json!({ "password": password })).await
    };
    assert_eq!(link("a wrong one").await.problem().0, 403);

    let going = link(PASSWORD).await;
    let cookie = going.headers["set-cookie"].to_str().unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap();
    let query = idp.authorize(&text(&going.json()["location"]));
    let back = come_back(&house, &query, cookie).await.json();

    assert_eq!(back["user"], "alice");
    let later = sign_in(&house, &idp).await.json();
    assert_eq!(later["user"], "alice");
    let token_of_bob = house.token_of("bob").await;
    let ask = house.ask("POST /v1/oidc/corp/link").token(&token_of_bob);
    let going = ask.json(json!({ "password": PASSWORD })).await;
    let cookie = going.headers["set-cookie"].to_str().unwrap().to_owned();
    let query = idp.authorize(&text(&going.json()["location"]));
    let refused = come_back(&house, &query, cookie.split(';').next().unwrap()).await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
}

#[tokio::test]
async fn a_link_that_was_begun_ends_with_the_sign_in_that_began_it() {
    let idp = IdentityProvider::open().await;
    let house = open(&idp.issuer, |provider| provider.create_accounts = false).await;
    let token = house.token_of("alice").await;
    let ask = house.ask("POST /v1/oidc/corp/link").token(&token);
    let going = ask.json(json!({ "password": PASSWORD })).await;
    let cookie = going.headers["set-cookie"].to_str().unwrap().to_owned();
    let query = idp.authorize(&text(&going.json()["location"]));
    let sign_out = house.ask("DELETE /v1/sessions/current?everywhere=true");
    assert_eq!(sign_out.token(&token).send().await.status, 204);

    let back = come_back(&house, &query, cookie.split(';').next().unwrap()).await;

    assert_eq!(back.problem(), (401, "unauthenticated".to_owned()));
    let later = sign_in(&house, &idp).await;
    assert_eq!(later.problem(), (403, "forbidden".to_owned()), "not linked");
}

#[tokio::test]
async fn nobody_comes_back_twice_or_for_somebody_else() {
    let idp = IdentityProvider::open().await;
    let house = open(&idp.issuer, |_| {}).await;
    let (one, two) = (depart(&house).await, depart(&house).await);
    let (back, back_two) = (idp.authorize(&one.location), idp.authorize(&two.location));
    let refused = (401, "unauthenticated".to_owned());

    let stolen = come_back(&house, &back_two, &one.cookie).await;
    assert_eq!(stolen.problem(), refused, "another browser's way back");
    assert_eq!(come_back(&house, &back, &one.cookie).await.status, 200);
    assert_eq!(
        come_back(&house, &back, &one.cookie).await.problem(),
        refused
    );
    let invented = come_back(&house, "code=x&state=y", &one.cookie).await;
    assert_eq!(invented.problem(), refused);

    let three = depart(&house).await;
    let query = idp
        .authorize(&three.location)
        .replace("code=code-", "code=none-");
    assert_eq!(
        come_back(&house, &query, &three.cookie).await.problem(),
        refused
    );
    let four = depart(&house).await;
    let state = idp.authorize(&four.location);
    let denied = format!("error=access_denied&{}", state.split_once('&').unwrap().1);
    let denied = come_back(&house, &denied, &four.cookie).await;
    assert_eq!(denied.problem(), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn what_cannot_be_believed_signs_nobody_in() {
    let idp = IdentityProvider::open().await;
    let house = open(&idp.issuer, |_| {}).await;
    for lie in [
        json!({"iss": "https://elsewhere.example.org"}),
        json!({"aud": "another client"}),
        json!({"aud": [CLIENT, "another client"]}),
        json!({"azp": "another client"}),
        json!({"exp": 1}),
        json!({"nbf": 4_000_000_000_i64}),
        json!({"nonce": "another nonce"}),
        json!({"nonce": null}),
        json!({"sub": ""}),
        json!({"sub": "x".repeat(256)}),
    ] {
        idp.lie(lie.clone());
        let refused = sign_in(&house, &idp).await;
        assert_eq!(
            refused.problem(),
            (401, "unauthenticated".to_owned()),
            "{lie}"
        );
    }
    idp.lie(json!({}));
    assert_eq!(sign_in(&house, &idp).await.status, 200);
    idp.change_key();
    assert_eq!(
        sign_in(&house, &idp).await.problem().0,
        401,
        "another key's signature"
    );
}

#[tokio::test]
async fn strangers_stay_out_where_accounts_are_not_made() {
    let idp = IdentityProvider::open().await;
    let house = open(&idp.issuer, |provider| provider.create_accounts = false).await;
    let refused = sign_in(&house, &idp).await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    let unknown = house.ask("GET /v1/oidc/nobody/start").send().await;
    assert_eq!(unknown.problem().0, 404);
}

#[tokio::test]
async fn a_provider_that_is_away_or_another_is_not_gone_to() {
    let away = open("http://127.0.0.1:1", |_| {}).await;
    let answer = away.ask("GET /v1/oidc/corp/start").send().await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
    let idp = IdentityProvider::open().await;
    let other = open(&format!("{}/", idp.issuer), |_| {}).await;
    let answer = other.ask("GET /v1/oidc/corp/start").send().await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
}

#[tokio::test]
async fn a_server_that_nobody_could_be_sent_back_to_does_not_start() {
    let home = tempfile::tempdir().unwrap();
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        data_dir: home.path().into(),
        database_url: Secret::new("memory:"),
        oidc: vec![provider("https://id.example.org")],
        ..Config::default()
    };

    let refused = Server::start(&config).await.err().unwrap().to_string();

    assert!(refused.contains("public_url"), "{refused}");
    assert!(!format!("{config:?}").contains(SECRET));
}
