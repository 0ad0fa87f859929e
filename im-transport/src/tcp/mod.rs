//! Sessions over plain TCP, or TLS on it: frames of MessagePack behind their lengths, for phones and devices that need no
//! HTTP.
//!
//! ```text
//! your accept loop ── TcpServer ── link ── Im
//! or tcp::serve
//! client ──────────── dial ──────── client       both: codec
//! ```
//!
//! | on the wire | meaning |
//! |---|---|
//! | `n`, 4 bytes, big endian, then `n` bytes | a frame: the same MessagePack as in `im.v1.msgpack` |
//! | `0`, 4 bytes | from a client a ping, from a server the answer |
//! | a frame that is the array `[code, reason]` | from a server the last one, with a [close code](crate::close) |
//!
//! ```
//! use im_core::{Im, TrustEveryone};
//! use im_store::MemoryStore;
//! use im_transport::{Bounds, Client, tcp};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let im = Im::builder(MemoryStore::new(), TrustEveryone).build();
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let url = format!("tcp://{}", listener.local_addr()?);
//! tokio::spawn(tcp::serve(listener, tcp::TcpServer::new(im.clone(), Bounds::default())));
//!
//! let alice = Client::connect(&url, "alice", "phone").await?;
//! let chat = im.direct("alice", "bob").await?;
//! assert_eq!(alice.send(&chat, "hello").await?.conversation, chat);
//! # Ok(())
//! # }
//! ```

pub mod codec;
pub(crate) mod dial;
pub(crate) mod framing;
mod serve;
mod server;

pub use serve::{serve, serve_tls};
pub use server::TcpServer;
