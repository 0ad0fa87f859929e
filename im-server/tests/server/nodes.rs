//! Several processes on one database, as an operator runs them over a Redis.

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use im_core::{Body, Session, port::TokioRuntime};
use im_transport::ws::Connector;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::{
    binary::{Served, im_server, run},
    gate::Gate,
    house::{Ask, credentials, text},
};

/// How long anything may take. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two nodes with a database and a prefix of their own.
struct Place {
    home: tempfile::TempDir,
    postgres: String,
    name: String,
    redis: String,
    secret: String,
}

impl Place {
    /// `None`, said aloud, when the environment names no servers and does not insist on them.
    async fn new() -> Option<Self> {
        let (postgres, redis) = (
            server("IM_TEST_POSTGRES_URL")?,
            server("IM_TEST_REDIS_URL")?,
        );
        let name = format!("nodes_{}", uuid::Uuid::new_v4().simple());
        execute(&postgres, &format!("CREATE DATABASE {name}")).await;
        Some(Self {
            home: tempfile::tempdir().unwrap(),
            postgres,
            name,
            redis,
            secret: [(); 2].map(|()| uuid::Uuid::new_v4().to_string()).concat(),
        })
    }

    fn database(&self) -> String {
        let (server, _) = self.postgres.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }

    fn command(&self, node: &str) -> Command {
        let mut command = im_server(&self.home.path().join(node));
        command
            .env("IM_DATABASE_URL", self.database())
            .env("IM_CLUSTER_REDIS", &self.redis)
            .env("IM_CLUSTER_PREFIX", &self.name)
            .env("IM_TOKEN_SECRET", &self.secret)
            .args(["--log", "warn"]);
        command
    }

    fn start(&self, node: &str) -> Served {
        Served::serve(self.command(node))
    }

    /// The server with these variables, where it is expected not to start: what it says.
    fn refused(&self, variables: &[(&str, &str)]) -> String {
        let mut command = self.command("refused");
        command.envs(variables.iter().copied());
        let output = run(command.args(["--listen", "127.0.0.1:0"]), "");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{said}");
        said
    }

    /// Puts a copy of a database of this place at another's, when nobody has them open.
    async fn copy(&self, from: &str, to: &str) {
        execute(&self.postgres, &format!("DROP DATABASE IF EXISTS {to}")).await;
        let copy = format!("CREATE DATABASE {to} TEMPLATE {from}");
        execute(&self.postgres, &copy).await;
    }

    async fn clear_away(self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        execute(&self.postgres, &drop).await;
    }
}

fn server(variable: &str) -> Option<String> {
    let url = env::var(variable).ok();
    if url.is_none() {
        let required = env::var("IM_TEST_REQUIRE_SERVERS").as_deref() == Ok("1");
        assert!(!required, "{variable} is not set");
        eprintln!("SKIPPED: {variable} is not set");
    }
    url
}

async fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let sql = AssertSqlSafe(sql.to_owned());
    connection.execute(sqlx::raw_sql(sql)).await.unwrap();
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.unwrap_or_else(|_| panic!("waited for {what}, in vain"))
}

/// The access token of a new user, who signs in at a node.
async fn token_of(node: &Served, user: &str) -> String {
    let ask = |line| Ask::new(node.address, line);
    let new = json!({"user": user, "password": crate::house::PASSWORD});
    let made = ask("POST /v1/accounts").json(new).await;
    assert_eq!(made.status, 201, "{made:?}");
    let session = ask("POST /v1/sessions").json(credentials(user)).await;
    text(&session.json()["access_token"])
}

fn way_to(node: &Served, token: &str) -> Arc<Connector> {
    let url = format!("ws://{}/v1/ws", node.address);
    let device = "phone".try_into().unwrap();
    Arc::new(Connector::new(&url, token.to_owned(), device).unwrap())
}

/// Waits until a node says so of bob.
async fn until_bob_is(node: &Served, token: &str, availability: &str) {
    let asking = async {
        loop {
            let asked = Ask::new(node.address, "GET /v1/presence?user=bob").token(token);
            if asked.send().await.json()["items"][0]["availability"] == availability {
                break;
            }
        }
    };
    within(availability, asking).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_takes_its_sessions_along_and_nothing_else() {
    let Some(place) = Place::new().await else {
        return;
    };
    let (a, b) = (place.start("a"), place.start("b"));
    let (alice, bob) = (token_of(&a, "alice").await, token_of(&b, "bob").await);
    let open = Ask::new(a.address, "PUT /v1/conversations/direct/bob").token(&alice);
    let chat: Value = open.send().await.json();
    let say = format!(
        "POST /v1/conversations/{}/messages",
        text(&chat["conversation"])
    );
    let content = json!({"content": {"kind": "text", "text": "hello"}});

    // A token of one node is good on the other, and what is said on one is heard on the other.
    let session = Session::open(way_to(&b, &bob), Arc::new(TokioRuntime));
    let mut session = within("a session", session).await.unwrap();
    until_bob_is(&a, &alice, "online").await;
    let said = Ask::new(a.address, &say)
        .token(&alice)
        .json(content.clone())
        .await;
    assert_eq!(said.status, 201, "{said:?}");
    let heard = within("a message", session.next_message()).await.unwrap();
    assert!(matches!(heard.body, Body::Message(_)), "{heard:?}");

    let cursor = session.cursor();
    b.kill();
    until_bob_is(&a, &alice, "offline").await;
    let said = Ask::new(a.address, &say).token(&alice).json(content).await;
    assert_eq!(said.status, 201, "{said:?}");
    let b = place.start("b");
    let session = Session::resume(way_to(&b, &bob), Arc::new(TokioRuntime), cursor);
    let mut session = within("a session", session).await.unwrap();
    until_bob_is(&a, &alice, "online").await;
    let seq = said.json()["seq"].as_u64().unwrap();
    within("what was said meanwhile", async {
        while session.next_message().await.unwrap().seq.0 != seq {}
    })
    .await;
    drop((a, b));
    place.clear_away().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_waits_for_a_database_and_a_redis_that_come_up_late() {
    let Some(place) = Place::new().await else {
        return;
    };
    let (database, redis) = (Gate::before(&place.database()), Gate::before(&place.redis));
    let mut command = place.command("a");
    command.envs([
        ("IM_DATABASE_URL", &database.url),
        ("IM_CLUSTER_REDIS", &redis.url),
    ]);

    let starting = tokio::task::spawn_blocking(move || Served::serve(command));
    // Longer than a pool waits for a connection.
    tokio::time::sleep(Duration::from_secs(7)).await;
    database.open().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!starting.is_finished(), "without its Redis");
    redis.open().await;

    let node = within("the start", starting).await.unwrap();
    token_of(&node, "alice").await;
    let (ended_well, log) = node.stop();
    assert!(ended_well, "{log}");
    for part in [
        "waiting for the database to answer",
        "waiting for another server to answer",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
    place.clear_away().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_waits_is_ended_by_a_signal() {
    let home = tempfile::tempdir().unwrap();
    let nobody = Gate::before("postgres://im@127.0.0.1:1/im");
    let mut command = im_server(&home.path().join("data"));
    command
        .env("IM_DATABASE_URL", &nobody.url)
        .args(["--listen", "127.0.0.1:0"])
        .stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut log = BufReader::new(server.stderr.take().unwrap());
    let mut said = String::new();
    log.read_line(&mut said).unwrap();
    assert!(
        said.contains("waiting for the database to answer"),
        "{said}"
    );

    let pid = server.id().to_string();
    let kill = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(kill.unwrap().success());

    let began = Instant::now();
    assert!(server.wait().unwrap().success());
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_cannot_work_says_what_to_change() {
    let Some(place) = Place::new().await else {
        return;
    };
    let running = place.start("a");
    let sqlite = format!("sqlite://{}", place.home.path().join("other.db").display());
    for (name, value, part) in [
        ("IM_DATABASE_URL", sqlite.as_str(), "another database"),
        (
            "IM_CLUSTER_REDIS",
            "redis://u:hush@127.0.0.1:1",
            "does not answer",
        ),
        (
            "IM_CLUSTER_REDIS",
            "http://u:hush@127.0.0.1",
            "redis://HOST:6379",
        ),
        ("IM_CLUSTER_PREFIX", "a b", "a prefix has"),
    ] {
        let said = place.refused(&[(name, value)]);

        assert!(
            said.contains("cluster.redis") && said.contains(part),
            "{said}"
        );
        assert!(!said.contains("hush"), "{said}");
    }
    drop(running);
    place.clear_away().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_and_attempts_are_counted_by_all_nodes_together() {
    let Some(place) = Place::new().await else {
        return;
    };
    let start = |node: &str| {
        let mut command = place.command(node);
        command.envs([
            ("IM_RATE_LIMITS_FAILURES_BEFORE_LOCK", "4"),
            ("IM_RATE_LIMITS_SIGN_INS_PER_USER", "6"),
            ("IM_RATE_LIMITS_SIGN_INS_PER_ADDRESS", "0"),
        ]);
        Served::serve(command)
    };
    let nodes = [start("a"), start("b")];
    for user in ["alice", "bob"] {
        let new = json!({"user": user, "password": crate::house::PASSWORD});
        let made = Ask::new(nodes[0].address, "POST /v1/accounts").json(new);
        assert_eq!(made.await.status, 201);
    }
    let sign_in = async |node: usize, user: &str, password: &str| {
        let ask = Ask::new(nodes[node].address, "POST /v1/sessions");
        let attempt = json!({"user": user, "password": password});
        ask.json(attempt).await.status
    };

    for node in [0, 1, 0, 1] {
        assert_eq!(sign_in(node, "alice", "a wrong one").await, 401);
    }
    for node in [0, 1] {
        let locked = sign_in(node, "alice", crate::house::PASSWORD).await;
        assert_eq!(locked, 401, "right, and locked out on node {node}");
    }
    for node in [0, 1] {
        assert_eq!(sign_in(node, "alice", crate::house::PASSWORD).await, 429);
    }
    for node in [0, 1] {
        assert_eq!(sign_in(node, "bob", crate::house::PASSWORD).await, 201);
    }

    drop(nodes);
    place.clear_away().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_state_of_the_database_is_refused_until_it_has_a_new_epoch() {
    let Some(place) = Place::new().await else {
        return;
    };
    let (name, backup) = (place.name.clone(), format!("{}_backup", place.name));
    let say_something = async |node: &Served, user: &str| {
        let token = token_of(node, user).await;
        let open = Ask::new(node.address, "POST /v1/conversations").token(&token);
        assert_eq!(open.json(json!({"name": "notes"})).await.status, 201);
    };
    let node = place.start("a");
    say_something(&node, "alice").await;
    assert!(node.stop().0);
    place.copy(&name, &backup).await;
    let node = place.start("a");
    say_something(&node, "bob").await;
    assert!(node.stop().0);
    let node = place.start("a");
    assert!(node.stop().0, "what is as it was is no older state");

    place.copy(&backup, &name).await;
    let said = place.refused(&[]);
    assert!(said.contains("im-server new-epoch"), "{said}");

    let renewed = run(place.command("a").arg("new-epoch"), "");
    assert!(renewed.status.success(), "{renewed:?}");
    let node = place.start("a");
    say_something(&node, "carol").await;
    assert!(node.stop().0);
    execute(&place.postgres, &format!("DROP DATABASE {backup}")).await;
    place.clear_away().await;
}
