//! Delivery: stored entries to those who listen, in order, once each.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use super::{
    Engine,
    registry::SessionEntry,
    slot::{Audience, Slot, Work},
};
use crate::{
    CloseReason, ConversationId, Entry, HeadMoved, Push, Seq,
    port::{Broadcast, Offer, Urgency},
    state::{RosterChange, roster_changes},
};

/// Deliveries after which others get a turn: about a millisecond of socket writes.
const CHUNK: usize = 128;

impl Engine {
    /// Delivers stored entries, in order. Called by the leader of the lane alone.
    pub(super) async fn deliver(self: &Arc<Self>, slot: &Arc<Slot>, entries: Vec<Entry>) {
        let mut plain = Vec::with_capacity(entries.len());
        for entry in entries {
            let changes = roster_changes(&entry);
            if changes.is_empty() {
                plain.push(Push::Entry(entry));
                continue;
            }
            // Who listens differs before and after this entry.
            self.flush(slot).await;
            self.offer(slot, std::mem::take(&mut plain)).await;
            self.change_audience(slot, entry, &changes).await;
        }
        if plain.is_empty() {
            return;
        }
        if self.limits.coalesce_ms == 0 {
            self.offer(slot, plain).await;
        } else {
            self.gather(slot, plain);
        }
    }

    /// Newcomers get the entry that brought them in; those who go get the entry that ends it, and nothing after.
    async fn change_audience(&self, slot: &Slot, entry: Entry, changes: &[RosterChange]) {
        let sessions = |wanted: fn(&RosterChange) -> Option<&crate::UserId>| -> Vec<_> {
            changes
                .iter()
                .filter_map(wanted)
                .flat_map(|user| self.registry.sessions_of(user))
                .collect()
        };
        let come = sessions(|change| match change {
            RosterChange::Enter(member) => Some(&member.user),
            RosterChange::Begin(_)
            | RosterChange::Exit(_)
            | RosterChange::Owner(_)
            | RosterChange::Patch(_)
            | RosterChange::SetRole(..) => None,
        });
        for session in come {
            slot.lock().listen(&session);
            super::lock(&session.listens).push(slot.id);
        }
        self.offer(slot, vec![Push::Entry(entry)]).await;
        for change in changes {
            let RosterChange::Exit(user) = change else {
                continue;
            };
            // First the count, then the audience: a session that is being set up either sees the count or is seen here.
            self.registry.departed(user);
            for session in self.registry.sessions_of(user) {
                slot.lock().ignore(&session);
                super::lock(&session.listens).retain(|id| *id != slot.id);
            }
        }
    }

    fn gather(self: &Arc<Self>, slot: &Arc<Slot>, pushes: Vec<Push>) {
        let mut inner = slot.lock();
        let first = inner.gathered.is_empty();
        inner.gathered.extend(pushes);
        drop(inner);
        if first {
            let (engine, slot) = (self.clone(), slot.clone());
            let wait = self
                .ports
                .runtime
                .sleep(Duration::from_millis(self.limits.coalesce_ms));
            self.ports.runtime.spawn(Box::pin(async move {
                wait.await;
                engine.enqueue(&slot, Work::Flush).await;
            }));
        }
    }

    /// Delivers what was gathered.
    pub(super) async fn flush(&self, slot: &Slot) {
        let gathered = std::mem::take(&mut slot.lock().gathered);
        self.offer(slot, gathered).await;
    }

    async fn offer(&self, slot: &Slot, pushes: Vec<Push>) {
        let Some(Push::Entry(Entry { seq: head, .. })) = pushes.last() else {
            return;
        };
        let head = *head;
        let audience: Audience = slot.lock().audience.clone();
        if audience.is_empty() {
            return;
        }
        let broadcast = Broadcast::new(Urgency::Live, pushes);
        if audience.len() > CHUNK {
            // The acks go out first.
            give_way().await;
        }
        for chunk in audience.chunks(CHUNK) {
            for session in chunk {
                push(session, slot.id, head, &broadcast);
            }
            if chunk.len() == CHUNK {
                give_way().await;
            }
        }
    }

    /// Tells something that is not in the log to everybody who listens, but not to `except`.
    pub(super) fn tell_audience(
        &self,
        id: ConversationId,
        except: Option<&crate::UserId>,
        broadcast: &Broadcast,
    ) {
        let audience = self.slots.at(id).lock().audience.clone();
        for session in audience
            .iter()
            .filter(|session| Some(&session.actor.user) != except)
        {
            session.tell(broadcast);
        }
    }

    /// Tells something to all sessions of a user, but not to `except`.
    pub(super) fn tell_user(
        &self,
        user: &crate::UserId,
        except: Option<&Arc<SessionEntry>>,
        push: Push,
    ) {
        let sessions = self.registry.sessions_of(user);
        let broadcast = Broadcast::new(Urgency::Live, vec![push]);
        for session in sessions
            .iter()
            .filter(|session| except.is_none_or(|other| other.id != session.id))
        {
            session.tell(&broadcast);
        }
    }
}

/// Pushes entries to one session, or tells it once that there is something to fetch.
fn push(session: &SessionEntry, conversation: ConversationId, head: Seq, broadcast: &Broadcast) {
    let mut delivery = super::lock(&session.delivery);
    if !delivery.is_live(conversation) {
        return;
    }
    if session.outlet.offer(broadcast) == Offer::Full && delivery.fell_behind(conversation) {
        hint(session, conversation, head);
    }
}

/// Tells a session to come and get what was not pushed.
pub(super) fn hint(session: &SessionEntry, conversation: ConversationId, head: Seq) {
    let hint = Broadcast::new(
        Urgency::Control,
        vec![Push::HeadMoved(HeadMoved { conversation, head })],
    );
    if session.outlet.offer(&hint) == Offer::Full {
        session.outlet.close(CloseReason::TooSlow);
    }
}

/// Lets other tasks run.
async fn give_way() {
    let mut gave = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut gave, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
