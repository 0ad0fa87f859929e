//! Conversations as text: exported to JSON Lines, a page at a time, and imported from them with order and seqs as they
//! were. The format is in `docs/export.md`.
//!
//! What is written and read is the host's: a file, as a rule. Writing and reading block, so this is for tools that do one
//! thing, or for a thread of its own.

mod error;
mod export;
mod file;
mod import;
mod line;
mod lost;
mod writing;

pub use error::ArchiveError;
pub use export::{export_conversation, export_user};
pub use import::import;
pub use line::Counts;
