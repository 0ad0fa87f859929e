//! A filter for words: replaces, rejects or flags texts that hold them.

mod filter;
mod list;
mod normal;
mod queue;

pub use filter::{FlagSink, Flagged, NoFlags, WordFilter};
pub use list::{Action, InvalidWords, Words};
pub use queue::ReportFlags;
