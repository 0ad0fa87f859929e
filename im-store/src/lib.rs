//! Stores for [`im_core`]: memory, and SQL for SQLite, PostgreSQL and MySQL.
//!
//! A store implements every durable port of [`im_core::port`] and brings the tokio runtime. What a store promises is in
//! the contracts of the ports; the suites of `im_core::testing` check it, for all of them alike.
//!
//! ```
//! use im_core::{Store, UserId};
//! use im_store::MemoryStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ports = MemoryStore::new().ports();
//! assert_eq!(ports.users.version(&UserId::new("alice")?).await?, 0);
//! # Ok(())
//! # }
//! ```

mod memory;
mod rows;
mod sql;

pub use memory::MemoryStore;
pub use sql::{SqlOptions, SqlStore};
