//! Delivery: stored entries to those who listen, in order, once each.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use super::{
    Engine,
    comings::Comings,
    lock,
    nodes::{Letter, Own, To},
    registry::SessionEntry,
    slot::{Audience, Slot, Work},
};
use crate::{
    CloseReason, ConversationId, Entry, HeadMoved, Push, Revision, Seq, UserId,
    port::{Broadcast, Offer, Urgency},
    state::{RosterChange, roster_changes},
};

/// Deliveries after which others get a turn: about a millisecond of socket writes.
const CHUNK: usize = 128;

impl Engine {
    /// Delivers stored entries, in order. Called by the leader of the lane alone.
    pub(super) async fn deliver(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        entries: Vec<Entry>,
        comings: &Comings,
    ) {
        let changes: Vec<_> = entries.iter().map(roster_changes).collect();
        // A session that was opened after the entry which brings its user in is in the audience already, and must not get
        // what comes before that entry.
        let mut coming: Vec<_> = changes.iter().flatten().filter_map(entering).collect();
        let mut plain = Vec::with_capacity(entries.len());
        for (entry, changes) in entries.into_iter().zip(&changes) {
            if !changes.iter().any(moves) {
                plain.push(Push::Entry(entry));
                continue;
            }
            // Who listens differs before and after this entry.
            self.flush(slot, &coming).await;
            self.offer(slot, std::mem::take(&mut plain), &coming).await;
            for user in changes.iter().filter_map(entering) {
                if let Some(place) = coming.iter().position(|other| *other == user) {
                    coming.swap_remove(place);
                }
            }
            self.let_in(slot, entry.seq, changes, comings);
            self.offer(slot, vec![Push::Entry(entry)], &coming).await;
            self.let_out(slot, changes);
        }
        if plain.is_empty() {
            return;
        }
        if self.limits().coalesce_ms == 0 {
            self.offer(slot, plain, &[]).await;
        } else {
            self.gather(slot, plain);
        }
    }

    /// As [`Engine::deliver`], for so much that nobody wants it pushed: whoever listens is told to come and get it.
    pub(super) async fn skip(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        entries: &[Entry],
        comings: &Comings,
    ) {
        self.flush(slot, &[]).await;
        for entry in entries {
            let changes = roster_changes(entry);
            self.let_in(slot, entry.seq, &changes, comings);
            for user in changes.iter().filter_map(exiting) {
                // Who does not listen knows already that it is out.
                let sessions = self.registry.sessions_of(user).into_iter();
                for session in sessions.filter(|session| slot.lock().is_heard_by(session)) {
                    fall_behind(&session, slot.id, entry.seq);
                    self.unread_may_change(&session);
                }
            }
            self.let_out(slot, &changes);
        }
        let Some(last) = entries.last() else { return };
        let audience: Audience = slot.lock().audience.clone();
        for session in audience.iter() {
            fall_behind(session, slot.id, last.seq);
            self.unread_may_change(session);
        }
    }

    /// Newcomers get the entry that brought them in; those who go get the entry that ends it, and nothing after.
    fn let_in(&self, slot: &Slot, seq: Seq, changes: &[RosterChange], comings: &Comings) {
        for user in changes.iter().filter_map(entering) {
            let sessions = self.registry.sessions_of(user).into_iter();
            for session in sessions.filter(|session| comings.let_in(seq, session)) {
                // What it missed when it was in before is not for it any more: it begins anew.
                lock(&session.delivery).caught_up(slot.id);
                listen(slot, &session);
            }
        }
    }

    fn let_out(self: &Arc<Self>, slot: &Slot, changes: &[RosterChange]) {
        let gone: Vec<_> = changes.iter().filter_map(exiting).cloned().collect();
        for user in &gone {
            // First the count, then the audience: a session that is being set up either sees the count or is seen here.
            self.registry.departed(user);
            for session in self.registry.sessions_of(user) {
                slot.lock().ignore(&session);
                if let Some(ids) = &mut *lock(&session.listens) {
                    ids.retain(|id| *id != slot.id);
                }
            }
        }
        if gone.is_empty() {
            return;
        }
        // That asks the store, and whoever waits in the lane need not wait for it.
        let engine = self.clone();
        self.ports.runtime.spawn(Box::pin(async move {
            for user in gone {
                engine.stop_watching(&user).await;
            }
        }));
    }

    fn gather(self: &Arc<Self>, slot: &Arc<Slot>, pushes: Vec<Push>) {
        let mut inner = slot.lock();
        let first = inner.gathered.is_empty();
        for push in pushes {
            if let Push::Entry(entry) = &push {
                let is_wipe = |revision: &Revision| matches!(revision, Revision::Wipe { .. });
                for wipe in entry.revisions().into_iter().filter(is_wipe) {
                    // What was taken back while it waited is not said any more.
                    for waiting in &mut inner.gathered {
                        if let Push::Entry(earlier) = waiting {
                            earlier.revise(&wipe);
                        }
                    }
                }
            }
            inner.gathered.push(push);
        }
        drop(inner);
        if first {
            let (engine, slot) = (self.clone(), slot.clone());
            let wait = self
                .ports
                .runtime
                .sleep(Duration::from_millis(self.limits().coalesce_ms));
            self.ports.runtime.spawn(Box::pin(async move {
                wait.await;
                engine.enqueue(&slot, Work::Flush).await;
            }));
        }
    }

    /// Delivers what was gathered, but not to `except`.
    pub(super) async fn flush(&self, slot: &Slot, except: &[&UserId]) {
        let gathered = std::mem::take(&mut slot.lock().gathered);
        self.offer(slot, gathered, except).await;
    }

    async fn offer(&self, slot: &Slot, pushes: Vec<Push>, except: &[&UserId]) {
        let Some(Push::Entry(Entry { seq: head, .. })) = pushes.last() else {
            return;
        };
        let head = *head;
        let audience: Audience = slot.lock().audience.clone();
        if audience.is_empty() {
            return;
        }
        let each = pushes.len() as u64;
        let (mut taken, mut behind) = (0, 0);
        let broadcast = Broadcast::new(Urgency::Live, pushes);
        if audience.len() > CHUNK {
            // The acks go out first.
            give_way().await;
        }
        for chunk in audience.chunks(CHUNK) {
            for session in chunk {
                if !except.is_empty() && except.contains(&&session.actor.user) {
                    continue;
                }
                match push(session, slot.id, head, &broadcast) {
                    Offer::Taken => taken += 1,
                    Offer::Full => behind += 1,
                    Offer::Closed => {}
                }
                self.unread_may_change(session);
            }
            if chunk.len() == CHUNK {
                give_way().await;
            }
        }
        self.counts.delivered.add(taken * each);
        if behind > 0 {
            self.counts.behind.add(behind);
        }
    }

    /// Tells something that is not in the log to those who listen and are to be told. Others get a turn in between.
    pub(super) async fn tell_audience(
        &self,
        id: ConversationId,
        is_told: impl Fn(&UserId) -> bool + Send + Sync,
        broadcast: &Broadcast,
    ) {
        let audience = self.slots.at(id).lock().audience.clone();
        for chunk in audience.chunks(CHUNK) {
            for session in chunk {
                if is_told(&session.actor.user) {
                    session.tell(broadcast);
                }
            }
            if chunk.len() == CHUNK {
                give_way().await;
            }
        }
    }

    /// Tells something to everybody who is here. Others get a turn in between.
    pub(super) async fn tell_all(&self, broadcast: &Broadcast) {
        for chunk in self.registry.all().chunks(CHUNK) {
            for session in chunk {
                session.tell(broadcast);
            }
            give_way().await;
        }
    }

    /// Tells something of a user's own to all its sessions, but not to `except`.
    pub(super) fn tell_user(&self, user: &UserId, except: Option<&Arc<SessionEntry>>, push: Push) {
        if self.nodes.are_several()
            && let Some(own) = Own::of(&push)
        {
            let letter = Letter::Own(user.clone(), own);
            self.write_to(To::Users(vec![user.clone()]), &letter);
        }
        self.tell_user_here(user, except, push);
    }

    /// Tells something to all sessions of a user on this node, but not to `except`.
    pub(super) fn tell_user_here(
        &self,
        user: &UserId,
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

/// Whether somebody comes or goes by this.
const fn moves(change: &RosterChange) -> bool {
    matches!(change, RosterChange::Enter(_) | RosterChange::Exit(_))
}

fn entering(change: &RosterChange) -> Option<&UserId> {
    if let RosterChange::Enter(member) = change {
        Some(&member.user)
    } else {
        None
    }
}

fn exiting(change: &RosterChange) -> Option<&UserId> {
    if let RosterChange::Exit(user) = change {
        Some(user)
    } else {
        None
    }
}

/// Puts a session into an audience, and notes that on both sides; unless the session is over.
fn listen(slot: &Slot, session: &Arc<SessionEntry>) {
    if slot.lock().listen(session) {
        noted(slot, session);
    }
}

/// Notes in a session that it is in an audience, unless it is over.
pub(super) fn noted(slot: &Slot, session: &SessionEntry) {
    if let Some(ids) = &mut *lock(&session.listens) {
        ids.push(slot.id);
        return;
    }
    slot.lock().ignore(session);
}

/// Pushes entries to one session, or tells it once that there is something to fetch, also while it is being opened. Whoever
/// has to fetch anyway is pushed nothing, as if the link were gone.
fn push(
    session: &SessionEntry,
    conversation: ConversationId,
    head: Seq,
    broadcast: &Broadcast,
) -> Offer {
    let mut delivery = lock(&session.delivery);
    if !delivery.is_live(conversation) {
        return Offer::Closed;
    }
    if !delivery.is_open() {
        if delivery.fell_behind(conversation) {
            hint(session, conversation, head);
        }
        return Offer::Closed;
    }
    let offer = session.outlet.offer(broadcast);
    if offer == Offer::Full && delivery.fell_behind(conversation) {
        hint(session, conversation, head);
    }
    offer
}

/// Pushes nothing to a session until it has fetched, and tells it so once.
pub(super) fn fall_behind(session: &SessionEntry, conversation: ConversationId, head: Seq) {
    if lock(&session.delivery).fell_behind(conversation) {
        hint(session, conversation, head);
    }
}

/// Tells a session to come and get what was not pushed.
fn hint(session: &SessionEntry, conversation: ConversationId, head: Seq) {
    let hint = Broadcast::new(
        Urgency::Control,
        vec![Push::HeadMoved(HeadMoved { conversation, head })],
    );
    if session.outlet.offer(&hint) == Offer::Full {
        session.outlet.close(CloseReason::TooSlow);
    }
}

/// Lets other tasks run.
pub(super) async fn give_way() {
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
