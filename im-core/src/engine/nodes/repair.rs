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

#[derive(Default)]
pub(super) struct Repair {
    is_needed: AtomicBool,
    runs: AtomicBool,
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
        repair.is_needed.store(true, Ordering::SeqCst);
        if repair.runs.swap(true, Ordering::SeqCst) {
            return;
        }
        let running = Running(self.clone());
        self.ports.runtime.spawn(Box::pin(async move {
            let engine = running.0.clone();
            while engine.nodes.repair.is_needed.swap(false, Ordering::SeqCst) {
                let repaired = engine.repair().await.map_err(Rejection::from);
                if repaired.is_err() {
                    engine.nodes.repair.is_needed.store(true, Ordering::SeqCst);
                }
                let pause = if repaired.is_ok() { PAUSE } else { AGAIN };
                engine.ports.runtime.sleep(pause).await;
                if engine.is_closing() {
                    return;
                }
            }
            drop(running);
            if engine.nodes.repair.is_needed.load(Ordering::SeqCst) {
                engine.repair_soon();
            }
        }));
    }

    /// Others are gone. Nobody knows whether they could tell what they stored last, also where they went in order, and some
    /// of it may be stored yet. What is in no log devices ask for with their next sync.
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
        // What is in no log, the devices ask for themselves.
        let needed = Push::SyncNeeded(SyncNeeded {});
        let broadcast = Broadcast::new(Urgency::Control, vec![needed]);
        self.tell_all(&broadcast).await;
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
