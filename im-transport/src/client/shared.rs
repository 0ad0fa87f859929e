//! What a link's handle and its task share: the sending half and the inbox.

use std::{
    fmt, io,
    io::IoSlice,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use im_core::{
    CloseReason, Command,
    wire::{self, Format},
};
use tokio::sync::Notify;

use super::{
    calls::Calls,
    framing::Framing,
    inbox::{Answer, Inbox, Waiting},
};
use crate::link::{
    queue::{Kind, Queue},
    stream::Writer,
};

/// Until the server says otherwise.
const HEARTBEAT: Duration = Duration::from_secs(25);

/// The state of one link.
pub(super) struct Shared {
    calls: Calls,
    format: Format,
    heartbeat_ms: AtomicU64,
    /// Wakes those who wait for a push.
    pub(super) news: Notify,
    state: Mutex<State>,
    pub(super) task: AtomicWaker,
    pub(super) writer: Writer,
}

struct State {
    framing: Framing,
    inbox: Inbox,
    queue: Queue,
}

impl Shared {
    pub(super) fn new(format: Format, framing: Framing, writer: Writer) -> Self {
        Self {
            calls: Calls::default(),
            format,
            heartbeat_ms: AtomicU64::new(HEARTBEAT.as_millis() as u64),
            news: Notify::new(),
            state: Mutex::new(State {
                framing,
                inbox: Inbox::default(),
                queue: Queue::default(),
            }),
            task: AtomicWaker::new(),
            writer,
        }
    }

    /// Sends a command and waits for its reply.
    ///
    /// # Cancel safety
    /// Commands leave in the order of the first polls. Dropping the future after that withdraws nothing.
    pub(super) async fn call(&self, command: Command) -> Answer {
        let leave = |waiting, command: &Command| self.send(waiting, command);
        let answer = self.calls.call(command, leave).await;
        answer.unwrap_or_else(|| Err(self.lock().inbox.broken()))
    }

    fn send(&self, waiting: Waiting, command: &Command) -> Option<()> {
        let mut state = self.lock();
        let id = state.inbox.expect(waiting)?;
        let mut inside = Vec::with_capacity(256);
        wire::write_request(self.format, &id, command, &mut inside);
        let mut frame = Vec::with_capacity(inside.len() + 14);
        state.framing.append(self.format, &mut frame, &inside);
        self.write(&mut state, frame);
        Some(())
    }

    /// Sends what `append` appends: a ping, a pong or the last frame.
    pub(super) fn send_control(&self, append: impl FnOnce(&mut Framing, &mut Vec<u8>)) {
        let mut state = self.lock();
        let mut frame = Vec::new();
        append(&mut state.framing, &mut frame);
        self.write(&mut state, frame);
    }

    /// Writes a frame at once if nothing waits before it, else leaves it to the task.
    fn write(&self, state: &mut State, frame: Vec<u8>) {
        let mut written = 0;
        if state.queue.is_empty() {
            // A failure shows when the task reads.
            written = self.writer.try_write(&frame).unwrap_or(0);
        }
        if written < frame.len() {
            let rest = Bytes::from(frame).slice(written..);
            state.queue.push(rest, Kind::Reply);
            self.task.wake();
        }
    }

    /// Writes what waits; `Pending` when something is left.
    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        loop {
            let mut slices = [IoSlice::new(&[]); 16];
            let count = state.queue.slices(&mut slices);
            if count == 0 {
                return self.writer.poll_flush(cx);
            }
            match std::task::ready!(self.writer.poll_write(cx, &slices[..count]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => state.queue.advance(written),
            }
        }
    }

    /// Sorts in one frame of the server.
    pub(super) fn handle_frame(&self, bytes: &[u8]) -> Result<(), CloseReason> {
        self.lock().inbox.handle_frame(self.format, bytes)
    }

    /// Ends the link for its users; the task sees to the socket.
    pub(super) fn end(&self, reason: CloseReason) {
        self.lock().inbox.end(reason);
        self.calls.close();
        self.news.notify_waiters();
        self.task.wake();
    }

    pub(super) fn over(&self) -> Option<CloseReason> {
        self.lock().inbox.over()
    }

    pub(super) fn time_away(&self) -> Duration {
        self.lock().inbox.time_away()
    }

    pub(super) fn take_push(&self) -> Option<Result<im_core::Push, CloseReason>> {
        self.lock().inbox.next()
    }

    pub(super) fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms.load(Ordering::Relaxed))
    }

    /// Follows what the server asks for, at least 100 ms: a mistake over there must not become a flood from here.
    pub(super) fn set_heartbeat(&self, heartbeat_ms: u64) {
        let heartbeat_ms = heartbeat_ms.max(100);
        self.heartbeat_ms.store(heartbeat_ms, Ordering::Relaxed);
        self.task.wake();
    }

    pub(super) fn format(&self) -> Format {
        self.format
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
