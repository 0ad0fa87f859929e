//! How long to wait before the next attempt.

use std::time::Duration;

use crate::port::Runtime;

/// The first pause.
pub(super) const SHORTEST: Duration = Duration::from_millis(100);
/// Pauses do not grow beyond this.
pub(super) const LONGEST: Duration = Duration::from_secs(10);

/// A chance, from 0 to 999.
pub(super) fn jitter(runtime: &dyn Runtime) -> u32 {
    (runtime.chance() % 1_000) as u32
}

/// Half of `wait` to one and a half of it, as the chance has it: so that those who were sent away together do not come
/// back together.
pub(super) fn jittered(wait: Duration, jitter: u32) -> Duration {
    wait / 2 + wait.min(LONGEST) * jitter / 1_000
}
