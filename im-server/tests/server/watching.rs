//! What who watches a server is shown: figures, log lines, traces.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex},
};

use im_server::Secret;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::house::{Ask, House, text};

/// What a server shows.
async fn figures(house: &House) -> String {
    let address = house.server.metrics_address().unwrap();
    let shown = Ask::new(address, "GET /metrics").send().await;
    assert_eq!(shown.status, 200);
    String::from_utf8(shown.body.to_vec()).unwrap()
}

/// The value of a figure, with its labels if any.
fn value(figures: &str, name: &str) -> f64 {
    let line = figures
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in {figures}"))
        .parse()
        .unwrap()
}

async fn watched() -> House {
    House::open_with(|config| config.metrics.listen = "127.0.0.1:0".parse().ok()).await
}

#[tokio::test]
async fn figures_are_shown_where_no_client_looks() {
    let house = watched().await;

    let by_clients = house.ask("GET /metrics").send().await;
    let address = house.server.metrics_address().unwrap();
    let elsewhere = Ask::new(address, "GET /v1/capabilities").send().await;
    let shown = Ask::new(address, "GET /metrics").send().await;

    assert_eq!(by_clients.problem(), (404, "not_found".into()));
    assert_eq!(elsewhere.status, 404);
    assert_eq!(
        shown.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let other = House::open().await;
    assert_eq!(other.server.metrics_address(), None, "off by default");
}

#[tokio::test]
async fn where_there_is_a_token_figures_are_for_who_has_it() {
    let token = "a token that nobody would guess";
    let house = House::open_with(|config| {
        config.metrics.listen = "127.0.0.1:0".parse().ok();
        config.metrics.token = Some(Secret::new(token));
    })
    .await;
    let address = house.server.metrics_address().unwrap();
    let ask = || Ask::new(address, "GET /metrics");

    let (stranger, guess, scraper) = (
        ask().send().await,
        ask().token("guess").send().await,
        ask().token(token).send().await,
    );

    assert_eq!(
        (stranger.status, guess.status, scraper.status),
        (401, 401, 200)
    );
    assert_eq!(stranger.headers["www-authenticate"], "Bearer");
    assert!(!String::from_utf8_lossy(&guess.body).contains("im_sessions"));
}

#[tokio::test]
async fn what_happens_is_counted() {
    let house = watched().await;
    for user in ["alice", "bob"] {
        house.token_of(user).await;
    }
    let im = house.server.im();
    let chat = im.direct("alice", "bob").await.unwrap();
    let alice = im.connect("alice", "laptop").await.unwrap();
    let before = figures(&house).await;

    let bob = im.connect("bob", "laptop").await.unwrap();
    for said in ["one", "two"] {
        alice.send(&chat, said).await.unwrap();
    }

    let after = figures(&house).await;
    let grew = |name: &str| value(&after, name) - value(&before, name);
    assert_eq!(grew("im_sessions"), 1.0);
    assert_eq!(grew("im_sessions_opened_total"), 1.0);
    assert_eq!(grew("im_entries_stored_total"), 2.0);
    assert_eq!(grew("im_deliveries_total"), 4.0);
    assert!(grew("im_store_commit_jobs_sum") >= 2.0);
    assert!(grew("im_store_commit_seconds_count") >= 2.0);
    assert_eq!(grew("im_store_commits_failed_total"), 0.0);
    assert!(grew("im_store_read_seconds_count") > 0.0);
    assert!(value(&after, "im_http_requests_total{status=\"2xx\"}") >= 2.0);
    drop(bob);
}

#[tokio::test]
async fn refusals_are_counted_by_code() {
    let house = watched().await;
    let token = house.token_of("alice").await;
    let before = figures(&house).await;

    let nowhere = "GET /v1/conversations/0198c5a5-0000-7000-8000-000000000000";
    let missing = house.ask(nowhere).token(&token).send().await;
    let stranger = house.ask(nowhere).send().await;

    assert_eq!((missing.status, stranger.status), (404, 401));
    let after = figures(&house).await;
    let grew = |name: &str| value(&after, name) - value(&before, name);
    assert_eq!(grew("im_refusals_total{code=\"not_found\"}"), 1.0);
    assert_eq!(grew("im_http_problems_total{code=\"not_found\"}"), 1.0);
    assert_eq!(
        grew("im_http_problems_total{code=\"unauthenticated\"}"),
        1.0
    );
    assert_eq!(
        grew("im_refusals_total{code=\"unauthenticated\"}"),
        0.0,
        "the engine was not asked"
    );
    assert_eq!(grew("im_http_requests_total{status=\"4xx\"}"), 2.0);
}

/// The names of figures in a text: words that begin as ours do.
fn named(text: &str) -> BTreeSet<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_word(c));
    words
        .filter(|word| word.starts_with("im_") || word.starts_with("process_"))
        .collect()
}

#[tokio::test]
async fn the_documentation_the_alerts_and_the_dashboard_name_what_is_shown() {
    let house = watched().await;
    let shown = figures(&house).await;
    let types = shown
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let types: Vec<_> = types.filter_map(|line| line.split_once(' ')).collect();
    let names: BTreeSet<_> = types.iter().map(|(name, _)| *name).collect();
    let histograms = types.iter().filter(|(_, kind)| *kind == "histogram");
    let parts: BTreeSet<_> = histograms
        .flat_map(|(name, _)| ["bucket", "sum", "count"].map(|part| format!("{name}_{part}")))
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();

    let page = read("docs/operations.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter_map(|row| row.split_once('`')).map(|row| row.0);
    let documented: BTreeSet<_> = rows.filter(|row| !named(row).is_empty()).collect();
    assert_eq!(
        documented, names,
        "the table of docs/operations.md is complete"
    );

    for path in [
        "examples/deploy/prometheus/alerts.yml",
        "examples/deploy/grafana/im-server.json",
    ] {
        let text = read(path);
        let used = named(&text);
        assert!(used.len() > 10, "{path}: {used:?}");
        let unknown = used
            .iter()
            .filter(|name| !names.contains(*name) && !parts.contains(**name));
        assert_eq!(unknown.collect::<Vec<_>>(), Vec::<&&str>::new(), "{path}");
    }
    let dashboard = read("examples/deploy/grafana/im-server.json");
    let unseen = names.iter().filter(|name| !dashboard.contains(**name));
    assert_eq!(
        unseen.collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "on no panel"
    );
    let alerts = read("examples/deploy/prometheus/alerts.yml");
    for line in alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
    {
        assert!(
            page.contains(&format!("`{line}`")),
            "{line} is not explained"
        );
    }
}

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap();
        let lines = std::str::from_utf8(&bytes).unwrap().lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn what_fails_in_the_store_is_logged_with_the_request_that_met_it() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::WARN)
        .with_writer(log.clone())
        .finish();
    // For all tests: one for this thread alone would miss spans that another thread was the first to meet.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let house = House::open().await;
    let token = house.token_of("alice").await;
    let name = json!({"name": "notes"});
    let group = house
        .ask("POST /v1/conversations")
        .token(&token)
        .json(name)
        .await
        .json();
    let path = format!(
        "POST /v1/conversations/{}/messages",
        text(&group["conversation"])
    );
    let url = format!("sqlite://{}/im.db", house.home().display());
    let database = sqlx::SqlitePool::connect(&url).await.unwrap();
    let breaking = sqlx::query("ALTER TABLE entry RENAME TO elsewhere");
    breaking.execute(&database).await.unwrap();

    let content = json!({"content": {"kind": "text", "text": "canary-message"}});
    let refused = house
        .ask(&path)
        .token(&token)
        .header("x-request-id", "request-17")
        .json(content)
        .await;

    assert_eq!(refused.problem(), (503, "unavailable".into()));
    let lines = log.lines();
    let is_request = |span: &Value| {
        span["name"] == "request" && span["id"] == "request-17" && span["route"].is_string()
    };
    let is_within = |line: &&Value| {
        let spans = line["spans"].as_array();
        spans.is_some_and(|spans| spans.iter().any(is_request))
    };
    let mut within = lines.iter().filter(is_within);
    let is_cause = |line: &Value| text(&line["fields"]["message"]).contains("appending failed");
    assert!(
        within.any(is_cause),
        "the cause is inside of the request: {lines:?}"
    );
    assert!(!format!("{lines:?}").contains("canary"));
}
