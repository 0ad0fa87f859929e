//! Every suite against SQLite files of their own, and against SQLite in memory.

#![allow(clippy::unwrap_used)]

mod several;

use std::time::Duration;

use im_core::{
    Body, SettingsPatch, Store, Timestamp,
    port::Ports,
    testing::{Draft, append_until_stored, audit, group, said, user},
};
use im_store::{SqlOptions, SqlStore};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

fn file() -> (String, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (
        format!("sqlite://{}/im.db", folder.path().display()),
        folder,
    )
}

async fn open() -> Option<(Ports, TempDir)> {
    let (address, folder) = file();
    Some((SqlStore::open(&address).await.unwrap().ports(), folder))
}

im_core::every_store_suite!(open());

mod in_memory {
    use super::{Ports, SqlStore, Store};

    async fn open() -> Option<(Ports, ())> {
        Some((SqlStore::open("sqlite::memory:").await.unwrap().ports(), ()))
    }

    im_core::every_store_suite!(open());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_lose_nothing() {
    if let Some(second) = several::second() {
        return several::write_as_second(second).await;
    }
    let (address, _folder) = file();
    several::two_processes_lose_nothing("two_processes_lose_nothing", &address).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_writer_loses_nothing() {
    if let Some(second) = several::second() {
        return several::write_for_ever(second).await;
    }
    let (address, _folder) = file();
    several::a_killed_writer_loses_nothing("a_killed_writer_loses_nothing", &address).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fresh_database_can_be_opened_by_several_at_once() {
    let (address, _folder) = file();
    several::a_fresh_database_can_be_opened_by_several_at_once(&address).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_keep_each_others_changes() {
    let (address, _folder) = file();
    several::two_stores_keep_each_others_changes(&address).await;
}

#[tokio::test]
async fn an_interrupted_first_start_is_gone_on_with() {
    let (address, _folder) = file();
    let run = async |command: String| {
        let mut connection = SqliteConnection::connect(&address).await.unwrap();
        let command = sqlx::AssertSqlSafe(command);
        sqlx::raw_sql(command)
            .execute(&mut connection)
            .await
            .unwrap();
    };
    several::an_interrupted_first_start_is_gone_on_with(&address, run).await;
}

#[tokio::test]
async fn a_database_of_a_newer_build_is_refused() {
    let (address, _folder) = file();
    drop(SqlStore::open(&address).await.unwrap());
    let mut connection = SqliteConnection::connect(&address).await.unwrap();
    let step = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 0)";
    sqlx::query(step).execute(&mut connection).await.unwrap();

    let error = SqlStore::open(&address).await.unwrap_err();

    assert!(several::is_refusal_of_a_newer_schema(&error), "{error:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_for_its_owner_alone_and_another_keeps_its_mode() {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    let modes = |folder: &TempDir| {
        let files = ["im.db", "im.db-wal", "im.db-shm"].map(|name| folder.path().join(name));
        files.map(|file| fs::metadata(file).unwrap().permissions().mode() & 0o777)
    };
    let (address, fresh) = file();
    let (other_address, shared) = file();
    let database = shared.path().join("im.db");
    fs::write(&database, "").unwrap();
    fs::set_permissions(&database, fs::Permissions::from_mode(0o660)).unwrap();

    let ports = SqlStore::open(&address).await.unwrap().ports();
    group(&ports, &["alice"]).await;
    let other_ports = SqlStore::open(&other_address).await.unwrap().ports();
    group(&other_ports, &["alice"]).await;

    assert_eq!(modes(&fresh), [0o600; 3]);
    assert_eq!(modes(&shared), [0o660; 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_database_fails_appends_and_then_takes_them_again() {
    let (address, _folder) = file();
    let mut options = SqlOptions::default();
    options.patience = Duration::from_millis(300);
    let ports = SqlStore::open_with(&address, options)
        .await
        .unwrap()
        .ports();
    let mut log = group(&ports, &["alice"]).await;
    let mut other = SqliteConnection::connect(&address).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();

    let refused = ports
        .log
        .append(log.append([Draft::new("alice", said("locked out"))]))
        .await;
    let settings = ports
        .members
        .change_settings(
            &user("alice"),
            log.conversation,
            SettingsPatch::default(),
            Timestamp(0),
        )
        .await;

    assert!(refused.is_err());
    assert!(settings.is_err());
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    for n in 0..10 {
        append_until_stored(
            &ports,
            log.conversation,
            Draft::new("alice", said(&n.to_string())),
        )
        .await;
    }
    assert!(audit(&ports, log.conversation).await.len() >= 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_database_fails_appends_and_then_takes_them_again() {
    let (address, _folder) = file();
    let ports = SqlStore::open(&address).await.unwrap().ports();
    let mut log = group(&ports, &["alice"]).await;
    let mut other = SqliteConnection::connect(&address).await.unwrap();
    // What an administrator or a disk does to us, done by the one means that SQLite gives: a table that refuses.
    let refuse = "CREATE TRIGGER full BEFORE INSERT ON entry BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END";
    sqlx::raw_sql(refuse).execute(&mut other).await.unwrap();

    for batch in [1, 3] {
        let drafts = (0..batch).map(|n| Draft::new("alice", said(&n.to_string())));
        let mut behind = log;
        assert!(ports.log.append(behind.append(drafts)).await.is_err());
    }

    sqlx::raw_sql("DROP TRIGGER full")
        .execute(&mut other)
        .await
        .unwrap();
    log.store(
        &ports,
        [
            Draft::new("alice", said("1")),
            Draft::new(
                "bob",
                Body::Joined {
                    since: None,
                    silent_until_ms: None,
                },
            ),
        ],
    )
    .await;
    assert_eq!(audit(&ports, log.conversation).await.len(), 3);
}
