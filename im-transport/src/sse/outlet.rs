//! Where the engine's pushes go: the queue from which the stream is written, within bounds.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use im_core::{
    CloseReason,
    port::{Broadcast, Offer, Outlet},
};

use super::encoding;
use crate::{
    Bounds,
    link::queue::{Kind, Queue},
};

/// The sending half of a link.
#[derive(Debug)]
pub(super) struct EventsOutlet {
    bounds: Arc<Bounds>,
    out: Mutex<Out>,
    stream: AtomicWaker,
}

#[derive(Debug, Default)]
struct Out {
    closing: Option<CloseReason>,
    /// Whether anything was taken since somebody asked.
    progressed: bool,
    queue: Queue,
}

/// How things stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    /// Why the link must end, if it must.
    pub(super) closing: Option<CloseReason>,
    /// Whether something waits.
    pub(super) is_waiting: bool,
    /// Whether anything was taken since the last time.
    pub(super) progressed: bool,
}

impl EventsOutlet {
    pub(super) fn new(bounds: Arc<Bounds>) -> Self {
        Self {
            bounds,
            out: Mutex::default(),
            stream: AtomicWaker::new(),
        }
    }

    /// Queues what the stream begins with, before what was pushed meanwhile.
    pub(super) fn begin(&self, bytes: Vec<u8>) {
        self.lock().queue.insert_before_pushes(bytes.into());
        self.stream.wake();
    }

    /// Says something, unless there is something to say.
    pub(super) fn comment(&self) {
        let mut out = self.lock();
        if out.closing.is_none() && out.queue.is_empty() {
            let comment = Bytes::from_static(encoding::COMMENT);
            out.queue.push(comment, Kind::Reply);
            drop(out);
            self.stream.wake();
        }
    }

    /// The next piece; after the last, why there are no more.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Result<Bytes, CloseReason>> {
        // Registered before looking, so that no wake-up is missed in between.
        self.stream.register(cx.waker());
        let mut out = self.lock();
        if let Some(bytes) = out.queue.pop() {
            out.progressed = true;
            return Poll::Ready(Ok(bytes));
        }
        out.closing
            .map_or(Poll::Pending, |reason| Poll::Ready(Err(reason)))
    }

    /// Bytes that nobody has taken.
    pub(super) fn queued(&self) -> usize {
        self.lock().queue.bytes()
    }

    pub(super) fn settle(&self) -> Settled {
        let mut out = self.lock();
        Settled {
            closing: out.closing,
            is_waiting: !out.queue.is_empty(),
            progressed: std::mem::take(&mut out.progressed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Out> {
        // Nothing in here is left half-done by a panic.
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outlet for EventsOutlet {
    fn offer(&self, broadcast: &Broadcast) -> Offer {
        let bytes = broadcast.bytes(&encoding::EVENTS);
        let bounds = &self.bounds;
        let mut out = self.lock();
        if out.closing.is_some() {
            return Offer::Closed;
        }
        if bytes.is_empty() {
            return Offer::Taken;
        }
        let (most, pushes) = (bounds.queue_bytes, bounds.queue_pushes);
        if !out
            .queue
            .admits(broadcast.urgency, bytes.len(), most, pushes)
        {
            return Offer::Full;
        }
        out.queue.push(bytes, Kind::Push);
        drop(out);
        self.stream.wake();
        Offer::Taken
    }

    /// Takes no more pushes; the first reason counts.
    fn close(&self, reason: CloseReason) {
        self.lock().closing.get_or_insert(reason);
        self.stream.wake();
    }
}
