//! How far members have come: stored at once when they say so, behind when it follows from what they wrote.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{Engine, lock};
use crate::{
    Actor, Body, ConversationId, Entry, Membership, Position, Push, Receipt, Rejection, Seq,
    UserId,
    port::{Advance, Broadcast, Range, Seen, Urgency},
};

/// How long a position that follows from the log itself is kept back, so that a writer costs one row per pause rather
/// than one per message.
const DELAY: Duration = Duration::from_millis(500);
/// At how many rows they are stored without waiting.
const ROWS: usize = 5_000;

#[derive(Default)]
struct Kept {
    positions: HashMap<(ConversationId, UserId), Position>,
    seen: Vec<Seen>,
    scheduled: bool,
}

/// What is stored in batches, a moment later.
#[derive(Default)]
pub(super) struct WriteBehind {
    kept: Mutex<Kept>,
}

impl WriteBehind {
    /// A device's last session ended.
    pub(super) fn seen(&self, engine: &Arc<Engine>, seen: Seen) {
        let mut kept = lock(&self.kept);
        kept.seen.push(seen);
        Self::schedule(engine, &mut kept);
    }

    fn advance(
        &self,
        engine: &Arc<Engine>,
        conversation: ConversationId,
        user: UserId,
        position: Position,
    ) {
        let mut kept = lock(&self.kept);
        let row = kept.positions.entry((conversation, user)).or_default();
        *row = row.merge(position);
        Self::schedule(engine, &mut kept);
    }

    fn schedule(engine: &Arc<Engine>, kept: &mut Kept) {
        let full = kept.positions.len() + kept.seen.len() == ROWS;
        if std::mem::replace(&mut kept.scheduled, true) && !full {
            return;
        }
        let runtime = &engine.ports.runtime;
        let wait = runtime.sleep(if full { Duration::ZERO } else { DELAY });
        let engine = engine.clone();
        runtime.spawn(Box::pin(async move {
            wait.await;
            engine.positions.store(&engine).await;
        }));
    }

    /// Stores what was kept back. What cannot be stored is tried again with what comes next.
    pub(super) async fn store(&self, engine: &Engine) {
        let (positions, seen) = {
            let mut kept = lock(&self.kept);
            kept.scheduled = false;
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
        let advances = positions
            .iter()
            .map(|((conversation, user), position)| Advance {
                conversation: *conversation,
                user: user.clone(),
                position: *position,
            })
            .collect();
        match engine.ports.positions.advance(advances).await {
            Ok(()) => {
                let mut kept = lock(&self.kept);
                for (key, stored) in positions {
                    // What came further meanwhile stays.
                    if kept.positions.get(&key) == Some(&stored) {
                        kept.positions.remove(&key);
                    }
                }
            }
            Err(error) => {
                let _ = Rejection::from(error);
            }
        }
    }

    /// The position that is kept back for somebody.
    fn kept(&self, conversation: ConversationId, user: &UserId) -> Position {
        lock(&self.kept)
            .positions
            .get(&(conversation, user.clone()))
            .copied()
            .unwrap_or_default()
    }
}

impl Engine {
    /// Whoever writes has read what stands before.
    pub(super) fn wrote(self: &Arc<Self>, entry: &Entry) {
        if matches!(entry.body, Body::Message { .. }) {
            let position = Position {
                delivered: entry.seq,
                read: entry.seq,
                read_ordinal: entry.ordinal,
            };
            self.positions
                .advance(self, entry.conversation, entry.sender.clone(), position);
        }
    }

    /// A membership with the position that is true now.
    pub(super) fn with_position(&self, mut membership: Membership) -> Membership {
        let kept = self
            .positions
            .kept(membership.conversation, &membership.member.user);
        membership.position = membership.position.merge(kept);
        membership
    }

    pub(super) async fn mark(
        &self,
        actor: &Actor,
        id: ConversationId,
        mark: Mark,
    ) -> Result<Receipt, Rejection> {
        let user = &actor.user;
        let (member, state) = self.member(id, user).await?;
        let stored = self
            .ports
            .positions
            .position(id, user)
            .await?
            .unwrap_or_default();
        let before = stored.merge(self.positions.kept(id, user));
        let after = match mark {
            Mark::Delivered(seq) => before.merge(Position {
                delivered: seq.min(state.head.seq),
                ..Position::default()
            }),
            Mark::Read(seq) => {
                let seq = seq.min(state.head.seq).max(member.since.previous());
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
        if after == before {
            return Ok(receipt);
        }
        let advance = Advance {
            conversation: id,
            user: user.clone(),
            position: after,
        };
        self.ports.positions.advance(vec![advance]).await?;
        if state.info.member_count <= self.limits.receipt_push_members {
            let broadcast = Broadcast::new(Urgency::Live, vec![Push::Receipt(receipt.clone())]);
            self.tell_audience(id, None, &broadcast);
        } else {
            self.tell_user(user, None, Push::Receipt(receipt.clone()));
        }
        Ok(receipt)
    }

    /// Countable messages up to and including `seq`, which is at most the head.
    async fn ordinal_at(&self, id: ConversationId, seq: Seq) -> Result<u64, Rejection> {
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
