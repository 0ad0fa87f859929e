//! The rules: pure, synchronous, deterministic and total.
//!
//! Nothing here awaits, looks at a clock, draws a random number or panics on input. Ids, time and facts come in as
//! arguments.

mod roster;

pub use roster::{RosterChange, roster_changes};
