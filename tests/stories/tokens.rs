//! Who may come in: tokens that are good, and all the others.

use std::time::Duration;

use im_core::{CloseReason, Error, testing::user};
use im_server::WantedToken;
use serde_json::{Value, json};

use crate::world::{ByHand, Rest, World, within};

#[tokio::test]
async fn every_bad_token_gets_the_same_answer_and_a_code_that_says_to_sign_in() {
    let world = World::server().await;
    let good = world.token("alice", "phone").await;
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let expired = {
        let accounts = world.server_handle().accounts();
        let lifetime = Some(Duration::from_millis(1));
        accounts
            .issue(WantedToken {
                ttl: lifetime,
                ..WantedToken::of(user("alice"))
            })
            .await
            .unwrap()
            .access_token
    };
    let foreign = World::server().await.token("alice", "phone").await;
    let bad = [
        String::new(),
        "nonsense".to_owned(),
        "x".repeat(5_000),
        format!("{signed}."),
        format!("{signed}.{}", signature.chars().rev().collect::<String>()),
        format!("{}.{signature}", signed.replace('J', "K")),
        good.to_uppercase(),
        expired,
        foreign,
        "alice".to_owned(),
    ];

    let mut answers = Vec::new();
    for token in bad {
        let mut link = ByHand::dial(world.address(), None).await;
        let open = json!({"token": token, "device": "phone"});
        answers.push(link.call("session.open", open).await.unwrap_err());
        assert_eq!(link.close_code().await, 4200, "{token:.40}");
    }

    assert_eq!(answers[0]["code"], "unauthenticated");
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:#?}"
    );
    ByHand::open(world.address(), &good, "phone").await;
}

#[tokio::test]
async fn a_session_without_a_token_is_not_opened() {
    let world = World::server().await;
    let mut link = ByHand::dial(world.address(), None).await;

    let error = link
        .call("session.open", json!({"device": "phone"}))
        .await
        .unwrap_err();

    assert_eq!(error["code"], "unauthenticated");
    assert_eq!(link.close_code().await, 4200);
}

#[tokio::test]
async fn a_session_that_asks_nothing_ends_with_its_token() {
    let world = World::server().await;
    world.token("alice", "phone").await;
    let accounts = world.server_handle().accounts();
    // Tokens count in whole seconds.
    let lifetime = Some(Duration::from_secs(2));
    let issued = accounts
        .issue(WantedToken {
            ttl: lifetime,
            ..WantedToken::of(user("alice"))
        })
        .await
        .unwrap();
    let mut link = ByHand::open(world.address(), &issued.access_token, "phone").await;

    // It asks nothing. Time does the rest.
    let closing = link.push_of("session.closing").await;

    assert_eq!(closing["reason"], "unauthenticated");
    assert_eq!(link.close_code().await, 4200);
}

#[tokio::test]
async fn signing_out_ends_the_sessions_that_its_token_opened_under_other_names_and_no_others() {
    let world = World::server().await;
    let token = world.token("alice", "phone").await;
    let rest = Rest::new(world.address(), Some(token.clone()));
    let mut phone = ByHand::open(world.address(), &token, "phone").await;
    let mut renamed = ByHand::open(world.address(), &token, "laptop").await;
    let ticket = rest.send("POST", "/v1/tickets", &json!({})).await;
    let ticket = ticket.body["ticket"].as_str().unwrap().to_owned();
    let mut by_ticket = ByHand::open(world.address(), &ticket, "web").await;
    let mut tablet = world.by_hand("alice", "tablet").await;

    let out = rest.request("DELETE", "/v1/sessions/current", &[], Vec::new());
    assert_eq!(out.await.status, 204);

    for link in [&mut phone, &mut renamed, &mut by_ticket] {
        let closing = link.push_of("session.closing").await;
        assert_eq!(closing["reason"], "unauthenticated");
        assert_eq!(link.close_code().await, 4200);
    }
    tablet.call("session.ping", json!({})).await.unwrap();
}

#[tokio::test]
async fn signing_out_everywhere_ends_the_sessions_and_their_tokens() {
    let world = World::server().await;
    let token = world.token("alice", "tablet").await;
    let mut phone = world.connect("alice", "phone").await;
    let mut tablet = ByHand::open(world.address(), &token, "tablet").await;
    let rest = Rest::new(world.address(), Some(token.clone()));

    let path = "/v1/sessions/current?everywhere=true";
    assert_eq!(
        rest.request("DELETE", path, &[], Vec::new()).await.status,
        204
    );

    assert_eq!(
        tablet.push_of("session.closing").await["reason"],
        "unauthenticated"
    );
    assert_eq!(tablet.close_code().await, 4200);
    let end = within("the end", async {
        loop {
            if let Err(error) = phone.next_event().await {
                break error;
            }
        }
    });
    assert_eq!(end.await, Error::Closed(CloseReason::Unauthenticated));
    let mut link = ByHand::dial(world.address(), None).await;
    let open = json!({"token": token, "device": "tablet"});
    assert_eq!(
        link.call("session.open", open).await.unwrap_err()["code"],
        "unauthenticated"
    );
    assert_eq!(rest.get("/v1/conversations").await.status, 401);
}

#[tokio::test]
async fn who_is_signed_out_stays_out_when_the_server_comes_back() {
    let mut world = World::server().await;
    let phone = world.token("alice", "phone").await;
    let tablet = world.token("alice", "tablet").await;
    let web = world.token("bob", "web").await;
    let desktop = world.token("bob", "desktop").await;
    let copied = copied_sign_in(&world, "carol").await;
    for (token, path) in [
        (&phone, "/v1/sessions/current"),
        (&web, "/v1/sessions/current?everywhere=true"),
    ] {
        let rest = Rest::new(world.address(), Some(token.clone()));
        let out = rest.request("DELETE", path, &[], Vec::new()).await;
        assert_eq!(out.status, 204);
    }

    world.crash().await;

    for token in [&phone, &web, &desktop, &copied] {
        let rest = Rest::new(world.address(), Some(token.clone()));
        assert_eq!(rest.get("/v1/conversations").await.status, 401);
        let mut link = ByHand::dial(world.address(), None).await;
        let open = json!({"token": token, "device": "phone"});
        let refusal = link.call("session.open", open).await.unwrap_err();
        assert_eq!(refusal["code"], "unauthenticated");
    }
    let rest = Rest::new(world.address(), Some(tablet));
    assert_eq!(rest.get("/v1/conversations").await.status, 200);
    let again = world.token("bob", "web").await;
    ByHand::open(world.address(), &again, "web").await;
}

/// The access token of a sign-in whose refresh token was used twice.
async fn copied_sign_in(world: &World, name: &str) -> String {
    let nobody = Rest::new(world.address(), None);
    let account = json!({"user": name, "password": "correct horse battery"});
    assert_eq!(
        nobody.send("POST", "/v1/accounts", &account).await.status,
        201
    );
    let signed_in = nobody.send("POST", "/v1/sessions", &account).await.body;
    let refresh = async |from: &Value| {
        let token = json!({"refresh_token": from["refresh_token"]});
        nobody.send("POST", "/v1/sessions/refresh", &token).await
    };
    let next = refresh(&signed_in).await.body;
    assert_eq!(refresh(&next).await.status, 200);
    assert_eq!(refresh(&signed_in).await.status, 401);
    signed_in["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_ticket_opens_one_session() {
    let world = World::server().await;
    let rest = Rest::new(world.address(), Some(world.token("alice", "web").await));
    let ticket = rest.send("POST", "/v1/tickets", &json!({})).await;
    assert_eq!(ticket.status, 201, "{ticket:?}");
    assert_eq!(ticket.body["url"], "/v1/ws");
    let ticket = ticket.body["ticket"].as_str().unwrap().to_owned();

    let mut link = ByHand::open(world.address(), &ticket, "web").await;
    assert_eq!(
        link.call("user.get", json!({"users": ["alice"]}))
            .await
            .unwrap()["items"][0]["user"],
        "alice"
    );

    let mut again = ByHand::dial(world.address(), None).await;
    let open = json!({"token": ticket, "device": "web"});
    assert_eq!(
        again.call("session.open", open).await.unwrap_err()["code"],
        "unauthenticated"
    );
    assert_eq!(
        rest.get(&format!("/v1/users?user=alice&ticket={ticket}"))
            .await
            .status,
        200
    );
    let with_ticket = Rest::new(world.address(), Some(ticket));
    assert_eq!(
        with_ticket.get("/v1/users/me").await.status,
        401,
        "a ticket is for links"
    );
}

#[tokio::test]
async fn guessing_passwords_is_slowed_down_and_says_when_to_come_back() {
    let world = World::server().await;
    let nobody = Rest::new(world.address(), None);
    let account = json!({"user": "alice", "password": "correct horse battery"});
    assert_eq!(
        nobody.send("POST", "/v1/accounts", &account).await.status,
        201
    );
    let taken = json!({"user": "alice", "password": "another password"});
    let answer = nobody.send("POST", "/v1/accounts", &taken).await;
    assert_eq!((answer.status, answer.code()), (409, "conflict"));
    let short = json!({"user": "bob", "password": "short"});
    let answer = nobody.send("POST", "/v1/accounts", &short).await;
    assert_eq!((answer.status, answer.code()), (400, "invalid_request"));

    let mut answers = Vec::new();
    for n in 0..12 {
        let guess = json!({"user": "alice", "password": format!("guess number {n}")});
        answers.push(nobody.send("POST", "/v1/sessions", &guess).await);
    }

    assert_eq!(
        (answers[0].status, answers[0].code()),
        (401, "unauthenticated")
    );
    let last = answers.last().unwrap();
    assert_eq!((last.status, last.code()), (429, "rate_limited"));
    assert_eq!(last.body["retryable"], true);
    assert!(last.body["retry_after_ms"].as_u64().unwrap() > 0);
    assert!(last.headers.contains_key("retry-after"));
}
