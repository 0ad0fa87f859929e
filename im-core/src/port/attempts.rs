//! How often something was tried, counted over all nodes.

use std::{num::NonZeroU32, time::Duration};

use async_trait::async_trait;

use crate::StoreError;

/// What attempts are counted by.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct AttemptKey {
    /// What is tried: a short name of the program, of letters, digits and `-`. There are few of them.
    pub kind: &'static str,
    /// By whom, or for whom: a keyed hash, so that nobody can choose it, and nothing of a name or an address is in it.
    pub of: [u8; 16],
}

/// How often something may be tried: `most` times at once, and as often again in each `period`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AttemptRate {
    /// Attempts at once.
    pub most: NonZeroU32,
    /// In which as many are given back, evenly.
    pub period: Duration,
}

/// When failures in a row lock, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LockRule {
    /// After so many.
    pub failures: NonZeroU32,
    /// How long the first lock lasts. Each further failure doubles that.
    pub first: Duration,
    /// How long a lock lasts at most.
    pub longest: Duration,
    /// Failures are forgotten when there was none for so long. Longer than a lock lasts.
    pub memory: Duration,
}

/// What became of an attempt that was counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Admission {
    /// It may be made.
    Admitted,
    /// It may be made after that time, and counts for nothing.
    Wait(Duration),
}

/// What became of an attempt to prove something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It was right, and failures are forgotten.
    Right,
    /// It was wrong, and counts.
    Wrong,
    /// It was made during a lock: whether it was right does not matter, and it does not count.
    Locked,
}

/// Counts of attempts. All nodes of a cluster have the same.
///
/// # Contract
/// - Each call is one step: of attempts that are made at the same moment on several nodes none is overlooked.
/// - No more is admitted than the rate allows, and no lock ends early, as long as nothing is lost. What is counted may be
///   lost with a restart: then everybody begins anew.
/// - Memory is bounded. Keys of one kind may share a count; never is something forgotten because of other keys while it
///   locks somebody out.
/// - It follows the clock of whoever counts, not those of the callers.
#[async_trait]
pub trait Attempts: Send + Sync + 'static {
    /// Counts an attempt, if it may be made.
    async fn admit(&self, key: AttemptKey, rate: AttemptRate) -> Result<Admission, StoreError>;

    /// Whether an attempt could be made now. Counts nothing.
    async fn check(&self, key: AttemptKey, rate: AttemptRate) -> Result<Admission, StoreError>;

    /// Counts an attempt that was right or wrong.
    async fn judge(
        &self,
        key: AttemptKey,
        rule: LockRule,
        is_right: bool,
    ) -> Result<Verdict, StoreError>;

    /// Forgets failures, and the lock that they led to.
    async fn forget(&self, key: AttemptKey) -> Result<(), StoreError>;
}
