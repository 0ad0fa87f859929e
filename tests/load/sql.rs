//! The control of durable sends: the same rows, in the same batches, into the same table with the same indexes, with
//! the same pragmas, through sqlx and nothing else.

use std::{io, path::Path, time::Instant};

use sqlx::{
    AssertSqlSafe, Connection as _, Row as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

/// A row of `entry`, without its rowid.
struct EntryRow {
    conversation: Vec<u8>,
    seq: i64,
    sender: String,
    client_id: String,
    ordinal: i64,
    at_ms: i64,
    fingerprint: i64,
    body: Vec<u8>,
}

/// Rows that our store has written, and the statements that made its table.
pub(crate) struct Sample {
    definitions: Vec<String>,
    rows: Vec<EntryRow>,
}

const COLUMNS: &str = "conversation_id, seq, sender, client_id, ordinal, at_ms, fingerprint, body";

fn failed(error: sqlx::Error) -> io::Error {
    io::Error::other(error)
}

fn options(file: &Path) -> SqliteConnectOptions {
    // As the store opens it.
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-16384")
        .pragma("wal_autocheckpoint", "4000")
}

/// A connection as the store has it.
pub(crate) async fn open(file: &Path) -> io::Result<SqliteConnection> {
    SqliteConnection::connect_with(&options(file))
        .await
        .map_err(failed)
}

impl Sample {
    /// The rows that were written last.
    pub(crate) async fn read(file: &Path, count: usize) -> io::Result<Self> {
        let mut database = open(file).await?;
        let text = "SELECT sql FROM sqlite_master WHERE tbl_name = 'entry' AND sql IS NOT NULL";
        let definitions = sqlx::query_scalar(text)
            .fetch_all(&mut database)
            .await
            .map_err(failed)?;
        let text = format!(
            "SELECT {COLUMNS} FROM (SELECT * FROM entry ORDER BY n DESC LIMIT {count}) ORDER BY n"
        );
        let rows = sqlx::query(AssertSqlSafe(text))
            .fetch_all(&mut database)
            .await
            .map_err(failed)?;
        let rows = rows.iter().map(|row| EntryRow {
            conversation: row.get(0),
            seq: row.get(1),
            sender: row.get(2),
            client_id: row.get(3),
            ordinal: row.get(4),
            at_ms: row.get(5),
            fingerprint: row.get(6),
            body: row.get(7),
        });
        Ok(Self {
            definitions,
            rows: rows.collect(),
        })
    }

    /// Inserts them in batches, each a transaction, and returns rows per second.
    pub(crate) async fn insert(&self, file: &Path, batch: usize) -> io::Result<f64> {
        let mut database = open(file).await?;
        for definition in &self.definitions {
            sqlx::query(AssertSqlSafe(definition.clone()))
                .execute(&mut database)
                .await
                .map_err(failed)?;
        }
        let statement = |rows: usize| {
            let values = vec!["(?,?,?,?,?,?,?,?)"; rows].join(",");
            format!("INSERT INTO entry ({COLUMNS}) VALUES {values}")
        };
        let full = statement(batch);
        let begin = Instant::now();
        for rows in self.rows.chunks(batch) {
            let text = if rows.len() == batch {
                full.clone()
            } else {
                statement(rows.len())
            };
            let mut query = sqlx::query(AssertSqlSafe(text));
            for row in rows {
                query = query
                    .bind(&row.conversation[..])
                    .bind(row.seq)
                    .bind(&row.sender[..])
                    .bind(&row.client_id[..])
                    .bind(row.ordinal)
                    .bind(row.at_ms)
                    .bind(row.fingerprint)
                    .bind(&row.body[..]);
            }
            query.execute(&mut database).await.map_err(failed)?;
        }
        let span = begin.elapsed();
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM entry")
            .fetch_one(&mut database)
            .await
            .map_err(failed)?;
        if count as usize != self.rows.len() {
            return Err(io::Error::other("the control lost rows"));
        }
        Ok(self.rows.len() as f64 / span.as_secs_f64())
    }
}
