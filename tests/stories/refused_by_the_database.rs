//! A database that is locked or full, seen from both doors: writes are refused as retryable, nothing is stored by half,
//! and the same writes with the same keys pass by themselves once it takes them again.

use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};

use crate::world::{ByHand, Rest, World};

/// From here on an entry fails with `SQLITE_FULL`, as on a full disk: a counter that cannot count further is the one way
/// to get it on any machine.
const FILL: &str = "CREATE TABLE brim (n INTEGER PRIMARY KEY AUTOINCREMENT); \
    INSERT INTO brim VALUES (9223372036854775807); \
    CREATE TRIGGER brim_full BEFORE INSERT ON entry BEGIN INSERT INTO brim VALUES (NULL); END";

const EMPTY: &str = "DROP TRIGGER brim_full; DROP TABLE brim";

#[tokio::test]
async fn a_full_database_refuses_writes_at_both_doors_and_takes_them_later() {
    let stage = Stage::set().await;
    let mut other = stage.administrator().await;
    run(&mut other, FILL).await;
    let full = sqlx::raw_sql("INSERT INTO brim VALUES (NULL)")
        .execute(&mut other)
        .await
        .unwrap_err();
    assert_eq!(
        full.as_database_error()
            .and_then(|error| error.code())
            .as_deref(),
        Some("13"),
        "{full}"
    );

    stage.tell(async || run(&mut other, EMPTY).await).await;
}

#[tokio::test]
async fn a_locked_database_refuses_writes_at_both_doors_and_takes_them_later() {
    let stage = Stage::set().await;
    let mut other = stage.administrator().await;
    run(&mut other, "BEGIN EXCLUSIVE").await;

    stage.tell(async || run(&mut other, "ROLLBACK").await).await;
}

/// Alice at both doors, with two devices, and a conversation with bob in which one message stands.
struct Stage {
    world: World,
    link: ByHand,
    tablet: ByHand,
    rest: Rest,
    chat: Value,
}

impl Stage {
    async fn set() -> Self {
        let world = World::server().await;
        world.token("bob", "any").await;
        let mut link = world.by_hand("alice", "phone").await;
        let tablet = world.by_hand("alice", "tablet").await;
        let rest = Rest::new(world.address(), Some(world.token("alice", "curl").await));
        let open = link.call("conversation.direct", json!({"user": "bob"}));
        let chat = open.await.unwrap()["conversation"].clone();
        let sent = link.call("message.send", by_link(&chat, "before"));
        assert_eq!(sent.await.unwrap()["seq"], 2);
        Self {
            world,
            link,
            tablet,
            rest,
            chat,
        }
    }

    async fn administrator(&self) -> SqliteConnection {
        SqliteConnection::connect(self.world.database().url())
            .await
            .unwrap()
    }

    /// What happens while the database refuses, and after `heal`.
    async fn tell(mut self, heal: impl AsyncFnOnce()) {
        let path = format!("/v1/conversations/{}/messages", self.chat.as_str().unwrap());
        let create = json!({"client_id": "room", "members": ["bob"]});
        let (groups, group) = ("/v1/conversations", json!({"members": ["bob"]}));

        let (linked, posted) = (by_link(&self.chat, "linked"), by_rest("posted"));
        let (sent, begun, sent_by_rest, begun_by_rest) = tokio::join!(
            self.link.call("message.send", linked.clone()),
            self.tablet.call("conversation.create", create.clone()),
            self.rest.send_once("POST", &path, "rest", &posted),
            self.rest.send_once("POST", groups, "group", &group),
        );
        for answer in [sent, begun] {
            let error = answer.unwrap_err();
            assert_eq!(error["code"], "unavailable", "{error}");
            assert_eq!(error["retryable"], true);
            assert!(error["retry_after_ms"].is_u64(), "{error}");
            assert_silent(&error["message"]);
        }
        for answer in [sent_by_rest, begun_by_rest] {
            assert_eq!((answer.status, answer.code()), (503, "unavailable"));
            assert_eq!(answer.body["retryable"], true);
            assert_eq!(answer.headers["retry-after"], "1");
            assert_silent(&answer.body["detail"]);
        }
        // The session lives and reads go on, at both doors; nothing is there by half.
        self.link.call("session.ping", json!({})).await.unwrap();
        let list = self.link.call("conversation.list", json!({}));
        assert_eq!(list.await.unwrap()["items"].as_array().unwrap().len(), 1);
        let page = self.rest.get(&path).await;
        assert_eq!((page.status, texts(&page.body)), (200, vec!["before"]));

        heal().await;

        let linked = self.insist("message.send", &linked).await;
        let posted = self.insist_by_rest(&path, "rest", &posted).await;
        let room = self.insist("conversation.create", &create).await;
        let other = self.insist_by_rest(groups, "group", &group).await;
        assert_eq!((&linked["seq"], &posted["seq"]), (&json!(3), &json!(4)));
        assert_ne!(room["conversation"], other["conversation"]);
        let page = self.rest.get(&path).await.body;
        assert_eq!(texts(&page), ["before", "linked", "posted"]);
        let list = self.link.call("conversation.list", json!({}));
        assert_eq!(list.await.unwrap()["items"].as_array().unwrap().len(), 3);
    }

    /// Asks the same until it is not put off any more.
    async fn insist(&mut self, method: &str, params: &Value) -> Value {
        loop {
            match self.link.call(method, params.clone()).await {
                Ok(answer) => return answer,
                Err(error) => assert_eq!(error["retryable"], true, "{error}"),
            }
        }
    }

    async fn insist_by_rest(&self, path: &str, key: &str, body: &Value) -> Value {
        loop {
            let answer = self.rest.send_once("POST", path, key, body).await;
            if answer.status == 201 {
                return answer.body;
            }
            assert_eq!(answer.body["retryable"], true, "{answer:?}");
        }
    }
}

async fn run(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

fn by_link(chat: &Value, text: &str) -> Value {
    let content = json!({"kind": "text", "text": text});
    json!({"conversation": chat, "client_id": text, "content": content})
}

fn by_rest(text: &str) -> Value {
    json!({"content": {"kind": "text", "text": text}})
}

/// What was said, in order.
fn texts(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().into_iter().flatten();
    items
        .filter_map(|entry| entry["body"]["content"]["text"].as_str())
        .collect()
}

/// A sentence for a person, which says nothing of what is behind the server.
fn assert_silent(sentence: &Value) {
    let sentence = sentence.as_str().unwrap().to_lowercase();
    assert!(sentence.contains("try again"), "{sentence}");
    for word in ["sql", "database", "disk", "locked"] {
        assert!(!sentence.contains(word), "{sentence}");
    }
}
