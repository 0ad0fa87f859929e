//! The lane of a conversation: gathers what waits, decides it, stores it, answers, delivers. In order, one at a time.
//!
//! A lane has no task of its own. The first caller leads, as far as that goes without waiting; from there on the executor
//! does, until nothing waits. So nobody is held up by a caller who goes away, or who holds a future without polling it.

use std::{
    collections::HashSet, future::poll_fn, panic::AssertUnwindSafe, sync::Arc, task::Poll,
    time::Duration,
};

use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::{
    Engine,
    slot::{Slot, Stored, Waiting, Work},
};
use crate::{
    Actor, ClientId, CloseReason, Code, ConversationId, Entry, Rejection, Seq, UserId,
    port::{Append, Appended, BoxFuture, Known, NewEntry, Range},
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

/// The right to work through a lane. Whatever becomes of the task that holds it, the lane is free afterwards.
struct Leading {
    engine: Arc<Engine>,
    slot: Arc<Slot>,
}

impl Drop for Leading {
    fn drop(&mut self) {
        // Free already when everything was worked off; otherwise the executor dropped the task in the middle.
        if std::mem::take(&mut self.slot.lock().led) {
            self.engine.interrupted(&self.slot);
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
        if leads {
            self.lead(slot).await;
        }
        answer.await.unwrap_or_else(|_| Err(interrupted()))
    }

    /// Has the leader of a lane do something.
    pub(super) async fn enqueue(self: &Arc<Self>, slot: &Arc<Slot>, work: Work) {
        let leads = {
            let mut inner = slot.lock();
            inner.queue.push_back(work);
            !std::mem::replace(&mut inner.led, true)
        };
        if leads {
            self.lead(slot.clone()).await;
        }
    }

    /// Works through the lane, as far as that goes without waiting, and leaves the rest to the executor.
    async fn lead(self: &Arc<Self>, slot: Arc<Slot>) {
        let lane = Leading {
            engine: self.clone(),
            slot,
        };
        let mut work: BoxFuture<()> = Box::pin(async move {
            let Leading { engine, slot } = &lane;
            while let Some(turn) = engine.next_turn(slot) {
                // A bug in one turn must not stop the conversation for ever.
                if AssertUnwindSafe(engine.take_turn(slot, turn))
                    .catch_unwind()
                    .await
                    .is_err()
                {
                    tracing::error!(conversation = %slot.id, "a turn of the lane panicked");
                    engine.interrupted(slot);
                }
            }
        });
        let waits = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx).is_pending())).await;
        if waits {
            self.ports.runtime.spawn(work);
        }
    }

    /// A turn ended in the middle: what was delivered, and to whom, is not known. Everything is read anew, and whoever
    /// listens comes back and resumes.
    fn interrupted(self: &Arc<Self>, slot: &Slot) {
        let audience = {
            let mut inner = slot.lock();
            inner.state = None;
            inner.doubt = false;
            inner.gathered.clear();
            std::mem::take(&mut inner.audience)
        };
        for session in audience.iter() {
            self.end(session, CloseReason::GoingAway);
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
                    // Logged by the conversion.
                    let _ = Rejection::from(error);
                    self.look_again(slot);
                }
            }
            Turn::Decide(waiting) => self.decide(slot, waiting).await,
            Turn::Flush => self.flush(slot, &[]).await,
        }
    }

    async fn decide(self: &Arc<Self>, slot: &Arc<Slot>, mut waiting: Vec<Waiting>) {
        for _ in 0..ATTEMPTS {
            match self.try_decide(slot, &mut waiting).await {
                Ok(()) if waiting.is_empty() => return,
                Ok(()) => {}
                Err(rejection) => {
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

    /// When it is not known whether an append happened: sees to it that what it stored is delivered, also when nobody
    /// writes here any more.
    fn look_again(self: &Arc<Self>, slot: &Arc<Slot>) {
        {
            let mut inner = slot.lock();
            if !inner.doubt || std::mem::replace(&mut inner.looking, true) {
                return;
            }
        }
        let (engine, slot) = (self.clone(), slot.clone());
        let wait = self.ports.runtime.sleep(LOOK_AGAIN);
        self.ports.runtime.spawn(Box::pin(async move {
            wait.await;
            slot.lock().looking = false;
            engine.enqueue(&slot, Work::CatchUp).await;
        }));
    }

    /// One attempt. Takes those out of `waiting` who got their answer.
    async fn try_decide(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        waiting: &mut Vec<Waiting>,
    ) -> Result<(), Rejection> {
        if slot.lock().doubt {
            self.catch_up(slot).await?;
        }
        self.prepare(slot, waiting).await?;
        let facts = self.facts(slot, waiting).await?;
        let Draft { entries, answers } = self.draft(slot, waiting, &facts);
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
                let Some(snapshot) = self.ports.log.load(slot.id).await? else {
                    return Ok(false);
                };
                let mut inner = slot.lock();
                if inner.doubt && inner.state.is_none() {
                    // Its beginning is about to be delivered, or will be looked for.
                    return Err(interrupted());
                }
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

    async fn facts(&self, slot: &Slot, waiting: &[Waiting]) -> Result<Facts, Rejection> {
        let mut facts = Facts::default();
        // Only sends come in company. They have neither target nor invitations, and a block holds both ways.
        let [one, ..] = waiting else { return Ok(facts) };
        let (head, pair) = match &slot.lock().state {
            Some(state) => (state.head().seq, state.info().pair.clone()),
            None => (Seq::ZERO, Vec::new()),
        };
        let in_log = |target: &Seq| *target > Seq::ZERO && *target <= head;
        if let Some(target) = one.ask.target().filter(in_log) {
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
        // Of the two whose conversation it is, whoever asks: the answer holds for all who came together.
        let pair = match (&one.ask, &pair[..]) {
            (Ask::Direct(peer), _) => Some((&one.actor.user, peer)),
            (Ask::Edit(_) | Ask::Send(_), [a, b]) => Some((a, b)),
            _ => None,
        };
        if let Some((a, b)) = pair {
            facts.blocked = self.is_blocked(a, b).await?;
        }
        Ok(facts)
    }

    /// Decides all that wait.
    fn draft(&self, slot: &Slot, waiting: &[Waiting], facts: &Facts) -> Draft {
        let now = self.ports.runtime.now();
        let inner = slot.lock();
        let mut draft = Draft::default();
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
        self.apply(slot, &entries);
        slot.lock().doubt = false;
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

    /// Reads, applies and delivers what is in the log beyond our head: what others appended, and what we did not know to
    /// be stored.
    async fn catch_up(self: &Arc<Self>, slot: &Arc<Slot>) -> Result<(), crate::StoreError> {
        loop {
            let (head, doubt) = {
                let inner = slot.lock();
                let head = inner.state.as_ref().map(|state| state.head().seq);
                (head, inner.doubt)
            };
            if head.is_none() && !doubt {
                // Nothing was delivered from here yet: whoever needs the state loads it.
                return Ok(());
            }
            // Without a state it is the beginning that is in doubt: nobody listens because of it yet.
            let after = Range::After(head.unwrap_or_default());
            let missed = self.ports.log.read(slot.id, after, CATCH_UP_PAGE).await?;
            self.apply(slot, &missed);
            let last = missed.len() < CATCH_UP_PAGE || slot.lock().state.is_none();
            for entry in &missed {
                self.wrote(entry);
            }
            if last {
                slot.lock().doubt = false;
                self.deliver(slot, missed).await;
                return Ok(());
            }
            self.skip(slot, &missed).await;
        }
    }
}

type Answer = Result<Stored, Rejection>;

/// What a batch of requests comes to.
#[derive(Default)]
struct Draft {
    /// To be stored, in order.
    entries: Vec<NewEntry>,
    /// By place, for those for whom nothing is to be stored.
    answers: Vec<(usize, Answer)>,
}

enum Turn {
    CatchUp,
    Decide(Vec<Waiting>),
    Flush,
}

fn interrupted() -> Rejection {
    Rejection::new(
        Code::Unavailable,
        "the request was interrupted; try again with the same client id",
    )
    .retry_after(LOOK_AGAIN)
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
