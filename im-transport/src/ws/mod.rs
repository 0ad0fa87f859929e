//! Sessions over WebSocket: a door for servers, and the client's way to it.
//!
//! ```text
//! hyper / axum ── WebSocketServer ── handshake ── link ── Im
//! client ──────── dial ───────────── handshake ── client             both: codec
//! ```

pub mod codec;
pub(crate) mod dial;
pub(crate) mod encoding;
mod framing;
pub(crate) mod handshake;
mod options;
mod refused;
mod serve;
mod server;
mod upgraded;

pub use handshake::bearer;
pub use options::{Options, Origins};
pub use refused::Refused;
pub use serve::{serve, serve_tls};
pub use server::WebSocketServer;

pub use crate::client::{self, Connector};
