//! What a lane takes in that was not decided here: what others appended, what other nodes tell, and what became of an append
//! with an unknown outcome.

use std::{sync::Arc, time::Duration};

use super::{
    Engine,
    lane::LOOK_AGAIN,
    slot::{Slot, Work},
};
use crate::{Entry, Rejection, Seq, port::Range};

/// Entries per read when catching up.
const CATCH_UP_PAGE: usize = 500;
/// Entries of one letter to other nodes.
const TOLD_AT_ONCE: usize = 64;
/// How long to wait before looking once more, each after the one before: together longer than any store is patient, so
/// that also what lands after it was given up is found.
const LOOK_ON: [Duration; 4] = [
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
];

/// Whether other nodes are told what is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Told {
    /// Where an append of ours is in doubt here.
    AsNeeded,
    /// In any case.
    Always,
}

impl Engine {
    /// Where reading failed: sees to it that it is done later.
    pub(super) fn look_again_after(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        read: Result<(), Rejection>,
    ) {
        // A failure of the store is logged already.
        if read.is_err() {
            slot.lock().doubt = true;
            self.look_again(slot);
        }
    }

    /// When it is not known whether an append happened: sees to it that what it stored is delivered, also when nobody
    /// writes here any more, and when it happens only after it was looked for.
    pub(super) fn look_again(self: &Arc<Self>, slot: &Arc<Slot>) {
        let (doubts, is_beginning) = {
            let mut inner = slot.lock();
            if !inner.doubt || std::mem::replace(&mut inner.looking, true) {
                return;
            }
            inner.doubts += 1;
            (inner.doubts, inner.state.is_none())
        };
        let (engine, slot) = (self.clone(), slot.clone());
        let wait = self.ports.runtime.sleep(LOOK_AGAIN);
        self.ports.runtime.spawn(Box::pin(async move {
            wait.await;
            slot.lock().looking = false;
            engine.enqueue(&slot, Work::CatchUp).await;
            for pause in LOOK_ON {
                engine.ports.runtime.sleep(pause).await;
                {
                    let mut inner = slot.lock();
                    if inner.doubts != doubts {
                        // Somebody else looks, and for longer.
                        return;
                    }
                    // A beginning is looked for only as long as it is in doubt.
                    inner.doubt |= is_beginning && inner.state.is_none();
                }
                engine.enqueue(&slot, Work::CatchUp).await;
            }
            // The lane may have more to do before that, and the store may be slow.
            engine.ports.runtime.sleep(LOOK_ON[3]).await;
            let mut inner = slot.lock();
            inner.untold &= inner.doubts != doubts;
        }));
    }

    /// Reads, applies and delivers what is in the log beyond our head: what others appended, and what we did not know to
    /// be stored.
    pub(super) async fn catch_up(self: &Arc<Self>, slot: &Arc<Slot>) -> Result<(), Rejection> {
        self.catch_up_and(slot, Told::AsNeeded).await
    }

    /// As [`Engine::catch_up`]; what is read is told to the other nodes where whoever stored it may have told nobody.
    pub(super) async fn catch_up_and(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        told: Told,
    ) -> Result<(), Rejection> {
        loop {
            let (head, doubt, delivered) = {
                let mut inner = slot.lock();
                inner.may_be_ahead = false;
                let head = inner.state.as_ref().map(|state| state.head().seq);
                (head, inner.doubt, inner.delivered())
            };
            if head.is_none() && (!doubt || delivered.is_some()) {
                if delivered.is_none() || !self.load_for_listeners(slot).await? {
                    // Nothing was delivered from here yet: whoever needs the state loads it.
                    return Ok(());
                }
                continue;
            }
            // With neither it is the beginning that is in doubt: nobody listens because of it yet.
            let after = Range::After(delivered.or(head).unwrap_or_default());
            let missed = self.ports.log.read(slot.id, after, CATCH_UP_PAGE).await?;
            let comings = self.comings(slot.id, &missed).await?;
            let known = missed.partition_point(|entry| head.is_some_and(|head| entry.seq <= head));
            self.apply(slot, &missed[known..]);
            if told == Told::Always || slot.lock().untold {
                for told in missed.chunks(TOLD_AT_ONCE) {
                    self.tell_nodes(slot, told);
                }
            }
            self.attend_to(&missed);
            let last = missed.len() < CATCH_UP_PAGE || slot.lock().state.is_none();
            for entry in &missed {
                self.wrote(entry);
            }
            {
                let mut inner = slot.lock();
                let reached = missed.last().map(|entry| entry.seq);
                inner.heard = reached.filter(|_| !last && inner.heard.is_some());
            }
            if last {
                slot.lock().doubt = false;
                self.deliver(slot, missed, &comings).await;
                return Ok(());
            }
            self.skip(slot, &missed, &comings).await;
        }
    }

    /// Takes the state from the store for those who listen. `false` when nobody does, or there is no such conversation.
    async fn load_for_listeners(&self, slot: &Slot) -> Result<bool, Rejection> {
        {
            let mut inner = slot.lock();
            // They listen since it was there: what is in doubt is no beginning.
            inner.doubt = false;
            if inner.audience.is_empty() {
                return Ok(false);
            }
        }
        self.load(slot).await
    }

    /// Takes in what another node stored.
    pub(super) async fn take_in(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        mut entries: Vec<Entry>,
    ) -> Result<(), Rejection> {
        let (head, is_new, is_exact) = {
            let inner = slot.lock();
            let head = inner.state.as_ref().map(|state| state.head().seq);
            let is_new = head.is_none() && inner.audience.is_empty();
            let is_exact = !inner.doubt && !inner.is_behind() && !inner.may_be_ahead;
            let is_exact = is_exact && (is_new || head.is_some());
            (head.unwrap_or_default(), is_new, is_exact)
        };
        if !is_exact {
            return self.catch_up(slot).await;
        }
        if is_new && entries.first().is_some_and(|first| first.seq > Seq(1)) {
            // Somebody here was let in where nobody was.
            return self.load(slot).await.map(drop);
        }
        entries.retain(|entry| entry.seq > head);
        let Some(first) = entries.first() else {
            return Ok(());
        };
        if first.seq != head.next() {
            // Something between was not heard.
            return self.catch_up(slot).await;
        }
        let comings = self.comings(slot.id, &entries).await?;
        let is_as_before = {
            let inner = slot.lock();
            let head_now = inner.state.as_ref().map(|state| state.head().seq);
            head_now.unwrap_or_default() == head && !inner.may_be_ahead
        };
        if !is_as_before {
            // Somebody read it from the store meanwhile, or came.
            return self.catch_up(slot).await;
        }
        self.apply(slot, &entries);
        self.attend_to(&entries);
        for entry in entries
            .iter()
            .filter(|entry| self.registry.is_here(&entry.sender))
        {
            self.wrote(entry);
        }
        self.deliver(slot, entries, &comings).await;
        Ok(())
    }
}
