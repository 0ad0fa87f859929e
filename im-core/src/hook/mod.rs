//! What the host says to what is asked, and is told of what happened, in this process.
//!
//! A [`Before`] hook sees a command before a conversation decides it, and allows, changes or refuses it. An [`After`]
//! hook sees an entry after it was stored and delivered. Both are registered on the [`Builder`](crate::Builder), run in
//! the order of their registration, have a deadline, and take nobody with them when they panic. [`WordFilter`] is a
//! `Before` hook that comes with the engine.

mod after;
mod before;
mod words;

pub use after::{After, AfterOptions, Happened};
pub use before::{Before, BeforeOptions, OnFailure, Verdict};
pub use words::{Action, FlagSink, Flagged, InvalidWords, NoFlags, ReportFlags, WordFilter, Words};
