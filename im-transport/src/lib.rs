//! Links between devices and an [`im_core::Im`]: a WebSocket door for servers, and a client whose sessions are the
//! same as in process.
//!
//! ```text
//!  your HTTP server ── ws::WebSocketServer ─┐
//!  or ws::serve      (handshake, frames)    ├─ drive ── Im      requests in, replies out
//!                                           └─ outlet ─ Im      pushes, straight into the socket
//!
//!  Client ── ws::Connector ── im_core::Session                  reconnects, resumes, repairs gaps
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
//! To mount the door in a service of your own see [`ws::WebSocketServer`].
//!
//! # What it costs
//! An idle connection owns no buffer and no timer, and a push costs one system call and no copy: the engine encodes it
//! once per subprotocol, and each connection writes the shared bytes to its socket. Only what a socket does not take is
//! queued, within the bounds of [`ws::Options`].
//!
//! # What it does not do
//! Decide who may do what, which is the engine's; TLS, for which mount the door behind a server that has it; compress.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that panics has failed")
)]

mod client;
mod drive;
mod impatient;
mod link;

pub mod ws;

pub use client::Client;
pub use impatient::Impatient;
