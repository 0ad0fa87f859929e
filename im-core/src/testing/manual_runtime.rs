//! Time that moves when a test says so, and tasks that run when a test says so.

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use super::Chance;
use crate::{
    Timestamp,
    port::{BoxFuture, Runtime},
};

/// A runtime in virtual time, on the thread of whoever drives it: the same calls give the same order of events.
///
/// Tasks run inside [`run_until_idle`](Self::run_until_idle), [`advance`](Self::advance) and
/// [`block_on`](Self::block_on), one after the other, in the order in which they were woken.
#[derive(Clone, Default)]
pub struct ManualRuntime {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    clock: Mutex<Clock>,
    ready: Mutex<VecDeque<Arc<Task>>>,
}

#[derive(Default)]
struct Clock {
    wall_ms: i64,
    monotonic: Duration,
    chance: Chance,
    next_sleeper: u64,
    sleepers: BTreeMap<(Duration, u64), Waker>,
}

impl ManualRuntime {
    /// A runtime whose wall clock shows `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let runtime = Self::default();
        lock(&runtime.shared.clock).wall_ms = now.0;
        runtime
    }

    /// Steps the wall clock by that many milliseconds without letting time pass, as a correction by NTP does.
    pub fn step_wall_clock(&self, by_ms: i64) {
        lock(&self.shared.clock).wall_ms += by_ms;
    }

    /// Lets time pass. Sleepers wake at their own moments, in order, and everything runs until idle at each.
    pub fn advance(&self, span: Duration) {
        let end = lock(&self.shared.clock).monotonic + span;
        loop {
            self.run_until_idle();
            let due = {
                let mut clock = lock(&self.shared.clock);
                match clock.sleepers.first_key_value() {
                    Some((&(at, _), _)) if at <= end => {
                        clock.move_to(at);
                        clock.sleepers.pop_first()
                    }
                    _ => {
                        clock.move_to(end);
                        None
                    }
                }
            };
            match due {
                Some((_, waker)) => waker.wake(),
                None => break,
            }
        }
        self.run_until_idle();
    }

    /// Runs tasks until every one of them waits for something.
    pub fn run_until_idle(&self) {
        loop {
            let next = lock(&self.shared.ready).pop_front();
            let Some(task) = next else { break };
            task.run();
        }
    }

    /// When the next sleeper wakes, as [`monotonic`](Runtime::monotonic) counts.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        let clock = lock(&self.shared.clock);
        clock.sleepers.first_key_value().map(|(&(at, _), _)| at)
    }

    /// Drives a future and all tasks, and lets time pass to the next deadline whenever everything waits.
    ///
    /// # Panics
    /// When everything waits and nothing ever will wake it.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            let had_tasks = !lock(&self.shared.ready).is_empty();
            self.run_until_idle();
            if had_tasks {
                continue;
            }
            // Polled with a waker that does nothing: the future may be what its own last poll made ready.
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            if !lock(&self.shared.ready).is_empty() {
                continue;
            }
            let now = lock(&self.shared.clock).monotonic;
            let at = self.next_deadline().expect("everything waits for ever");
            self.advance(at.saturating_sub(now));
        }
    }
}

impl Clock {
    fn move_to(&mut self, at: Duration) {
        let passed = at.saturating_sub(self.monotonic);
        self.monotonic += passed;
        self.wall_ms += i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
    }
}

impl Runtime for ManualRuntime {
    fn now(&self) -> Timestamp {
        Timestamp(lock(&self.shared.clock).wall_ms)
    }

    fn monotonic(&self) -> Duration {
        lock(&self.shared.clock).monotonic
    }

    fn chance(&self) -> u64 {
        lock(&self.shared.clock).chance.number()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<()> {
        let mut clock = lock(&self.shared.clock);
        let id = clock.next_sleeper;
        clock.next_sleeper += 1;
        Box::pin(Sleep {
            shared: Arc::clone(&self.shared),
            key: (clock.monotonic + span, id),
        })
    }

    fn spawn(&self, task: BoxFuture<()>) {
        let task = Arc::new(Task {
            future: Mutex::new(Some(task)),
            shared: Arc::clone(&self.shared),
        });
        lock(&self.shared.ready).push_back(task);
    }
}

struct Sleep {
    shared: Arc<Shared>,
    key: (Duration, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut clock = lock(&self.shared.clock);
        if clock.monotonic >= self.key.0 {
            return Poll::Ready(());
        }
        clock.sleepers.insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        lock(&self.shared.clock).sleepers.remove(&self.key);
    }
}

struct Task {
    /// Absent while it runs and after its end.
    future: Mutex<Option<BoxFuture<()>>>,
    shared: Arc<Shared>,
}

impl Task {
    fn run(self: Arc<Self>) {
        let taken = lock(&self.future).take();
        let Some(mut future) = taken else { return };
        let waker = Waker::from(Arc::clone(&self));
        if future
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
        {
            *lock(&self.future) = Some(future);
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let shared = Arc::clone(&self.shared);
        lock(&shared.ready).push_back(self);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use super::*;

    #[test]
    fn sleepers_wake_in_order_when_time_passes() {
        let runtime = ManualRuntime::new(Timestamp(1_000));
        let log = Arc::new(Mutex::new(Vec::new()));
        for seconds in [3, 1, 2] {
            let (log, clock) = (Arc::clone(&log), runtime.clone());
            runtime.spawn(Box::pin(async move {
                clock.sleep(Duration::from_secs(seconds)).await;
                lock(&log).push((seconds, clock.now().0));
            }));
        }

        runtime.advance(Duration::from_millis(2_500));
        assert_eq!(*lock(&log), [(1, 2_000), (2, 3_000)]);
        runtime.advance(Duration::from_millis(500));
        assert_eq!(*lock(&log), [(1, 2_000), (2, 3_000), (3, 4_000)]);
        assert_eq!(runtime.next_deadline(), None);
    }

    #[test]
    fn a_future_is_driven_with_its_tasks_through_time() {
        let runtime = ManualRuntime::default();
        let ticks = Arc::new(AtomicU64::new(0));
        let (counted, clock) = (Arc::clone(&ticks), runtime.clone());
        runtime.spawn(Box::pin(async move {
            for _ in 0..10 {
                clock.sleep(Duration::from_secs(1)).await;
                counted.fetch_add(1, Relaxed);
            }
        }));

        runtime.block_on(runtime.sleep(Duration::from_secs(5)));

        assert_eq!(runtime.monotonic(), Duration::from_secs(5));
        assert!((4..=5).contains(&ticks.load(Relaxed)));
    }

    #[test]
    fn a_step_of_the_wall_clock_wakes_nobody() {
        let runtime = ManualRuntime::default();
        let clock = runtime.clone();
        runtime.spawn(Box::pin(async move {
            clock.sleep(Duration::from_secs(1)).await;
        }));
        runtime.run_until_idle();

        runtime.step_wall_clock(3_600_000);

        assert_eq!(runtime.now(), Timestamp(3_600_000));
        assert_eq!(runtime.monotonic(), Duration::ZERO);
        assert_eq!(runtime.next_deadline(), Some(Duration::from_secs(1)));
    }
}
