//! Locking accounts out after failures in a row, for a time that grows. `throttle` bounds how often anybody may try; this
//! bounds how long somebody may go on being wrong.
//!
//! A name is locked for the network that failed, so that a stranger who guesses does not lock out whom the name belongs
//! to; after 20 times as many failures it is locked for everybody. Names that nobody has are treated like others.
//! `attempts` counts, over all nodes.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use im_core::{
    StoreError,
    port::{AttemptKey, LockRule, Verdict},
};

use crate::{
    attempts::Counted,
    throttle::{NETWORKS, from_network},
};

/// How long the first lock lasts. Each further failure doubles it.
const FIRST: Duration = Duration::from_secs(60);

/// How long a lock lasts at most.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// Failures are forgotten when there was none for so long.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// Who failed how often.
pub(crate) struct LockOut {
    counted: Counted,
    /// How many failures lock; 0 for none.
    failures: AtomicU32,
}

impl LockOut {
    /// Locks after so many failures; never for 0.
    pub(crate) fn new(failures: u32, counted: Counted) -> Self {
        Self {
            counted,
            failures: AtomicU32::new(failures),
        }
    }

    /// Locks after another number of failures from now on; never for 0, and nobody is locked then.
    pub(crate) fn change(&self, failures: u32) {
        self.failures.store(failures, Ordering::Relaxed);
    }

    /// Whether an attempt succeeds that was right or wrong. A right one does not while its name is locked; and one does
    /// not count either then, so that a lock ends.
    pub(crate) async fn judge(
        &self,
        from: (&str, IpAddr),
        is_right: bool,
    ) -> Result<bool, StoreError> {
        let Some(failures) = NonZeroU32::new(self.failures.load(Ordering::Relaxed)) else {
            return Ok(is_right);
        };
        let (name, address) = from;
        let here = self.counted.key("lock", &from_network(name, address));
        let everywhere = failures.saturating_mul(NETWORKS);
        let judged = |key, failures| {
            let rule = LockRule {
                failures,
                first: FIRST,
                longest: LONGEST,
                memory: MEMORY,
            };
            self.counted.attempts.judge(key, rule, is_right)
        };
        if judged(here, failures).await? == Verdict::Locked {
            return Ok(false);
        }
        // Asked whether it was right or wrong: the time does not tell.
        let verdict = judged(self.everywhere(name), everywhere).await?;
        Ok(verdict == Verdict::Right)
    }

    /// Unlocks a name that was locked for everybody: its password is another.
    pub(crate) async fn forget(&self, name: &str) -> Result<(), StoreError> {
        self.counted.attempts.forget(self.everywhere(name)).await
    }

    fn everywhere(&self, name: &str) -> AttemptKey {
        self.counted.key("lock-everywhere", name)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use im_core::testing::ManualRuntime;
    use im_store::MemoryAttempts;

    use super::*;
    use crate::secret::Secret;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

    struct House {
        lock_out: LockOut,
        runtime: ManualRuntime,
    }

    impl House {
        fn new(failures: u32) -> Self {
            let runtime = ManualRuntime::default();
            let attempts = MemoryAttempts::on(Arc::new(runtime.clone()));
            let counted = Counted::new(&Secret::new("a secret"), Arc::new(attempts));
            let lock_out = LockOut::new(failures, counted);
            Self { lock_out, runtime }
        }

        fn pass(&self, seconds: u64) {
            self.runtime.advance(Duration::from_secs(seconds));
        }

        async fn fail(&self, times: u32) {
            for _ in 0..times {
                let judged = self.lock_out.judge(("alice", HOME), false).await;
                assert!(!judged.expect("memory answers"));
            }
        }

        async fn lets_in(&self, name: &str, address: IpAddr) -> bool {
            let judged = self.lock_out.judge((name, address), true).await;
            judged.expect("memory answers")
        }
    }

    #[tokio::test]
    async fn a_right_password_is_wrong_while_its_name_is_locked() {
        let house = House::new(3);
        house.fail(3).await;

        house.pass(59);
        assert!(!house.lets_in("alice", HOME).await);
        assert!(house.lets_in("bob", HOME).await);
        assert!(
            house.lets_in("alice", ELSEWHERE).await,
            "a stranger locks nobody out"
        );
        house.pass(1);
        assert!(house.lets_in("alice", HOME).await);
    }

    #[tokio::test]
    async fn a_lock_grows_and_ends() {
        let house = House::new(3);
        house.fail(3).await;
        for span in [60, 120, 240, 480, 960, 1_920, 3_600, 3_600] {
            house.pass(span - 1);
            assert!(!house.lets_in("alice", HOME).await, "{span}");
            house.pass(1);
            house.fail(1).await;
        }
    }

    #[tokio::test]
    async fn being_right_or_long_silent_starts_anew() {
        let house = House::new(3);
        house.fail(2).await;
        assert!(house.lets_in("alice", HOME).await);
        house.fail(2).await;
        house.pass(24 * 60 * 60);
        house.fail(2).await;

        assert!(house.lets_in("alice", HOME).await);
    }

    #[tokio::test]
    async fn guessing_from_many_networks_locks_for_everybody() {
        let house = House::new(3);
        for n in 0..60_u32 {
            let from = IpAddr::from((0xC612_0000 + n).to_be_bytes());
            let judged = house.lock_out.judge(("alice", from), false).await;
            assert_eq!(judged.ok(), Some(false));
        }

        assert!(!house.lets_in("alice", HOME).await);
        house.lock_out.forget("alice").await.expect("it is memory");
        assert!(house.lets_in("alice", HOME).await);
    }

    #[tokio::test]
    async fn zero_switches_it_off() {
        let house = House::new(0);
        house.fail(1_000).await;
        assert!(house.lets_in("alice", HOME).await);
    }
}
