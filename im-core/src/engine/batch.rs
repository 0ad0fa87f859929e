//! One attempt to have what waits in a lane decided, stored and answered.

use std::sync::Arc;

use super::{
    Engine,
    catching_up::Told,
    comings::Comings,
    nodes::{Letter, To, moved, to_readers},
    retry::{first_client_id, is_of, key, retried},
    slot::{Answer, Slot, Stored, Waiting},
};
use crate::{
    ConversationId, Entry, Kind, Rejection, Seq, UserId,
    port::{Append, Appended, NewEntry},
    state::{ConversationState, Decision, Facts, Lookup},
};

/// Sessions up to which deliveries go before the answers, so that a sender's session writes both at once. To more it would
/// make the senders wait.
const FEW: usize = 64;

/// What a batch of requests comes to.
#[derive(Default)]
struct Draft {
    /// To be stored, in order.
    entries: Vec<NewEntry>,
    /// By place, for those for whom nothing is to be stored.
    answers: Vec<(usize, Answer)>,
}

impl Engine {
    /// One attempt. Takes those out of `waiting` who got their answer. `looked`: whether it is known that the log does not
    /// go on beyond our head.
    pub(super) async fn try_decide(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        waiting: &mut Vec<Waiting>,
        looked: &mut bool,
    ) -> Result<(), Rejection> {
        if slot.lock().doubt {
            self.catch_up(slot).await?;
        }
        self.prepare(slot, waiting).await?;
        if slot.lock().is_behind() {
            // What was stored before goes out before what is decided here.
            return self.catch_up(slot).await;
        }
        let facts = self.facts(slot, waiting).await?;
        let Draft { entries, answers } = self.draft(slot, waiting, facts);
        // What is appended is checked by the store; a refusal by nobody else, and another process may have gone on.
        if !answers.is_empty()
            && !std::mem::replace(looked, true)
            && self.catch_up_with_others(slot).await?
        {
            return Ok(());
        }
        self.settle(slot.id, waiting, answers).await?;
        if entries.is_empty() {
            return Ok(());
        }
        let after = entries[0].entry.seq.previous();
        let append = Append {
            conversation: slot.id,
            after,
            entries: entries.clone(),
        };
        // Until we are told. For a beginning this also keeps others from loading a state that was not delivered.
        slot.lock().doubt = true;
        let appended = self.ports.log.append(append).await;
        slot.lock().untold |= appended.is_err();
        match appended? {
            Appended::Stored => {
                let entries = entries.into_iter().map(|new| new.entry).collect();
                self.stored(slot, std::mem::take(waiting), entries).await;
                Ok(())
            }
            Appended::Conflict => {
                if !self.catch_up_with_others(slot).await? && self.is_beyond_the_log(slot).await? {
                    tracing::error!(conversation = %slot.id, "the store lost what it had stored");
                    self.interrupted(slot);
                }
                Ok(())
            }
            Appended::Duplicate => {
                // Whoever stored it may have ended before it told anybody.
                self.answer_known(slot.id, waiting).await?;
                self.catch_up_and(slot, Told::Always).await
            }
        }
    }

    /// Reads what others appended. `false` when that is nothing.
    async fn catch_up_with_others(self: &Arc<Self>, slot: &Arc<Slot>) -> Result<bool, Rejection> {
        let head = || {
            let inner = slot.lock();
            inner.state.as_ref().map(|state| state.head().seq)
        };
        let before = head();
        self.catch_up(slot).await?;
        Ok(head() != before)
    }

    /// Whether we hold more than the store has: it came back without its latest commits.
    async fn is_beyond_the_log(&self, slot: &Slot) -> Result<bool, crate::StoreError> {
        let stored = self.ports.log.load(slot.id).await?;
        let head = stored.map_or(Seq::ZERO, |stored| stored.head.seq);
        let inner = slot.lock();
        Ok(inner
            .state
            .as_ref()
            .is_some_and(|state| state.head().seq > head))
    }

    /// Loads the state, and the members that the decision asks for.
    async fn prepare(&self, slot: &Slot, waiting: &[Waiting]) -> Result<(), Rejection> {
        let users = waiting
            .iter()
            .flat_map(|one| std::iter::once(&one.actor.user).chain(one.ask.concerns()));
        self.learn(slot, &users.cloned().collect::<Vec<_>>())
            .await
            .map(drop)
    }

    /// Makes sure that the slot has a state that knows `users`. `false` when there is no such conversation.
    pub(super) async fn learn(&self, slot: &Slot, users: &[UserId]) -> Result<bool, Rejection> {
        let mut forgets = true;
        loop {
            let (roster, unknown) = {
                let inner = slot.lock();
                match &inner.state {
                    Some(state) => {
                        let unknown = |user: &&UserId| state.lookup(user) == Lookup::Unknown;
                        (
                            Some(state.roster_at()),
                            users.iter().filter(unknown).cloned().collect::<Vec<_>>(),
                        )
                    }
                    None => (None, Vec::new()),
                }
            };
            let Some(roster) = roster else {
                if !self.load(slot).await? {
                    return Ok(false);
                }
                continue;
            };
            if unknown.is_empty() {
                return Ok(true);
            }
            let members = self.ports.members.members(slot.id, &unknown).await?;
            let mut inner = slot.lock();
            let inner = &mut *inner;
            // Once, so that this ends also for more users than are remembered.
            if std::mem::take(&mut forgets)
                && inner
                    .state
                    .as_mut()
                    .is_some_and(ConversationState::forget_strangers)
            {
                // Whoever is being set up and read that it was a member may be one of those who are forgotten.
                inner.loaded = self.registry.next_load();
            }
            // Rows that were read before members changed may be older than that change.
            if let Some(state) = inner
                .state
                .as_mut()
                .filter(|state| state.roster_at() == roster)
            {
                state.learn(&unknown, members);
            }
        }
    }

    /// Decides all that wait.
    fn draft(&self, slot: &Slot, waiting: &[Waiting], mut facts: Facts) -> Draft {
        let (now, limits) = (self.ports.runtime.now(), self.limits());
        let inner = slot.lock();
        let mut draft = Draft::default();
        for (place, one) in waiting.iter().enumerate() {
            let decided = match &inner.state {
                Some(state) => state.decide(&one.actor, &one.ask, &facts, &limits, now),
                None => ConversationState::decide_absent(&one.actor, &one.ask, &facts, &limits),
            };
            match decided {
                Ok(Decision::Append(body)) => {
                    let counts_who_spoke = inner.state.as_ref().is_some_and(|state| {
                        let info = state.info();
                        info.slow_mode_ms.is_some() || info.kind == Kind::Direct
                    });
                    if counts_who_spoke && waiting.len() > 1 {
                        facts.earlier.push(one.actor.user.clone());
                    }
                    // A direct conversation begins once, whoever asks how often.
                    let client_id = one
                        .ask
                        .client_id()
                        .cloned()
                        .unwrap_or_else(|| first_client_id(slot.id));
                    let ahead = draft.entries.len() as u64;
                    let entry = match &inner.state {
                        Some(state) => state.entry(ahead, &one.actor.user, client_id, body, now),
                        None => Entry {
                            conversation: slot.id,
                            seq: Seq(1),
                            sender: one.actor.user.clone(),
                            client_id,
                            at_ms: now,
                            ordinal: 0,
                            body,
                        },
                    };
                    draft.entries.push(NewEntry {
                        entry,
                        fingerprint: one.fingerprint,
                    });
                }
                Ok(Decision::Nothing) => {
                    let state = inner.state.as_ref();
                    let seq = state.map_or(Seq::ZERO, |state| state.head().seq);
                    draft.answers.push((place, Ok(Stored { seq, at_ms: now })));
                }
                Err(rejection) => draft.answers.push((place, Err(rejection))),
            }
        }
        draft
    }

    /// Answers those for whom nothing is to be stored; but whom the log knows already gets the first answer, whatever
    /// happened since.
    async fn settle(
        &self,
        id: ConversationId,
        waiting: &mut Vec<Waiting>,
        answers: Vec<(usize, Answer)>,
    ) -> Result<(), Rejection> {
        let keys: Vec<_> = answers
            .iter()
            .filter_map(|(place, _)| key(&waiting[*place]))
            .collect();
        let known = if keys.is_empty() {
            Vec::new()
        } else {
            self.ports.log.find(id, &keys).await?
        };
        for (place, answer) in answers.into_iter().rev() {
            let one = waiting.remove(place);
            let first = known.iter().find(|known| is_of(known, &one));
            let answer = first.map_or(answer, |first| retried(first, &one));
            // Whoever does not wait any more does not want the answer.
            let _ = one.reply.send(answer);
        }
        Ok(())
    }

    /// Answers those whom the log knows already.
    async fn answer_known(
        &self,
        id: ConversationId,
        waiting: &mut Vec<Waiting>,
    ) -> Result<(), Rejection> {
        let keys: Vec<_> = waiting.iter().filter_map(key).collect();
        let known = self.ports.log.find(id, &keys).await?;
        let (again, rest) = waiting
            .drain(..)
            .partition(|one| known.iter().any(|known| is_of(known, one)));
        *waiting = rest;
        let again: Vec<Waiting> = again;
        for one in again {
            let Some(first) = known.iter().find(|known| is_of(known, &one)) else {
                continue;
            };
            let answer = retried(first, &one);
            let _ = one.reply.send(answer);
        }
        Ok(())
    }

    /// Takes stored entries in: state, answers, deliveries.
    async fn stored(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        waiting: Vec<Waiting>,
        entries: Vec<Entry>,
    ) {
        self.counts.stored.add(entries.len() as u64);
        self.note_stored(&waiting);
        let may_be_ahead = self.apply_own(slot, &entries);
        if !may_be_ahead {
            self.attend_to(&entries);
        }
        for entry in &entries {
            self.take_up(entry);
        }
        self.tell_nodes(slot, &entries);
        let happened = self.hooks.happened(&waiting, &entries);
        let few = {
            let mut inner = slot.lock();
            inner.doubt = false;
            inner.audience.len() <= FEW
        };
        let answers = waiting.into_iter().zip(&entries).map(|(one, entry)| {
            self.wrote(entry);
            let stored = Stored {
                seq: entry.seq,
                at_ms: entry.at_ms,
            };
            (one.reply, Ok(stored))
        });
        let answers: Vec<_> = answers.collect();
        let answer = || {
            for (reply, stored) in answers {
                let _ = reply.send(stored);
            }
        };
        let all = Comings::default();
        if may_be_ahead {
            answer();
            let read = self.catch_up(slot).await;
            self.look_again_after(slot, read);
        } else if few {
            self.deliver(slot, entries, &all).await;
            answer();
        } else {
            answer();
            self.deliver(slot, entries, &all).await;
        }
        self.hooks.tell(happened, &self.ports.runtime);
    }

    fn note_stored(&self, requests: &[Waiting]) {
        let came_in = |one: &Waiting| one.admitted.as_ref().map(|admitted| admitted.since);
        if let Some(last) = requests.iter().filter_map(came_in).max() {
            let now = self.ports.runtime.monotonic();
            self.admission.stored(requests.len(), last, now);
        }
        for one in requests {
            self.lately.note(one.fingerprint);
        }
    }

    /// Tells the other nodes on which somebody may listen.
    pub(super) fn tell_nodes(self: &Arc<Self>, slot: &Slot, entries: &[Entry]) {
        if !self.nodes.are_several() {
            return;
        }
        let to = {
            let inner = slot.lock();
            let state = inner.state.as_ref();
            state.map(|state| to_readers(state, moved(entries)))
        };
        let letter = Letter::Stored(entries.to_vec());
        self.write_to(to.unwrap_or(To::All), &letter);
    }

    /// As [`Engine::apply`], for what was stored by this lane. Whether somebody listens who may have come in by a later entry:
    /// then what was stored is still to be delivered, together with that.
    fn apply_own(&self, slot: &Slot, entries: &[Entry]) -> bool {
        self.apply(slot, entries);
        let mut inner = slot.lock();
        if inner.may_be_ahead && !inner.is_behind() {
            inner.heard = entries.first().map(|first| first.seq.previous());
        }
        inner.may_be_ahead
    }

    pub(super) fn apply(&self, slot: &Slot, entries: &[Entry]) {
        let mut inner = slot.lock();
        if !inner.is_behind() {
            // What comes is delivered from where the state is.
            inner.heard = None;
        }
        for entry in entries {
            match &mut inner.state {
                Some(state) => state.apply(entry),
                None => inner.state = ConversationState::begin(entry),
            }
        }
    }
}
