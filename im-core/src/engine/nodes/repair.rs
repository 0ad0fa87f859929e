//! What is done when something that other nodes told was not heard: all that it may have been about is looked at.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::super::{Engine, slot::Work};
use crate::{
    Push, Rejection, StoreError, SyncNeeded,
    port::{Broadcast, Urgency},
};

/// Conversations whose heads are read at once.
const PAGE: usize = 500;
/// How long not again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long not again, after the store did not answer.
const AGAIN: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Repair {
    /// Whether logs are to be looked at.
    of_logs: AtomicBool,
    /// Whether all the rest is, too.
    of_all: AtomicBool,
    runs: AtomicBool,
}

impl Repair {
    /// A node is gone, and nobody knows whether it could say what it stored last: logs are to be looked at. Of the rest no
    /// more is lost than a hint, and most nodes that go do so in order, having told everything.
    pub(super) fn note_gone(&self) {
        self.of_logs.store(true, Ordering::SeqCst);
    }
}

/// That a task is at it. Whatever becomes of it, another can begin afterwards.
struct Running(Arc<Engine>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.nodes.repair.runs.store(false, Ordering::SeqCst);
    }
}

impl Engine {
    /// Something that was told was not heard.
    pub(super) fn repair_soon(self: &Arc<Self>) {
        let repair = &self.nodes.repair;
        repair.of_all.store(true, Ordering::SeqCst);
        repair.of_logs.store(true, Ordering::SeqCst);
        self.repair_noted();
    }

    /// Looks at what was noted, if anything was.
    pub(super) fn repair_noted(self: &Arc<Self>) {
        let repair = &self.nodes.repair;
        if !repair.of_logs.load(Ordering::SeqCst) || repair.runs.swap(true, Ordering::SeqCst) {
            return;
        }
        let running = Running(self.clone());
        self.ports.runtime.spawn(Box::pin(async move {
            let engine = running.0.clone();
            let repair = &engine.nodes.repair;
            while repair.of_logs.swap(false, Ordering::SeqCst) {
                let all = repair.of_all.swap(false, Ordering::SeqCst);
                let repaired = engine.repair(all).await.map_err(Rejection::from);
                if repaired.is_err() {
                    repair.of_all.fetch_or(all, Ordering::SeqCst);
                    repair.of_logs.store(true, Ordering::SeqCst);
                }
                let pause = if repaired.is_ok() { PAUSE } else { AGAIN };
                engine.ports.runtime.sleep(pause).await;
                if engine.is_closing() {
                    return;
                }
            }
            drop(running);
            engine.repair_noted();
        }));
    }

    /// Looks at logs, and at all the rest where that is wanted.
    async fn repair(self: &Arc<Self>, all: bool) -> Result<(), StoreError> {
        self.nodes.counts.repaired();
        if all {
            tracing::info!("something that other nodes told was lost; looking at everything");
            self.relations.forget();
            self.preferences.forget();
            self.look_at_settings().await?;
            // What can be said of a failure is said there.
            let _ = self.look_at_standings_now().await;
        }
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
        if !all {
            return Ok(());
        }
        // What is in no log, the devices ask for themselves.
        let needed = Push::SyncNeeded(SyncNeeded {});
        let broadcast = Broadcast::new(Urgency::Control, vec![needed]);
        self.tell_all(&broadcast).await;
        self.registry.changed.note_all(self.registry.known());
        Ok(())
    }
}
