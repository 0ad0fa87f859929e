//! What comes in: counted as it comes, and done in order by one task.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, Weak},
};

use bytes::Bytes;

use super::{
    super::{
        Engine,
        fanout::give_way,
        lock,
        slot::{Slot, Work},
    },
    Changed, Letter, Own,
    letter::Envelope,
    moved,
};
use crate::{
    CloseReason, Entry, Push, Rejection, SessionId, UserId,
    port::{Broadcast, Ear, Urgency},
    state::{Arrival, Run},
};

/// Letters that wait at most, some hundred bytes each. What comes when there are so many counts as lost.
const WAITING: usize = 20_000;
/// Letters after which others get a turn.
const CHUNK: usize = 64;

/// What came and is to be done.
#[derive(Default)]
pub(super) struct Inbox(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Run, Letter)>,
    /// Whether a task works through it.
    runs: bool,
}

/// The ear of an engine, which it does not keep alive.
pub(super) struct Hearing(pub(super) Weak<Engine>);

impl Ear for Hearing {
    fn hear(&self, bytes: Bytes) {
        if let Some(engine) = self.0.upgrade() {
            engine.hear(bytes);
        }
    }

    fn missed(&self) {
        if let Some(engine) = self.0.upgrade() {
            engine.repair_soon();
        }
    }
}

/// The right to work through the inbox. Whatever becomes of the task that holds it, another can begin afterwards.
struct Working {
    engine: Arc<Engine>,
    /// Nothing was left to do, and another may be at it by now.
    done: bool,
}

impl Working {
    fn finish(mut self) {
        self.done = true;
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if !self.done {
            lock(&self.engine.nodes.inbox.0).runs = false;
        }
    }
}

impl Engine {
    fn hear(self: &Arc<Self>, bytes: Bytes) {
        let Some(envelope) = Envelope::read(bytes) else {
            tracing::warn!("a node of another version is on the bus; run one version");
            return;
        };
        if envelope.from == self.nodes.id {
            return;
        }
        self.nodes.counts.heard();
        let letter = match envelope.letter() {
            Ok(letter) => letter,
            Err(error) => {
                tracing::warn!(%error, from = %envelope.from, "a letter cannot be read");
                return self.repair_soon();
            }
        };
        if self.is_gap(&envelope, &letter) {
            self.repair_soon();
        }
        let now = || self.ports.runtime.monotonic();
        // What is about turns is not put behind what waits.
        if let Letter::Count(..) = letter {
            self.nodes.counts.spoke(envelope.from, now());
        } else if let Letter::HoldBack(id) = letter {
            self.nodes.turns.give(envelope.from, id, now());
        } else {
            if let Letter::Stored(entries) = &letter {
                self.nodes.turns.is_over(envelope.from, entries);
            }
            self.put_in(envelope.run, letter);
        }
    }

    /// Whether something before a letter was lost.
    fn is_gap(&self, envelope: &Envelope, letter: &Letter) -> bool {
        let (from, mut numbering) = (envelope.from, lock(&self.nodes.numbering));
        if let Letter::Count(to_all, to_me) = letter {
            let lacks_one = numbering.told(from, Run::ToMe, *to_me);
            return numbering.told(from, Run::ToAll, *to_all) || lacks_one;
        }
        numbering.heard(from, envelope.run, envelope.number) == Arrival::AfterGap
    }

    fn put_in(self: &Arc<Self>, run: Run, letter: Letter) {
        {
            let mut queue = lock(&self.nodes.inbox.0);
            if queue.waiting.len() >= WAITING {
                drop(queue);
                self.nodes.counts.dropped();
                return self.repair_soon();
            }
            queue.waiting.push_back((run, letter));
            if std::mem::replace(&mut queue.runs, true) {
                return;
            }
        }
        let working = Working {
            engine: self.clone(),
            done: false,
        };
        self.ports.runtime.spawn(Box::pin(async move {
            let (engine, mut done) = (working.engine.clone(), 0);
            loop {
                let next = {
                    let mut queue = lock(&engine.nodes.inbox.0);
                    let next = queue.waiting.pop_front();
                    queue.runs = next.is_some();
                    next
                };
                let Some((run, letter)) = next else {
                    return working.finish();
                };
                engine.take_letter(run, letter).await;
                done += 1;
                if done % CHUNK == 0 {
                    give_way().await;
                }
            }
        }));
    }

    async fn take_letter(self: &Arc<Self>, run: Run, letter: Letter) {
        match letter {
            Letter::Stored(entries) => self.take_stored(run, entries),
            Letter::TextGrew(grew) => self.tell_of_text(grew).await,
            Letter::Typing(typing) => {
                let (id, who) = (typing.conversation, typing.user.clone());
                let typing = Broadcast::new(Urgency::Ephemeral, vec![Push::Typing(typing)]);
                self.tell_audience(id, |user| *user != who, &typing).await;
            }
            Letter::SaidNow(said) => {
                let id = said.conversation;
                let said = Broadcast::new(Urgency::Ephemeral, vec![Push::SaidNow(said)]);
                self.tell_audience(id, |_| true, &said).await;
            }
            Letter::Receipt(receipt) => {
                // A sync brings what is not told. A failure is logged already.
                let _ = self.tell_receipt_here(&receipt).await;
            }
            Letter::JoinRequested(request) => self.tell_of_request(request).await,
            Letter::Own(user, own) => self.take_own(&user, own).await,
            Letter::ForEveryone(row) => {
                let row = Broadcast::new(Urgency::Live, vec![Push::OwnChanged(row)]);
                self.tell_all(&row).await;
            }
            Letter::Changed(changed) => self.take_changed(changed).await,
            Letter::LoggedOut(user, affected, reason) => {
                self.end_sessions_here(&user, affected, reason);
            }
            Letter::Displaced(user, sessions) => self.displace(&user, &sessions),
            Letter::Whereabouts(user, mut whereabouts) => {
                whereabouts.nodes.retain(|(node, _)| *node != self.nodes.id);
                self.is_elsewhere(&user, whereabouts);
            }
            Letter::Spent(spent) => self.owe(spent),
            // Done as they came.
            Letter::Count(..) | Letter::HoldBack(_) => {}
        }
    }

    /// Entries that another node stored go through the lane, as our own do.
    fn take_stored(self: &Arc<Self>, run: Run, entries: Vec<Entry>) {
        let Some(id) = entries.first().map(|entry| entry.conversation) else {
            return;
        };
        let is_followed = |slot: Arc<Slot>| slot.lock().is_followed();
        let brings_in = || {
            let mut users = moved(&entries).into_iter();
            users.any(|user| self.registry.is_here(&user))
        };
        // Who is told alone has a member here. Where nobody listens, it was not heard who let that one in.
        let is_meant = run == Run::ToMe;
        if is_meant || self.slots.find(id).is_some_and(is_followed) || brings_in() {
            self.enqueue_for_later(&self.slots.at(id), Work::Hear(entries));
        }
    }

    async fn take_own(self: &Arc<Self>, user: &UserId, own: Own) {
        if matches!(
            own,
            Own::Conversation(_) | Own::Deleted(_) | Own::Receipt(_)
        ) {
            self.unread_changes(user);
        }
        if let Own::Receipt(receipt) = &own {
            return self.tell_own_receipt_here(receipt).await;
        }
        self.tell_user_here(user, None, own.into_push());
    }

    async fn take_changed(self: &Arc<Self>, changed: Changed) {
        match changed {
            Changed::Block(by, block) => {
                self.relations.forget_blocks(&by);
                if block.blocked {
                    self.registry.hide(&by, &block.user);
                    self.registry.hide(&block.user, &by);
                }
            }
            Changed::Contact(a, b) => {
                self.relations.forget_contact(&a, &b);
                self.stop_watching(&a).await;
            }
            Changed::Device(user, device) => self.devices.forget(&user, &device),
            Changed::Preferences(user) => {
                drop(self.preferences.changing(&user));
                if let Ok(preferences) = self.preferences(&user).await {
                    self.show_presence(&user, *preferences).await;
                }
            }
            Changed::Settings => {
                // Looked at twice a second anyway.
                let _ = self.look_at_settings().await.map_err(Rejection::from);
            }
            Changed::Standings => {
                // What can be said of a failure is said there.
                let _ = self.look_at_standings_now().await;
            }
        }
    }

    /// Ends sessions of a user whose places others took.
    fn displace(self: &Arc<Self>, user: &UserId, sessions: &[SessionId]) {
        for session in self.registry.sessions_of(user) {
            if sessions.contains(&session.id) {
                self.end(&session, CloseReason::Displaced);
            }
        }
    }
}
