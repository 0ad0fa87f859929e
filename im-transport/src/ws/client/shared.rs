//! What a link's handle and its task share: the sending half and the inbox.

use std::{
    fmt, io,
    io::IoSlice,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use im_core::{CallError, CloseReason, Command, wire};
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::sync::{Notify, Semaphore, oneshot};

use super::inbox::{Answer, Inbox, Waiting};
use crate::ws::{
    codec::{Opcode, append_masked_frame},
    encoding::{self, Format},
    queue::{Kind, Queue},
    stream::Writer,
};

/// Calls on their way at a time: what servers take. Further ones wait, in order.
const MAX_CALLS: usize = 256;

/// Until the server says otherwise.
const HEARTBEAT: Duration = Duration::from_secs(25);

/// The state of one link.
pub(super) struct Shared {
    calls: Arc<Semaphore>,
    format: Format,
    heartbeat_ms: AtomicU64,
    /// Wakes those who wait for a push.
    pub(super) news: Notify,
    state: Mutex<State>,
    pub(super) task: AtomicWaker,
    pub(super) writer: Writer,
}

struct State {
    inbox: Inbox,
    masks: Masks,
    queue: Queue,
}

impl Shared {
    pub(super) fn new(format: Format, writer: Writer) -> Self {
        Self {
            calls: Arc::new(Semaphore::new(MAX_CALLS)),
            format,
            heartbeat_ms: AtomicU64::new(HEARTBEAT.as_millis() as u64),
            news: Notify::new(),
            state: Mutex::new(State {
                inbox: Inbox::default(),
                masks: Masks::default(),
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
        let calls = self.calls.clone();
        // Not interrupted by tokio's budget: whoever has polled has its place in the line.
        let permit = tokio::task::coop::unconstrained(calls.acquire_owned());
        let permit = permit.await.map_err(|_| self.broken())?;
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting {
            method: command.method(),
            reply,
            permit,
        };
        self.send(waiting, &command)?;
        answer.await.map_err(|_| self.broken())?
    }

    fn send(&self, waiting: Waiting, command: &Command) -> Result<(), CallError> {
        let mut state = self.lock();
        let Some(id) = state.inbox.expect(waiting) else {
            drop(state);
            return Err(self.broken());
        };
        let mut payload = Vec::with_capacity(256);
        wire::write_request(self.format, &id, command, &mut payload);
        self.send_frame(&mut state, encoding::opcode(self.format), &payload);
        Ok(())
    }

    /// What a call without a reply is told.
    fn broken(&self) -> CallError {
        match self.over() {
            Some(reason) if !reason.may_resume() => CallError::Closed(reason),
            _ => CallError::Lost,
        }
    }

    /// Sends a ping, pong or close frame.
    pub(super) fn send_control(&self, opcode: Opcode, payload: &[u8]) {
        self.send_frame(&mut self.lock(), opcode, payload);
    }

    /// Writes a frame at once if nothing waits before it, else leaves it to the task.
    fn send_frame(&self, state: &mut State, opcode: Opcode, payload: &[u8]) {
        let mut frame = Vec::with_capacity(payload.len() + 14);
        append_masked_frame(&mut frame, opcode, state.masks.next(), payload);
        let mut written = 0;
        if state.queue.is_empty() {
            // A failure shows when the task reads.
            written = self.writer.try_write(&frame).unwrap_or(0);
        }
        if written < frame.len() {
            state
                .queue
                .push(Bytes::from(frame).slice(written..), Kind::Reply);
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

/// Mask keys, fresh and unpredictable for each frame (RFC 6455, 5.3), at one system call for 16 of them.
#[derive(Default)]
struct Masks {
    left: usize,
    pool: [[u8; 4]; 16],
}

impl Masks {
    fn next(&mut self) -> [u8; 4] {
        if self.left == 0 {
            let random = SystemRandom::new();
            for key in &mut self.pool {
                // Without randomness the last keys serve again: masks protect proxies from scripts in browsers, and
                // this is none.
                let _ = random.fill(key);
            }
            self.left = self.pool.len();
        }
        self.left -= 1;
        self.pool[self.left]
    }
}
