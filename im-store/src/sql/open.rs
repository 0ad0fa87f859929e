//! Opening a database: options, pools, and waiting for others who open it at the same moment.

#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt as _;
use std::{
    fs::OpenOptions,
    str::FromStr as _,
    time::{Duration, Instant},
};

use sea_orm::{ConnAcquireErr, ConnectOptions, Database, DbErr, RuntimeErr};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use super::{
    block::Blocks,
    connection,
    core::Core,
    dialect::Dialect,
    error::SqlError,
    readers::{ACQUIRING, Readers},
    schema,
};

/// What can be tuned. The defaults suit a server on a small machine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SqlOptions {
    /// Connections that read at the same moment. Default 4; a store has one more to commit, and on servers one for
    /// everything else that is written.
    pub readers: u32,
    /// Appends and batches of positions that wait for a commit. Default 4,096; more make their callers wait.
    pub waiting: usize,
    /// How long the database may take to answer before a call fails, and how long opening waits for one that does not answer
    /// at all. Default 30 s.
    pub patience: Duration,
    /// Memory that each SQLite connection may use for pages, in KiB. Default 16,384. Used only as far as pages are read.
    pub sqlite_cache_kib: u32,
    /// Pages of SQLite's log after which it is moved into the database. Default 4,000, about 16 MiB.
    ///
    /// More means fewer and longer pauses: a commit waits while pages are moved.
    pub sqlite_checkpoint_pages: u32,
}

impl Default for SqlOptions {
    fn default() -> Self {
        Self {
            readers: 4,
            waiting: 4_096,
            patience: Duration::from_secs(30),
            sqlite_cache_kib: 16_384,
            sqlite_checkpoint_pages: 4_000,
        }
    }
}

/// How long SQLite waits for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// How long to wait before a database that does not answer is asked again.
const AWAY: Duration = Duration::from_millis(500);

/// How often opening is tried while another process holds a SQLite file in the middle of its creation.
const TRIES: u32 = 100;

pub(super) async fn open(
    url: &str,
    options: &SqlOptions,
    blocks: Blocks,
) -> Result<Core, SqlError> {
    let mut tries = 0;
    let mut was_told = false;
    let began = Instant::now();
    loop {
        match open_once(url, options, &blocks).await {
            // A database that starts together with us may take its time.
            Err(error) if is_away(&error) && began.elapsed() < options.patience => {
                if !std::mem::replace(&mut was_told, true) {
                    let (seconds, reason) = (options.patience.as_secs(), reason(&error));
                    tracing::warn!(seconds, reason, "waiting for the database to answer");
                }
                tokio::time::sleep(AWAY).await;
            }
            // Turning on the write-ahead log does not wait for others, it fails.
            Err(error) if is_locked(&error) && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(
                    20 + u64::from(std::process::id() % 10),
                ))
                .await;
            }
            outcome => return outcome,
        }
    }
}

async fn open_once(url: &str, options: &SqlOptions, blocks: &Blocks) -> Result<Core, SqlError> {
    let in_memory = url.starts_with("sqlite:") && url.contains(":memory:");
    if !in_memory {
        create_for_owner_alone(url);
    }
    let connect = connect_options(url, options, in_memory);
    let pool = Database::connect(connect).await?;
    let dialect = Dialect::of(pool.get_database_backend()).ok_or(SqlError::UnknownDatabase)?;
    let epoch = schema::migrate(&pool, dialect).await?;
    let blocks = blocks.clone();
    Ok(Core::new(
        pool,
        (dialect, epoch),
        options.patience,
        blocks,
        (!in_memory).then(|| Readers::new(options.readers)),
    ))
}

/// Makes a SQLite file that is not there yet, so that nobody but its owner can read it; left to SQLite, the umask would
/// decide. SQLite gives its log and its shared memory the file's own mode.
fn create_for_owner_alone(url: &str) {
    if !url.starts_with("sqlite:") || url.contains("mode=memory") {
        return;
    }
    let Ok(sqlite) = SqliteConnectOptions::from_str(url) else {
        return;
    };
    let mut file = OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    file.mode(0o600);
    // What is there stays as it is. What cannot be made cannot be opened either, and SQLite says why.
    let _ = file.open(sqlite.get_filename());
}

fn is_locked(error: &SqlError) -> bool {
    matches!(error, SqlError::Setup(error) if error.to_string().contains("database is locked"))
}

/// Whether nobody answered: no connection came about in the time of the pool, the host is not known (yet), or what is there
/// hangs up, as a proxy does whose database is not there.
fn is_away(error: &SqlError) -> bool {
    let SqlError::Setup(error) = error else {
        return false;
    };
    if let DbErr::Conn(RuntimeErr::SqlxError(error)) = &**error {
        return matches!(**error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut);
    }
    matches!(**error, DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))
}

/// What is behind it, for people.
fn reason(error: &SqlError) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), ToString::to_string)
}

fn connect_options(url: &str, options: &SqlOptions, in_memory: bool) -> ConnectOptions {
    let mut connect = ConnectOptions::new(url);
    let (cache_kib, checkpoint) = (options.sqlite_cache_kib, options.sqlite_checkpoint_pages);
    connect
        .sqlx_logging(false)
        .test_before_acquire(false)
        .acquire_timeout(options.patience.min(ACQUIRING))
        // A database in memory lives as long as one connection does.
        .min_connections(u32::from(in_memory))
        .map_sqlx_sqlite_opts(move |sqlite| tune(sqlite, cache_kib, checkpoint))
        .map_sqlx_mysql_pool_opts(connection::greet);
    if in_memory {
        connect.idle_timeout(None).max_lifetime(None);
    }
    connect
}

fn tune(sqlite: SqliteConnectOptions, cache_kib: u32, checkpoint: u32) -> SqliteConnectOptions {
    sqlite
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY)
        .foreign_keys(false)
        .pragma("cache_size", format!("-{cache_kib}"))
        .pragma("wal_autocheckpoint", checkpoint.to_string())
}
