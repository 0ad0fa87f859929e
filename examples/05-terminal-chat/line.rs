//! The line to the server, as the rest of the program sees it: calls that are answered, whatever happens in between.
//!
//! A session reconnects by itself, with a fresh token when one has ended. What it leaves to its user is when to ask again
//! after "try again later".

use std::{sync::Arc, time::Duration};

use im_core::{Call, Error, Sender, Session, port::TokioRuntime};
use im_transport::Connector;
use tokio::time::sleep;

/// The calling end; clone to share.
#[derive(Clone)]
pub(crate) struct Line {
    sender: Sender,
}

/// Opens a session: the reading end, and the calling one.
pub(crate) async fn open(connector: Connector) -> Result<(Session, Line), Error> {
    let session = Session::open(Arc::new(connector), Arc::new(TokioRuntime)).await?;
    let sender = session.sender();
    Ok((session, Line { sender }))
}

impl Line {
    /// Calls until there is an answer. Safe, because the same command, with the same client id, happens once.
    pub(crate) async fn call<C: Call>(&self, call: C) -> Result<C::Reply, Error> {
        loop {
            match self.sender.call(call.clone()).await {
                Err(Error::Rejected(rejection)) if rejection.code.is_retryable() => {
                    let wait = rejection.retry_after_ms.unwrap_or(1_000);
                    sleep(Duration::from_millis(wait)).await;
                }
                other => return other,
            }
        }
    }
}
