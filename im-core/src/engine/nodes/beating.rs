//! Which nodes are there.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;

use super::{
    super::{Engine, lock},
    Letter, To,
};
use crate::{NodeId, StoreError};

/// How often a node says that it is there, and how much it has written.
const BEAT: Duration = Duration::from_secs(1);
/// How long a node that does not say so counts as being there.
const TTL: Duration = Duration::from_secs(5);
/// Nodes that are gone and remembered. Of more than that some are looked after once more.
const PASSED: usize = 1_000;

impl Engine {
    /// Says that this node is there, and learns which others are.
    pub(super) async fn beat(&self) -> Result<(), StoreError> {
        let beaten = self.try_to_beat().await;
        let is_reached = beaten.is_ok();
        let was_reached = self.nodes.is_reached.swap(is_reached, Ordering::AcqRel);
        // Once, not with every beat that fails.
        if let Err(error) = &beaten
            && was_reached
        {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "the directory of nodes does not answer; this node goes on alone until it does"
            );
        }
        if is_reached && !was_reached {
            tracing::info!("the directory of nodes answers");
            // A beat whose answer was lost may have said that nothing stands, and the ones after it do not say so.
            self.announce_anew();
        }
        beaten
    }

    async fn try_to_beat(&self) -> Result<(), StoreError> {
        let _turn = self.nodes.beats.lock().await;
        // From before the question: who comes after it is not gone.
        let mentioned = lock(&self.nodes.mentioned).clone();
        let beat = self.nodes.directory.beat(self.nodes.id, TTL).await;
        let beat = self.nodes.counts.answered(beat)?;
        let now = self.ports.runtime.monotonic();
        let there: HashSet<NodeId> = beat.nodes.into_iter().collect();
        let before = std::mem::replace(&mut *lock(&self.nodes.there), there.clone());
        for node in there
            .difference(&before)
            .filter(|node| **node != self.nodes.id)
        {
            tracing::info!(%node, "a node is there");
            self.nodes.counts.came(*node, now);
        }
        let mut gone: HashSet<NodeId> = before.difference(&there).copied().collect();
        for node in gone.iter().filter(|node| **node != self.nodes.id) {
            tracing::info!(%node, "a node is gone");
            lock(&self.nodes.numbering).forget(*node);
            self.nodes.counts.is_gone(*node);
        }
        gone.extend(mentioned.difference(&there).copied());
        if !gone.is_empty() {
            if let Some(engine) = self.owned() {
                engine.look_at_what_they_left();
                engine.have_all_sync();
            }
            let now = self.ports.runtime.now();
            self.registry.are_gone(|node| gone.contains(&node), now);
            lock(&self.nodes.mentioned).retain(|node| !gone.contains(node));
        }
        self.pass(&gone, &there);
        if !beat.stands {
            self.announce_anew();
        } else if beat.gets_old {
            self.registry.changed.note_all(self.registry.known());
        }
        Ok(())
    }

    /// Nodes were said to be there that were not at the last beat. If they are not at the next one either, they are gone, also
    /// those that were not there as long as this node is: what they stored meanwhile they may have told nobody.
    pub(super) fn mention(&self, nodes: &[NodeId]) {
        let passed = lock(&self.nodes.passed);
        let news = nodes.iter().filter(|node| !passed.contains(node));
        lock(&self.nodes.mentioned).extend(news);
    }

    /// Remembers after whom was looked.
    fn pass(&self, gone: &HashSet<NodeId>, there: &HashSet<NodeId>) {
        let mut passed = lock(&self.nodes.passed);
        if passed.len() + gone.len() > PASSED {
            passed.clear();
        }
        passed.extend(gone);
        passed.retain(|node| !there.contains(node));
    }

    /// Nothing may stand of what was announced. Once it is, all that the others stored meanwhile is looked for.
    fn announce_anew(&self) {
        self.registry.changed.note_all(self.registry.known());
        // Afterwards: nobody looks before they are announced.
        self.nodes.look_when_announced(&self.registry.changed);
    }

    /// Tells the others who has asked much of this node: nobody has more of all together than of one.
    fn tell_spent(&self) {
        let nodes = lock(&self.nodes.there).len();
        // Also while nobody is there: what was asked then is nothing to whoever comes later.
        let spent = self.spent(nodes.max(1));
        if nodes > 1 && !spent.is_nothing() {
            self.write_to(To::All, &Letter::Spent(spent));
        }
    }

    /// Begins to say so again and again.
    pub(super) fn keep_beating(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        self.ports.runtime.spawn(Box::pin(async move {
            loop {
                let pause = {
                    let Some(engine) = weak.upgrade().filter(|it| it.nodes.are_several()) else {
                        return;
                    };
                    // It is told of a failure there.
                    let _ = engine.beat().await;
                    engine.tell_spent();
                    // Tells the others how much they should have heard.
                    engine.post(To::Count, Bytes::new());
                    engine.ports.runtime.sleep(BEAT)
                };
                pause.await;
            }
        }));
    }
}
