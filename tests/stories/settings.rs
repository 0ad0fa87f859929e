//! Settings that change while servers run.

use im_core::Limits;
use im_server::{Config, Secret, Server};
use serde_json::json;

use crate::world::{Answer, Database, Rest, World, from_environment, within};

const JSON: [(&str, &str); 2] = [("content-type", "application/json"), ("im-user", "root")];

#[tokio::test]
async fn what_an_admin_changes_holds_on_every_server_without_a_restart() {
    tell(Database::sqlite()).await;
}

#[tokio::test]
async fn changed_settings_on_postgresql() {
    if let Some(database) = from_environment("IM_TEST_POSTGRES_URL").await {
        tell(database).await;
    }
}

/// A server beside the one of a world, on its database.
async fn neighbour(world: &World) -> (Server, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let config = Config {
        data_dir: home.path().join("data"),
        database_url: Secret::new(world.database().url().to_owned()),
        limits: Limits {
            pins: 7,
            ..Limits::default()
        },
        listen: "127.0.0.1:0".parse().unwrap(),
        ..Config::default()
    };
    let server = Box::pin(Server::start(&config)).await.unwrap();
    (server, home)
}

async fn change(rest: &Rest, body: serde_json::Value) -> Answer {
    let body = body.to_string().into_bytes();
    rest.request("PATCH", "/v1/admin/settings", &JSON, body)
        .await
}

/// Waits until a server says that it holds so many pins, and whether everybody may register.
async fn holds(rest: &Rest, pins: u64, registration: bool) {
    let seen = async {
        loop {
            let said = rest.get("/v1/capabilities").await.body;
            let holding = (&said["limits"]["pins"], &said["accounts"]["registration"]);
            if holding == (&json!(pins), &json!(registration)) {
                return;
            }
        }
    };
    within("the other server to hold it", seen).await;
}

async fn tell(database: Database) {
    let world = World::server_on(database).await;
    world.token("root", "desk").await;
    world.token("bob", "phone").await;
    let accounts = world.server_handle().accounts();
    let key = accounts.create_key("console").await.unwrap();
    let here = Rest::new(world.address(), Some(key));
    let (server, _home) = neighbour(&world).await;
    let there = Rest::new(server.address(), None);
    let bob = Rest::new(world.address(), Some(world.token("bob", "phone").await));
    holds(&there, 7, true).await;

    let changes = json!({
        "version": 0,
        "changes": {
            "limits": { "pins": 3, "text_chars": 5 },
            "server": { "registration": "closed" },
        }
    });
    let changed = change(&here, changes.clone()).await;
    assert_eq!((changed.status, &changed.body["version"]), (200, &json!(1)));
    let path = "/v1/conversations/direct/root";
    let chat = bob.send("PUT", path, &json!({})).await;
    let chat = chat.body["conversation"].as_str().unwrap().to_owned();
    let path = format!("/v1/conversations/{chat}/messages");
    let long = json!({ "content": { "kind": "text", "text": "longer" } });
    assert_eq!(bob.send("POST", &path, &long).await.status, 413);
    holds(&there, 3, false).await;
    let account = json!({ "user": "eve", "password": "correct horse" });
    let closed = there.send("POST", "/v1/accounts", &account).await;
    assert_eq!((closed.status, closed.code()), (403, "forbidden"));

    let late = change(&here, changes).await;
    assert_eq!((late.status, late.code()), (409, "conflict"));
    let wrong = json!({ "changes": { "limits": { "page": 0 } } });
    let wrong = change(&here, wrong).await;
    assert_eq!((wrong.status, wrong.code()), (400, "invalid_request"));
    let detail = wrong.body["detail"].as_str().unwrap();
    assert!(detail.contains("limits.page"), "{detail}");
    let back = json!({
        "changes": {
            "limits": { "pins": null, "text_chars": null },
            "server": { "registration": null },
        }
    });
    assert_eq!(change(&here, back).await.body["changed"], json!({}));

    // Each holds again what it was configured with.
    holds(&there, 7, true).await;
    holds(&here, 50, true).await;
    assert_eq!(bob.send("POST", &path, &long).await.status, 201);
    let opened = there.send("POST", "/v1/accounts", &account).await;
    assert_eq!(opened.status, 201);
    let looks = here.request("GET", "/v1/admin/settings", &JSON, Vec::new());
    assert_eq!(looks.await.body["version"], 2);
    server.shut_down().await;
    let refused = bob.get("/v1/admin/settings").await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));
}
