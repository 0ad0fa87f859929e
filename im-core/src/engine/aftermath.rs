//! Tells a hook what happened: outside of any lane, in order of seq within a conversation, from a bounded queue.

use std::{
    any::type_name,
    collections::VecDeque,
    hash::{BuildHasher as _, RandomState},
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use futures_util::{
    FutureExt,
    future::{Either, select},
};

use super::{complaints::Complaints, lock};
use crate::{
    hook::{After, AfterOptions, Happened},
    port::Runtime,
};

/// Conversations that a hook is told of side by side: a call to another machine waits for the answer most of the time.
const SIDE_BY_SIDE: usize = 16;

/// What waits for one hook.
pub(super) struct Line {
    /// Its type, for the log.
    name: &'static str,
    hook: Box<dyn After>,
    options: AfterOptions,
    hasher: RandomState,
    queues: [Mutex<Queue>; SIDE_BY_SIDE],
    waiting: AtomicUsize,
    untold: AtomicU64,
    failures: Complaints,
    overflows: Complaints,
}

#[derive(Default)]
struct Queue {
    happened: VecDeque<Arc<Happened>>,
    /// Whether a task works through it.
    runs: bool,
}

impl Line {
    pub(super) fn new<H: After>(hook: H, options: AfterOptions) -> Self {
        Self {
            name: type_name::<H>(),
            hook: Box::new(hook),
            options,
            hasher: RandomState::new(),
            queues: Default::default(),
            waiting: AtomicUsize::new(0),
            untold: AtomicU64::new(0),
            failures: Complaints::default(),
            overflows: Complaints::default(),
        }
    }

    /// Has the hook told of this, in its turn; unless too much waits.
    pub(super) fn push(self: &Arc<Self>, happened: Arc<Happened>, runtime: &Arc<dyn Runtime>) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.options.waiting {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.untold.fetch_add(1, Ordering::Relaxed);
            if let Some(entries) = self.overflows.add(runtime.monotonic()) {
                tracing::error!(
                    hook = self.name,
                    entries,
                    "a hook after is behind and is not told"
                );
            }
            return;
        }
        let place = self.hasher.hash_one(happened.entry.conversation) as usize % SIDE_BY_SIDE;
        let starts = {
            let mut queue = lock(&self.queues[place]);
            queue.happened.push_back(happened);
            !std::mem::replace(&mut queue.runs, true)
        };
        if starts {
            let work = Working {
                line: self.clone(),
                place,
                done: false,
            };
            runtime.spawn(Box::pin(work.run(runtime.clone())));
        }
    }

    /// How often there was no room.
    pub(super) fn untold(&self) -> u64 {
        self.untold.load(Ordering::Relaxed)
    }

    async fn tell(&self, happened: &Happened, runtime: &dyn Runtime) {
        let hook = AssertUnwindSafe(async { self.hook.after(happened).await });
        let hook = pin!(hook.catch_unwind());
        let failure = match select(hook, runtime.sleep(self.options.deadline)).await {
            Either::Left((Ok(()), _)) => return,
            Either::Left((Err(_), _)) => "it panicked",
            Either::Right(_) => "it was late",
        };
        if let Some(times) = self.failures.add(runtime.monotonic()) {
            let (hook, conversation) = (self.name, happened.entry.conversation);
            tracing::error!(hook, times, %conversation, "a hook after failed: {failure}");
        }
    }
}

/// The right to work through one queue. Whatever becomes of the task that holds it, the queue is free afterwards.
struct Working {
    line: Arc<Line>,
    place: usize,
    done: bool,
}

impl Working {
    async fn run(mut self, runtime: Arc<dyn Runtime>) {
        while let Some(happened) = self.next() {
            self.line.tell(&happened, &*runtime).await;
        }
    }

    fn next(&mut self) -> Option<Arc<Happened>> {
        let mut queue = lock(&self.line.queues[self.place]);
        let next = queue.happened.pop_front();
        if next.is_some() {
            self.line.waiting.fetch_sub(1, Ordering::Relaxed);
        } else {
            queue.runs = false;
            self.done = true;
        }
        next
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if !self.done {
            // The executor dropped the task; the next entry begins another.
            lock(&self.line.queues[self.place]).runs = false;
        }
    }
}
