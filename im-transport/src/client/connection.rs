//! The handle of a link with an open session.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use im_core::{
    CallError, CloseReason, Command, Connection, Push, Reply, SessionOpened, wire::Format,
};

use super::{Dialed, shared::Shared, task::Task};

/// A link whose task runs, before its session is open. Dropping it closes the link.
#[derive(Debug)]
pub(super) struct Started(Arc<Shared>);

impl Started {
    pub(super) async fn send(&self, command: Command) -> Result<Reply, CallError> {
        self.0.call(command).await
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.0.end(CloseReason::Asked);
    }
}

/// A link with an open session.
#[derive(Debug)]
pub(super) struct LinkConnection {
    link: Started,
    opened: SessionOpened,
}

impl LinkConnection {
    /// Runs the link's task.
    pub(super) fn start(format: Format, dialed: Dialed) -> Started {
        let Dialed {
            early,
            framing,
            reader,
            writer,
        } = dialed;
        let decoder = framing.decoder();
        let shared = Arc::new(Shared::new(format, framing, writer));
        tokio::spawn(Task::new(shared.clone(), decoder, reader, &early));
        Started(shared)
    }

    pub(super) fn new(link: Started, opened: SessionOpened) -> Self {
        link.0.set_heartbeat(opened.heartbeat_ms);
        Self { link, opened }
    }
}

#[async_trait]
impl Connection for LinkConnection {
    fn opened(&self) -> &SessionOpened {
        &self.opened
    }

    /// # Cancel safety
    /// Once polled the command is on its way, whatever becomes of the future.
    async fn call(&self, command: Command) -> Result<Reply, CallError> {
        self.link.0.call(command).await
    }

    /// # Cancel safety
    /// A push is taken only when it is returned.
    async fn next(&self) -> Result<Push, CloseReason> {
        loop {
            // Registered before looking, so that no wake-up is missed in between.
            let news = self.link.0.news.notified();
            if let Some(push) = self.link.0.take_push() {
                return push;
            }
            news.await;
        }
    }

    fn time_away(&self) -> Duration {
        self.link.0.time_away()
    }
}
