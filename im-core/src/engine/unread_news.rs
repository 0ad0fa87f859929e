//! Tells sessions that ask for it when what is unread has changed: counted again after whatever may change it, not more
//! often than [`Limits::unread_wait_ms`](crate::Limits::unread_wait_ms) for one user, and told only when it differs.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;

use super::{Engine, lock, registry::SessionEntry, unread::Counted};
use crate::{
    Actor, Code, CountUnread, Push, Rejection, Timestamp, UnreadTotals, UserId,
    port::{Broadcast, Urgency},
};

/// The longest wait for a muted conversation to be heard again; then it is looked again.
const LONGEST: Duration = Duration::from_hours(24);

/// Users for whom it is counted at the same time.
const COUNTS: usize = 8;

/// Who watches what is unread.
#[derive(Default)]
pub(super) struct UnreadNews {
    watching: Mutex<HashMap<UserId, Watching>>,
    /// When a muted conversation of a user is heard again and somebody looks, also when nobody watches meanwhile.
    looks: Mutex<HashMap<UserId, Timestamp>>,
    next: AtomicU64,
    turns: Turns,
}

/// Who counts at the same time: not all at once when a message comes for thousands.
struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        Self(Semaphore::new(COUNTS))
    }
}

#[derive(Default)]
struct Watching {
    /// Of the task that may count. Others stop.
    number: u64,
    sessions: Vec<Watcher>,
    /// Something may have changed since it was counted last.
    is_stale: bool,
    /// Whether a task counts.
    is_counting: bool,
}

struct Watcher {
    session: Arc<SessionEntry>,
    /// What it was told last.
    told: Option<UnreadTotals>,
}

impl Engine {
    pub(super) async fn count_all_unread(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        ask: CountUnread,
    ) -> Result<UnreadTotals, Rejection> {
        if !ask.watch {
            return Ok(self.unread_totals(&actor.user).await?.totals);
        }
        let session = session.ok_or_else(|| {
            let detail = "this needs a session; open a link and call it there";
            Rejection::new(Code::InvalidRequest, detail)
        })?;
        // Watch first, count after: a change in between is counted once more rather than never.
        self.begin_counting_unread(session)?;
        let counted = self.unread_totals(&actor.user).await?;
        self.told_unread(session, &counted);
        Ok(counted.totals)
    }

    fn begin_counting_unread(&self, session: &Arc<SessionEntry>) -> Result<(), Rejection> {
        let mut all = lock(&self.unread_news.watching);
        // First said, then looked: a session that ends is either seen to be over here, or takes itself out again.
        session.counts_unread.store(true, Ordering::Release);
        if lock(&session.listens).is_none() {
            return Err(super::lane::interrupted());
        }
        let watching = all
            .entry(session.actor.user.clone())
            .or_insert_with(|| Watching {
                number: self.unread_news.next.fetch_add(1, Ordering::Relaxed),
                ..Watching::default()
            });
        if !watching
            .sessions
            .iter()
            .any(|it| it.session.id == session.id)
        {
            watching.sessions.push(Watcher {
                session: session.clone(),
                told: None,
            });
        }
        Ok(())
    }

    /// A session gets this as an answer. What is pushed comes after it: not before the next count, a while later.
    fn told_unread(&self, session: &SessionEntry, counted: &Counted) {
        let user = &session.actor.user;
        let number = {
            let mut all = lock(&self.unread_news.watching);
            let Some(watching) = all.get_mut(user) else {
                return;
            };
            let own = watching.sessions.iter_mut();
            for watcher in own.filter(|it| it.session.id == session.id) {
                watcher.told = Some(counted.totals);
            }
            // Who counts at the moment could tell its count before this answer is written: another begins.
            watching.number = self.unread_news.next.fetch_add(1, Ordering::Relaxed);
            (watching.is_counting, watching.is_stale) = (true, true);
            watching.number
        };
        self.keep_counting(user, number, First::Later);
        self.look_at_the_end(user, counted.until);
    }

    /// The session ended.
    pub(super) fn stop_counting_unread(&self, session: &SessionEntry) {
        if !session.counts_unread.load(Ordering::Acquire) {
            return;
        }
        let mut all = lock(&self.unread_news.watching);
        if let Some(watching) = all.get_mut(&session.actor.user) {
            watching.sessions.retain(|it| it.session.id != session.id);
            if watching.sessions.is_empty() {
                all.remove(&session.actor.user);
            }
        }
    }

    /// Something was delivered to a session.
    pub(super) fn unread_may_change(&self, session: &SessionEntry) {
        if session.counts_unread.load(Ordering::Acquire) {
            self.unread_changes(&session.actor.user);
        }
    }

    /// What is unread for a user may have changed.
    pub(super) fn unread_changes(&self, user: &UserId) {
        match lock(&self.unread_news.watching).get_mut(user) {
            Some(watching) => watching.is_stale = true,
            None => return,
        }
        self.count_unread_soon(user);
    }

    /// Has somebody count, unless somebody does.
    fn count_unread_soon(&self, user: &UserId) {
        let number = match lock(&self.unread_news.watching).get_mut(user) {
            Some(watching) if !watching.is_counting => {
                watching.is_counting = true;
                watching.number
            }
            Some(_) | None => return,
        };
        self.keep_counting(user, number, First::Now);
    }

    /// Counts until nothing changes any more, under a number.
    fn keep_counting(&self, user: &UserId, number: u64, first: First) {
        let Some(engine) = self.owned() else { return };
        let user = user.clone();
        let pause = Duration::from_millis(self.limits().unread_wait_ms);
        self.ports.runtime.spawn(Box::pin(async move {
            if first == First::Later {
                engine.ports.runtime.sleep(pause).await;
            }
            while engine.is_stale(&user, number) {
                let turn = engine.unread_news.turns.0.acquire().await;
                let counted = engine.unread_totals(&user).await;
                drop(turn);
                match counted {
                    Ok(counted) => engine.tell_unread(&user, number, &counted),
                    // Later, then. Logged by the conversion.
                    Err(_) => engine.still_stale(&user),
                }
                engine.ports.runtime.sleep(pause).await;
            }
        }));
    }

    /// Whether it has to be counted; when not, whoever changes something has to see to it again.
    fn is_stale(&self, user: &UserId, number: u64) -> bool {
        let mut all = lock(&self.unread_news.watching);
        let Some(watching) = all.get_mut(user).filter(|it| it.number == number) else {
            return false;
        };
        watching.is_counting = std::mem::take(&mut watching.is_stale) && !self.is_closing();
        watching.is_counting
    }

    /// It could not be counted.
    fn still_stale(&self, user: &UserId) {
        if let Some(watching) = lock(&self.unread_news.watching).get_mut(user) {
            watching.is_stale = true;
        }
    }

    fn tell_unread(&self, user: &UserId, number: u64, counted: &Counted) {
        let totals = counted.totals;
        let broadcast = Broadcast::new(Urgency::Live, vec![Push::UnreadChanged(totals)]);
        // Under the lock, so that nobody is told an earlier count after a later one.
        let mut all = lock(&self.unread_news.watching);
        let Some(watching) = all.get_mut(user).filter(|it| it.number == number) else {
            return;
        };
        for watcher in &mut watching.sessions {
            // Who has asked just now gets an answer first.
            if watcher.told.is_none_or(|told| told == totals) {
                continue;
            }
            if watcher.session.outlet.offer(&broadcast) == crate::port::Offer::Full {
                // There is no room: it is tried again with the next count.
                watching.is_stale = true;
            } else {
                watcher.told = Some(totals);
            }
        }
        drop(all);
        self.look_at_the_end(user, counted.until);
    }

    /// Counts again when the first of the muted conversations is heard again.
    fn look_at_the_end(&self, user: &UserId, until: Option<Timestamp>) {
        let Some(at) = until.filter(|until| *until < Timestamp::FOREVER) else {
            return;
        };
        {
            let mut looks = lock(&self.unread_news.looks);
            if looks.get(user).is_some_and(|other| *other <= at) {
                return;
            }
            looks.insert(user.clone(), at);
        }
        let Some(engine) = self.owned() else { return };
        let (weak, user) = (Arc::downgrade(&engine), user.clone());
        let wait = at.since(self.ports.runtime.now()).min(LONGEST);
        let sleep = self.ports.runtime.sleep(wait);
        self.ports.runtime.spawn(Box::pin(async move {
            sleep.await;
            let Some(engine) = weak.upgrade() else { return };
            {
                let mut looks = lock(&engine.unread_news.looks);
                if looks.get(&user) == Some(&at) {
                    looks.remove(&user);
                }
            }
            engine.unread_changes(&user);
        }));
    }
}

/// When the first count is.
#[derive(Clone, Copy, Eq, PartialEq)]
enum First {
    Later,
    Now,
}
