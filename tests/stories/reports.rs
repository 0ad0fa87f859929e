//! Users report what should not be, and somebody looks at it.

use im_core::Limits;
use im_server::{Config, Secret, Server};
use serde_json::{Value, json};

use crate::world::{Answer, Database, Rest, World, from_environment, within};

#[tokio::test]
async fn what_is_reported_is_looked_at_and_the_reporter_is_told() {
    tell(Database::sqlite()).await;
}

#[tokio::test]
async fn reports_on_postgresql() {
    if let Some(database) = from_environment("IM_TEST_POSTGRES_URL").await {
        tell(database).await;
    }
}

#[tokio::test]
async fn reports_on_mariadb() {
    if let Some(database) = from_environment("IM_TEST_MARIADB_URL").await {
        tell(database).await;
    }
}

/// A back end that reviews, as `root`.
struct Desk(Rest);

impl Desk {
    async fn at(world: &World) -> Self {
        world.token("root", "desk").await;
        let accounts = world.server_handle().accounts();
        let key = accounts.create_key("desk").await.unwrap();
        Self(Rest::new(world.address(), Some(key)))
    }

    async fn get(&self, path: &str) -> Answer {
        let path = format!("/v1/admin/reports{path}");
        let headers = [("im-user", "root")];
        self.0.request("GET", &path, &headers, Vec::new()).await
    }

    async fn settle(&self, report: &str, body: Value) -> Answer {
        let path = format!("/v1/admin/reports/{report}/settlement");
        let headers = [("content-type", "application/json"), ("im-user", "root")];
        let body = body.to_string().into_bytes();
        self.0.request("PUT", &path, &headers, body).await
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn said(text: &str) -> Value {
    json!({ "content": { "kind": "text", "text": text } })
}

async fn tell(database: Database) {
    let world = World::server_on(database).await;
    let desk = Desk::at(&world).await;
    let alice = Rest::new(world.address(), Some(world.token("alice", "a").await));
    let bob = Rest::new(world.address(), Some(world.token("bob", "b").await));
    let eve = Rest::new(world.address(), Some(world.token("eve", "e").await));
    let path = "/v1/conversations/direct/bob";
    let chat = text(&alice.send("PUT", path, &json!({})).await.body["conversation"]);
    let messages = format!("/v1/conversations/{chat}/messages");
    for words in ["you fool", "and your dog"] {
        assert_eq!(
            alice.send("POST", &messages, &said(words)).await.status,
            201
        );
    }
    let mut phone = world.by_hand("bob", "phone").await;

    let about = json!({ "kind": "messages", "conversation": chat, "seqs": [2, 3] });
    let report = json!({ "about": about, "reason": "harassment", "note": "look" });
    let filed = bob.send_once("POST", "/v1/reports", "r1", &report).await;
    let again = bob.send_once("POST", "/v1/reports", "r1", &report).await;
    assert_eq!((filed.status, &filed.body), (201, &again.body));
    let foreign = eve.send("POST", "/v1/reports", &report).await;
    assert_eq!((foreign.status, foreign.code()), (404, "not_found"));
    let user = json!({ "about": { "kind": "user", "user": "alice" }, "reason": "spam" });
    assert_eq!(eve.send("POST", "/v1/reports", &user).await.status, 201);
    let edited = format!("{messages}/2");
    assert_eq!(
        alice
            .send("PATCH", &edited, &said("you flower"))
            .await
            .status,
        200
    );
    let recalled = format!("{messages}/3");
    let recall = alice.send("DELETE", &recalled, &json!({})).await;
    assert_eq!(recall.status, 200);

    let page = desk.get("?limit=1").await.body;
    let item = &page["items"][0];
    let id = text(&item["report"]["id"]);
    assert_eq!(
        (&filed.body["report"], page["done"].as_bool()),
        (&json!(id), Some(false))
    );
    let bodies = (&item["messages"][0]["body"], &item["messages"][1]["body"]);
    assert_eq!(bodies.0["content"]["text"], "you flower");
    assert_eq!(bodies.1["type"], "recalled_message");
    assert_eq!(item["edited_since"], json!([2]));
    let next = format!("?cursor={}", text(&page["next_cursor"]));
    let next = desk.get(&next).await.body;
    assert_eq!(next["items"][0]["report"]["by"], "eve");
    let details = desk.get(&format!("/{id}")).await.body;
    assert_eq!(
        details["earlier"][0]["items"][0]["content"]["text"],
        "you fool"
    );
    assert!(!details.to_string().contains("your dog"));

    let outcome = json!({ "outcome": "acted", "note": "warned", "version": 1 });
    let settled = desk.settle(&id, outcome.clone()).await;
    assert_eq!(
        (settled.status, &settled.body["state"]),
        (200, &json!("acted"))
    );
    let late = desk.settle(&id, outcome).await;
    assert_eq!((late.status, late.code()), (409, "conflict"));
    let notice = phone.push_of("own.changed").await;
    assert_eq!(notice["value"]["category"], "report");
    assert_eq!(notice["value"]["data"]["report"], json!(id));
    let acted = desk.get("?state=acted").await.body;
    assert_eq!(acted["items"][0]["report"]["settled"]["note"], "warned");
    let open = desk.get("").await.body;
    assert_eq!(open["items"].as_array().unwrap().len(), 1);
    let refused = bob.get("/v1/admin/reports").await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));
}

#[tokio::test]
async fn words_that_are_flagged_are_in_the_queue_once() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("words");
    std::fs::write(&path, "flag followers").unwrap();
    let world = World::server_with(Limits::default()).await;
    let desk = Desk::at(&world).await;
    // Words are this server's own; what it files is in the store of both.
    let config = Config {
        data_dir: home.path().join("data"),
        database_url: Secret::new(world.database().url().to_owned()),
        listen: "127.0.0.1:0".parse().unwrap(),
        words_file: Some(path),
        ..Config::default()
    };
    let server = Box::pin(Server::start(&config)).await.unwrap();
    for name in ["alice", "bob"] {
        world.token(name, "phone").await;
    }
    let accounts = server.accounts();
    let issued = accounts.issue(im_server::WantedToken::of(im_core::testing::user("alice")));
    let alice = Rest::new(server.address(), Some(issued.await.unwrap().access_token));
    let path = "/v1/conversations/direct/bob";
    let chat = text(&alice.send("PUT", path, &json!({})).await.body["conversation"]);
    let messages = format!("/v1/conversations/{chat}/messages");

    for _ in 0..2 {
        let sent = alice
            .send_once("POST", &messages, "m1", &said("Followers, cheap"))
            .await;
        assert_eq!(sent.body["seq"], 2);
    }

    let seen = async {
        loop {
            let items = desk.get("").await.body["items"].clone();
            if items != json!([]) {
                return items;
            }
        }
    };
    let items = within("the report", seen).await;
    server.shut_down().await;
    assert_eq!(items.as_array().unwrap().len(), 1);
    assert_eq!(items[0]["report"]["reason"], "words");
    assert_eq!(items[0]["report"]["note"], "followers");
    assert_eq!(items[0]["messages"][0]["seq"], 2);
}
