//! Where the engine's pushes go: straight into the socket, or into the queue before it.
//!
//! The connection's task shares it: replies leave through here as well, so that both keep their order. When to read and
//! when to end is the task's matter, see [`super::connection`].

use std::{
    io::{self, IoSlice},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use im_core::{
    CloseReason,
    port::{Broadcast, Encoding, Offer, Outlet, Urgency},
};

use super::{
    queue::{Kind, Queue},
    stream::Writer,
    sweeper::Deadline,
};
use crate::Bounds;

/// Bytes that may be held beside the longest reply.
const LITTLE: usize = 64 * 1024;

/// Pieces that one system call takes; more needs another.
const SLICES: usize = 64;

/// The sending half of a connection.
#[derive(Debug)]
pub(super) struct LinkOutlet {
    bounds: Arc<Bounds>,
    deadline: AtomicU64,
    encoding: &'static Encoding,
    out: Mutex<Out>,
    task: AtomicWaker,
    writer: Writer,
}

#[derive(Debug)]
struct Out {
    closing: Option<CloseReason>,
    mode: Mode,
    /// Whether anything was written since the task asked.
    progressed: bool,
    queue: Queue,
}

/// How a flush went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    /// Why the link must end, if it must.
    pub(super) closing: Option<CloseReason>,
    /// Whether the socket took anything since the last time.
    pub(super) progressed: bool,
    /// Bytes that still wait.
    pub(super) queued: usize,
}

/// What to do with an offer while nothing waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mode {
    /// Queue it: the session's first reply must leave before it, and the task sees to both.
    Opening,
    /// Queue it: the task is at work and writes before it rests.
    Running,
    /// Queue it and wake the task: a reply is about to come, and one system call for both is half the price.
    Busy,
    /// Write it.
    Idle,
}

impl LinkOutlet {
    pub(super) fn new(
        writer: Writer,
        encoding: &'static Encoding,
        bounds: Arc<Bounds>,
        first: Deadline,
    ) -> Self {
        Self {
            bounds,
            deadline: AtomicU64::new(first.pack()),
            encoding,
            out: Mutex::new(Out {
                closing: None,
                mode: Mode::Running,
                progressed: false,
                queue: Queue::default(),
            }),
            task: AtomicWaker::new(),
            writer,
        }
    }

    /// The task begins a turn: what is queued from here on is its to write. Returns why the link must end, if it must.
    pub(super) fn begin(&self, waker: &Waker) -> Option<CloseReason> {
        self.task.register(waker);
        let mut out = self.lock();
        out.mode = Mode::Running;
        out.closing
    }

    /// Writes what waits and then `tail`, in as few system calls as it takes; what the socket does not take is queued.
    /// `mode` holds until the next turn.
    ///
    /// `Pending` when something is left; the task is then woken when there is room.
    pub(super) fn flush(
        &self,
        tail: &mut Vec<u8>,
        mode: Mode,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut out = self.lock();
        let out = &mut *out;
        out.mode = mode;
        if mode == Mode::Opening && out.queue.has_pushes() {
            self.keep_before_pushes(out, tail);
            return Poll::Ready(Ok(()));
        }
        let mut from = 0;
        let result = loop {
            let rest = &tail[from..];
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut count = out.queue.slices(&mut slices[..SLICES - 1]);
            if !rest.is_empty() && count == out.queue.len() {
                slices[count] = IoSlice::new(rest);
                count += 1;
            }
            if count == 0 {
                break self.writer.poll_flush(cx);
            }
            match self.writer.poll_write(cx, &slices[..count]) {
                Poll::Ready(Ok(0)) => break Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => {
                    out.progressed = true;
                    let queued = written.min(out.queue.bytes());
                    if queued > 0 {
                        out.queue.advance(queued);
                    }
                    from += written - queued;
                }
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending => {
                    if from < tail.len() {
                        let rest = Bytes::copy_from_slice(&tail[from..]);
                        out.queue.push(rest, Kind::Reply);
                    }
                    break Poll::Pending;
                }
            }
        };
        tail.clear();
        result
    }

    /// Queues `tail`, which holds the reply that opens the session, before what was pushed to it meanwhile.
    pub(super) fn put_before_pushes(&self, tail: &mut Vec<u8>) {
        self.keep_before_pushes(&mut self.lock(), tail);
    }

    fn keep_before_pushes(&self, out: &mut Out, tail: &mut Vec<u8>) {
        if !tail.is_empty() {
            out.queue.insert_before_pushes(Bytes::copy_from_slice(tail));
            tail.clear();
        }
    }

    /// Takes no more pushes, and lets the task end the link; the first reason counts.
    pub(super) fn end(&self, reason: CloseReason) {
        self.lock().closing.get_or_insert(reason);
    }

    /// Bytes that wait.
    pub(super) fn queued(&self) -> usize {
        self.lock().queue.bytes()
    }

    /// Whether so many bytes beside what waits are more than may be held for a peer that does not read. What waits alone
    /// is never too much, nor is a little more.
    pub(super) fn is_overflowing(&self, more: usize) -> bool {
        if more < LITTLE {
            return false;
        }
        let queued = self.queued();
        queued > 0 && queued + more > self.bounds.reply_bytes
    }

    /// Where things stand after a flush.
    pub(super) fn settle(&self) -> Settled {
        let mut out = self.lock();
        Settled {
            closing: out.closing,
            progressed: std::mem::take(&mut out.progressed),
            queued: out.queue.bytes(),
        }
    }

    pub(super) fn writer(&self) -> &Writer {
        &self.writer
    }

    /// When the sweeper has to end this link.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::unpack(self.deadline.load(Ordering::Relaxed))
    }

    pub(super) fn set_deadline(&self, deadline: Deadline) {
        self.deadline.store(deadline.pack(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Out> {
        // Nothing in here is left half-done by a panic.
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Out {
    fn admits(&self, urgency: Urgency, len: usize, bounds: &Bounds) -> bool {
        self.queue
            .admits(urgency, len, bounds.queue_bytes, bounds.queue_pushes)
    }
}

impl Outlet for LinkOutlet {
    fn offer(&self, broadcast: &Broadcast) -> Offer {
        let bytes = broadcast.bytes(self.encoding);
        let mut out = self.lock();
        if out.closing.is_some() {
            return Offer::Closed;
        }
        if bytes.is_empty() {
            return Offer::Taken;
        }
        if out.mode == Mode::Idle && out.queue.is_empty() {
            let written = match self.writer.try_write(&bytes) {
                Ok(written) if written == bytes.len() => return Offer::Taken,
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                // The task hears of it as well, from its own half.
                Err(_) => return Offer::Closed,
            };
            out.queue.push(bytes, Kind::Push);
            out.queue.advance(written);
            drop(out);
            self.task.wake();
            return Offer::Taken;
        }
        if !out.admits(broadcast.urgency, bytes.len(), &self.bounds) {
            return Offer::Full;
        }
        out.queue.push(bytes, Kind::Push);
        // In the other modes the task writes without being told: it is at work, will be, or waits for room.
        let wake = out.mode == Mode::Busy;
        drop(out);
        if wake {
            self.task.wake();
        }
        Offer::Taken
    }

    fn close(&self, reason: CloseReason) {
        self.lock().closing.get_or_insert(reason);
        self.task.wake();
    }
}
