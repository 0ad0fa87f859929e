//! The far end of a link, as the client core sees it.

use std::time::Duration;

use async_trait::async_trait;

use crate::{CloseReason, Command, Push, Rejection, Reply, SessionOpened};

/// Why a call has no reply.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The engine refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// There is nothing to come back to.
    #[error("closed: {0}")]
    Closed(CloseReason),
    /// The link broke before the reply came: whether the command was executed is not known.
    #[error("the link broke before the reply came")]
    Lost,
}

/// What a connector can do when the server no longer takes what it came with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Credential {
    /// Nothing: it always comes with the same.
    Fixed,
    /// Come with another one, which it asks for each time that it opens a link.
    Renewable,
}

/// Opens links for one device: again and again, when they break.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// Opens a link and a session on it.
    ///
    /// # Errors
    /// `Rejected` when the server refuses, `Lost` when it cannot be reached.
    async fn connect(&self) -> Result<Box<dyn Connection>, CallError>;

    /// Whether it is worth while to open another link when one ended because its token did.
    fn credential(&self) -> Credential;
}

/// A link with an open session.
///
/// # Contract
/// - Commands reach the engine in the order in which the futures of `call` were first polled.
/// - Dropping a `call` does not withdraw its command, and harms no other.
/// - `next` is cancel safe, and yields what was pushed in order. Once it returned `Err` it always does.
/// - Dropping the connection closes the link.
#[async_trait]
pub trait Connection: Send + Sync + 'static {
    /// How the session was opened.
    fn opened(&self) -> &SessionOpened;

    /// Executes one command.
    async fn call(&self, command: Command) -> Result<Reply, CallError>;

    /// The next push; `Err` with the reason when the link is over. A link that just broke counts as
    /// [`CloseReason::IdleTimeout`]: come back.
    async fn next(&self) -> Result<Push, CloseReason>;

    /// How long the far end has asked to stay away ([`SessionClosing`](crate::SessionClosing)), from when the link is over.
    /// Known as soon as the link is over, also when nobody has taken the push.
    fn time_away(&self) -> Duration;
}
