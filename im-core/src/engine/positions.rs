//! How far members have come: stored at once when they say so, behind when it follows from what they wrote.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use super::{Engine, lock};
use crate::{
    Actor, ChangeSettings, ConversationId, Membership, Position, Receipt, Rejection, Seq,
    SettingsPatch, StoreError, UserId,
    port::{Advance, Range, Seen},
};

/// How long a position that follows from the log itself is kept back, so that a writer costs one row per pause rather
/// than one per message.
const DELAY: Duration = Duration::from_secs(5);
/// At how many rows they are stored without waiting.
const ROWS: usize = 5_000;

/// Marks of the same user in the same conversation go one after the other. As many locks as let different ones go
/// side by side.
const MARKS: usize = 256;

/// One user's positions that are not stored yet.
pub(super) type KeptOf = HashMap<ConversationId, Position>;

#[derive(Default)]
struct Kept {
    positions: HashMap<UserId, KeptOf>,
    rows: usize,
    seen: Vec<Seen>,
    scheduled: bool,
}

/// What is stored in batches, a moment later.
pub(super) struct WriteBehind {
    kept: Mutex<Kept>,
    marks: Vec<tokio::sync::Mutex<()>>,
}

impl Default for WriteBehind {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            marks: (0..MARKS).map(|_| tokio::sync::Mutex::default()).collect(),
        }
    }
}

/// A storing that is to come. When its task is dropped unrun, the next write schedules another.
struct Scheduled(Arc<Engine>);

impl Drop for Scheduled {
    fn drop(&mut self) {
        lock(&self.0.positions.kept).scheduled = false;
    }
}

impl WriteBehind {
    /// A device's last session ended.
    pub(super) fn seen(&self, engine: &Arc<Engine>, seen: Seen) {
        let mut kept = lock(&self.kept);
        kept.seen.push(seen);
        Self::schedule(engine, kept);
    }

    fn advance(
        &self,
        engine: &Arc<Engine>,
        conversation: ConversationId,
        user: &UserId,
        position: Position,
    ) {
        let mut kept = lock(&self.kept);
        if !kept.positions.contains_key(user) {
            kept.positions.insert(user.clone(), KeptOf::new());
        }
        let row = kept
            .positions
            .get_mut(user)
            .map(|of| of.entry(conversation))
            .expect("was just put there");
        let new = matches!(row, Entry::Vacant(_));
        let row = row.or_default();
        *row = row.merge(position);
        kept.rows += usize::from(new);
        Self::schedule(engine, kept);
    }

    fn schedule(engine: &Arc<Engine>, mut kept: MutexGuard<'_, Kept>) {
        let full = kept.rows + kept.seen.len() == ROWS;
        if std::mem::replace(&mut kept.scheduled, true) && !full {
            return;
        }
        // The task may be dropped right here, which takes the lock.
        drop(kept);
        let runtime = &engine.ports.runtime;
        let wait = runtime.sleep(if full { Duration::ZERO } else { DELAY });
        let scheduled = Scheduled(engine.clone());
        runtime.spawn(Box::pin(async move {
            wait.await;
            let engine = scheduled.0.clone();
            drop(scheduled);
            engine.positions.store(&engine).await;
        }));
    }

    /// Stores what was kept back. What cannot be stored is tried again with what comes next.
    pub(super) async fn store(&self, engine: &Engine) {
        let (positions, seen) = {
            let mut kept = lock(&self.kept);
            (kept.positions.clone(), std::mem::take(&mut kept.seen))
        };
        if !seen.is_empty()
            && let Err(error) = engine.ports.devices.seen(seen).await
        {
            // "Last seen" is late by one session then. Logged by the conversion.
            let _ = Rejection::from(error);
        }
        if positions.is_empty() {
            return;
        }
        if let Err(error) = self.light(engine, &positions).await {
            // Tried again with what comes next, as the positions are.
            let _ = Rejection::from(error);
            return;
        }
        let advances = positions
            .iter()
            .flat_map(|(user, of)| of.iter().map(move |row| (user, row)))
            .map(|(user, (conversation, position))| Advance {
                conversation: *conversation,
                user: user.clone(),
                position: *position,
            })
            .collect();
        match engine.ports.positions.advance(advances).await {
            Ok(()) => self.stored(&positions),
            Err(error) => {
                let _ = Rejection::from(error);
            }
        }
    }

    /// Whoever wrote has read what stands before: what burns once it is read begins to. What burns already goes on as it
    /// does, so that it does not matter from where on it is looked: what a process that broke off had kept back is made good
    /// by the next position. Of a conversation that left memory meanwhile only the store knows whether anything burns there.
    async fn light(
        &self,
        engine: &Engine,
        positions: &HashMap<UserId, KeptOf>,
    ) -> Result<(), StoreError> {
        for (user, of) in positions {
            for (conversation, position) in of {
                let slot = engine.slots.find(*conversation);
                let may_burn = slot.is_none_or(|slot| {
                    let inner = slot.lock();
                    inner.state.as_ref().is_none_or(|state| state.info().burns)
                });
                if may_burn {
                    let from = Position::default();
                    engine.light(*conversation, user, from, *position).await?;
                }
            }
        }
        Ok(())
    }

    fn stored(&self, positions: &HashMap<UserId, KeptOf>) {
        let mut kept = lock(&self.kept);
        let kept = &mut *kept;
        for (user, stored) in positions {
            let Some(of) = kept.positions.get_mut(user) else {
                continue;
            };
            let before = of.len();
            // What came further meanwhile stays.
            of.retain(|conversation, position| stored.get(conversation) != Some(position));
            kept.rows -= before - of.len();
            if of.is_empty() {
                kept.positions.remove(user);
            }
        }
    }

    /// The positions that are kept back for somebody. To be asked before the store is: what is stored in between is then
    /// seen there.
    pub(super) fn kept(&self, user: &UserId) -> KeptOf {
        let kept = lock(&self.kept);
        kept.positions.get(user).cloned().unwrap_or_default()
    }

    /// The positions that are kept back in one conversation. To be asked before the store is, as [`Self::kept`].
    pub(super) fn kept_in(&self, id: ConversationId) -> HashMap<UserId, Position> {
        let kept = lock(&self.kept);
        let users = kept.positions.iter();
        let here = users.filter_map(|(user, of)| Some((user.clone(), *of.get(&id)?)));
        here.collect()
    }

    /// Waits until no other mark or entry by a link of the same user in the same conversation is under way.
    pub(super) async fn turn(
        &self,
        id: ConversationId,
        user: &UserId,
    ) -> tokio::sync::MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        (id, user).hash(&mut hasher);
        let place = hasher.finish() % MARKS as u64;
        self.marks[place as usize].lock().await
    }
}

/// A membership with the position that is true now. `kept` was asked for before the row.
pub(super) fn with_position(mut membership: Membership, kept: &KeptOf) -> Membership {
    let kept = kept.get(&membership.conversation).copied();
    membership.position = membership.position.merge(kept.unwrap_or_default());
    membership
}

impl Engine {
    /// Whoever writes has read what stands before.
    pub(super) fn wrote(self: &Arc<Self>, entry: &crate::Entry) {
        self.wind(entry);
        if entry.body.is_countable() {
            let position = Position {
                delivered: entry.seq,
                read: entry.seq,
                read_ordinal: entry.ordinal,
            };
            self.positions
                .advance(self, entry.conversation, &entry.sender, position);
        }
    }

    pub(super) async fn mark(
        &self,
        actor: &Actor,
        id: ConversationId,
        mark: Mark,
    ) -> Result<Receipt, Rejection> {
        let user = &actor.user;
        // Nobody is told of a position after a later one.
        let _turn = self.positions.turn(id, user).await;
        let (member, state) = self.member(id, user).await?;
        let (Mark::Delivered(asked) | Mark::Read(asked)) = mark;
        let mut head = state.head.seq;
        if asked > head {
            // The log may hold more than we have heard of, and the user may have seen it.
            let stored = self.ports.log.load(id).await?;
            head = head.max(stored.map_or(head, |stored| stored.head.seq));
        }
        let kept = self.positions.kept(user).get(&id).copied();
        // A read says also whether something is marked as unread: both stand in one row.
        let (stored, is_marked) = if let Mark::Read(_) = mark {
            let row = self.ports.members.membership(user, id).await?;
            row.map(|row| (row.position, row.settings.marked_unread))
                .unwrap_or_default()
        } else {
            let stored = self.ports.positions.position(id, user).await?;
            (stored.unwrap_or_default(), false)
        };
        let before = stored.merge(kept.unwrap_or_default());
        let after = match mark {
            Mark::Delivered(seq) => before.merge(Position {
                delivered: seq.min(head),
                ..Position::default()
            }),
            Mark::Read(seq) => {
                let seq = seq.min(head).max(member.since.previous());
                if seq <= before.read {
                    before
                } else {
                    before.merge(Position {
                        delivered: seq,
                        read: seq,
                        read_ordinal: self.ordinal_at(id, seq).await?,
                    })
                }
            }
        };
        let receipt = Receipt {
            conversation: id,
            user: user.clone(),
            position: after,
        };
        if is_marked {
            self.unmark_unread(user, id).await?;
        }
        // Compared with what is stored: what is kept back may be lost, and this is an answer.
        if after == stored {
            return Ok(receipt);
        }
        let advance = Advance {
            conversation: id,
            user: user.clone(),
            position: after,
        };
        // First: when it fails, the position is as it was, and whoever asks again has it done.
        if state.info.burns && after.read > stored.read {
            self.light(id, user, stored, after).await?;
        }
        self.ports.positions.advance(vec![advance]).await?;
        self.unread_changes(user);
        if after == before {
            return Ok(receipt);
        }
        self.tell_receipt(&receipt, state.info.member_count).await?;
        Ok(receipt)
    }

    /// Whoever reads has nothing marked as unread any more.
    async fn unmark_unread(&self, user: &UserId, id: ConversationId) -> Result<(), Rejection> {
        let changes = SettingsPatch {
            marked_unread: Some(false),
            ..SettingsPatch::default()
        };
        let ask = ChangeSettings {
            conversation: id,
            changes,
        };
        // All devices of the user are told.
        let actor = Actor::user(user.clone());
        Box::pin(self.settings(&actor, None, ask)).await.map(drop)
    }

    /// Countable messages up to and including `seq`, which is at most the head.
    pub(super) async fn ordinal_at(&self, id: ConversationId, seq: Seq) -> Result<u64, Rejection> {
        if let Some(state) = &self.slots.at(id).lock().state
            && state.head().seq == seq
        {
            return Ok(state.head().ordinal);
        }
        if seq == Seq::ZERO {
            return Ok(0);
        }
        let entries = self
            .ports
            .log
            .read(id, Range::After(seq.previous()), 1)
            .await?;
        Ok(entries.first().map_or(0, |entry| entry.ordinal))
    }
}

/// What a member says of how far it has come.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    Delivered(Seq),
    Read(Seq),
}
