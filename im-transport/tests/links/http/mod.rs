//! Sessions over plain HTTP, the client that falls back to them, and long polls.

mod by_hand;
pub(crate) mod door;
mod events;
mod fallback;
mod posts;
mod proxy;
mod slow;
mod updates;
