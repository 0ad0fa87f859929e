//! What happens by itself when its time has come: rows of users' own that are due, messages whose time is over, those that
//! are open beyond theirs, and old records of the audit log. And what others decided about users is looked at.
//!
//! One task for a node. It begins with the first row in this process that will be due, or when the host asks for it, and
//! looks again when the next one is due, when another is written, and every few seconds at what other processes wrote. Of
//! several processes on one store one at a time works through what is due; that what is sent is sent once is the log's
//! doing, not the lease's.

use std::{
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{join_all, select},
};
use tokio::sync::Notify;
use uuid::Uuid;

use super::Engine;
use crate::{Own, OwnKey, OwnRow, Rejection, StoreError, Timestamp, UserId, port::OwnWrite};

/// How often it is looked for what other processes wrote.
const LOOK: Duration = Duration::from_secs(5);
/// Rows that are worked through at once.
const BATCH: usize = 64;
/// How long others stay away from what one works on, unless it says sooner that it is done. Longer than a batch takes, and
/// short for those who wait because a process ended in the middle.
const LEASE: Duration = Duration::from_secs(10);
/// The name of that lease.
const HOUSE: &str = "housekeeping";

/// The task, and by what it is woken.
pub(super) struct Housekeeping {
    engine: OnceLock<Weak<Engine>>,
    /// By what the store knows this node.
    holder: Uuid,
    keeper: Arc<Keeper>,
}

#[derive(Default)]
struct Keeper {
    wake: Notify,
    is_up: AtomicBool,
}

/// That the task is there. Whatever becomes of it, another can begin afterwards.
struct Up(Arc<Keeper>);

impl Drop for Up {
    fn drop(&mut self) {
        self.0.is_up.store(false, Ordering::Release);
    }
}

impl Default for Housekeeping {
    fn default() -> Self {
        Self {
            engine: OnceLock::new(),
            holder: Uuid::new_v4(),
            keeper: Arc::default(),
        }
    }
}

impl Engine {
    /// Tells the engine where it is, so that a task can find it without keeping it alive.
    pub(crate) fn find_house(self: &Arc<Self>) {
        let _ = self.housekeeping.engine.set(Arc::downgrade(self));
    }

    /// The engine, for a task that is begun from where nobody owns it; `None` when it is going.
    pub(super) fn owned(&self) -> Option<Arc<Self>> {
        self.housekeeping.engine.get()?.upgrade()
    }

    /// Begins, or looks again at once.
    pub(crate) fn keep_house(&self) {
        let Housekeeping { engine, keeper, .. } = &self.housekeeping;
        keeper.wake.notify_one();
        let Some(engine) = engine.get().filter(|_| !self.is_closing()) else {
            return;
        };
        if !keeper.is_up.swap(true, Ordering::AcqRel) {
            let task = keep(engine.clone(), Up(keeper.clone()));
            self.ports.runtime.spawn(Box::pin(task));
        }
    }

    /// Works through what is due. How long there is nothing to do then.
    async fn clean(self: &Arc<Self>) -> Result<Duration, StoreError> {
        // What can be said of a failure is said there.
        let _ = self.look_at_standings().await;
        self.forget_records().await?;
        let mut holds = false;
        let pause = loop {
            let now = self.ports.runtime.now();
            let soon = self.ports.own.due(now.plus(LOOK), BATCH).await?;
            let is_due = |(_, row): &(UserId, OwnRow)| row.due_ms.is_some_and(|at| at <= now);
            let (due, later): (Vec<_>, Vec<_>) = soon.into_iter().partition(is_due);
            let alarm = self.ports.alarms.next().await?;
            let open = self.next_overdue().await?;
            let rings = alarm.is_some_and(|at| at <= now);
            let overdue = open.is_some_and(|at| at <= now);
            if due.is_empty() && !rings && !overdue {
                let next = later.first().and_then(|(_, row)| row.due_ms);
                let next = next.into_iter().chain(alarm).chain(open).min();
                break next.map_or(LOOK, |at| until(now, at).min(LOOK));
            }
            holds = self.take_house(now, now.plus(LEASE)).await?;
            if !holds {
                // Somebody else is at it.
                break LOOK;
            }
            let done = due.into_iter().map(|(user, row)| self.act(user, row));
            let is_undone = join_all(done).await.contains(&false);
            let is_undone = is_undone
                || (rings && !self.expire_messages(now).await?)
                || (overdue && !self.end_overdue(now).await?);
            if is_undone {
                // Not at once again: the store may need a moment.
                break LOOK;
            }
        };
        if holds {
            let now = self.ports.runtime.now();
            self.take_house(now, now).await?;
        }
        Ok(pause)
    }

    async fn take_house(&self, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
        let holder = self.housekeeping.holder;
        self.ports.leases.take(HOUSE, holder, now, until).await
    }

    /// Does what a row is due for. `false` when it is due still.
    async fn act(self: &Arc<Self>, user: UserId, row: OwnRow) -> bool {
        match row.value.clone() {
            Some(Own::Scheduled(scheduled)) => self.send_scheduled(user, row, *scheduled).await,
            Some(Own::Notice(_) | Own::NoticeSent(_) | Own::Request(_)) => {
                self.expire(user, row).await
            }
            // Of a kind for which nothing happens here: a newer node's.
            Some(
                Own::Contact(_)
                | Own::Draft(_)
                | Own::Favourite(_)
                | Own::Follow(_)
                | Own::Follower(_)
                | Own::Preferences(_)
                | Own::Unknown,
            )
            | None => false,
        }
    }

    /// Takes away a row whose time is over, unless it changed meanwhile.
    async fn expire(&self, user: UserId, row: OwnRow) -> bool {
        let remove = OwnWrite::remove(user, OwnKey::new(row.kind, row.key));
        let written = self
            .write_own(None, vec![remove.if_still(row.version)])
            .await;
        written.is_ok()
    }
}

async fn keep(engine: Weak<Engine>, up: Up) {
    loop {
        let sleep = {
            let Some(engine) = engine.upgrade().filter(|engine| !engine.is_closing()) else {
                return;
            };
            let cleaned = AssertUnwindSafe(engine.clean()).catch_unwind().await;
            let pause = match cleaned {
                Ok(Ok(pause)) => pause,
                Ok(Err(error)) => {
                    // Logged by the conversion.
                    let _ = Rejection::from(error);
                    LOOK
                }
                Err(_) => {
                    tracing::error!("housekeeping panicked");
                    LOOK
                }
            };
            engine.ports.runtime.sleep(pause)
        };
        select(pin!(up.0.wake.notified()), sleep).await;
    }
}

fn until(now: Timestamp, at: Timestamp) -> Duration {
    let ms = u64::try_from(at.0.saturating_sub(now.0)).unwrap_or_default();
    Duration::from_millis(ms)
}
