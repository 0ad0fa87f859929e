//! Back ends with a server key, which bring their own users.

use im_server::RateLimits;
use serde_json::json;

use crate::house::{House, text};

#[tokio::test]
async fn a_back_end_creates_users_and_issues_their_tokens() {
    let house = House::open().await;
    let key = house.server.accounts().create_key("shop").await.unwrap();

    let created = house
        .ask("PUT /v1/users/customer-7")
        .token(&key)
        .json(json!({"nickname": "Seven"}))
        .await;
    assert_eq!(created.status, 200, "{created:?}");
    let issued = house
        .ask("POST /v1/users/customer-7/tokens")
        .token(&key)
        .json(json!({"device": "web"}))
        .await;
    assert_eq!(issued.status, 201);
    let token = text(&issued.json()["access_token"]);
    let me = house.ask("GET /v1/users/me").token(&token).send().await;
    assert_eq!(me.json()["nickname"], "Seven");

    let nobody = house
        .ask("POST /v1/users/nobody/tokens")
        .token(&key)
        .json(json!({}))
        .await;
    assert_eq!(nobody.problem().0, 404);
    let long = house
        .ask("POST /v1/users/customer-7/tokens")
        .token(&key)
        .json(json!({"ttl_ms": 1u64 << 50}))
        .await;
    assert_eq!(long.problem().0, 400);
}

#[tokio::test]
async fn a_back_end_acts_for_the_user_that_it_names() {
    let house = House::open().await;
    house.sign_in("alice").await;
    house.sign_in("bob").await;
    let key = house.server.accounts().create_key("shop").await.unwrap();
    let line = "PUT /v1/conversations/direct/bob";

    let chat = house
        .ask(line)
        .token(&key)
        .header("im-user", "alice")
        .send()
        .await;
    assert_eq!(chat.json()["peer"], "bob");
    assert_eq!(house.ask(line).token(&key).send().await.problem().0, 400);
    let nobody = house
        .ask(line)
        .token(&key)
        .header("im-user", "nobody")
        .send()
        .await;
    assert_eq!(nobody.problem().0, 404);
    let ticket = house
        .ask("POST /v1/tickets")
        .token(&key)
        .header("im-user", "alice")
        .send()
        .await;
    assert_eq!(ticket.problem().0, 403);
}

#[tokio::test]
async fn users_have_no_authority_of_a_back_end() {
    let house = House::open().await;
    let token = house.token_of("alice").await;
    house.sign_in("bob").await;

    let upsert = house
        .ask("PUT /v1/users/bob")
        .token(&token)
        .json(json!({"nickname": "B"}))
        .await;
    assert_eq!(upsert.problem(), (403, "forbidden".to_owned()));
    let issue = house
        .ask("POST /v1/users/bob/tokens")
        .token(&token)
        .json(json!({}))
        .await;
    assert_eq!(issue.problem(), (403, "forbidden".to_owned()));
    let disguise = house
        .ask("GET /v1/users/me")
        .token(&token)
        .header("im-user", "bob")
        .send()
        .await;
    assert_eq!(
        disguise.json()["user"],
        "alice",
        "the header is nothing without a server key"
    );
}

#[tokio::test]
async fn a_token_is_good_for_what_it_says_and_no_more() {
    let house = House::open().await;
    house.sign_in("alice").await;
    house.sign_in("bob").await;
    let key = house.server.accounts().create_key("shop").await.unwrap();
    let issue = async |scopes: &str| {
        let ask = house.ask("POST /v1/users/alice/tokens").token(&key);
        ask.json(json!({"scopes": scopes})).await
    };
    let reading = text(&issue("read").await.json()["access_token"]);
    let line = "PUT /v1/conversations/direct/bob";

    let refused = house.ask(line).token(&reading).send().await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    let account = house
        .ask("GET /v1/accounts/me")
        .token(&reading)
        .send()
        .await;
    assert_eq!(account.problem(), (403, "forbidden".to_owned()));
    let list = house
        .ask("GET /v1/conversations")
        .token(&reading)
        .send()
        .await;
    assert_eq!(list.json()["items"], json!([]));

    let writing = text(&issue("read write").await.json()["access_token"]);
    assert_eq!(house.ask(line).token(&writing).send().await.status, 200);
    let all = house.ask("DELETE /v1/sessions/current?everywhere=true");
    let all = all.token(&reading).send().await;
    assert_eq!(all.problem(), (403, "forbidden".to_owned()));
    let only_write = text(&issue("write").await.json()["access_token"]);
    let identity = house.server.im().authenticate(&only_write).await.unwrap();
    assert!(!identity.actor.scopes.contains(im_core::Scope::Read));
    for unknown in ["", "everything"] {
        let refused = issue(unknown).await.problem();
        assert_eq!(refused, (400, "invalid_request".to_owned()), "{unknown}");
    }
}

#[tokio::test]
async fn the_audit_log_is_for_admins_and_back_ends() {
    let house = House::open().await;
    let token = house.token_of("alice").await;
    let key = house.server.accounts().create_key("shop").await.unwrap();

    let refused = house.ask("GET /v1/admin/audit").token(&token).send().await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    let ask = house.ask("GET /v1/admin/audit").token(&key);
    let records = ask.header("im-user", "alice").send().await;
    assert_eq!(records.json(), json!({"items": [], "done": true}));
}

#[tokio::test]
async fn a_new_key_of_the_same_name_ends_the_former_one() {
    let house = House::open().await;
    let old = house.server.accounts().create_key("shop").await.unwrap();
    let new = house.server.accounts().create_key("shop").await.unwrap();
    let upsert = async |key: &str| {
        let ask = house.ask("PUT /v1/users/u").token(key);
        ask.json(json!({})).await.status
    };
    assert_eq!((upsert(&old).await, upsert(&new).await), (401, 200));
}

#[tokio::test]
async fn nobody_becomes_a_user_of_a_back_end_by_registering() {
    let house = House::open().await;
    let key = house.server.accounts().create_key("shop").await.unwrap();
    house
        .ask("PUT /v1/users/customer-7")
        .token(&key)
        .json(json!({}))
        .await;

    let thief = json!({"user": "customer-7", "password": "correct horse"});
    let answer = house.ask("POST /v1/accounts").json(thief).await;

    assert_eq!(answer.problem(), (409, "conflict".to_owned()));
}

#[tokio::test]
async fn who_guesses_server_keys_has_to_wait_and_a_good_key_does_not() {
    let house = House::open_with(|config| {
        config.rate_limits = RateLimits {
            sign_ins_per_address: 3,
            sign_ins_per_user: 0,
            ..RateLimits::default()
        };
    })
    .await;
    let key = house.server.accounts().create_key("shop").await.unwrap();
    let late = house.server.accounts().create_key("late").await.unwrap();
    let upsert = async |key: &str| {
        let ask = house.ask("PUT /v1/users/u").token(key);
        ask.json(json!({})).await
    };
    assert_eq!(upsert(&key).await.status, 200);
    let guess = format!("imk_{}", "A".repeat(43));
    for _ in 0..3 {
        assert_eq!(upsert(&guess).await.status, 401);
    }

    assert_eq!(upsert(&guess).await.problem().0, 429);
    assert_eq!(upsert(&late).await.problem().0, 429, "not known to be good");
    assert_eq!(upsert(&key).await.status, 200);
}
