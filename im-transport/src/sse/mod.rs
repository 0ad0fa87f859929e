//! Sessions over plain HTTP, for networks that break WebSockets: server-sent events down, POSTs up.
//!
//! ```text
//! hyper / axum ── EventsServer ── GET   stream ── outlet ── Im       pushes, as events
//!                              └─ POST  replies ── a branch of drive  requests in, replies out
//! Session ── Connector ── reads the stream, posts what is called
//! ```
//!
//! Frames are those of `im.v1.json`. What keeps a session, and what a slow reader is told, is as over a WebSocket.

pub mod client;
mod encoding;
mod link;
mod links;
mod outlet;
mod replies;
mod server;
mod shared;
mod stream;
mod wanted;

pub use client::{Connector, Fallback};
pub use replies::Replies;
pub use server::{Answer, EventsServer};
pub use stream::EventStream;
