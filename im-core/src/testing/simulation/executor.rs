//! One thread on which everything runs: the seed says which task is next, and time jumps to the next deadline.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use super::super::Chance;
use crate::{
    Timestamp,
    port::{BoxFuture, Runtime},
};

/// When every simulation begins by its wall clock: in November 2023.
const BEGIN_MS: i64 = 1_700_000_000_000;

/// The executor of a whole simulated world. Clone it to share it.
///
/// Of all tasks that can go on, the seed chooses the next. In what order they were woken makes no difference: so that
/// neither does the order in which some map is walked.
#[derive(Clone)]
pub struct Executor {
    shared: Arc<Shared>,
}

/// Tasks that end together, when their process is killed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Group(u64);

struct Shared {
    state: Mutex<State>,
}

struct State {
    chance: Chance,
    now: Duration,
    next: u64,
    /// In the order of their numbers.
    ready: BTreeSet<u64>,
    tasks: BTreeMap<u64, Task>,
    sleepers: BTreeMap<(Duration, u64), Waker>,
    groups: BTreeSet<Group>,
    steps: u64,
}

struct Task {
    group: Group,
    waker: Waker,
    /// Absent while it runs.
    future: Option<BoxFuture<()>>,
}

impl Executor {
    /// An executor whose schedule follows from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let state = State {
            chance: Chance::new(seed),
            now: Duration::ZERO,
            next: 0,
            ready: BTreeSet::new(),
            tasks: BTreeMap::new(),
            sleepers: BTreeMap::new(),
            groups: BTreeSet::new(),
            steps: 0,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
        });
        Self { shared }
    }

    /// A process on this executor, with a wall clock of its own.
    #[must_use]
    pub fn process(&self) -> Process {
        let mut state = self.shared.lock();
        let group = Group(state.number());
        state.groups.insert(group);
        Process {
            executor: self.clone(),
            group,
            step_ms: Arc::default(),
        }
    }

    /// Time since the world began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.shared.lock().now
    }

    /// How often a task was given its turn.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.shared.lock().steps
    }

    /// Lets that much time pass, and all that happens in it.
    pub fn run_for(&self, span: Duration) {
        let end = self.now() + span;
        while self.turn(end) {}
        self.shared.lock().now = end;
    }

    /// Runs until this is so, for `patience` at most. Whether it is.
    pub fn run_until(&self, patience: Duration, is_so: impl Fn() -> bool) -> bool {
        let end = self.now() + patience;
        while !is_so() {
            if !self.turn(end) {
                self.shared.lock().now = end;
                return is_so();
            }
        }
        true
    }

    /// Runs a future among all tasks, to its end; `None` when that does not come within `patience`.
    pub fn block_on<T: Send + 'static>(
        &self,
        patience: Duration,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (process, result) = (self.process(), Arc::new(Mutex::new(None)));
        let place = Arc::clone(&result);
        process.spawn(Box::pin(async move {
            let output = future.await;
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(output);
        }));
        let taken = || result.lock().unwrap_or_else(PoisonError::into_inner);
        self.run_until(patience, || taken().is_some());
        process.kill();
        taken().take()
    }

    /// Ends every process, for ever.
    pub(super) fn end(&self) {
        let (tasks, sleepers) = {
            let mut state = self.shared.lock();
            state.groups.clear();
            let tasks = std::mem::take(&mut state.tasks);
            (tasks, std::mem::take(&mut state.sleepers))
        };
        // Outside of the lock: what is dropped may wake others.
        drop(tasks);
        drop(sleepers);
    }

    /// Gives one task its turn, or moves time to the next deadline up to `end`. `false` when there is neither.
    fn turn(&self, end: Duration) -> bool {
        let chosen = self.shared.lock().choose();
        if let Some((number, waker, future)) = chosen {
            self.poll(number, &waker, future);
            return true;
        }
        let due = self.shared.lock().wait(end);
        let Some(due) = due else { return false };
        for waker in due {
            waker.wake();
        }
        true
    }

    fn poll(&self, number: u64, waker: &Waker, mut future: BoxFuture<()>) {
        let poll = future.as_mut().poll(&mut Context::from_waker(waker));
        let mut state = self.shared.lock();
        // What is dropped may wake and spawn: not while this is locked.
        let over = if poll.is_pending()
            && let Some(task) = state.tasks.get_mut(&number)
        {
            task.future = Some(future);
            None
        } else {
            // It has come to its end, or was killed meanwhile.
            Some((state.tasks.remove(&number), future))
        };
        drop(state);
        drop(over);
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn choose(&mut self) -> Option<(u64, Waker, BoxFuture<()>)> {
        while !self.ready.is_empty() {
            let place = self.chance.below(self.ready.len());
            let number = *self.ready.iter().nth(place)?;
            self.ready.remove(&number);
            // One that was killed has been woken for nothing.
            if let Some(task) = self.tasks.get_mut(&number)
                && let Some(future) = task.future.take()
            {
                self.steps += 1;
                return Some((number, task.waker.clone(), future));
            }
        }
        None
    }

    /// Moves to the next deadline up to `end`. Whom to wake there; `None` when there is none.
    fn wait(&mut self, end: Duration) -> Option<Vec<Waker>> {
        let (&(at, _), _) = self.sleepers.first_key_value()?;
        if at > end {
            return None;
        }
        self.now = self.now.max(at);
        let later = self.sleepers.split_off(&(at, u64::MAX));
        let due = std::mem::replace(&mut self.sleepers, later);
        Some(due.into_values().collect())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One process of a simulated world: what it spawns ends when it is killed, and its wall clock can be wrong.
#[derive(Clone)]
pub struct Process {
    executor: Executor,
    group: Group,
    step_ms: Arc<AtomicI64>,
}

impl Process {
    /// Ends the process at this moment: every task is dropped where it stands, and nothing new is begun.
    pub fn kill(&self) {
        let killed = {
            let mut state = self.executor.shared.lock();
            state.groups.remove(&self.group);
            let (group, mut killed) = (self.group, Vec::new());
            state.tasks.retain(|number, task| {
                let stays = task.group != group;
                if !stays {
                    killed.push((*number, task.future.take()));
                }
                stays
            });
            killed
        };
        // Outside of the lock: what is dropped may wake others.
        drop(killed);
    }

    /// Steps the wall clock, as a correction by NTP does. Time does not pass by that.
    pub fn step_clock(&self, by_ms: i64) {
        self.step_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}

impl Runtime for Process {
    fn now(&self) -> Timestamp {
        let passed = self.executor.now().as_millis();
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        Timestamp(BEGIN_MS + passed + self.step_ms.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        self.executor.now()
    }

    fn chance(&self) -> u64 {
        self.executor.shared.lock().chance.number()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<()> {
        let mut state = self.executor.shared.lock();
        Box::pin(Sleep {
            key: (state.now + span, state.number()),
            shared: Arc::clone(&self.executor.shared),
        })
    }

    fn spawn(&self, task: BoxFuture<()>) {
        let mut state = self.executor.shared.lock();
        if !state.groups.contains(&self.group) {
            drop(state);
            drop(task);
            return;
        }
        let number = state.number();
        let waker = Waker::from(Arc::new(Bell {
            number,
            shared: Arc::downgrade(&self.executor.shared),
        }));
        let task = Task {
            group: self.group,
            waker,
            future: Some(task),
        };
        state.tasks.insert(number, task);
        state.ready.insert(number);
    }
}

/// Rings for a task.
struct Bell {
    number: u64,
    shared: Weak<Shared>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(shared) = self.shared.upgrade() {
            shared.lock().ready.insert(self.number);
        }
    }
}

struct Sleep {
    shared: Arc<Shared>,
    key: (Duration, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.shared.lock();
        if state.now >= self.key.0 {
            return Poll::Ready(());
        }
        state.sleepers.insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let waker = self.shared.lock().sleepers.remove(&self.key);
        // Its task may go with it.
        drop(waker);
    }
}
