//! Links between devices and an [`im_core::Im`]: doors for servers, over WebSocket, TCP and plain HTTP, with TLS or without,
//! and for polls; and a client whose sessions are the same as in process.
//!
//! ```text
//!  your HTTP server ── ws::WebSocketServer ─┐
//!  or ws::serve                             ├─ link ─┬─ drive ── Im      requests in, replies out
//!  your accept loop ── tcp::TcpServer ──────┘        └─ outlet ─ Im      pushes, straight into the socket
//!  or tcp::serve
//!
//!  Client ── Connector ── im_core::Session                               reconnects, resumes, repairs gaps
//!        └── sse::Fallback
//! ```
//!
//! ```
//! use im_core::{Im, TrustEveryone};
//! use im_store::MemoryStore;
//! use im_transport::{Client, ws};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let im = Im::builder(MemoryStore::new(), TrustEveryone).build();
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let url = format!("ws://{}/v1/ws", listener.local_addr()?);
//! let server = ws::WebSocketServer::new(im.clone(), ws::Options::default());
//! tokio::spawn(ws::serve(listener, server));
//!
//! let alice = Client::connect(&url, "alice", "phone").await?;
//! let mut bob = Client::connect(&url, "bob", "laptop").await?;
//! let chat = im.direct("alice", "bob").await?;
//! let sent = alice.send(&chat, "hello").await?;
//! assert_eq!(bob.next_message().await?.seq, sent.seq);
//! # Ok(())
//! # }
//! ```
//!
//! To mount a door in a service of your own see [`ws::WebSocketServer`] and [`tcp::TcpServer`], [`sse::EventsServer`] for
//! networks that break WebSockets, and [`updates::Updates`] for bots that poll; for TLS see [`tls`].
//!
//! # What it costs
//! An idle connection owns no buffer and no timer, and a push costs one system call and no copy: the engine encodes it
//! once per framing, and each connection writes the shared bytes to its socket. Only what a socket does not take is
//! queued, within [`Bounds`]. Over TLS a connection has the buffers of TLS, and each push is encrypted for it alone.
//!
//! # What it does not do
//! Decide who may do what, which is the engine's; compress.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that panics has failed")
)]

mod bounds;
mod drive;
mod figures;
mod impatient;
mod link;
mod problem;

pub mod client;
pub mod close;
pub mod sse;
pub mod tcp;
pub mod tls;
pub mod updates;
pub mod ws;

pub use bounds::Bounds;
pub use client::{Client, Connector};
pub use impatient::{Backlog, Impatient};
