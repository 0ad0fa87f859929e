//! Where the polls of a user wait: they share one session, which stays for a while after the last of them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use im_core::{Code, Im, Rejection, UserId, port::Identity};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::poller::Poller;

/// The desks of all users who poll.
#[derive(Default)]
pub(super) struct Desks(Mutex<HashMap<UserId, Arc<Desk>>>);

/// That of one user.
struct Desk {
    places: Arc<Semaphore>,
    /// Locked while a session is opened, so that polls that come together open one.
    poller: tokio::sync::Mutex<Option<Arc<Poller>>>,
    /// Whether somebody came since it was looked at.
    used: AtomicBool,
}

/// A poll at its desk.
pub(super) struct Visit {
    desk: Arc<Desk>,
    _place: OwnedSemaphorePermit,
}

/// A session to poll on, and whose authority it has.
pub(super) enum Found {
    /// That of an earlier poll.
    Earlier(Arc<Poller>),
    /// This poll's own.
    Own(Arc<Poller>),
}

impl Desks {
    /// Takes a place at the desk of a user, who has so many.
    ///
    /// # Errors
    /// `rate_limited` when all are taken.
    pub(super) fn visit(
        self: &Arc<Self>,
        user: &UserId,
        places: usize,
        linger: Duration,
    ) -> Result<Visit, Rejection> {
        let mut desks = self.lock();
        let desk = desks.entry(user.clone()).or_insert_with(|| {
            tokio::spawn(clear_away(Arc::downgrade(self), user.clone(), linger));
            Arc::new(Desk {
                places: Arc::new(Semaphore::new(places)),
                poller: tokio::sync::Mutex::default(),
                used: AtomicBool::new(true),
            })
        });
        desk.used.store(true, Ordering::Relaxed);
        let place = desk.places.clone().try_acquire_owned().map_err(|_| {
            let detail = "too many polls of this user wait; let one end before the next";
            Rejection::new(Code::RateLimited, detail).retry_after(Duration::from_secs(1))
        })?;
        Ok(Visit {
            desk: desk.clone(),
            _place: place,
        })
    }

    /// Forgets a desk at which nobody was since the last look; `false` while it is used.
    fn forget(&self, user: &UserId) -> bool {
        let mut desks = self.lock();
        let Some(desk) = desks.get(user) else {
            return true;
        };
        // A visit holds the desk too.
        if desk.used.swap(false, Ordering::Relaxed) || Arc::strong_count(desk) > 1 {
            return false;
        }
        let forgotten = desks.remove(user);
        drop(desks);
        // Out of the lock: the engine tells others that the user went.
        drop(forgotten);
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Arc<Desk>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until nobody polls any more.
async fn clear_away(desks: Weak<Desks>, user: UserId, linger: Duration) {
    loop {
        tokio::time::sleep(linger).await;
        if desks.upgrade().is_none_or(|desks| desks.forget(&user)) {
            return;
        }
    }
}

impl Visit {
    /// The user's session for polls, which is opened when there is none.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn poller(&self, im: &Im, identity: &Identity) -> Result<Found, Rejection> {
        let mut poller = self.desk.poller.lock().await;
        if let Some(poller) = poller.as_ref().filter(|poller| poller.over().is_none()) {
            return Ok(Found::Earlier(poller.clone()));
        }
        // Before another is opened, which would displace it.
        *poller = None;
        let opened = Arc::new(Poller::open(im, identity).await?);
        *poller = Some(opened.clone());
        Ok(Found::Own(opened))
    }
}

impl Drop for Visit {
    /// The time to linger begins when a poll ends.
    fn drop(&mut self) {
        self.desk.used.store(true, Ordering::Relaxed);
    }
}
