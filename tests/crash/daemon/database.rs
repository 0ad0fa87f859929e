//! PostgreSQL and MariaDB, as durable as they are by default.

use std::{fmt, fs, io, path::Path, time::Instant};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlConnection, PgConnection};
use tests::process::free_port;
use tokio::time::{Duration, sleep, timeout};

use super::{
    Daemon, PATIENCE,
    program::{Runner, find, run},
};
use crate::scenario::Failure;

/// How long an answer may take before another connection asks.
const ANSWER: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Brand {
    MariaDb,
    Postgres,
}

pub(crate) struct Database {
    brand: Brand,
    daemon: Daemon,
    /// Without the name of a database.
    server: String,
}

impl Database {
    /// Starts one, and waits until it answers.
    pub(crate) async fn open(brand: Brand, folder: &Path) -> Result<Self, Failure> {
        let port = free_port()?;
        let folder = folder.join(brand.to_string());
        let (command, server) = match brand {
            Brand::MariaDb => mariadb(&folder, port)?,
            Brand::Postgres => postgres(&folder, port)?,
        };
        let log = folder.with_extension("log");
        let mut database = Self {
            brand,
            daemon: Daemon::new(command, log),
            server,
        };
        database.start().await?;
        Ok(database)
    }

    /// Makes a database in it and returns its URL.
    pub(crate) async fn create(&self, name: &str) -> io::Result<String> {
        self.execute(&format!("CREATE DATABASE {name}")).await?;
        Ok(format!("{}/{name}", self.server))
    }

    /// Starts it and waits until it answers, which it does once it has recovered.
    pub(crate) async fn start(&mut self) -> io::Result<()> {
        self.daemon.start()?;
        let began = Instant::now();
        loop {
            self.daemon.is_running()?;
            let outcome = match timeout(ANSWER, self.execute("SELECT 1")).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer".to_owned(),
            };
            if began.elapsed() > PATIENCE {
                let brand = self.brand;
                return Err(io::Error::other(format!("{brand}: {outcome}")));
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Kills all of its processes.
    pub(crate) async fn kill(&mut self) -> io::Result<()> {
        self.daemon.kill().await
    }

    async fn execute(&self, sql: &str) -> io::Result<()> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self.brand {
            Brand::MariaDb => {
                let url = format!("{}/im", self.server);
                let mut connection = MySqlConnection::connect(&url).await.map_err(failed)?;
                connection.execute(sql).await.map_err(failed)?;
            }
            Brand::Postgres => {
                let url = format!("{}/postgres", self.server);
                let mut connection = PgConnection::connect(&url).await.map_err(failed)?;
                connection.execute(sql).await.map_err(failed)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MariaDb => "mariadb",
            Self::Postgres => "postgres",
        })
    }
}

fn failed(error: sqlx::Error) -> io::Error {
    io::Error::other(error)
}

/// The command that starts it, and its URL. Trusting, but only this machine.
fn postgres(folder: &Path, port: u16) -> Result<(Vec<String>, String), Failure> {
    let missing = || Failure::missing("PostgreSQL");
    // Its programs are beside each other, and not beside a link to one of them.
    let initdb = find("initdb").ok_or_else(missing)?.canonicalize()?;
    let program = initdb.with_file_name("postgres");
    let runner = Runner::new("postgres")?;
    runner.folder(folder)?;
    let (data, sockets) = (
        folder.join("data").display().to_string(),
        format!("unix_socket_directories={}", folder.display()),
    );
    let prepare = [
        "--pgdata",
        &data,
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--no-locale",
        "--no-sync",
    ];
    run(&runner.command(&initdb, &prepare))?;
    let port = port.to_string();
    let arguments = [
        ["-D", &data],
        ["-p", &port],
        ["-c", "listen_addresses=127.0.0.1"],
        ["-c", &sockets],
    ];
    let command = runner.command(&program, arguments.as_flattened());
    Ok((command, format!("postgres://postgres@127.0.0.1:{port}")))
}

/// The command that starts it, and its URL. Its user `im` has a password of this run only.
fn mariadb(folder: &Path, port: u16) -> Result<(Vec<String>, String), Failure> {
    let missing = || Failure::missing("MariaDB");
    let (install, program) = (
        find("mariadb-install-db").ok_or_else(missing)?,
        find("mariadbd").ok_or_else(missing)?,
    );
    let runner = Runner::new("mysql")?;
    runner.folder(folder)?;
    let password = uuid::Uuid::new_v4().simple().to_string();
    let first = folder.join("init.sql");
    fs::write(
        &first,
        format!(
            "CREATE DATABASE IF NOT EXISTS im;\n\
             CREATE USER IF NOT EXISTS 'im'@'127.0.0.1' IDENTIFIED BY '{password}';\n\
             GRANT ALL PRIVILEGES ON *.* TO 'im'@'127.0.0.1';\n"
        ),
    )?;
    runner.own(&first)?;
    let option = |name: &str, value: &Path| format!("--{name}={}", value.display());
    let data = option("datadir", &folder.join("data"));
    let prepare = [
        "--no-defaults",
        &data,
        "--skip-name-resolve",
        "--skip-test-db",
    ];
    run(&runner.command(&install, &prepare))?;
    let arguments = [
        "--no-defaults",
        &data,
        &option("init-file", &first),
        &format!("--port={port}"),
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        &option("socket", &folder.join("socket")),
        &option("pid-file", &folder.join("pid")),
        &option("tmpdir", folder),
        "--character-set-server=utf8mb4",
        "--innodb-flush-log-at-trx-commit=1",
    ];
    let command = runner.command(&program, &arguments);
    Ok((command, format!("mysql://im:{password}@127.0.0.1:{port}")))
}
