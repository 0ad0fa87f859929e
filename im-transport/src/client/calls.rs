//! The calls of one link: so many on their way at a time, in the order in which they were made.

use std::sync::Arc;

use im_core::Command;
use tokio::sync::{Semaphore, oneshot};

use super::inbox::{Answer, Waiting};

/// Calls on their way at a time: what servers take. Further ones wait, in order.
const MAX_CALLS: usize = 256;

/// Places for calls.
pub(crate) struct Calls(Arc<Semaphore>);

impl Default for Calls {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_CALLS)))
    }
}

impl Calls {
    /// Lets a command leave by `leave` once there is a place, and waits for its reply; `None` when the link is over.
    ///
    /// # Cancel safety
    /// Commands leave in the order of the first polls. Dropping the future after that withdraws nothing.
    pub(crate) async fn call(
        &self,
        command: Command,
        leave: impl FnOnce(Waiting, &Command) -> Option<()>,
    ) -> Option<Answer> {
        let places = self.0.clone();
        // Not interrupted by tokio's budget: whoever has polled has its place in the line.
        let place = tokio::task::coop::unconstrained(places.acquire_owned());
        let permit = place.await.ok()?;
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting {
            method: command.method(),
            reply,
            permit,
        };
        leave(waiting, &command)?;
        answer.await.ok()
    }

    /// Lets nothing leave any more.
    pub(crate) fn close(&self) {
        self.0.close();
    }
}
