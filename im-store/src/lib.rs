//! Stores for [`im_core`]: memory, and SQL for SQLite, PostgreSQL and MySQL.
//!
//! A store implements every durable port of [`im_core::port`] and brings the tokio runtime. What a store promises is in
//! the contracts of the ports; the suites of `im_core::testing` check it, for all of them alike.
//!
//! ```text
//!  im_core::port ─┬─ MemoryStore   one process, gone with it; what the others are held to
//!                 └─ SqlStore ──── writer: all that waits in one transaction ── SQLite | PostgreSQL | MySQL
//!                             └─── readers: pages by index
//! ```
//!
//! ```
//! use im_core::{Store, UserId};
//! use im_store::SqlStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Or "sqlite://chat.db", "postgres://…", "mysql://…"; `MemoryStore::new()` where nothing needs to last.
//! let ports = SqlStore::open("sqlite::memory:").await?.ports();
//! assert_eq!(ports.users.version(&UserId::new("alice")?).await?, 0);
//! # Ok(())
//! # }
//! ```
//!
//! Several nodes on one SQL database tell each other what happens over a `Redis`, or within one process over a
//! [`MemoryBus`] with a [`MemoryDirectory`]. Attempts are counted by a `Redis`, or by [`MemoryAttempts`].
//!
//! # Features
//! - `redis`: `Redis`, the bus and the directory of several nodes, and their counts of attempts.
//!
//! It does not decide who may do what, and keeps no copy of a conversation: that is `im_core`'s.

mod memory;
#[cfg(feature = "redis")]
mod redis;
mod rows;
mod sql;

pub use memory::{MemoryAttempts, MemoryBus, MemoryDirectory, MemoryStore};
#[cfg(feature = "redis")]
pub use redis::{Redis, RedisError, RedisOptions};
pub use sql::{SqlOptions, SqlStore};
