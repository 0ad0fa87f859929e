//! The line to the server, as the rest of the program sees it: calls that are answered, whatever happens in between.
//!
//! A session reconnects by itself. What it leaves to its user is a token that ended: here another session goes on from
//! the cursor of the former one, with a token that the connector fetches.

use std::{sync::Arc, time::Duration};

use im_core::{Call, CloseReason, Code, Error, Push, Sender, Session, port::TokioRuntime};
use im_transport::ws::Connector;
use tokio::{sync::watch, time::sleep};

/// The reading end.
pub(crate) struct Reader {
    connector: Arc<Connector>,
    senders: watch::Sender<Sender>,
    session: Session,
}

/// The calling end; clone to share.
#[derive(Clone)]
pub(crate) struct Line {
    senders: watch::Receiver<Sender>,
}

/// Opens a session.
pub(crate) async fn open(connector: Connector) -> Result<(Reader, Line), Error> {
    let connector = Arc::new(connector);
    let session = Session::open(connector.clone(), Arc::new(TokioRuntime)).await?;
    let (senders, receiver) = watch::channel(session.sender());
    let reader = Reader {
        connector,
        senders,
        session,
    };
    Ok((reader, Line { senders: receiver }))
}

impl Reader {
    /// The next thing that happens.
    pub(crate) async fn next(&mut self) -> Result<Push, Error> {
        loop {
            match self.session.next_event().await {
                Err(error) if is_signed_out(&error) => {
                    let cursor = self.session.cursor();
                    let resumed =
                        Session::resume(self.connector.clone(), Arc::new(TokioRuntime), cursor);
                    self.session = resumed.await?;
                    self.senders.send_replace(self.session.sender());
                }
                other => return other,
            }
        }
    }
}

impl Line {
    /// Calls until there is an answer. Safe, because the same command, with the same client id, happens once.
    pub(crate) async fn call<C: Call>(&self, call: C) -> Result<C::Reply, Error> {
        let mut senders = self.senders.clone();
        loop {
            let sender = senders.borrow_and_update().clone();
            match sender.call(call.clone()).await {
                Err(error) if is_signed_out(&error) => {
                    if senders.changed().await.is_err() {
                        return Err(error);
                    }
                }
                Err(Error::Rejected(rejection)) if rejection.code.is_retryable() => {
                    sleep(Duration::from_millis(
                        rejection.retry_after_ms.unwrap_or(1_000),
                    ))
                    .await;
                }
                other => return other,
            }
        }
    }
}

fn is_signed_out(error: &Error) -> bool {
    matches!(error, Error::Closed(CloseReason::Unauthenticated))
        || matches!(error, Error::Rejected(rejection) if rejection.code == Code::Unauthenticated)
}
