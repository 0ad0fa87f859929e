//! The lane of a conversation: gathers what waits, decides it, stores it, answers, delivers. In order, one at a time.
//!
//! A lane has no task of its own. The first caller leads, as far as that goes without waiting; from there on the executor
//! does, until nothing waits. So nobody is held up by a caller who goes away, or who holds a future without polling it.

use std::{
    collections::HashSet,
    future::{Future, poll_fn},
    hash::{BuildHasher as _, RandomState},
    panic::AssertUnwindSafe,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use futures_util::FutureExt;
use tracing::{Instrument as _, Span};

use super::{
    Engine,
    admission::Admitted,
    caller::Caller,
    fanout::give_way,
    retry::{is_of, key, retried},
    slot::{Answer, Slot, Waiting, Work},
};
use crate::{CloseReason, Code, Entry, Rejection, port::BoxFuture, state::Ask};

/// Requests that one commit takes from a lane.
const BATCH: usize = 256;
/// Bytes of requests beyond which a commit takes no more from a lane: until it is stored there are several copies of each.
const BATCH_BYTES: usize = 512 * 1024;
/// How often a lane lets others run to see whether they bring more, before it decides what waits.
const GIVE_WAY: usize = 4;
/// How often a request is decided anew because another writer was faster.
const ATTEMPTS: usize = 32;
/// How long to wait before looking whether an append with an unknown outcome happened.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The right to work through a lane. Whatever becomes of the task that holds it, the lane is free afterwards.
struct Leading {
    engine: Arc<Engine>,
    slot: Arc<Slot>,
    /// Nothing was left to do, and somebody else may lead by now.
    done: bool,
}

impl Leading {
    fn finish(mut self) {
        self.done = true;
    }
}

impl Drop for Leading {
    fn drop(&mut self) {
        if !self.done {
            // The executor dropped the task in the middle.
            self.engine.interrupted(&self.slot);
            self.slot.lock().led = false;
        }
    }
}

impl Engine {
    /// Has a conversation decide a request. Requests keep the order in which this future was first polled.
    ///
    /// Dropping it does not withdraw the request.
    pub(super) fn ask(
        self: Arc<Self>,
        caller: Caller,
        ask: Ask,
    ) -> impl Future<Output = Answer> + Send {
        let id = ask.conversation(&caller.user);
        let (mut waiting, answer) = Waiting::of(caller, ask);
        async move {
            waiting.admitted = self.admit(&waiting.ask);
            if waiting.admitted.is_none() {
                return Box::pin(self.answer_at_the_door(&waiting)).await;
            }
            let slot = self.slots.at(id);
            let leads = {
                let mut inner = slot.lock();
                if inner.queue.len() >= self.limits().lane_waiting {
                    let detail =
                        "too much waits in this conversation; try again with the same client id";
                    return Err(Rejection::new(Code::Overloaded, detail).retry_after(LOOK_AGAIN));
                }
                inner.queue.push_back(Work::Ask(waiting));
                !std::mem::replace(&mut inner.led, true)
            };
            if leads {
                self.lead(slot).await;
            }
            answer.await.unwrap_or_else(|_| Err(interrupted()))
        }
    }

    /// Lets a request into its lane, unless too much is under way. What ends something that was begun is always let in.
    fn admit(&self, ask: &Ask) -> Option<Admitted> {
        let now = self.ports.runtime.monotonic();
        let ends = matches!(ask, Ask::Expire(_) | Ask::Interrupt(_))
            || matches!(ask, Ask::Forward(forward) if forward.place > 0);
        if ends {
            return Some(self.admission.pass(now));
        }
        self.admission.admit(now, &self.limits())
    }

    /// Refuses a request that is not let into its lane. A retry still gets its first answer: what is stored is stored.
    async fn answer_at_the_door(&self, one: &Waiting) -> Answer {
        if self.lately.has(one.fingerprint)
            && let Some(key) = key(one)
        {
            let id = one.ask.conversation(&one.actor.user);
            let known = self.ports.log.find(id, &[key]).await?;
            if let Some(first) = known.iter().find(|known| is_of(known, one)) {
                return retried(first, one);
            }
        }
        // Not all of them at the same moment.
        let more = self.ports.runtime.chance() % LOOK_AGAIN.as_micros() as u64;
        let wait = LOOK_AGAIN / 2 + Duration::from_micros(more);
        let detail = "the server has more to store than it can; try again with the same client id";
        Err(Rejection::new(Code::Overloaded, detail).retry_after(wait))
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

    /// As [`Engine::enqueue`], without waiting for any of it.
    pub(super) fn enqueue_for_later(self: &Arc<Self>, slot: &Arc<Slot>, work: Work) {
        let leads = {
            let mut inner = slot.lock();
            inner.queue.push_back(work);
            !std::mem::replace(&mut inner.led, true)
        };
        if leads {
            let (engine, slot) = (self.clone(), slot.clone());
            self.ports
                .runtime
                .spawn(Box::pin(async move { engine.lead(slot).await }));
        }
    }

    /// Works through the lane, as far as that goes without waiting, and leaves the rest to the executor.
    async fn lead(self: &Arc<Self>, slot: Arc<Slot>) {
        let lane = Leading {
            engine: self.clone(),
            slot,
            done: false,
        };
        let mut work: BoxFuture<()> = Box::pin(async move {
            let Leading { engine, slot, .. } = &lane;
            let mut last = 0;
            loop {
                if last > 1 {
                    // Whoever was answered just now may have more to say: one commit for all of it.
                    gather(slot).await;
                }
                let Some(turn) = engine.next_turn(slot) else {
                    break;
                };
                last = turn.len();
                // A bug in one turn must not stop the conversation for ever.
                let span = turn.span();
                if AssertUnwindSafe(engine.take_turn(slot, turn).instrument(span))
                    .catch_unwind()
                    .await
                    .is_err()
                {
                    tracing::error!(conversation = %slot.id, "a turn of the lane panicked");
                    engine.interrupted(slot);
                }
            }
            lane.finish();
        });
        let waits = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx).is_pending())).await;
        if waits {
            self.ports.runtime.spawn(work);
        }
    }

    /// A turn ended in the middle: what was delivered, and to whom, is not known. Everything is read anew, and whoever
    /// listens comes back and resumes.
    pub(super) fn interrupted(self: &Arc<Self>, slot: &Slot) {
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
        let mut bytes = 0;
        let (mut keys, hasher) = (HashSet::new(), RandomState::new());
        while let Some(work) = inner.queue.pop_front() {
            match work {
                Work::Ask(waiting)
                    if matches!(waiting.ask, Ask::Send(_))
                        && sends.len() < BATCH
                        && bytes < BATCH_BYTES =>
                {
                    // The same message twice in one batch: the second waits, and finds the first in the log. Two that
                    // only look alike, by their hashes, lose nothing but time.
                    let key = (&waiting.actor.user, waiting.ask.client_id());
                    if !keys.insert(hasher.hash_one(key)) {
                        inner.queue.push_front(Work::Ask(waiting));
                        break;
                    }
                    bytes += waiting.bytes;
                    sends.push(*waiting);
                }
                work @ (Work::Ask(_) | Work::CatchUp | Work::Flush | Work::Hear(_))
                    if sends.is_empty() =>
                {
                    return Some(match work {
                        Work::Ask(waiting) => Turn::Decide(vec![*waiting]),
                        Work::CatchUp => Turn::CatchUp,
                        Work::Flush => Turn::Flush,
                        Work::Hear(entries) => Turn::Hear(entries),
                    });
                }
                work @ (Work::Ask(_) | Work::CatchUp | Work::Flush | Work::Hear(_)) => {
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
                let caught_up = self.catch_up(slot).await;
                self.look_again_after(slot, caught_up);
            }
            Turn::Hear(entries) => {
                let heard = self.take_in(slot, entries).await;
                self.look_again_after(slot, heard);
            }
            Turn::Decide(waiting) => self.decide(slot, waiting).await,
            Turn::Flush => self.flush(slot, &[]).await,
        }
    }

    async fn decide(self: &Arc<Self>, slot: &Arc<Slot>, mut waiting: Vec<Waiting>) {
        let mut looked = false;
        for tried in 0..ATTEMPTS {
            self.take_turns(slot.id, tried).await;
            match self.try_decide(slot, &mut waiting, &mut looked).await {
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
}

enum Turn {
    CatchUp,
    Decide(Vec<Waiting>),
    Flush,
    Hear(Vec<Entry>),
}

impl Turn {
    /// How many requests it decides.
    fn len(&self) -> usize {
        match self {
            Self::Decide(waiting) => waiting.len(),
            Self::CatchUp | Self::Flush | Self::Hear(_) => 0,
        }
    }

    /// Where it belongs: to the first of its requests, and by links to the others.
    fn span(&self) -> Span {
        let Self::Decide(waiting) = self else {
            return Span::none();
        };
        let [first, others @ ..] = &waiting[..] else {
            return Span::none();
        };
        let requests = waiting.len();
        let span = tracing::debug_span!(parent: &first.span, "lane.turn", requests);
        if span.is_disabled() {
            return first.span.clone();
        }
        for other in others {
            span.follows_from(&other.span);
        }
        span
    }
}

/// Gives way as long as that brings more work, a few times at most.
async fn gather(slot: &Slot) {
    for _ in 0..GIVE_WAY {
        let before = slot.lock().queue.len();
        if before >= BATCH {
            return;
        }
        give_way().await;
        if slot.lock().queue.len() == before {
            return;
        }
    }
}

pub(super) fn interrupted() -> Rejection {
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
