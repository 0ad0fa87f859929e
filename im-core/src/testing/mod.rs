//! For whoever implements a port or embeds the engine: conformance suites, a manual runtime, a simulation, fixtures.
//!
//! Each durable port has a suite: one list of cases, and an exported macro that yields a named `#[tokio::test]` for
//! every case. A case gets a fresh store from the expression that the macro is given: an `async` expression of
//! `Option<(Ports, guard)>`, where the guard is dropped after the case and `None` means that a server is missing.
//!
//! ```ignore
//! async fn open() -> Option<(Ports, ())> {
//!     Some((MyStore::new().ports(), ()))
//! }
//! im_core::every_store_suite!(open());
//! ```
//!
//! A bus, a directory and counts of attempts are no store's: their suites, [`bus`], [`directory`] and [`attempts`], have macros
//! of their own.
//!
//! The crate that calls the macros needs tokio with `macros` and `rt-multi-thread` among its dev-dependencies.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a case fails by panicking, and looks at what it is about"
)]

#[macro_use]
mod suite;

mod cable;
mod chance;
mod fixture;
mod manual_runtime;

pub mod accounts;
pub mod alarms;
pub mod annotations;
pub mod append;
pub mod attempts;
pub mod audits;
pub mod bus;
pub mod codes;
pub mod contacts;
pub mod devices;
pub mod directory;
pub mod doors;
pub mod erasures;
pub mod leases;
pub mod log;
pub mod members;
pub mod notices;
pub mod own;
pub mod positions;
pub mod real_names;
pub mod reports;
pub mod roster;
pub mod search;
pub mod settings;
pub mod simulation;
pub mod standings;
pub mod tallies;
pub mod tokens;
pub mod users;

pub use cable::Cable;
pub use chance::Chance;
pub use fixture::{
    Draft, Log, UNUSUAL_IDS, append_until_stored, audit, client_id, conversation, created, device,
    group, race, said, user,
};
pub use manual_runtime::ManualRuntime;
