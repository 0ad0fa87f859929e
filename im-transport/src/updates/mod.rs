//! Long poll, for bots: a request that is answered when there is something new, and else after a while.
//!
//! ```text
//! hyper / axum ── Updates ── desk of the user ── session ── bell ── Im   a push only rings
//!                               └─ sync.pull                            what is new is read, exactly
//! ```
//!
//! Cursors are those of `sync.pull`, and so is what they promise. While a user polls it has a session, on a device of its
//! own: it is online, as a bot that waits for messages is.

mod ask;
mod bell;
mod desk;
mod options;
mod poller;
mod server;

pub use ask::Ask;
pub use options::Options;
pub use server::Updates;
