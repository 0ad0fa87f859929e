//! What may happen often, and is not logged as often.

use std::{sync::Mutex, time::Duration};

use super::lock;

/// How often a complaint is logged at most.
const PAUSE: Duration = Duration::from_secs(1);

/// Counts what is complained about, so that a line in the log stands for all that happened since the one before.
#[derive(Default)]
pub(super) struct Complaints {
    inner: Mutex<(u64, Option<Duration>)>,
}

impl Complaints {
    /// Counts one more. How many there are to tell of, when it is time for that.
    pub(super) fn add(&self, now: Duration) -> Option<u64> {
        let mut inner = lock(&self.inner);
        let (count, told) = &mut *inner;
        *count += 1;
        if told.is_some_and(|told| now < told + PAUSE) {
            return None;
        }
        *told = Some(now);
        Some(std::mem::take(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stands_for_all_since_the_one_before() {
        let complaints = Complaints::default();

        let told = [0, 1, 999, 1_000, 1_001].map(|ms| complaints.add(Duration::from_millis(ms)));

        assert_eq!(told, [Some(1), None, None, Some(3), None]);
    }
}
