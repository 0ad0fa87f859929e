//! The handle of a link with an open session.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use im_core::{CallError, CloseReason, Command, Connection, Push, Reply, SessionOpened};

use super::{
    http::Server,
    posting::Posting,
    reading::{Beginning, Stream},
    shared::Shared,
};

/// Heartbeats without a byte after which a stream is over: two may be lost.
const MISSED_HEARTBEATS: f32 = 2.5;

/// A link with an open session. Dropping it closes the link.
#[derive(Debug)]
pub(super) struct EventsConnection {
    opened: SessionOpened,
    shared: Arc<Shared>,
}

impl EventsConnection {
    /// Runs the link's tasks.
    pub(super) fn start(server: Server, stream: Stream, beginning: Beginning) -> Self {
        let Beginning { link, opened } = beginning;
        // At least 100 ms: a mistake over there must not become a flood from here.
        let heartbeat = Duration::from_millis(opened.heartbeat_ms.max(100));
        let shared = Arc::new(Shared::new());
        let posting = Posting {
            heartbeat,
            link,
            server,
            shared: shared.clone(),
        };
        tokio::spawn(posting.run());
        tokio::spawn(stream.run(shared.clone(), heartbeat.mul_f32(MISSED_HEARTBEATS)));
        Self { opened, shared }
    }
}

impl Drop for EventsConnection {
    fn drop(&mut self) {
        self.shared.end(CloseReason::Asked);
    }
}

#[async_trait]
impl Connection for EventsConnection {
    fn opened(&self) -> &SessionOpened {
        &self.opened
    }

    /// # Cancel safety
    /// Once polled the command is on its way, whatever becomes of the future.
    async fn call(&self, command: Command) -> Result<Reply, CallError> {
        self.shared.call(command).await
    }

    /// # Cancel safety
    /// A push is taken only when it is returned.
    async fn next(&self) -> Result<Push, CloseReason> {
        loop {
            // Registered before looking, so that no wake-up is missed in between.
            let news = self.shared.news.notified();
            if let Some(push) = self.shared.take_push() {
                return push;
            }
            news.await;
        }
    }

    fn time_away(&self) -> Duration {
        self.shared.time_away()
    }
}
