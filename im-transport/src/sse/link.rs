//! One link: its session, who may post to it, and what must happen by when.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use im_core::{Actor, CloseReason, port::Outlet as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::outlet::EventsOutlet;
use crate::drive::Drive;

/// Posts to one link at a time. Our client makes one; a page that makes one for each request has room.
const POSTS: usize = 8;

/// An open session and what belongs to it.
pub(super) struct EventsLink {
    /// Who may post: the same user with the same authority.
    pub(super) actor: Actor,
    /// `None` once it is over.
    drive: Mutex<Option<Drive>>,
    /// Whether anything was posted since somebody looked.
    heard: AtomicBool,
    pub(super) outlet: Arc<EventsOutlet>,
    posts: Arc<Semaphore>,
    times: Mutex<Times>,
}

/// When something happened, in milliseconds of the server's clock. As exact as it is looked at.
struct Times {
    heard_ms: u64,
    said_ms: u64,
    /// Since when something waits of which nothing is taken.
    waiting_since_ms: Option<u64>,
}

/// What may take how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Between two comments.
    pub(super) comment: Duration,
    /// Without a post.
    pub(super) silence: Duration,
    /// Without anything being read.
    pub(super) write: Duration,
}

/// Leave to ask something.
pub(super) struct Turn {
    pub(super) drive: Drive,
    pub(super) permit: OwnedSemaphorePermit,
}

/// Why there is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoTurn {
    Busy,
    Over,
}

impl EventsLink {
    pub(super) fn new(drive: Drive, outlet: Arc<EventsOutlet>, actor: Actor, now_ms: u64) -> Self {
        Self {
            actor,
            drive: Mutex::new(Some(drive)),
            heard: AtomicBool::new(false),
            outlet,
            posts: Arc::new(Semaphore::new(POSTS)),
            times: Mutex::new(Times {
                heard_ms: now_ms,
                said_ms: now_ms,
                waiting_since_ms: None,
            }),
        }
    }

    /// Leave to ask something, of which so many run at a time over all posts.
    pub(super) fn turn(&self, in_flight: usize) -> Result<Turn, NoTurn> {
        self.heard.store(true, Ordering::Relaxed);
        let permit = self.posts.clone().try_acquire_owned();
        let permit = permit.map_err(|_| NoTurn::Busy)?;
        let branch = lock(&self.drive)
            .as_ref()
            .and_then(|drive| drive.branch((in_flight / POSTS).max(1)));
        let drive = branch.ok_or(NoTurn::Over)?;
        Ok(Turn { drive, permit })
    }

    pub(super) fn is_over(&self) -> bool {
        lock(&self.drive).is_none()
    }

    /// Ends the session, and the stream after what is queued. The first reason counts.
    pub(super) fn end(&self, reason: CloseReason) {
        self.outlet.close(reason);
        // Dropped out of the lock: the engine tells others then.
        let drive = lock(&self.drive).take();
        drop(drive);
    }

    /// Ends it when something is overdue, and says something when nothing was said for a while.
    pub(super) fn look(&self, now_ms: u64, patience: &Patience) {
        let settled = self.outlet.settle();
        if let Some(reason) = settled.closing {
            // Also when nobody reads the stream.
            self.end(reason);
            return;
        }
        let is_due = |since_ms: u64, span: Duration| {
            u128::from(now_ms.saturating_sub(since_ms)) >= span.as_millis()
        };
        let mut times = lock(&self.times);
        let is_asking = self.posts.available_permits() < POSTS;
        if self.heard.swap(false, Ordering::Relaxed) || is_asking {
            times.heard_ms = now_ms;
        }
        if settled.progressed {
            times.said_ms = now_ms;
        }
        if settled.progressed || !settled.is_waiting {
            times.waiting_since_ms = None;
        }
        if settled.is_waiting {
            let since_ms = *times.waiting_since_ms.get_or_insert(now_ms);
            if is_due(since_ms, patience.write) {
                self.end(CloseReason::TooSlow);
                return;
            }
        }
        if is_due(times.heard_ms, patience.silence) {
            self.end(CloseReason::IdleTimeout);
            return;
        }
        if is_due(times.said_ms, patience.comment) {
            times.said_ms = now_ms;
            self.outlet.comment();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in here is left half-done by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
