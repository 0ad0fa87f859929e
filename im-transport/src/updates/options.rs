//! What a host may choose about long polls. Each number has a unit, a default, and the reason for it.

use std::time::Duration;

/// Options of [`Updates`](super::Updates).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Options {
    /// Polls of one user that wait at a time. Default 8: a bot has one, and its next may come before the last has ended.
    /// Each is a connection; further ones are refused.
    pub waiters_per_user: usize,
    /// How long a poll may wait. Default 50 s: below the minute after which common proxies cut a silent answer.
    pub longest_wait: Duration,
    /// How long a poll waits that does not say. Default 25 s.
    pub usual_wait: Duration,
    /// How long a user stays online after its last poll, up to twice that. Default 30 s: a bot works on what it got, and
    /// comes back without that anybody sees it go.
    pub linger: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            waiters_per_user: 8,
            longest_wait: Duration::from_secs(50),
            usual_wait: Duration::from_secs(25),
            linger: Duration::from_secs(30),
        }
    }
}
