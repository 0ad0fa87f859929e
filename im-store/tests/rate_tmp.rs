#![allow(missing_docs, clippy::unwrap_used)]
use std::time::Instant;
use im_core::{Store, port::{Ports, Appended}, testing::{Draft, Log, created, said, race}};
use im_store::SqlStore;
use sqlx::{ConnectOptions, SqliteConnection, sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous}};

const TEXT: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

async fn ours(ports: &Ports, writers: usize, each: usize, entries: usize) -> f64 {
    let mut logs = Vec::new();
    for _ in 0..writers { let mut l = Log::new(); l.store(ports, [Draft::new("alice", created(&["alice"]))]).await; logs.push(l); }
    let start = Instant::now();
    race(ports, logs.into_iter().map(|mut log| { let ports = ports.clone(); async move {
        for _ in 0..each {
            let a = log.append((0..entries).map(|_| Draft::new("alice", said(TEXT))));
            assert_eq!(ports.log.append(a).await.unwrap(), Appended::Stored);
        }
    }})).await;
    (writers * each * entries) as f64 / start.elapsed().as_secs_f64()
}

async fn raw(c: &mut SqliteConnection, convs: usize, batch: usize, rounds: usize) -> f64 {
    let text: std::sync::Arc<str> = format!("INSERT INTO entry (conversation_id, seq, sender, client_id, ordinal, at_ms, fingerprint, body) VALUES {}", vec!["(?,?,?,?,?,?,?,?)"; batch].join(",")).into();
    let ids: Vec<uuid::Uuid> = (0..convs).map(|_| uuid::Uuid::now_v7()).collect();
    let body = rmp_serde::to_vec_named(&said(TEXT)).unwrap();
    let start = Instant::now();
    for r in 0..rounds {
        let mut q = sqlx::query(sqlx::AssertSqlSafe(text.clone()));
        for b in 0..batch {
            let i = r * batch + b;
            q = q.bind(ids[i % convs]).bind((i / convs) as i64 + 1).bind("alice").bind(uuid::Uuid::new_v4().to_string()).bind(i as i64).bind(1_700_000_000_000_i64).bind(i as i64).bind(&body[..]);
        }
        q.execute(&mut *c).await.unwrap();
    }
    (batch * rounds) as f64 / start.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore]
async fn rate() {
    for (writers, batch) in [(1usize, 1usize), (16, 16), (128, 128), (512, 512), (1024, 512)] {
        let dir = tempfile::tempdir_in("/work/main/target").unwrap();
        let url = format!("sqlite://{}/im.db", dir.path().display());
        let ports = SqlStore::open(&url).await.unwrap().ports();
        let rawdir = tempfile::tempdir_in("/work/main/target").unwrap();
        let rawurl = format!("sqlite://{}/im.db", rawdir.path().display());
        drop(SqlStore::open(&rawurl).await.unwrap());
        let mut c = rawurl.parse::<SqliteConnectOptions>().unwrap().disable_statement_logging().journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full).pragma("cache_size","-16384").pragma("wal_autocheckpoint","4000").connect().await.unwrap();
        let rows = if batch == 1 { 2000 } else { 60_000 };
        for _ in 0..4 {
            let r = raw(&mut c, writers, batch, rows / batch).await;
            let o = ours(&ports, writers, rows / writers, 1).await;
            println!("writers {writers} batch {batch}: raw {r:.0}/s ours {o:.0}/s ratio {:.2}", o / r);
        }
    }
    let dir = tempfile::tempdir_in("/work/main/target").unwrap();
    let ports = SqlStore::open(&format!("sqlite://{}/im.db", dir.path().display())).await.unwrap().ports();
    println!("one hot conversation, 64 entries per append: {:.0}/s", ours(&ports, 1, 500, 64).await);
    println!("100 conversations: {:.0}/s", ours(&ports, 100, 300, 1).await);
    for var in ["IM_TEST_POSTGRES_URL", "IM_TEST_MARIADB_URL"] {
        let Ok(url) = std::env::var(var) else { continue };
        let ports = SqlStore::open(&url).await.unwrap().ports();
        for (w, each) in [(1usize, 300usize), (16, 200), (128, 100), (512, 60)] { println!("{var} writers {w}: {:.0}/s", ours(&ports, w, each, 1).await); }
    }
}
