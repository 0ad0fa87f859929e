//! The lane of a conversation: gathers what waits, decides it, stores it, answers, delivers. In order, one at a time.
//!
//! A lane has no task of its own. The first caller leads, as far as that goes without waiting; from there on the executor
//! does, until nothing waits. So nobody is held up by a caller who goes away, or who holds a future without polling it.

use std::{
    collections::HashSet,
    future::poll_fn,
    hash::{BuildHasher as _, RandomState},
    panic::AssertUnwindSafe,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::{
    Engine,
    caller::Caller,
    fanout::give_way,
    retry::fingerprint,
    slot::{Slot, Stored, Waiting, Work},
};
use crate::{
    CloseReason, Code, Rejection,
    port::{BoxFuture, Range},
    state::Ask,
};

/// Requests that one commit takes from a lane.
const BATCH: usize = 256;
/// How often a lane lets others run to see whether they bring more, before it decides what waits.
const GIVE_WAY: usize = 4;
/// How often a request is decided anew because another writer was faster.
const ATTEMPTS: usize = 32;
/// Entries per read when catching up.
const CATCH_UP_PAGE: usize = 500;
/// How long to wait before looking whether an append with an unknown outcome happened.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long to wait before looking once more, each after the one before: together longer than any store is patient, so
/// that also what lands after it was given up is found.
const LOOK_ON: [Duration; 4] = [
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
];

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
    pub(super) async fn ask(
        self: Arc<Self>,
        caller: Caller,
        ask: Ask,
    ) -> Result<Stored, Rejection> {
        let slot = self.slots.at(ask.conversation(&caller.user));
        let Caller { actor, asked } = caller;
        let fingerprint = asked.unwrap_or_else(|| fingerprint(&ask));
        let (reply, answer) = oneshot::channel();
        let leads = {
            let mut inner = slot.lock();
            if inner.queue.len() >= self.limits().lane_waiting {
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
                if AssertUnwindSafe(engine.take_turn(slot, turn))
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
        let (mut keys, hasher) = (HashSet::new(), RandomState::new());
        while let Some(work) = inner.queue.pop_front() {
            match work {
                Work::Ask(waiting)
                    if matches!(waiting.ask, Ask::Send(_)) && sends.len() < BATCH =>
                {
                    // The same message twice in one batch: the second waits, and finds the first in the log. Two that
                    // only look alike, by their hashes, lose nothing but time.
                    let key = (&waiting.actor.user, waiting.ask.client_id());
                    if !keys.insert(hasher.hash_one(key)) {
                        inner.queue.push_front(Work::Ask(waiting));
                        break;
                    }
                    sends.push(*waiting);
                }
                work @ (Work::Ask(_) | Work::CatchUp | Work::Flush) if sends.is_empty() => {
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
        let mut looked = false;
        for _ in 0..ATTEMPTS {
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

    /// When it is not known whether an append happened: sees to it that what it stored is delivered, also when nobody
    /// writes here any more, and when it happens only after it was looked for.
    fn look_again(self: &Arc<Self>, slot: &Arc<Slot>) {
        let doubts = {
            let mut inner = slot.lock();
            if !inner.doubt || std::mem::replace(&mut inner.looking, true) {
                return;
            }
            inner.doubts += 1;
            inner.doubts
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
                    inner.doubt |= inner.state.is_none();
                }
                engine.enqueue(&slot, Work::CatchUp).await;
            }
        }));
    }

    /// Reads, applies and delivers what is in the log beyond our head: what others appended, and what we did not know to
    /// be stored.
    pub(super) async fn catch_up(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
    ) -> Result<(), crate::StoreError> {
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
            self.attend_to(&missed);
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

enum Turn {
    CatchUp,
    Decide(Vec<Waiting>),
    Flush,
}

impl Turn {
    /// How many requests it decides.
    fn len(&self) -> usize {
        match self {
            Self::Decide(waiting) => waiting.len(),
            Self::CatchUp | Self::Flush => 0,
        }
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
