//! Deadlines without timers: each connection keeps one moment by which something must have happened, and one task per
//! server looks at all of them every few seconds.
//!
//! What must have happened by then is the connection's matter.

use std::{
    sync::{
        Mutex, PoisonError, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use im_core::{CloseReason, port::Outlet as _};
use tokio::time::Instant;

use super::outlet::LinkOutlet;

/// A moment, in milliseconds of a [`Sweeper`]'s clock, and what to end the link with when it has come.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Deadline {
    at_ms: u64,
    missed: Missed,
}

/// What a peer did not do in time.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Missed {
    /// Open a session, or give a sign of life.
    Heartbeat,
    /// Finish a message, or read.
    Progress,
}

impl Deadline {
    pub(super) fn new(now_ms: u64, span: Duration, missed: Missed) -> Self {
        let span = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        // Half of the range, so that the moment and the reason fit into one word.
        let at_ms = now_ms.saturating_add(span).min(u64::MAX >> 1);
        Self { at_ms, missed }
    }

    pub(super) fn pack(self) -> u64 {
        self.at_ms << 1 | u64::from(self.missed == Missed::Progress)
    }

    pub(super) fn unpack(word: u64) -> Self {
        let missed = match word & 1 {
            0 => Missed::Heartbeat,
            _ => Missed::Progress,
        };
        Self {
            at_ms: word >> 1,
            missed,
        }
    }

    fn reason(self) -> CloseReason {
        match self.missed {
            Missed::Heartbeat => CloseReason::IdleTimeout,
            Missed::Progress => CloseReason::TooSlow,
        }
    }
}

/// All connections of a server, and a clock that is read without a system call.
#[derive(Debug)]
pub(super) struct Sweeper {
    interval: Duration,
    now_ms: AtomicU64,
    queued_bytes: AtomicUsize,
    queued_links: AtomicUsize,
    watched: Mutex<Vec<Weak<LinkOutlet>>>,
}

/// What waited for peers that do not read, when it was last looked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Queued {
    pub(super) bytes: usize,
    pub(super) links: usize,
}

impl Sweeper {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            now_ms: AtomicU64::new(0),
            queued_bytes: AtomicUsize::new(0),
            queued_links: AtomicUsize::new(0),
            watched: Mutex::default(),
        }
    }

    /// Now, or up to one interval earlier.
    pub(super) fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    /// What waited in all connections at the last sweep. Counted there, because it looks at each of them anyway.
    pub(super) fn queued(&self) -> Queued {
        Queued {
            bytes: self.queued_bytes.load(Ordering::Relaxed),
            links: self.queued_links.load(Ordering::Relaxed),
        }
    }

    /// Looks after a connection until it is dropped.
    pub(super) fn watch(&self, outlet: Weak<LinkOutlet>) {
        self.lock().push(outlet);
    }

    /// Sweeps until the server is dropped.
    pub(super) async fn run<S>(server: Weak<S>, sweeper: fn(&S) -> &Self, interval: Duration) {
        let start = Instant::now();
        loop {
            tokio::time::sleep(interval).await;
            let Some(server) = server.upgrade() else {
                return;
            };
            let now_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
            sweeper(&server).sweep(now_ms);
        }
    }

    fn sweep(&self, now_ms: u64) {
        self.now_ms.store(now_ms, Ordering::Relaxed);
        // Taken out while it is walked, so that nobody who connects has to wait.
        let mut watched = std::mem::take(&mut *self.lock());
        let mut queued = Queued::default();
        watched.retain(|outlet| {
            let Some(outlet) = outlet.upgrade() else {
                return false;
            };
            let bytes = outlet.queued();
            queued.bytes += bytes;
            queued.links += usize::from(bytes > 0);
            let deadline = outlet.deadline();
            if deadline.at_ms <= now_ms {
                outlet.close(deadline.reason());
            }
            true
        });
        self.queued_bytes.store(queued.bytes, Ordering::Relaxed);
        self.queued_links.store(queued.links, Ordering::Relaxed);
        if watched.len() < watched.capacity() / 4 {
            watched.shrink_to_fit();
        }
        let mut newcomers = self.lock();
        watched.append(&mut newcomers);
        *newcomers = watched;
    }

    /// How often the clock moves.
    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Weak<LinkOutlet>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_fits_into_a_word() {
        for missed in [Missed::Heartbeat, Missed::Progress] {
            let deadline = Deadline::new(7, Duration::from_secs(1), missed);
            assert_eq!(deadline.at_ms, 1_007);
            assert_eq!(Deadline::unpack(deadline.pack()), deadline);
        }
        let never = Deadline::new(7, Duration::MAX, Missed::Heartbeat);
        assert_eq!(Deadline::unpack(never.pack()), never);
    }
}
