//! The lane of a conversation: gathers what waits, decides it, stores it, answers, delivers. In order, one at a time.
//!
//! A lane has no task of its own. The first caller leads: it works off what waits until nothing does. A leader whose
//! caller goes away hands its work to the executor, so that what was taken is finished.

use std::{
    collections::HashSet,
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::{
    Engine,
    slot::{Slot, Stored, Waiting, Work},
};
use crate::{
    Actor, ClientId, Code, ConversationId, Entry, Rejection, Seq, UserId,
    port::{Append, Appended, BoxFuture, Known, NewEntry, Range, Runtime},
    state::{Ask, ConversationState, Decision, Facts, Lookup},
    wire::Format,
};

/// Requests that one commit takes from a lane.
const BATCH: usize = 256;
/// How often a request is decided anew because another writer was faster.
const ATTEMPTS: usize = 32;
/// Entries per read when catching up.
const CATCH_UP_PAGE: usize = 500;
/// How long to wait before looking whether an append with an unknown outcome happened.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The work of a leader. When it is dropped unfinished, the executor goes on with it.
struct Lead {
    work: Option<BoxFuture<()>>,
    runtime: Arc<dyn Runtime>,
}

impl Lead {
    /// Works until `done` resolves or there is nothing left to do.
    async fn until<T>(mut self, mut done: impl Future<Output = T> + Unpin) -> T {
        let lead = &mut self;
        poll_fn(|cx| {
            if let Some(work) = &mut lead.work
                && work.as_mut().poll(cx).is_ready()
            {
                lead.work = None;
            }
            Pin::new(&mut done).poll(cx)
        })
        .await
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.runtime.spawn(work);
        }
    }
}

impl Engine {
    /// Has a conversation decide a request. Requests keep the order in which this future was first polled.
    ///
    /// Dropping it does not withdraw the request.
    pub(super) async fn ask(self: Arc<Self>, actor: Actor, ask: Ask) -> Result<Stored, Rejection> {
        let slot = self.slots.at(ask.conversation(&actor.user));
        let fingerprint = fingerprint(&ask);
        let (reply, answer) = oneshot::channel();
        let leads = {
            let mut inner = slot.lock();
            if inner.queue.len() >= self.limits.lane_waiting {
                let detail =
                    "too much waits in this conversation; try again with the same client id";
                return Err(Rejection::new(Code::Overloaded, detail).retry_after(LOOK_AGAIN));
            }
            inner.queue.push_back(Work::Ask(Box::new(Waiting {
                actor,
                ask,
                fingerprint,
                reply,
            })));
            !std::mem::replace(&mut inner.led, true)
        };
        let answer = if leads {
            self.lead(slot).until(answer).await
        } else {
            answer.await
        };
        answer.unwrap_or_else(|_| {
            Err(Rejection::new(
                Code::Unavailable,
                "the request was interrupted; try again",
            ))
        })
    }

    /// Has the leader of a lane do something.
    pub(super) async fn enqueue(self: &Arc<Self>, slot: &Arc<Slot>, work: Work) {
        let leads = {
            let mut inner = slot.lock();
            inner.queue.push_back(work);
            !std::mem::replace(&mut inner.led, true)
        };
        if leads && let Some(work) = self.lead(slot.clone()).work.take() {
            work.await;
        }
    }

    fn lead(self: &Arc<Self>, slot: Arc<Slot>) -> Lead {
        let engine = self.clone();
        let work = Box::pin(async move {
            while let Some(turn) = engine.next_turn(&slot) {
                // A bug in one turn must not stop the conversation for ever. Nothing is half changed: the state is only
                // touched after the commit, and it is loaded again.
                if AssertUnwindSafe(engine.take_turn(&slot, turn))
                    .catch_unwind()
                    .await
                    .is_err()
                {
                    tracing::error!(conversation = %slot.id, "a turn of the lane panicked");
                    slot.lock().state = None;
                }
            }
        });
        Lead {
            work: Some(work),
            runtime: self.ports.runtime.clone(),
        }
    }

    /// What to do next: consecutive sends together, everything else alone. Nothing: the lane is free.
    fn next_turn(&self, slot: &Slot) -> Option<Turn> {
        let mut inner = slot.lock();
        let mut sends = Vec::new();
        let mut keys = HashSet::new();
        while let Some(work) = inner.queue.pop_front() {
            match work {
                Work::Ask(waiting)
                    if matches!(waiting.ask, Ask::Send(_)) && sends.len() < BATCH =>
                {
                    // The same message twice in one batch: the second waits, and finds the first in the log.
                    let key = (waiting.actor.user.clone(), waiting.ask.client_id().cloned());
                    if !keys.insert(key) {
                        inner.queue.push_front(Work::Ask(waiting));
                        break;
                    }
                    sends.push(*waiting);
                }
                work if sends.is_empty() => {
                    return Some(match work {
                        Work::Ask(waiting) => Turn::Decide(vec![*waiting]),
                        Work::CatchUp => Turn::CatchUp,
                        Work::Flush => Turn::Flush,
                    });
                }
                work @ (Work::Ask(_) | Work::CatchUp | Work::Flush) => {
                    inner.queue.push_front(work);
                    break;
                }
            }
        }
        if sends.is_empty() {
            inner.led = false;
            return None;
        }
        Some(Turn::Decide(sends))
    }

    async fn take_turn(self: &Arc<Self>, slot: &Arc<Slot>, turn: Turn) {
        match turn {
            Turn::CatchUp => {
                if let Err(error) = self.catch_up(slot).await {
                    // Logged by the conversion; the next append or sync finds out.
                    let _ = Rejection::from(error);
                }
            }
            Turn::Decide(waiting) => self.decide(slot, waiting).await,
            Turn::Flush => self.flush(slot).await,
        }
    }

    async fn decide(self: &Arc<Self>, slot: &Arc<Slot>, mut waiting: Vec<Waiting>) {
        for _ in 0..ATTEMPTS {
            match self.try_decide(slot, &mut waiting).await {
                Ok(()) if waiting.is_empty() => return,
                Ok(()) => {}
                Err(rejection) => {
                    // What the outcome was is not known where the store failed in the middle; look, later.
                    self.look_again(slot);
                    return refuse(waiting, &rejection);
                }
            }
        }
        let detail = "other writers were faster every time; try again with the same client id";
        refuse(
            waiting,
            &Rejection::new(Code::Overloaded, detail).retry_after(LOOK_AGAIN),
        );
    }

    fn look_again(self: &Arc<Self>, slot: &Arc<Slot>) {
        let (engine, slot) = (self.clone(), slot.clone());
        let wait = self.ports.runtime.sleep(LOOK_AGAIN);
        self.ports.runtime.spawn(Box::pin(async move {
            wait.await;
            engine.enqueue(&slot, Work::CatchUp).await;
        }));
    }

    /// One attempt. Takes those out of `waiting` who got their answer.
    async fn try_decide(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        waiting: &mut Vec<Waiting>,
    ) -> Result<(), Rejection> {
        self.prepare(slot, waiting).await?;
        let facts = self.facts(slot, waiting).await?;
        let (entries, refused) = self.draft(slot, waiting, &facts);
        if !refused.is_empty() {
            self.refuse_unless_known(slot.id, waiting, refused).await?;
        }
        if entries.is_empty() {
            return Ok(());
        }
        let after = entries[0].entry.seq.previous();
        let append = Append {
            conversation: slot.id,
            after,
            entries: entries.clone(),
        };
        match self.ports.log.append(append).await? {
            Appended::Stored => {
                let entries = entries.into_iter().map(|new| new.entry).collect();
                self.stored(slot, std::mem::take(waiting), entries).await;
                Ok(())
            }
            Appended::Conflict => Ok(self.catch_up(slot).await?),
            Appended::Duplicate => {
                self.answer_known(slot.id, waiting).await?;
                Ok(self.catch_up(slot).await?)
            }
        }
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
        loop {
            let (head, unknown) = {
                let inner = slot.lock();
                match &inner.state {
                    Some(state) => {
                        let unknown = |user: &&UserId| state.lookup(user) == Lookup::Unknown;
                        (
                            Some(state.head().seq),
                            users.iter().filter(unknown).cloned().collect::<Vec<_>>(),
                        )
                    }
                    None => (None, Vec::new()),
                }
            };
            let Some(head) = head else {
                let Some(snapshot) = self.ports.log.load(slot.id).await? else {
                    return Ok(false);
                };
                let mut inner = slot.lock();
                inner
                    .state
                    .get_or_insert_with(|| ConversationState::new(slot.id, snapshot));
                continue;
            };
            if unknown.is_empty() {
                return Ok(true);
            }
            let members = self.ports.members.members(slot.id, &unknown).await?;
            let mut inner = slot.lock();
            // Rows that were read before an entry was applied may be older than it.
            if let Some(state) = inner
                .state
                .as_mut()
                .filter(|state| state.head().seq == head)
            {
                state.learn(&unknown, members);
            }
        }
    }

    async fn facts(&self, slot: &Slot, waiting: &[Waiting]) -> Result<Facts, Rejection> {
        let mut facts = Facts::default();
        // Only sends come in company. They have neither target nor invitations, and a block holds both ways.
        let [one, ..] = waiting else { return Ok(facts) };
        if let Some(target) = one.ask.target().filter(|target| *target > Seq::ZERO) {
            let found = self
                .ports
                .log
                .read(slot.id, Range::After(target.previous()), 1)
                .await?;
            facts.target = found.into_iter().find(|entry| entry.seq == target);
        }
        if !one.ask.invites().is_empty() {
            facts.unknown = self.authenticator.unknown(one.ask.invites()).await?;
        }
        let peer = match &one.ask {
            Ask::Direct(peer) => Some(peer.clone()),
            Ask::Send(_) => slot
                .lock()
                .state
                .as_ref()
                .and_then(|state| state.info().peer_of(&one.actor.user).cloned()),
            Ask::Add(_)
            | Ask::Create(_)
            | Ask::Edit(_)
            | Ask::Info(_)
            | Ask::Join(_)
            | Ask::Kick(_)
            | Ask::Leave(_)
            | Ask::Recall(_)
            | Ask::Role(_) => None,
        };
        if let Some(peer) = peer {
            facts.blocked = self.is_blocked(&one.actor.user, &peer).await?;
        }
        Ok(facts)
    }

    /// Decides all that wait. Answers those for whom nothing has to happen; returns the entries to store and, by place,
    /// the refusals.
    fn draft(
        &self,
        slot: &Slot,
        waiting: &mut Vec<Waiting>,
        facts: &Facts,
    ) -> (Vec<NewEntry>, Vec<(usize, Rejection)>) {
        let now = self.ports.runtime.now();
        let inner = slot.lock();
        let (mut entries, mut refused, mut idle) = (Vec::new(), Vec::new(), Vec::new());
        for (place, one) in waiting.iter().enumerate() {
            let decided = match &inner.state {
                Some(state) => state.decide(&one.actor, &one.ask, facts, &self.limits, now),
                None => ConversationState::decide_absent(&one.actor, &one.ask, facts, &self.limits),
            };
            match decided {
                Ok(Decision::Append(body)) => {
                    // A direct conversation begins once, whoever asks how often.
                    let client_id = one
                        .ask
                        .client_id()
                        .cloned()
                        .unwrap_or_else(|| first_client_id(slot.id));
                    let ahead = entries.len() as u64;
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
                    entries.push(NewEntry {
                        entry,
                        fingerprint: one.fingerprint,
                    });
                }
                Ok(Decision::Nothing) => idle.push(place),
                Err(rejection) => refused.push((place, rejection)),
            }
        }
        let seq = inner
            .state
            .as_ref()
            .map_or(Seq::ZERO, |state| state.head().seq);
        drop(inner);
        for place in idle.into_iter().rev() {
            // Whoever does not wait any more does not want the answer.
            let _ = waiting
                .remove(place)
                .reply
                .send(Ok(Stored { seq, at_ms: now }));
            for (refused, _) in &mut refused {
                *refused -= usize::from(*refused > place);
            }
        }
        (entries, refused)
    }

    /// Refuses, except whom the log knows already: a retry gets its first answer, whatever happened since.
    async fn refuse_unless_known(
        &self,
        id: ConversationId,
        waiting: &mut Vec<Waiting>,
        refused: Vec<(usize, Rejection)>,
    ) -> Result<(), Rejection> {
        let keys: Vec<_> = refused
            .iter()
            .filter_map(|(place, _)| key(&waiting[*place]))
            .collect();
        let known = if keys.is_empty() {
            Vec::new()
        } else {
            self.ports.log.find(id, &keys).await?
        };
        for (place, rejection) in refused.into_iter().rev() {
            let one = waiting.remove(place);
            let first = known.iter().find(|known| is_of(known, &one));
            let answer = first.map_or(Err(rejection), |first| retried(first, &one));
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
        self.apply(slot, &entries);
        for (one, entry) in waiting.into_iter().zip(&entries) {
            self.wrote(entry);
            let _ = one.reply.send(Ok(Stored {
                seq: entry.seq,
                at_ms: entry.at_ms,
            }));
        }
        self.deliver(slot, entries).await;
    }

    fn apply(&self, slot: &Slot, entries: &[Entry]) {
        let mut inner = slot.lock();
        for entry in entries {
            match &mut inner.state {
                Some(state) => state.apply(entry),
                None => inner.state = ConversationState::begin(entry),
            }
        }
    }

    /// Reads, applies and delivers what other writers appended.
    async fn catch_up(self: &Arc<Self>, slot: &Arc<Slot>) -> Result<(), crate::StoreError> {
        loop {
            let head = slot.lock().state.as_ref().map(|state| state.head().seq);
            let Some(head) = head else {
                // A conversation whose beginning we may not have seen: who is in it is learned from its first entries.
                let first = self
                    .ports
                    .log
                    .read(slot.id, Range::After(Seq::ZERO), CATCH_UP_PAGE)
                    .await?;
                if first.is_empty() {
                    return Ok(());
                }
                if first.len() == CATCH_UP_PAGE || !slot.lock().audience.is_empty() {
                    if let Some(snapshot) = self.ports.log.load(slot.id).await? {
                        slot.lock()
                            .state
                            .get_or_insert_with(|| ConversationState::new(slot.id, snapshot));
                    }
                    return Ok(());
                }
                self.apply(slot, &first);
                self.deliver(slot, first).await;
                continue;
            };
            let missed = self
                .ports
                .log
                .read(slot.id, Range::After(head), CATCH_UP_PAGE)
                .await?;
            let last = missed.len() < CATCH_UP_PAGE;
            self.apply(slot, &missed);
            self.deliver(slot, missed).await;
            if last {
                return Ok(());
            }
        }
    }
}

enum Turn {
    CatchUp,
    Decide(Vec<Waiting>),
    Flush,
}

fn refuse(waiting: Vec<Waiting>, rejection: &Rejection) {
    for one in waiting {
        let _ = one.reply.send(Err(rejection.clone()));
    }
}

fn first_client_id(id: ConversationId) -> ClientId {
    ClientId::new(id.to_string()).expect("a UUID is a valid id")
}

fn key(one: &Waiting) -> Option<(UserId, ClientId)> {
    one.ask
        .client_id()
        .map(|client_id| (one.actor.user.clone(), client_id.clone()))
}

fn is_of(known: &Known, one: &Waiting) -> bool {
    known.sender == one.actor.user && Some(&known.client_id) == one.ask.client_id()
}

/// What a retry is told: the first answer, when it asks the same.
fn retried(first: &Known, one: &Waiting) -> Result<Stored, Rejection> {
    if first.fingerprint == one.fingerprint {
        return Ok(Stored {
            seq: first.seq,
            at_ms: first.at_ms,
        });
    }
    let detail =
        "this client id was used for another request in this conversation; choose a new one";
    Err(Rejection::new(Code::Conflict, detail))
}

/// Hash of what is asked, by which a retry is told from another request under the same client id.
fn fingerprint(ask: &Ask) -> i64 {
    let mut bytes = Vec::with_capacity(256);
    match ask {
        Ask::Add(ask) => Format::MessagePack.write(&("add", ask), &mut bytes),
        Ask::Create(ask) => Format::MessagePack.write(&("create", ask), &mut bytes),
        Ask::Direct(_) => return 0,
        Ask::Edit(ask) => Format::MessagePack.write(&("edit", ask), &mut bytes),
        Ask::Info(ask) => Format::MessagePack.write(&("info", ask), &mut bytes),
        Ask::Join(ask) => Format::MessagePack.write(&("join", ask), &mut bytes),
        Ask::Kick(ask) => Format::MessagePack.write(&("kick", ask), &mut bytes),
        Ask::Leave(ask) => Format::MessagePack.write(&("leave", ask), &mut bytes),
        Ask::Recall(ask) => Format::MessagePack.write(&("recall", ask), &mut bytes),
        Ask::Role(ask) => Format::MessagePack.write(&("role", ask), &mut bytes),
        Ask::Send(ask) => Format::MessagePack.write(&("send", ask), &mut bytes),
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    let first = digest.as_ref().first_chunk().copied().unwrap_or_default();
    i64::from_be_bytes(first)
}
