//! What goes wrong between us and a database, before it becomes a [`StoreError`].

use std::sync::Arc;

use im_core::StoreError;
use sea_orm::DbErr;
use sqlx::mysql::MySqlDatabaseError;

use crate::rows::Malformed;

/// A backend's failure. Cheap to clone: all who waited for a commit get the same one.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum SqlError {
    #[error("the database failed")]
    Database(#[source] Arc<sqlx::Error>),
    #[error("the database could not be opened or migrated")]
    Setup(#[source] Arc<DbErr>),
    #[error("a stored row does not read back")]
    Row(#[source] Arc<DbErr>),
    #[error("stored bytes do not read back")]
    Decode(#[source] Arc<rmp_serde::decode::Error>),
    #[error("a value cannot be written")]
    Encode(#[source] Arc<rmp_serde::encode::Error>),
    #[error("a stored id is none")]
    Id(#[from] im_core::InvalidId),
    #[error(
        "the database has the schema step {0:?}, which this build does not know: a newer build wrote it; use that one"
    )]
    NewerSchema(String),
    #[error("another process holds the lock for migrations")]
    Locked,
    #[error("only SQLite, PostgreSQL and MySQL addresses are known")]
    UnknownDatabase,
    #[error("the database did not answer in time")]
    Timeout,
    #[error("too many writers want the same place; try again")]
    Contended,
    #[error("the store's writer has ended")]
    Gone,
    #[error(transparent)]
    Malformed(#[from] Arc<Malformed>),
}

/// What an error means for whoever waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Meaning {
    /// Somebody else has the place: a seq, a client id, a name.
    Taken,
    /// Two transactions were in each other's way, and this one was undone. Trying again helps.
    Undone,
    /// Anything else. Whether it was stored is unknown, and so is the state of the connection.
    Broken,
}

impl SqlError {
    pub(super) fn meaning(&self) -> Meaning {
        let Self::Database(error) = self else {
            return Meaning::Broken;
        };
        let sqlx::Error::Database(error) = &**error else {
            return Meaning::Broken;
        };
        if error.is_unique_violation() {
            return Meaning::Taken;
        }
        // Lock wait timeouts have no state of their own in MySQL.
        let timed_out = error
            .try_downcast_ref::<MySqlDatabaseError>()
            .is_some_and(|error| error.number() == 1205);
        match error.code().as_deref() {
            Some("40001" | "40P01") => Meaning::Undone,
            _ if timed_out => Meaning::Undone,
            _ => Meaning::Broken,
        }
    }

    pub(super) fn during(self, what: &'static str) -> StoreError {
        StoreError::new(what, self)
    }
}

impl From<sqlx::Error> for SqlError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl From<DbErr> for SqlError {
    fn from(error: DbErr) -> Self {
        Self::Setup(Arc::new(error))
    }
}

impl From<rmp_serde::decode::Error> for SqlError {
    fn from(error: rmp_serde::decode::Error) -> Self {
        Self::Decode(Arc::new(error))
    }
}

impl From<rmp_serde::encode::Error> for SqlError {
    fn from(error: rmp_serde::encode::Error) -> Self {
        Self::Encode(Arc::new(error))
    }
}
