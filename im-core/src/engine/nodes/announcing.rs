//! Tells the directory what this node has of users, and is told where else they are.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::future::{Either, select};

use super::{
    super::{Engine, lock, registry::Announced},
    Letter, To,
};
use crate::{Here, NodeId, Rejection, UserId, Whereabouts};

/// Users that are announced at once.
const BATCH: usize = 256;
/// When to try again, after the directory did not answer.
const AGAIN: Duration = Duration::from_millis(500);
/// How long a session that is being opened waits to be announced. Beyond that it opens, and is announced later.
const PATIENCE: Duration = Duration::from_secs(2);

impl Engine {
    /// Announces a user, and says where else it is; `None` when that cannot be found out now.
    pub(in crate::engine) async fn announced(&self, user: &UserId) -> Option<Whereabouts> {
        if !self.nodes.are_several() {
            return Some(Whereabouts::default());
        }
        if !self.nodes.is_reached() {
            self.nodes.be_late();
            return None;
        }
        let answer = self.registry.changed.ask(user);
        let late = self.ports.runtime.sleep(PATIENCE);
        match select(answer, late).await {
            Either::Left((Ok(whereabouts), _)) => Some(whereabouts),
            Either::Left((Err(_), _)) | Either::Right(_) => {
                self.nodes.be_late();
                None
            }
        }
    }

    /// Begins to announce what changes.
    pub(super) fn keep_announcing(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        let changed = self.registry.changed.clone();
        self.ports.runtime.spawn(Box::pin(async move {
            loop {
                changed.wait().await;
                let Some(engine) = weak.upgrade() else { return };
                let failed = !engine.announce_changed().await;
                if failed {
                    let pause = engine.ports.runtime.sleep(AGAIN);
                    drop(engine);
                    pause.await;
                }
            }
        }));
    }

    /// Announces what changed. `false` when the directory does not answer; then it is to be announced still.
    pub(super) async fn announce_changed(self: &Arc<Self>) -> bool {
        loop {
            let some = self.registry.changed.take(BATCH);
            if some.is_empty() {
                if self.nodes.is_late.swap(false, Ordering::AcqRel) {
                    self.repair_soon();
                }
                return true;
            }
            let here = some
                .iter()
                .map(|one| (one.user.clone(), self.registry.here(&one.user)));
            let here: Vec<(UserId, Here)> = here.collect();
            let nodes = &self.nodes;
            let announcing = nodes.directory.announce(nodes.id, here.clone());
            match nodes.counts.answered(announcing.await) {
                Ok(mut whereabouts) => {
                    self.only_there(&mut whereabouts).await;
                    for ((one, (_, here)), whereabouts) in
                        some.into_iter().zip(here).zip(whereabouts)
                    {
                        self.tell_whereabouts(one, &here, whereabouts);
                    }
                }
                Err(error) => {
                    // Logged by the conversion. Who waits goes on without.
                    let _ = Rejection::from(error);
                    let users = some.into_iter().map(|one| one.user);
                    self.registry.changed.note_all(users);
                    self.nodes.be_late();
                    return false;
                }
            }
        }
    }

    fn tell_whereabouts(self: &Arc<Self>, one: Announced, here: &Here, whereabouts: Whereabouts) {
        self.registry
            .announced(&one.user, here, whereabouts.version);
        let letter = Letter::Whereabouts(one.user.clone(), whereabouts.clone());
        let mut elsewhere = whereabouts;
        elsewhere.nodes.retain(|(node, _)| *node != self.nodes.id);
        for (node, _) in &elsewhere.nodes {
            self.write_to(To::Node(*node), &letter);
        }
        if here.is_nothing() {
            self.registry.lose_sight(&one.user);
        } else {
            self.is_elsewhere(&one.user, elsewhere.clone());
        }
        for waiter in one.waiting {
            let _ = waiter.send(elsewhere.clone());
        }
    }

    /// A user is on these other nodes by now.
    pub(super) fn is_elsewhere(self: &Arc<Self>, user: &UserId, elsewhere: Whereabouts) {
        self.give_place(user, &elsewhere);
        let nodes = elsewhere.nodes.iter().map(|(node, _)| *node);
        lock(&self.nodes.mentioned).extend(nodes);
        let now = self.ports.runtime.now();
        self.registry.is_elsewhere(user, elsewhere, now);
    }

    /// On which other nodes users are, as far as the directory answers.
    pub(in crate::engine) async fn find(&self, users: &[UserId]) -> Vec<Whereabouts> {
        let unknown = || vec![Whereabouts::default(); users.len()];
        if !self.nodes.are_several() || !self.nodes.is_reached() || users.is_empty() {
            return unknown();
        }
        let found = self.nodes.directory.find(users).await;
        let found = self.nodes.counts.answered(found);
        // Logged by the conversion.
        let Ok(mut found) = found.map_err(Rejection::from) else {
            return unknown();
        };
        self.only_there(&mut found).await;
        for whereabouts in &mut found {
            whereabouts.nodes.retain(|(node, _)| *node != self.nodes.id);
        }
        found
    }

    /// Leaves out nodes that are gone. They cannot take back what they announced.
    async fn only_there(&self, found: &mut [Whereabouts]) {
        let is_there = |node: &NodeId| lock(&self.nodes.there).contains(node);
        let nodes = found.iter().flat_map(|it| &it.nodes);
        let nodes = nodes.map(|(node, _)| *node);
        let missing: Vec<NodeId> = nodes.filter(|node| !is_there(node)).collect();
        if missing.is_empty() {
            return;
        }
        self.mention(&missing);
        // It has just come, or is gone. When that cannot be found out now, the next beat does.
        if self.beat().await.is_ok() {
            for whereabouts in found {
                whereabouts.nodes.retain(|(node, _)| is_there(node));
            }
        }
    }
}
