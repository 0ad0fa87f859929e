//! How much a node takes upon itself: beyond what it can store in time, requests are refused at the door of their lane.
//!
//! What waits too long, all of it and for a whole interval, is a sign of overload. From then on no more is under way than was
//! stored lately in the time that a request may wait, so that by Little's law it waits about that long. The times are
//! arguments; nothing here knows a lane.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::lock;
use crate::Limits;

/// How long it is looked on before it is judged.
const INTERVAL: Duration = Duration::from_millis(100);
/// How many times as much as is always taken may be under way at all, however fast it goes: before an interval is over
/// nobody knows.
const MOST: usize = 16;

/// What is under way on a node, and how much may be.
#[derive(Default)]
pub(super) struct Admission {
    under_way: AtomicUsize,
    /// How much may be under way; 0 before it was first judged.
    bound: AtomicUsize,
    /// When it is judged next, in microseconds of the monotonic clock.
    next: AtomicU64,
    seen: Mutex<Seen>,
}

/// What was seen since it was last judged.
#[derive(Default)]
struct Seen {
    since: Duration,
    stored: usize,
    /// The shortest time that something waited until it was stored.
    least: Option<Duration>,
    refused: bool,
}

/// The right to be under way, until it is dropped.
pub(super) struct Admitted {
    admission: Arc<Admission>,
    /// Since when, as the monotonic clock counts.
    pub(super) since: Duration,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admission {
    /// Takes a request in; not when it is one too many.
    pub(super) fn admit(self: &Arc<Self>, now: Duration, limits: &Limits) -> Option<Admitted> {
        if micros(now) >= self.next.load(Ordering::Relaxed) {
            self.judge(now, limits);
        }
        let admitted = self.pass(now);
        // The place is given back when one too many is dropped.
        if self.under_way() <= self.bound.load(Ordering::Relaxed) {
            return Some(admitted);
        }
        lock(&self.seen).refused = true;
        None
    }

    /// Takes a request in, whatever is under way: what was begun is finished.
    pub(super) fn pass(self: &Arc<Self>, now: Duration) -> Admitted {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Admitted {
            admission: self.clone(),
            since: now,
        }
    }

    /// How much is under way.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// So many requests were stored, of which the last came in at `since`.
    pub(super) fn stored(&self, count: usize, since: Duration, now: Duration) {
        let waited = now.saturating_sub(since);
        let mut seen = lock(&self.seen);
        seen.stored += count;
        seen.least = Some(seen.least.map_or(waited, |least| least.min(waited)));
    }

    fn judge(&self, now: Duration, limits: &Limits) {
        let mut seen = lock(&self.seen);
        let span = now.saturating_sub(seen.since);
        if self.bound.load(Ordering::Relaxed) != 0 && span < INTERVAL {
            // Somebody else has.
            return;
        }
        let seen = std::mem::replace(
            &mut *seen,
            Seen {
                since: now,
                ..Seen::default()
            },
        );
        let bound = self.bound_after(&seen, span, limits);
        self.bound.store(bound, Ordering::Relaxed);
        self.next.store(micros(now + INTERVAL), Ordering::Relaxed);
    }

    /// How much may be under way after what was seen in a span.
    fn bound_after(&self, seen: &Seen, span: Duration, limits: &Limits) -> usize {
        let wait = Duration::from_millis(limits.store_wait_ms);
        let always = limits.node_waiting.max(1);
        let most = always.saturating_mul(MOST);
        if wait.is_zero() {
            return usize::MAX;
        }
        let all_waited = match seen.least {
            Some(least) => least > wait,
            None => self.under_way() > 0,
        };
        if !all_waited && !seen.refused {
            return most;
        }
        let in_time = seen.stored as u128 * wait.as_micros() / span.as_micros().max(1);
        usize::try_from(in_time).unwrap_or(most).clamp(always, most)
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALWAYS: usize = 20;

    /// A node that stores what came first, one request each `takes`.
    struct House {
        admission: Arc<Admission>,
        limits: Limits,
        now: Duration,
        takes: Duration,
        free_at: Duration,
        waiting: std::collections::VecDeque<Admitted>,
        waited: Vec<Duration>,
        refused: usize,
    }

    impl House {
        fn new(takes_ms: u64) -> Self {
            let limits = Limits {
                node_waiting: ALWAYS,
                store_wait_ms: 100,
                ..Limits::default()
            };
            Self {
                admission: Arc::default(),
                limits,
                now: Duration::from_secs(1_000),
                takes: ms(takes_ms),
                free_at: Duration::ZERO,
                waiting: std::collections::VecDeque::new(),
                waited: Vec::new(),
                refused: 0,
            }
        }

        /// A request comes every so often, as long as `span`; what happened before is not counted any more.
        fn offer(&mut self, every: Duration, span: Duration) {
            (self.waited, self.refused) = (Vec::new(), 0);
            let end = self.now + span;
            while self.now < end {
                self.now += every;
                self.store();
                match self.admission.admit(self.now, &self.limits) {
                    Some(admitted) => self.waiting.push_back(admitted),
                    None => self.refused += 1,
                }
            }
        }

        fn store(&mut self) {
            while let Some(first) = self.waiting.front() {
                let done = self.free_at.max(first.since) + self.takes;
                if done > self.now {
                    return;
                }
                self.free_at = done;
                let first = self.waiting.pop_front().unwrap();
                self.admission.stored(1, first.since, done);
                self.waited.push(done - first.since);
            }
        }

        fn longest(&self) -> Duration {
            self.waited.iter().max().copied().unwrap_or_default()
        }
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn twice_the_load_is_halved_and_what_is_let_in_waits_as_long_as_it_may() {
        let mut house = House::new(2);
        house.offer(ms(1), ms(1_000));

        house.offer(ms(1), ms(4_000));

        let stored = house.waited.len();
        assert!((1_990..=2_010).contains(&stored), "{stored}");
        assert!(
            (1_950..=2_050).contains(&house.refused),
            "{}",
            house.refused
        );
        assert!(house.longest() < ms(120), "{:?}", house.longest());
    }

    #[test]
    fn nothing_is_refused_soon_after_the_load_is_what_it_can_take() {
        let mut house = House::new(2);
        house.offer(ms(1), ms(2_000));
        assert!(house.refused > 0);

        house.offer(ms(3), ms(500));
        house.offer(ms(3), ms(2_000));

        assert_eq!(house.refused, 0);
        assert!(house.longest() < ms(10), "{:?}", house.longest());
    }

    #[test]
    fn so_many_are_let_in_however_long_they_wait() {
        let mut house = House::new(1_000);

        house.offer(ms(50), ms(500));
        house.offer(ms(50), ms(20_000));

        // One is stored each second, and somebody else takes its place.
        assert_eq!(house.admission.under_way(), ALWAYS);
        assert!(
            (19..=21).contains(&house.waited.len()),
            "{}",
            house.waited.len()
        );
    }

    #[test]
    fn a_store_that_stands_still_has_what_is_always_let_in_and_no_more() {
        let mut house = House::new(2);
        house.offer(ms(2), ms(1_000));
        house.free_at = house.now + ms(10_000);

        house.offer(ms(1), ms(300));
        let before = house.admission.under_way();
        house.offer(ms(1), ms(5_000));

        assert!(before > ALWAYS, "before it is noticed, more comes in");
        assert_eq!(house.admission.under_way(), before);
        assert_eq!(house.refused, 5_000);
    }

    #[test]
    fn a_burst_is_let_in_when_nothing_waited_before_it_but_not_without_a_bound() {
        let mut house = House::new(2);
        house.offer(ms(10), ms(1_000));
        let admission = house.admission.clone();
        let let_in: Vec<_> = (0..ALWAYS * MOST * 2)
            .filter_map(|_| admission.admit(house.now, &house.limits))
            .collect();

        assert_eq!(let_in.len(), ALWAYS * MOST - house.waiting.len());
        drop(let_in);
        assert_eq!(admission.under_way(), house.waiting.len());
    }

    #[test]
    fn without_a_limit_everything_is_let_in() {
        let mut house = House::new(1_000);
        house.limits.store_wait_ms = 0;

        house.offer(ms(1), ms(2_000));

        assert_eq!(house.refused, 0);
    }

    #[test]
    fn what_was_begun_is_let_in_beside_the_others() {
        let house = House::new(2);
        let admission = &house.admission;
        let first: Vec<_> = (0..ALWAYS * MOST)
            .map(|_| admission.admit(house.now, &house.limits).unwrap())
            .collect();
        assert!(admission.admit(house.now, &house.limits).is_none());

        let more = admission.pass(house.now);

        assert_eq!(admission.under_way(), first.len() + 1);
        drop(more);
    }
}
