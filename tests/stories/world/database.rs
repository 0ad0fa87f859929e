//! Where a world keeps its log: a file of its own, or a database of its own on a server.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlConnection, PgConnection};
use tempfile::TempDir;

/// A database that is removed when the story ends, however it ends.
pub(crate) struct Database {
    url: String,
    place: Place,
}

enum Place {
    /// Removed when it is dropped.
    Folder {
        _guard: TempDir,
    },
    Server {
        admin_url: String,
        name: String,
    },
}

/// A database on the server that a variable names; `None` when there is none and none is required.
pub(crate) async fn from_environment(variable: &str) -> Option<Database> {
    let Ok(admin_url) = std::env::var(variable) else {
        let required = std::env::var("IM_TEST_REQUIRE_SERVERS").is_ok_and(|it| it == "1");
        assert!(!required, "{variable} is not set");
        eprintln!("SKIPPED: {variable} is not set; ./tests/run sets it");
        return None;
    };
    let name = format!("story_{}", uuid::Uuid::new_v4().simple());
    execute(&admin_url, &format!("CREATE DATABASE {name}")).await;
    let (server, _) = admin_url.rsplit_once('/').unwrap();
    Some(Database {
        url: format!("{server}/{name}"),
        place: Place::Server { admin_url, name },
    })
}

impl Database {
    /// An SQLite file.
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            url: format!("sqlite://{}", folder.path().join("im.db").display()),
            place: Place::Folder { _guard: folder },
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Database {
    /// The server hangs up on everybody who uses this database.
    pub(crate) async fn break_connections(&self) {
        let Place::Server { admin_url, name } = &self.place else {
            panic!("nobody is connected to a file");
        };
        if admin_url.starts_with("postgres") {
            let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname";
            return execute(admin_url, &format!("{sql} = '{name}'")).await;
        }
        let mut connection = MySqlConnection::connect(admin_url).await.unwrap();
        let sql = "SELECT id FROM information_schema.processlist WHERE db = ?";
        let ids: Vec<i64> = sqlx::query_scalar(sql)
            .bind(name)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        for id in ids {
            // Some may be gone by now.
            let kill = AssertSqlSafe(format!("KILL {id}"));
            let _ = connection.execute(sqlx::raw_sql(kill)).await;
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Place::Server { admin_url, name } = &self.place else {
            return;
        };
        let force = if admin_url.starts_with("postgres") {
            " WITH (FORCE)"
        } else {
            ""
        };
        let (admin_url, sql) = (admin_url.clone(), format!("DROP DATABASE {name}{force}"));
        // In a thread: this may run within a runtime, or without one.
        let removal = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(execute(&admin_url, &sql));
        });
        if removal.join().is_err() {
            eprintln!("{} could not be removed", self.url);
        }
    }
}

async fn execute(url: &str, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    if url.starts_with("postgres") {
        let mut connection = PgConnection::connect(url).await.unwrap();
        connection.execute(sqlx::raw_sql(sql)).await.unwrap();
    } else {
        let mut connection = MySqlConnection::connect(url).await.unwrap();
        connection.execute(sqlx::raw_sql(sql)).await.unwrap();
    }
}
