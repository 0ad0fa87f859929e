//! Profiles: what users say of themselves, and what only a back end says of them.

use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn a_user_says_what_it_likes_and_takes_it_back() {
    let house = House::open().await;
    let token = house.token_of("alice").await;
    let update = |body| house.ask("PATCH /v1/users/me").token(&token).json(body);

    let said = json!({"gender": "other", "voice_tag": "warm", "interests": ["chess", "登山"]});
    let profile = update(said).await.json();
    assert_eq!(profile["gender"], "other");
    assert_eq!(profile["interests"], json!(["chess", "登山"]));
    let cleared = json!({"gender": "unspecified", "voice_tag": "", "interests": []});
    let profile = update(cleared).await.json();

    for field in ["gender", "voice_tag", "interests"] {
        assert!(profile.get(field).is_none(), "{field}: {profile}");
    }
}

#[tokio::test]
async fn a_profile_is_bounded() {
    let house = House::open().await;
    let token = house.token_of("alice").await;
    for (body, code) in [
        (json!({"interests": vec!["x"; 21]}), "too_many"),
        (json!({"interests": [" "]}), "invalid_request"),
        (json!({"interests": ["x".repeat(101)]}), "too_large"),
        (json!({"voice_tag": "x".repeat(101)}), "too_large"),
        (json!({"voice_tag": "a\u{7}"}), "invalid_request"),
    ] {
        let answer = house.ask("PATCH /v1/users/me").token(&token);
        let answer = answer.json(body.clone()).await;
        assert_eq!(answer.problem().1, code, "{body:.60}");
    }
}

#[tokio::test]
async fn level_and_tier_are_set_by_a_back_end_alone() {
    let house = House::open().await;
    let token = house.token_of("alice").await;
    let key = house.server.accounts().create_key("shop").await.unwrap();
    let as_user = house.ask("PATCH /v1/users/me").token(&token);
    let refused = as_user.json(json!({"level": 99})).await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()));

    let granted = house.ask("PATCH /v1/users/me").token(&key);
    let granted = granted.header("im-user", "alice");
    let body =
        json!({"level": 7, "tier": {"name": "gold", "expires_at_ms": 4_000_000_000_000_i64}});
    assert_eq!(granted.json(body).await.status, 200);

    let seen = house.ask("GET /v1/users/me").token(&token).send().await;
    assert_eq!(seen.json()["level"], 7);
    assert_eq!(seen.json()["tier"]["name"], "gold");
    let renamed = house.ask("PATCH /v1/users/me").token(&token);
    let renamed = renamed.json(json!({"nickname": "Al"})).await.json();
    assert_eq!(renamed["level"], 7, "what is not named stays");
}

#[tokio::test]
async fn a_tier_that_is_over_is_seen_by_nobody() {
    let house = House::open().await;
    let key = house.server.accounts().create_key("shop").await.unwrap();
    let upsert = house.ask("PUT /v1/users/alice").token(&key);
    let over = json!({"level": 1, "tier": {"name": "gold", "expires_at_ms": 1}});
    assert_eq!(upsert.json(over).await.status, 200);

    let ask = house.ask("GET /v1/users/alice").token(&key);
    let seen = ask.header("im-user", "alice").send().await.json();

    assert_eq!(seen["level"], 1);
    assert!(seen.get("tier").is_none(), "{seen}");
}
