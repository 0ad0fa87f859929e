//! Everything in which the three databases differ, as text. Statements elsewhere are written once, in the words of
//! SQLite and PostgreSQL; here they are put into the dialect of the database at hand.

use std::{
    collections::HashMap,
    fmt::Write,
    sync::{Arc, Mutex, PoisonError},
};

use sea_orm::DbBackend;

/// Which database.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Dialect {
    /// MySQL 8 and MariaDB.
    MySql,
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

impl Dialect {
    /// The dialect of a connected database; `None` for one that we do not speak.
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "the list of databases is sea-orm's own and open"
    )]
    pub(super) fn of(backend: DbBackend) -> Option<Self> {
        match backend {
            DbBackend::MySql => Some(Self::MySql),
            DbBackend::Postgres => Some(Self::Postgres),
            DbBackend::Sqlite => Some(Self::Sqlite),
            _ => None,
        }
    }

    /// Begins a transaction that writes. SQLite takes its lock at once: upgrading one later can fail without waiting.
    pub(super) const fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::MySql | Self::Postgres => "BEGIN",
        }
    }

    /// What a fresh connection is told. MySQL's own default would read old rows after having waited for a lock.
    pub(super) const fn greeting(self) -> Option<&'static str> {
        match self {
            Self::MySql => Some("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"),
            Self::Postgres | Self::Sqlite => None,
        }
    }

    /// Keeps other processes from migrating; ends with the transaction, or by [`unlock`](Self::unlock).
    pub(super) const fn lock(self) -> Option<&'static str> {
        match self {
            Self::MySql => Some("SELECT GET_LOCK(CONCAT('im-store ', DATABASE()), 60)"),
            Self::Postgres => Some("SELECT pg_advisory_xact_lock(7881690420463943)"),
            Self::Sqlite => None,
        }
    }

    /// Lets other processes migrate.
    pub(super) const fn unlock(self) -> Option<&'static str> {
        match self {
            Self::MySql => Some("SELECT RELEASE_LOCK(CONCAT('im-store ', DATABASE()))"),
            Self::Postgres | Self::Sqlite => None,
        }
    }

    /// Table definitions with this database's types for the words in braces. They do nothing where the table stands:
    /// MySQL keeps what an interrupted migration has made. An index cannot be defined like that in MySQL 8.
    ///
    /// Text ids are compared byte by byte everywhere. MySQL pads while it compares, which cannot matter: ids hold no
    /// character that sorts before a space.
    pub(super) fn definition(self, text: &str) -> String {
        let words: [(&str, [&str; 3]); 9] = [
            (
                "{serial}",
                [
                    "bigint AUTO_INCREMENT PRIMARY KEY",
                    "bigserial PRIMARY KEY",
                    "integer PRIMARY KEY",
                ],
            ),
            (
                "{uuid}",
                ["binary(16) NOT NULL", "uuid NOT NULL", "blob NOT NULL"],
            ),
            (
                "{id}",
                [
                    "varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL",
                    "text COLLATE \"C\" NOT NULL",
                    "text NOT NULL",
                ],
            ),
            (
                "{name}",
                [
                    "varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL",
                    "text COLLATE \"C\" NOT NULL",
                    "text NOT NULL",
                ],
            ),
            (
                "{hash}",
                ["binary(32) NOT NULL", "bytea NOT NULL", "blob NOT NULL"],
            ),
            (
                "{blob}",
                ["mediumblob NOT NULL", "bytea NOT NULL", "blob NOT NULL"],
            ),
            ("{maybe_blob}", ["mediumblob", "bytea", "blob"]),
            (
                "{maybe_name}",
                [
                    "varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
                    "text COLLATE \"C\"",
                    "text",
                ],
            ),
            // Rows that are read by their key and never appended in bulk live in the key's own tree.
            ("{clustered}", ["", "", "WITHOUT ROWID"]),
        ];
        let column = match self {
            Self::MySql => 0,
            Self::Postgres => 1,
            Self::Sqlite => 2,
        };
        let text = words.iter().fold(text.to_owned(), |text, (word, types)| {
            text.replace(word, types[column])
        });
        let text = text.replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ");
        match self {
            Self::MySql => text,
            Self::Postgres | Self::Sqlite => text.replace(" INDEX ", " INDEX IF NOT EXISTS "),
        }
    }

    /// A statement in this dialect. Each `[unit|separator]` stands for `count` units.
    fn statement(self, text: &str, count: usize) -> String {
        let text = repeat(text, count);
        match self {
            Self::Postgres => number_placeholders(&text),
            // A limit that is a bare parameter has SQLite compile the statement anew whenever it gets a value, to plan for
            // it (`sqlite3ExprIsInteger`, in builds with STAT4, as ours is): more work than most of our queries.
            Self::Sqlite => text
                .replace(" FOR UPDATE", "")
                .replace("GREATEST(", "MAX(")
                .replace("LEAST(", "MIN(")
                .replace("LIMIT ?", "LIMIT ? + 0"),
            Self::MySql => {
                let ignoring = text.contains(" ON CONFLICT DO NOTHING");
                let text = text.replace(" ON CONFLICT DO NOTHING", "");
                let text = if ignoring {
                    text.replace("INSERT INTO", "INSERT IGNORE INTO")
                } else {
                    text
                };
                on_duplicate_key(&text)
            }
        }
    }
}

fn repeat(text: &str, count: usize) -> String {
    let Some((before, rest)) = text.split_once('[') else {
        return text.to_owned();
    };
    let (unit, after) = rest.split_once(']').unwrap_or((rest, ""));
    let (unit, separator) = unit.split_once('|').unwrap_or((unit, ""));
    let mut repeated = before.to_owned();
    for n in 0..count {
        if n > 0 {
            repeated.push_str(separator);
        }
        repeated.push_str(unit);
    }
    repeated + &repeat(after, count)
}

fn number_placeholders(text: &str) -> String {
    let mut parts = text.split('?');
    let mut numbered = parts.next().unwrap_or_default().to_owned();
    for (part, n) in parts.zip(1..) {
        let _ = write!(numbered, "${n}{part}");
    }
    numbered
}

/// `ON CONFLICT (key) DO UPDATE SET a = excluded.a` becomes `ON DUPLICATE KEY UPDATE a = VALUES(a)`.
fn on_duplicate_key(text: &str) -> String {
    let Some((insert, rest)) = text.split_once("ON CONFLICT (") else {
        return text.to_owned();
    };
    let (_, update) = rest.split_once("DO UPDATE SET").unwrap_or(("", rest));
    let mut parts = update.split("excluded.");
    let mut values = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(part.len());
        let _ = write!(values, "VALUES({}){}", &part[..end], &part[end..]);
    }
    format!("{insert}ON DUPLICATE KEY UPDATE{values}")
}

/// The texts that have been put into a dialect: each is made once.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) dialect: Dialect,
    made: Mutex<HashMap<(&'static str, usize), Arc<str>>>,
}

impl Texts {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            made: Mutex::default(),
        }
    }

    /// The statement with `count` units.
    pub(super) fn text(&self, text: &'static str, count: usize) -> Arc<str> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || self.dialect.statement(text, count).into();
        made.entry((text, count)).or_insert_with(make).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_put_into_each_dialect() {
        let text = "INSERT INTO t (a, b) VALUES [(?, ?)|, ] ON CONFLICT (a) DO UPDATE SET b = GREATEST(t.b, excluded.b)";
        assert_eq!(
            Dialect::Postgres.statement(text, 2),
            "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT (a) DO UPDATE SET b = GREATEST(t.b, excluded.b)"
        );
        assert_eq!(
            Dialect::MySql.statement(text, 1),
            "INSERT INTO t (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE b = GREATEST(t.b, VALUES(b))"
        );
        assert_eq!(
            Dialect::Sqlite.statement(text, 1),
            "INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT (a) DO UPDATE SET b = MAX(t.b, excluded.b)"
        );
    }

    #[test]
    fn a_definition_does_nothing_where_it_stands() {
        let (table, index) = ("CREATE TABLE t (a {uuid})", "CREATE INDEX i ON t (a)");
        assert_eq!(
            Dialect::MySql.definition(table),
            "CREATE TABLE IF NOT EXISTS t (a binary(16) NOT NULL)"
        );
        assert_eq!(Dialect::MySql.definition(index), index);
        assert_eq!(
            Dialect::Postgres.definition(index),
            "CREATE INDEX IF NOT EXISTS i ON t (a)"
        );
    }

    #[test]
    fn doing_nothing_is_said_differently() {
        let text = "INSERT INTO t (a) VALUES [(?)|, ] ON CONFLICT DO NOTHING";
        assert_eq!(
            Dialect::MySql.statement(text, 2),
            "INSERT IGNORE INTO t (a) VALUES (?), (?)"
        );
        assert_eq!(
            Dialect::Sqlite.statement("SELECT a FROM t WHERE a IN ([?|, ]) FOR UPDATE", 3),
            "SELECT a FROM t WHERE a IN (?, ?, ?)"
        );
    }

    #[test]
    fn sqlite_does_not_plan_for_the_value_of_a_limit() {
        let text = "SELECT a FROM t ORDER BY a LIMIT ?";
        assert_eq!(Dialect::Sqlite.statement(text, 1), format!("{text} + 0"));
        assert_eq!(Dialect::MySql.statement(text, 1), text);
    }
}
