//! What all links have in common: frames over a stream of bytes, within bounds, from the first byte to the last words.
//!
//! ```text
//! door ── connection ── drive        one task for each connection: reads, asks, answers, ends
//!             │  outlet ── Im        pushes, straight into the socket or into the queue before it
//!          framing                   how a transport's frames are bytes: ws, tcp
//! ```
//!
//! How a connection comes about is each transport's own matter; what frames mean is in [`crate::drive`].

pub(crate) mod accept;
pub(crate) mod connection;
pub(crate) mod door;
mod farewell;
pub(crate) mod framing;
mod outlet;
pub(crate) mod queue;
mod replies;
pub(crate) mod scratch;
pub(crate) mod stream;
mod sweeper;

use std::sync::Arc;

use im_core::{port::Outlet, wire::Format};

/// The sending half of a link, as the session on it sees it.
pub(crate) trait Link {
    /// How frames are written on this link.
    fn format(&self) -> Format;

    /// Where the engine's pushes go.
    fn outlet(&self) -> Arc<dyn Outlet>;

    /// Takes one frame, which `write` appends. Frames leave in the order of the calls; a link that broke forgets them.
    fn send(&mut self, write: impl FnOnce(Format, &mut Vec<u8>));
}
