//! Sessions over plain HTTP, the client that falls back to them, and long polls: a real engine behind real sockets.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else comes, the test has failed"
)]

mod by_hand;
mod door;
mod events;
mod fallback;
mod posts;
mod proxy;
mod slow;
mod suite;
mod updates;

connection_suite!(over_a_websocket, crate::door::Way::WebSocket);
connection_suite!(over_events, crate::door::Way::Events);
connection_suite!(over_whatever_works, crate::door::Way::Fallback);
