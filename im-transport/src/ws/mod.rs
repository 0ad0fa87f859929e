//! Sessions over WebSocket: a door for servers, a connector for clients.
//!
//! ```text
//! hyper / axum ── WebSocketServer ── handshake ── connection ── drive ── Im
//!                                        stream ── outlet ──────────────┘ pushes
//! Session ── Connector ── handshake ── client task                        both: codec
//! ```

pub mod client;
pub mod close;
pub mod codec;
mod connection;
mod encoding;
mod farewell;
mod handshake;
mod options;
mod outlet;
mod queue;
mod refused;
mod replies;
mod scratch;
mod serve;
mod server;
mod stream;
mod sweeper;

pub use client::Connector;
pub use handshake::bearer;
pub use options::{Options, Origins};
pub use refused::Refused;
pub use serve::serve;
pub use server::WebSocketServer;
