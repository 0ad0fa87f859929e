//! TLS for every link: what a server shows, and whom a client trusts. By rustls, with ring.
//!
//! A [`Certificate`] turns an accepted socket into a stream for [`ws::WebSocketServer`](crate::ws::WebSocketServer),
//! [`tcp::TcpServer`](crate::tcp::TcpServer) or any server of HTTP; [`Trust`] is the client's.
//!
//! Without TLS nothing of this is paid: a raw socket stays one. With it, a connection owns the buffers of its TLS session,
//! and what is pushed to it passes through that session, in the connection's own task.

mod certificate;
mod files;
mod trust;

pub use certificate::{Certificate, ServerStream};
pub use files::TlsError;
pub(crate) use trust::ClientStream;
pub use trust::Trust;
