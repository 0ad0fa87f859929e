//! A token bucket: so many per second on average, twice as many in a burst.

use std::time::Duration;

/// How much can be owed at most, in seconds of the allowance: so long at most a user has nothing left because of what it
/// asked of other nodes.
const OWED: i64 = 60;

/// What is left of a user's allowance.
#[derive(Clone, Copy, Debug)]
pub struct RateState {
    /// Thousandths of a permit; below 0 what was used elsewhere and was not there.
    left: i64,
    at: Duration,
}

impl RateState {
    /// A full bucket.
    #[must_use]
    pub fn new(per_second: u32, now: Duration) -> Self {
        Self {
            left: full(per_second),
            at: now,
        }
    }

    /// Takes one permit, or says how long to wait for it. `now` is monotonic time.
    ///
    /// # Errors
    /// The time until the next permit.
    pub fn take(&mut self, per_second: u32, now: Duration) -> Result<(), Duration> {
        self.refill(per_second, now);
        if self.left >= 1_000 {
            self.left -= 1_000;
            return Ok(());
        }
        let missing = self.left.abs_diff(1_000);
        Err(Duration::from_millis(
            missing.div_ceil(u64::from(per_second.max(1))),
        ))
    }

    /// Takes permits that were used elsewhere already, also those that are not there.
    pub fn owe(&mut self, times: u32, per_second: u32, now: Duration) {
        self.refill(per_second, now);
        let lowest = -OWED * 1_000 * rate(per_second);
        self.left = (self.left - i64::from(times) * 1_000).max(lowest);
    }

    /// Whether nothing was taken lately, so that the state can be forgotten.
    #[must_use]
    pub fn is_full(&self, per_second: u32, now: Duration) -> bool {
        let mut later = *self;
        later.refill(per_second, now);
        later.left >= full(per_second)
    }

    fn refill(&mut self, per_second: u32, now: Duration) {
        let passed = now.saturating_sub(self.at).as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        let more = i64::try_from(passed).unwrap_or(i64::MAX);
        let more = more.saturating_mul(rate(per_second));
        self.left = self.left.saturating_add(more).min(full(per_second));
        self.at += Duration::from_millis(passed);
    }
}

fn rate(per_second: u32) -> i64 {
    i64::from(per_second.max(1))
}

fn full(per_second: u32) -> i64 {
    rate(per_second) * 2_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let mut rate = RateState::new(10, Duration::ZERO);
        for _ in 0..20 {
            assert_eq!(rate.take(10, Duration::ZERO), Ok(()));
        }
        assert_eq!(
            rate.take(10, Duration::ZERO),
            Err(Duration::from_millis(100))
        );
        assert_eq!(rate.take(10, Duration::from_millis(100)), Ok(()));
        assert!(!rate.is_full(10, Duration::from_millis(100)));
        assert!(rate.is_full(10, Duration::from_secs(3)));
    }
    #[test]
    fn what_was_used_elsewhere_is_owed_and_made_good_by_time() {
        let mut rate = RateState::new(10, Duration::ZERO);

        rate.owe(30, 10, Duration::ZERO);

        let wait = rate.take(10, Duration::ZERO);
        assert_eq!(wait, Err(Duration::from_millis(1_100)));
        assert!(!rate.is_full(10, Duration::from_millis(2_900)));
        assert_eq!(rate.take(10, Duration::from_millis(1_100)), Ok(()));
        assert!(rate.is_full(10, Duration::from_millis(3_200)));
    }

    #[test]
    fn no_more_is_owed_than_a_minute_gives() {
        let mut rate = RateState::new(10, Duration::ZERO);
        for _ in 0..100 {
            rate.owe(u32::MAX, 10, Duration::ZERO);
        }

        assert_eq!(rate.take(10, Duration::from_millis(60_100)), Ok(()));
    }
}
