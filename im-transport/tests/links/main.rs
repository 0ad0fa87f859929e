//! What every link owes to a session, checked over each subprotocol of the WebSocket door, with a real engine behind a
//! real socket. A transport that joins gets the same list.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else comes, the test has failed"
)]

mod door;
mod keeping_back;
mod mounting;
mod opening;
mod raw;
mod slow;
mod suite;
mod tokens;

link_suite!(over_json, im_core::wire::Format::Json);
link_suite!(over_message_pack, im_core::wire::Format::MessagePack);
