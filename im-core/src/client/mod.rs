//! What a client needs whatever the link: resending, resuming, gap repair. The same in process and over a network.

mod attention;
mod connection;
mod incomplete;
mod link;
mod local;
mod open_message;
mod pause;
mod sender;
mod session;
mod tracker;
mod watches;

pub use connection::{CallError, Connection, Connector, Credential};
pub(crate) use local::LocalConnector;
pub use open_message::OpenMessage;
pub use sender::Sender;
pub use session::Session;
