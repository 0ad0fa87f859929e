//! The client's end: a stream that is read and posts that ask, as one link.
//!
//! Reconnecting, resuming, and sending again are not here: [`im_core::Session`] does that over any connector.

mod connection;
mod connector;
mod events;
mod fallback;
mod http;
mod memory;
mod posting;
mod reading;
mod shared;

pub use connector::Connector;
pub use fallback::Fallback;
