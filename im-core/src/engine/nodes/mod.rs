//! Several nodes on one store: what they tell each other, and how what was not heard is made good.
//!
//! The store is the truth, and every letter a hint. What a node stores it tells those on which the readers have sessions; the
//! directory says which. Letters are numbered: who misses one looks for what it may have been about.

mod announcing;
mod beating;
mod counts;
mod hearing;
mod letter;
mod posting;
mod repair;
mod turns;

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use uuid::Uuid;

pub(super) use letter::{Changed, Letter, Own, To};
pub(super) use posting::{moved, to_readers, to_readers_of};

use super::Engine;
use crate::{
    NodeId, StoreError,
    port::{Bus, Directory, NoBus, NoDirectory},
    state::Numbering,
};

/// This node among others.
pub(super) struct Nodes {
    id: NodeId,
    bus: Arc<dyn Bus>,
    directory: Arc<dyn Directory>,
    /// Whether a bus and a directory were given.
    has_others: bool,
    counts: counts::Counts,
    /// Whether there may be others.
    are_several: AtomicBool,
    /// Whether the directory answered the last beat.
    is_reached: AtomicBool,
    /// Whether users were here for a time without others being able to know: what they stored then was not told here.
    is_late: AtomicBool,
    post: posting::Post,
    inbox: hearing::Inbox,
    numbering: Mutex<Numbering>,
    /// Who was there at the last beat.
    there: Mutex<HashSet<NodeId>>,
    /// Where users were said to be since.
    mentioned: Mutex<HashSet<NodeId>>,
    /// Some of those that are gone, and after whom was looked: the directory mentions them for a while.
    passed: Mutex<HashSet<NodeId>>,
    /// Held from a beat to what its answer means: an older answer must not undo a newer one.
    beats: tokio::sync::Mutex<()>,
    repair: repair::Repair,
    turns: turns::Turns,
}

impl Nodes {
    /// A node without others.
    pub(super) fn alone() -> Self {
        Self {
            has_others: false,
            ..Self::new(Arc::new(NoBus), Arc::new(NoDirectory))
        }
    }

    pub(super) fn new(bus: Arc<dyn Bus>, directory: Arc<dyn Directory>) -> Self {
        Self {
            id: NodeId::from_uuid(Uuid::new_v4()),
            bus,
            directory,
            has_others: true,
            counts: counts::Counts::default(),
            are_several: AtomicBool::new(false),
            is_reached: AtomicBool::new(false),
            is_late: AtomicBool::new(false),
            post: posting::Post::default(),
            inbox: hearing::Inbox::default(),
            numbering: Mutex::default(),
            there: Mutex::default(),
            mentioned: Mutex::default(),
            passed: Mutex::default(),
            beats: tokio::sync::Mutex::default(),
            repair: repair::Repair::default(),
            turns: turns::Turns::default(),
        }
    }

    /// Whether the directory answers. Where it did not a moment ago, nobody waits for it.
    fn is_reached(&self) -> bool {
        self.is_reached.load(Ordering::Acquire)
    }

    /// Something was announced too late, or could not be.
    fn be_late(&self) {
        self.is_late.store(true, Ordering::Release);
    }

    /// Once everything is announced, all is looked at.
    pub(super) fn look_when_announced(&self, changed: &super::registry::Changed) {
        self.be_late();
        changed.note_all([]);
    }

    /// Whether there may be other nodes to tell something.
    pub(super) fn are_several(&self) -> bool {
        self.are_several.load(Ordering::Acquire)
    }
}

impl Engine {
    /// Joins the other nodes.
    pub(crate) async fn join(self: &Arc<Self>) -> Result<(), StoreError> {
        let nodes = &self.nodes;
        if !nodes.has_others || nodes.are_several() {
            return Ok(());
        }
        let ear = Arc::new(hearing::Hearing(Arc::downgrade(self)));
        // Whoever is told of this node by the directory finds it listening.
        nodes.bus.join(nodes.id, ear).await?;
        self.beat().await?;
        // The first time nothing stands, and nobody was here to miss anything.
        let is_late = !self.registry.known().is_empty();
        nodes.is_late.store(is_late, Ordering::Release);
        self.registry.changed.follow();
        if !nodes.are_several.swap(true, Ordering::AcqRel) {
            self.keep_announcing();
            self.keep_beating();
        }
        // Whoever has a session here already.
        self.registry.changed.note_all(self.registry.known());
        // Of one that is gone something may be stored yet, and of those that are here none need have known it.
        self.look_at_what_they_left();
        Ok(())
    }

    /// Takes leave of the other nodes, when no session is left.
    pub(super) async fn leave(self: &Arc<Self>) {
        if !self.nodes.are_several.swap(false, Ordering::AcqRel) {
            return;
        }
        self.announce_changed().await;
        self.nodes.post.finish(self).await;
        let left = self.nodes.directory.leave(self.nodes.id).await;
        if let Err(error) = self.nodes.counts.answered(left) {
            // The others notice. Logged by the conversion.
            let _ = crate::Rejection::from(error);
        }
        self.nodes.bus.leave(self.nodes.id).await;
    }
}
