//! Words that do not pass, by the file that names them.

use std::fs;

use im_server::{Config, Secret, Server};
use serde_json::json;

use crate::house::{House, text};

#[tokio::test]
async fn the_file_of_words_holds_and_so_does_another_one_when_it_is_read_again() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("words");
    fs::write(&path, "reject 违禁词\nreplace damn").unwrap();
    let house = House::open_with(|config| config.words_file = Some(path.clone())).await;
    let (alice, _bob) = (house.token_of("alice").await, house.token_of("bob").await);
    let direct = house.ask("PUT /v1/conversations/direct/bob").token(&alice);
    let chat = text(&direct.send().await.json()["conversation"]);
    let messages = format!("/v1/conversations/{chat}/messages");
    let say = async |words: &str| {
        let ask = house.ask(&format!("POST {messages}")).token(&alice);
        ask.json(json!({"content": {"kind": "text", "text": words}}))
            .await
    };

    let rejected = (422, "content_rejected".to_owned());
    assert_eq!(say("这是违禁词").await.problem(), rejected);
    assert_eq!(say("Damn").await.status, 201);
    fs::write(&path, "not a list").unwrap();
    house.server.reload().await;
    assert_eq!(say("这是违禁词").await.problem(), rejected);
    fs::write(&path, "reject nothing-of-this").unwrap();
    house.server.reload().await;
    assert_eq!(say("这是违禁词").await.status, 201);

    let history = house.ask(&format!("GET {messages}")).token(&alice);
    let history = history.send().await.json();
    let said = |n: usize| text(&history["items"][n]["body"]["content"]["text"]);
    assert_eq!((said(1), said(2)), ("****".into(), "这是违禁词".into()));
}

#[tokio::test]
async fn a_server_does_not_start_with_words_that_cannot_be_used() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("words");
    fs::write(&path, "reject a\nfalg b").unwrap();
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        data_dir: home.path().into(),
        database_url: Secret::new("memory:"),
        words_file: Some(path),
        ..Config::default()
    };

    let error = Server::start(&config).await.err().unwrap().to_string();

    assert!(
        error.contains("words_file") && error.contains("line 2"),
        "{error}"
    );
}

#[tokio::test]
async fn words_that_an_admin_adds_hold_at_once_beside_those_of_the_file() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("words");
    fs::write(&path, "replace damn").unwrap();
    let house = House::open_with(|config| config.words_file = Some(path.clone())).await;
    let (alice, _bob) = (house.token_of("alice").await, house.token_of("bob").await);
    let key = house.server.accounts().create_key("desk").await.unwrap();
    let direct = house.ask("PUT /v1/conversations/direct/bob").token(&alice);
    let chat = text(&direct.send().await.json()["conversation"]);
    let say = async |words: &str| {
        let line = format!("POST /v1/conversations/{chat}/messages");
        let ask = house.ask(&line).token(&alice);
        let said = ask.json(json!({"content": {"kind": "text", "text": words}}));
        said.await.status
    };
    let add = async |words: serde_json::Value| {
        let ask = house.ask("PATCH /v1/admin/settings").token(&key);
        let ask = ask.header("im-user", "alice");
        ask.json(json!({"changes": {"words": {"added": words}}}))
            .await
    };

    assert_eq!(add(json!("reject darn")).await.status, 200);
    // Making the list ready is done beside the answer.
    while say("darn").await != 422 {}
    assert_eq!(say("damn").await, 201);
    let wrong = add(json!("rejct darn")).await;
    assert_eq!(wrong.problem(), (400, "invalid_request".to_owned()));
    assert_eq!(add(json!(null)).await.status, 200);
    while say("darn").await != 201 {}
}
