//! A token bucket: so many per second on average, twice as many in a burst.

use std::time::Duration;

/// What is left of a user's allowance.
#[derive(Clone, Copy, Debug)]
pub struct RateState {
    /// Thousandths of a permit.
    left: u64,
    at: Duration,
}

impl RateState {
    /// A full bucket.
    #[must_use]
    pub fn new(per_second: u32, now: Duration) -> Self {
        Self {
            left: u64::from(per_second) * 2_000,
            at: now,
        }
    }

    /// Takes one permit, or says how long to wait for it. `now` is monotonic time.
    ///
    /// # Errors
    /// The time until the next permit.
    pub fn take(&mut self, per_second: u32, now: Duration) -> Result<(), Duration> {
        let rate = u64::from(per_second.max(1));
        let passed = u64::try_from(now.saturating_sub(self.at).as_millis()).unwrap_or(u64::MAX);
        self.left = self
            .left
            .saturating_add(passed.saturating_mul(rate))
            .min(rate * 2_000);
        self.at += Duration::from_millis(passed);
        if self.left >= 1_000 {
            self.left -= 1_000;
            Ok(())
        } else {
            Err(Duration::from_millis((1_000 - self.left).div_ceil(rate)))
        }
    }

    /// Whether nothing was taken lately, so that the state can be forgotten.
    #[must_use]
    pub fn is_full(&self, per_second: u32, now: Duration) -> bool {
        let rate = u64::from(per_second.max(1));
        let passed = u64::try_from(now.saturating_sub(self.at).as_millis()).unwrap_or(u64::MAX);
        self.left.saturating_add(passed.saturating_mul(rate)) >= rate * 2_000
    }
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
}
