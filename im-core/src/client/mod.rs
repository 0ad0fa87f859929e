//! What a client needs whatever the link: correlation, resending, resuming, gap repair.

mod connection;

use crate::{
    Call, Content, ConversationId, Cursor, Entry, Error, Push, Sent, UserId, port::Runtime,
};
pub use connection::{CallError, Connection, Connector};
use std::sync::Arc;
/// One device's session, in process or over a link.
pub struct Session;
#[allow(missing_docs)]
impl Session {
    /// Opens; reconnects and resumes by itself from then on.
    pub async fn open(
        _connector: Arc<dyn Connector>,
        _runtime: Arc<dyn Runtime>,
    ) -> Result<Self, Error> {
        unimplemented!()
    }
    /// Opens where another session of this device left off.
    pub async fn resume(
        _connector: Arc<dyn Connector>,
        _runtime: Arc<dyn Runtime>,
        _cursor: Cursor,
    ) -> Result<Self, Error> {
        unimplemented!()
    }
    pub fn user(&self) -> &UserId {
        unimplemented!()
    }
    pub fn cursor(&self) -> Cursor {
        unimplemented!()
    }
    pub async fn call<C: Call>(&self, _call: C) -> Result<C::Reply, Error> {
        unimplemented!()
    }
    pub async fn send(
        &self,
        _to: &ConversationId,
        _content: impl Into<Content>,
    ) -> Result<Sent, Error> {
        unimplemented!()
    }
    pub async fn next_event(&mut self) -> Result<Push, Error> {
        unimplemented!()
    }
    pub async fn next_message(&mut self) -> Result<Entry, Error> {
        unimplemented!()
    }
}
