//! What is done when something that other nodes told was not heard: all that it may have been about is looked at.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::super::{Engine, slot::Work};
use crate::{
    Push, Rejection, SyncNeeded,
    port::{Broadcast, Urgency},
};

/// Conversations whose heads are read at once.
const PAGE: usize = 500;
/// How long not again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long not again, after the store did not answer.
const AGAIN: Duration = Duration::from_secs(1);

/// How long after a node ended something may be stored that it had begun: longer than any store is patient.
const LANDS: Duration = Duration::from_secs(30);

/// Sessions that are told to sync at once, and how long until more are: each of them reads the store.
const SYNC_AT_ONCE: usize = 100;
const SYNC_PAUSE: Duration = Duration::from_millis(200);

#[derive(Default)]
pub(super) struct Repair {
    of_all: Arc<Task>,
    syncs: Arc<Task>,
}

/// Something that one task does, once more when it was asked for meanwhile.
#[derive(Default)]
struct Task {
    is_needed: AtomicBool,
    runs: AtomicBool,
}

impl Task {
    fn ask(&self) {
        self.is_needed.store(true, Ordering::SeqCst);
    }

    fn is_asked_for(&self) -> bool {
        self.is_needed.load(Ordering::SeqCst)
    }

    /// Whether it is to be done, for the first time or once more.
    fn take(&self) -> bool {
        self.is_needed.swap(false, Ordering::SeqCst)
    }

    /// Asks for it. Whoever gets something has to do it; else somebody is at it.
    fn begin(self: &Arc<Self>) -> Option<Running> {
        self.ask();
        let runs = self.runs.swap(true, Ordering::SeqCst);
        (!runs).then(|| Running(self.clone()))
    }
}

/// That a task is at it. Whatever becomes of it, another can begin afterwards.
struct Running(Arc<Task>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.runs.store(false, Ordering::SeqCst);
    }
}

impl Engine {
    /// Something that was told was not heard.
    pub(super) fn repair_soon(self: &Arc<Self>) {
        let Some(running) = self.nodes.repair.of_all.begin() else {
            return;
        };
        let engine = self.clone();
        self.ports.runtime.spawn(Box::pin(async move {
            while running.0.take() {
                let repaired = engine.repair().await.map_err(Rejection::from);
                if repaired.is_err() {
                    running.0.ask();
                }
                let pause = if repaired.is_ok() { PAUSE } else { AGAIN };
                engine.ports.runtime.sleep(pause).await;
                if engine.is_closing() {
                    return;
                }
            }
            drop(running);
            if engine.nodes.repair.of_all.is_asked_for() {
                engine.repair_soon();
            }
        }));
    }

    /// Has all sessions ask for what is in no log that is followed here, such as that their user was let in somewhere: a few at
    /// a time. Asked for meanwhile, all of them are told once more.
    pub(super) fn have_all_sync(self: &Arc<Self>) {
        let Some(running) = self.nodes.repair.syncs.begin() else {
            return;
        };
        let engine = self.clone();
        let needed = Push::SyncNeeded(SyncNeeded {});
        let needed = Broadcast::new(Urgency::Control, vec![needed]);
        self.ports.runtime.spawn(Box::pin(async move {
            while running.0.take() {
                let mut sessions = engine.registry.all();
                sessions.sort_unstable_by_key(|session| session.id);
                let sessions: Vec<_> = sessions.iter().map(Arc::downgrade).collect();
                for some in sessions.chunks(SYNC_AT_ONCE) {
                    for session in some.iter().filter_map(Weak::upgrade) {
                        session.tell(&needed);
                    }
                    engine.ports.runtime.sleep(SYNC_PAUSE).await;
                    if engine.is_closing() {
                        return;
                    }
                }
            }
            drop(running);
            if engine.nodes.repair.syncs.is_asked_for() {
                engine.have_all_sync();
            }
        }));
    }

    /// Others are gone. Nobody knows whether they could tell what they stored last, also where they went in order, and some
    /// of it may be stored yet.
    pub(super) fn look_at_what_they_left(self: &Arc<Self>) {
        self.relations.forget();
        self.preferences.forget();
        let weak = Arc::downgrade(self);
        self.ports.runtime.spawn(Box::pin(async move {
            for wait in [Duration::ZERO, LANDS] {
                let Some(engine) = weak.upgrade().filter(|engine| !engine.is_closing()) else {
                    return;
                };
                let slept = engine.ports.runtime.sleep(wait);
                drop(engine);
                slept.await;
                let Some(engine) = weak.upgrade().filter(|engine| !engine.is_closing()) else {
                    return;
                };
                let compared = engine.compare_heads().await;
                // Logged by the conversion.
                if compared.map_err(Rejection::from).is_err() {
                    engine.repair_soon();
                }
            }
        }));
    }

    async fn repair(self: &Arc<Self>) -> Result<(), crate::StoreError> {
        self.nodes.counts.repaired();
        tracing::info!("something that other nodes told was lost; looking at everything");
        self.relations.forget();
        self.preferences.forget();
        self.look_at_settings().await?;
        // What can be said of a failure is said there.
        let _ = self.look_at_standings_now().await;
        self.compare_heads().await?;
        self.have_all_sync();
        self.registry.changed.note_all(self.registry.known());
        Ok(())
    }

    /// Reads what is missing of all that is followed here.
    async fn compare_heads(self: &Arc<Self>) -> Result<(), crate::StoreError> {
        let followed = self.slots.followed();
        for ids in followed.chunks(PAGE) {
            for (id, head) in self.ports.heads.heads(ids).await? {
                let slot = self.slots.at(id);
                if slot
                    .lock()
                    .delivered()
                    .is_none_or(|delivered| delivered < head)
                {
                    self.enqueue_for_later(&slot, Work::CatchUp);
                }
            }
        }
        Ok(())
    }
}
