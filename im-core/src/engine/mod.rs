//! placeholder
use std::future::Future;

use crate::{Command, Rejection, Reply, SessionOpened, port::Identity};
/// A session of a remote device: ends when dropped.
pub struct Attachment;
impl Attachment {
    /// How it was opened.
    pub fn opened(&self) -> &SessionOpened {
        unimplemented!()
    }
    /// Who.
    pub fn identity(&self) -> &Identity {
        unimplemented!()
    }
    /// Executes; sends keep the order of first polls.
    pub fn execute(
        &self,
        _command: Command,
    ) -> impl Future<Output = Result<Reply, Rejection>> + Send + 'static {
        async { unimplemented!() }
    }
}
