//! What a link's handle and its two tasks share: what is to be posted, and what came.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use im_core::{
    CloseReason, Command, Push,
    wire::{self, Format, RequestId},
};
use tokio::sync::Notify;

use crate::client::{
    calls::Calls,
    inbox::{Answer, Inbox, Waiting},
};

/// Bytes of one post at most, unless one frame alone has more: half of what servers take.
const MAX_POST: usize = 256 * 1024;

/// The state of one link.
pub(super) struct Shared {
    calls: Calls,
    /// Wakes those who wait for a push.
    pub(super) news: Notify,
    /// Wakes who posts.
    pub(super) outgoing: Notify,
    /// Wakes what waits for the end.
    pub(super) ended: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Why the server ends the link. What was posted may still be answered.
    closing: Option<CloseReason>,
    frames: VecDeque<Vec<u8>>,
    inbox: Inbox,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            calls: Calls::default(),
            news: Notify::new(),
            outgoing: Notify::new(),
            ended: Notify::new(),
            state: Mutex::default(),
        }
    }

    /// Sends a command and waits for its reply.
    ///
    /// # Cancel safety
    /// Commands leave in the order of the first polls. Dropping the future after that withdraws nothing.
    pub(super) async fn call(&self, command: Command) -> Answer {
        let leave = |waiting, command: &Command| self.leave(waiting, command);
        let answer = self.calls.call(command, leave).await;
        answer.unwrap_or_else(|| Err(self.lock().inbox.broken()))
    }

    /// Leaves a command to who posts.
    fn leave(&self, waiting: Waiting, command: &Command) -> Option<()> {
        let mut state = self.lock();
        let id = state.inbox.expect(waiting)?;
        state.frames.push_back(frame(&id, command));
        drop(state);
        self.outgoing.notify_one();
        Some(())
    }

    /// Takes frames to post, in order, a line each; empty when there are none.
    pub(super) fn take_post(&self) -> Vec<u8> {
        let mut state = self.lock();
        let mut post = Vec::new();
        while let Some(frame) = state.frames.front() {
            if !post.is_empty() && post.len() + frame.len() > MAX_POST {
                break;
            }
            post.extend_from_slice(frame);
            post.push(b'\n');
            state.frames.pop_front();
        }
        post
    }

    /// The server ends the link: nothing more is posted.
    pub(super) fn close(&self, reason: CloseReason) {
        self.lock().closing.get_or_insert(reason);
        self.outgoing.notify_one();
    }

    /// Why nothing more is posted.
    pub(super) fn closing(&self) -> Option<CloseReason> {
        let state = self.lock();
        state.inbox.over().or(state.closing)
    }

    /// Sorts in one frame of the server.
    pub(super) fn handle_frame(&self, bytes: &[u8]) -> Result<(), CloseReason> {
        self.lock().inbox.handle_frame(Format::Json, bytes)
    }

    /// Ends the link for its users, and its tasks.
    pub(super) fn end(&self, reason: CloseReason) {
        let mut state = self.lock();
        state.inbox.end(reason);
        state.frames.clear();
        drop(state);
        self.calls.close();
        self.news.notify_waiters();
        // Each of the two tasks waits for one of these, or looks before it does.
        self.ended.notify_waiters();
        self.outgoing.notify_one();
    }

    pub(super) fn over(&self) -> Option<CloseReason> {
        self.lock().inbox.over()
    }

    pub(super) fn time_away(&self) -> Duration {
        self.lock().inbox.time_away()
    }

    pub(super) fn take_push(&self) -> Option<Result<Push, CloseReason>> {
        self.lock().inbox.next()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn frame(id: &RequestId, command: &Command) -> Vec<u8> {
    let mut frame = Vec::with_capacity(256);
    wire::write_request(Format::Json, id, command, &mut frame);
    frame
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
