//! The client's end: links for one device, again and again.
//!
//! Reconnecting, resuming, and sending again are not here: [`im_core::Session`] does that over any connector.

mod connection;
mod connector;
mod dial;
mod inbox;
mod shared;
mod task;

pub use connector::{Connector, TokenSource};
