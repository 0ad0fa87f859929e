//! Databases of their own on a server that the environment names, and the cases of several processes on them.

#![allow(clippy::unwrap_used)]

use std::{env, thread};

use sqlx::{Connection, Executor, MySqlConnection, PgConnection};
use tokio::net::{TcpListener, TcpStream};

/// A database that is dropped with this.
pub(crate) struct Fresh {
    pub(crate) address: String,
    server: String,
    name: String,
}

impl Fresh {
    /// A fresh database; `None`, said aloud, when the environment names no server and does not insist on one.
    pub(crate) async fn create(variable: &str) -> Option<Self> {
        let Ok(server) = env::var(variable) else {
            assert!(
                env::var("IM_TEST_REQUIRE_SERVERS").as_deref() != Ok("1"),
                "{variable} is not set"
            );
            eprintln!("SKIPPED: {variable} is not set");
            return None;
        };
        let name = format!("im_{}", uuid::Uuid::new_v4().simple());
        run(&server, format!("CREATE DATABASE {name}")).await;
        let (before, _) = server.rsplit_once('/').unwrap();
        Some(Self {
            address: format!("{before}/{name}"),
            server,
            name,
        })
    }
}

impl Fresh {
    /// Ends every connection to the database, as a restart of the server does.
    pub(crate) async fn break_connections(&self) {
        if is_postgres(&self.server) {
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ";
            return run(&self.server, format!("{end}'{}'", self.name)).await;
        }
        let mut connection = MySqlConnection::connect(&self.server).await.unwrap();
        let select = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE db = ?";
        let ids: Vec<i64> = sqlx::query_scalar(select)
            .bind(&self.name)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        for id in ids {
            // It may have ended by itself in the meantime.
            let kill = sqlx::AssertSqlSafe(format!("KILL {id}"));
            let _ = connection.execute(sqlx::raw_sql(kill)).await;
        }
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let force = if is_postgres(&self.server) {
            " WITH (FORCE)"
        } else {
            ""
        };
        let command = format!("DROP DATABASE {}{force}", self.name);
        let server = self.server.clone();
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(run(&server, command));
        });
        let _ = dropping.join();
    }
}

/// An address of the same database, through a proxy that hangs up so many times before it lets anybody through: its server
/// is still to come.
pub(crate) async fn late(address: &str, times: usize) -> String {
    let (server, through) = between(address);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for _ in 0..times {
            drop(listener.accept().await.unwrap());
        }
        while let Ok((mut near, _)) = listener.accept().await {
            let server = server.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(server).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    through(&proxy.to_string())
}

/// Where the server of an address is, and what makes the address of what is between.
pub(crate) fn between(address: &str) -> (String, impl Fn(&str) -> String) {
    let (start, rest) = address.rsplit_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let through = move |between: &str| format!("{start}@{between}/{name}");
    (server.to_owned(), through)
}

fn is_postgres(address: &str) -> bool {
    address.starts_with("postgres")
}

/// Runs a command on a server.
pub(crate) async fn run(address: &str, command: String) {
    let command = sqlx::AssertSqlSafe(command);
    if is_postgres(address) {
        let mut connection = PgConnection::connect(address).await.unwrap();
        connection.execute(sqlx::raw_sql(command)).await.unwrap();
    } else {
        let mut connection = MySqlConnection::connect(address).await.unwrap();
        connection.execute(sqlx::raw_sql(command)).await.unwrap();
    }
}

/// The cases of several processes and stores.
#[macro_export]
macro_rules! several_suite {
    () => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn two_processes_lose_nothing() {
            if let Some(second) = several::second() {
                return several::write_as_second(second).await;
            }
            let Some(fresh) = Fresh::create(SERVER).await else {
                return;
            };
            several::two_processes_lose_nothing("two_processes_lose_nothing", &fresh.address).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn a_killed_writer_loses_nothing() {
            if let Some(second) = several::second() {
                return several::write_for_ever(second).await;
            }
            let Some(fresh) = Fresh::create(SERVER).await else {
                return;
            };
            several::a_killed_writer_loses_nothing("a_killed_writer_loses_nothing", &fresh.address)
                .await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn a_fresh_database_can_be_opened_by_several_at_once() {
            let Some(fresh) = Fresh::create(SERVER).await else {
                return;
            };
            several::a_fresh_database_can_be_opened_by_several_at_once(&fresh.address).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn a_server_that_breaks_connections_is_written_to_again() {
            let Some(fresh) = Fresh::create(SERVER).await else {
                return;
            };
            let ports = SqlStore::open(&fresh.address).await.unwrap().ports();
            several::broken_connections_lose_nothing(&ports, || fresh.break_connections()).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn connections_that_broke_when_it_was_quiet_fail_nobody() {
            let Some(fresh) = Fresh::create(SERVER).await else {
                return;
            };
            let ports = SqlStore::open(&fresh.address).await.unwrap().ports();
            let break_them = || fresh.break_connections();
            several::connections_that_broke_when_it_was_quiet_fail_nobody(&ports, break_them).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn connections_that_fell_silent_when_it_was_quiet_fail_nobody() {
            let Some(fresh) = Fresh::create(SERVER).await else {
                return;
            };
            let (server, through) = server::between(&fresh.address);
            let way = way::Way::to(server).await;
            let address = through(&way.address);
            let ports = SqlStore::open(&address).await.unwrap().ports();
            let break_them = || way.silences.clone().give();
            several::connections_that_broke_when_it_was_quiet_fail_nobody(&ports, break_them).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn two_stores_keep_each_others_changes() {
            let Some(fresh) = Fresh::create(SERVER).await else {
                return;
            };
            several::two_stores_keep_each_others_changes(&fresh.address).await;
        }

        #[tokio::test]
        async fn a_server_that_hangs_up_because_it_is_still_to_come_is_waited_for() {
            let Some(fresh) = Fresh::create(SERVER).await else {
                return;
            };
            let address = server::late(&fresh.address, 3).await;

            SqlStore::open(&address).await.unwrap();
        }

        #[tokio::test]
        async fn a_server_that_does_not_come_is_waited_for_as_long_as_is_said() {
            let Some(fresh) = Fresh::create(SERVER).await else {
                return;
            };
            let address = server::late(&fresh.address, usize::MAX).await;
            let mut options = im_store::SqlOptions::default();
            options.patience = std::time::Duration::from_secs(1);

            let began = std::time::Instant::now();
            let outcome = SqlStore::open_with(&address, options.clone()).await;

            assert!(outcome.is_err());
            let span = began.elapsed();
            assert!(span >= options.patience && span.as_secs() < 10, "{span:?}");
        }

        #[tokio::test]
        async fn an_interrupted_first_start_is_gone_on_with() {
            let Some(fresh) = Fresh::create(SERVER).await else {
                return;
            };
            let run = |command| server::run(&fresh.address, command);
            several::an_interrupted_first_start_is_gone_on_with(&fresh.address, run).await;
        }

        #[tokio::test]
        async fn a_database_of_a_newer_build_is_refused() {
            let Some(fresh) = Fresh::create(SERVER).await else {
                return;
            };
            drop(SqlStore::open(&fresh.address).await.unwrap());
            let step =
                "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 0)";
            server::run(&fresh.address, step.into()).await;

            let error = SqlStore::open(&fresh.address).await.unwrap_err();

            assert!(several::is_refusal_of_a_newer_schema(&error), "{error:?}");
        }
    };
}
