//! One implementation for SQLite, PostgreSQL and MySQL: sea-orm brings connections and migrations, the statements are
//! written by hand and prepared. What differs between databases is in [`dialect`].

mod account;
mod alarm;
mod annotation;
mod audit;
mod batch;
mod block;
mod chunk;
mod code;
mod connection;
mod contact;
mod core;
mod device;
mod dialect;
mod door;
mod entries;
mod erasure;
mod error;
mod figures;
mod lease;
mod log;
mod member;
mod notice;
mod open;
mod own;
#[cfg(test)]
mod plan;
mod position;
mod readers;
mod real_name;
mod report;
mod revocation;
mod schema;
mod search;
mod settings;
mod signature;
mod standing;
mod stored;
mod tally;
mod token;
mod trace;
mod user;
mod writer;

use std::sync::Arc;

use im_core::{
    Store, StoreError,
    port::{Ports, TokioRuntime},
};
use tokio::sync::mpsc;

use self::{batch::Job, core::Core};

pub use open::SqlOptions;

/// A store in a SQL database; clone to share. Needs a tokio runtime.
///
/// Appends and positions are committed in groups: what waits while a commit runs forms the next transaction. A commit
/// is durable when it is answered. When the database is locked, full or gone, calls fail, and work again when it is back.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let ports = im_core::Store::ports(im_store::SqlStore::open("sqlite::memory:").await?);
/// # let _ = ports;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqlStore {
    core: Arc<Core>,
    jobs: mpsc::Sender<Job>,
}

impl SqlStore {
    /// Opens the database at `sqlite://…`, `postgres://…` or `mysql://…`, and brings its tables up to date.
    ///
    /// A SQLite file is created when there is none, readable by its owner alone; `sqlite::memory:` is gone with the store. Several processes may
    /// open the same database, also at the same moment.
    ///
    /// # Errors
    /// When the database cannot be reached, or was written by a newer build.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the database as it was or brought up to date.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, SqlOptions::default()).await
    }

    /// Opens with other than the default options.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    ///
    /// # Cancel safety
    /// As [`open`](Self::open).
    pub async fn open_with(url: &str, options: SqlOptions) -> Result<Self, StoreError> {
        let (blocks, full) = block::channel();
        let core = open::open(url, &options, blocks)
            .await
            .map_err(|error| error.during("opening the database"))?;
        let core = Arc::new(core);
        tokio::spawn(block::run(Arc::downgrade(&core), full));
        let (jobs, waiting) = mpsc::channel(options.waiting);
        tokio::spawn(writer::run(Arc::clone(&core), waiting));
        Ok(Self { core, jobs })
    }
}

impl std::fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dialect = self.core.texts.dialect;
        f.debug_struct("SqlStore")
            .field("dialect", &dialect)
            .finish_non_exhaustive()
    }
}

impl Store for SqlStore {
    fn ports(self) -> Ports {
        Ports::of(self, Arc::new(TokioRuntime))
    }
}
