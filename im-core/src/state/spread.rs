//! When devices come back that are sent away together.

use std::time::Duration;

/// Room for each session: when a node goes away, 500 of its devices come back in a second.
const EACH: Duration = Duration::from_millis(2);

/// Nobody is told to stay away for longer, however many there are.
const MOST: Duration = Duration::from_secs(60);

/// How long one of `sessions` is told to stay away: any time below 2 ms × `sessions`, but below 60 s, each with the same
/// chance. `chance` is a number out of all that there are.
pub(crate) fn time_away(sessions: usize, chance: u64) -> Duration {
    let sessions = u32::try_from(sessions).unwrap_or(u32::MAX);
    let span = EACH.saturating_mul(sessions).min(MOST).as_millis();
    let part = (span * u128::from(chance)) >> 64;
    Duration::from_millis(u64::try_from(part).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The earliest, the middle, and the latest time for so many sessions, in milliseconds.
    fn times(sessions: usize) -> [u128; 3] {
        [0, 1 << 63, u64::MAX].map(|chance| time_away(sessions, chance).as_millis())
    }

    #[test]
    fn the_span_grows_with_the_sessions_up_to_a_bound() {
        assert_eq!(times(0), [0, 0, 0]);
        assert_eq!(times(1), [0, 1, 1]);
        assert_eq!(times(1_000), [0, 1_000, 1_999]);
        assert_eq!(times(30_000), [0, 30_000, 59_999]);
        assert_eq!(times(1_000_000), [0, 30_000, 59_999]);
        assert_eq!(times(usize::MAX), [0, 30_000, 59_999]);
    }
}
