//! Locking accounts out after failures in a row, for a time that grows. `throttle` bounds how often anybody may try; this
//! bounds how long somebody may go on being wrong.
//!
//! A name is locked for the network that failed, so that a stranger who guesses does not lock out whom the name belongs
//! to; after 20 times as many failures it is locked for everybody. Names that nobody has are treated like others. It is
//! in memory and of fixed size; a restart forgets.

use std::{
    hash::{BuildHasher as _, Hash, RandomState},
    net::IpAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::throttle::{NETWORKS, network_of};

/// Names that are remembered, 48 bytes each. Two that share a place take turns in it.
const SLOTS: usize = 1 << 13;

/// How long the first lock lasts. Each further failure doubles it.
const FIRST: Duration = Duration::from_secs(60);

/// How long a lock lasts at most.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// Failures are forgotten when there was none for so long.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// Who failed how often.
pub(crate) struct LockOut {
    from_network: Table,
    everywhere: Table,
}

impl LockOut {
    /// Locks after so many failures; never for 0.
    pub(crate) fn new(failures: u32) -> Self {
        Self {
            from_network: Table::new(failures),
            everywhere: Table::new(failures.saturating_mul(NETWORKS)),
        }
    }

    /// Locks after another number of failures from now on; never for 0, and nobody is locked then.
    pub(crate) fn change(&self, failures: u32) {
        let everywhere = failures.saturating_mul(NETWORKS);
        self.from_network
            .failures
            .store(failures, Ordering::Relaxed);
        self.everywhere
            .failures
            .store(everywhere, Ordering::Relaxed);
    }

    /// Whether an attempt succeeds that was right or wrong. A right one does not while its name is locked; and one does
    /// not count either then, so that a lock ends.
    pub(crate) fn judge(&self, from: (&str, IpAddr), is_right: bool, now: Duration) -> bool {
        let (name, address) = from;
        let here = (name, network_of(address));
        if self.from_network.is_locked(&here, now) || self.everywhere.is_locked(&name, now) {
            return false;
        }
        if is_right {
            self.from_network.forget(&here);
            self.everywhere.forget(&name);
        } else {
            self.from_network.count(&here, now);
            self.everywhere.count(&name, now);
        }
        is_right
    }

    /// Unlocks a name that was locked for everybody: its password is another.
    pub(crate) fn forget(&self, name: &str) {
        self.everywhere.forget(&name);
    }
}

struct Table {
    failures: AtomicU32,
    hasher: RandomState,
    slots: Mutex<Vec<Slot>>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    /// Hash of whom it is about.
    whose: u64,
    failures: u32,
    last: Duration,
    until: Duration,
}

impl Table {
    fn new(failures: u32) -> Self {
        Self {
            failures: AtomicU32::new(failures),
            hasher: RandomState::new(),
            slots: Mutex::new(vec![Slot::default(); SLOTS]),
        }
    }

    fn with<T: Default>(&self, key: &impl Hash, work: impl FnOnce(&mut Slot, u64) -> T) -> T {
        if self.failures.load(Ordering::Relaxed) == 0 {
            return T::default();
        }
        let whose = self.hasher.hash_one(key);
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.get_mut(whose as usize % SLOTS);
        slot.map_or_else(T::default, |slot| work(slot, whose))
    }

    fn is_locked(&self, key: &impl Hash, now: Duration) -> bool {
        self.with(key, |slot, whose| slot.whose == whose && now < slot.until)
    }

    fn count(&self, key: &impl Hash, now: Duration) {
        let most = self.failures.load(Ordering::Relaxed);
        self.with(key, |slot, whose| {
            if slot.whose != whose {
                // A lock stands until it ends: nobody gets rid of it by failing as somebody else.
                if now < slot.until {
                    return;
                }
                *slot = Slot::default();
            }
            if now.saturating_sub(slot.last) >= MEMORY {
                slot.failures = 0;
            }
            slot.whose = whose;
            slot.failures = slot.failures.saturating_add(1);
            slot.last = now;
            if let Some(more) = slot.failures.checked_sub(most) {
                let span = FIRST.saturating_mul(1 << more.min(16));
                slot.until = now + span.min(LONGEST);
            }
        });
    }

    fn forget(&self, key: &impl Hash) {
        self.with(key, |slot, whose| {
            if slot.whose == whose {
                *slot = Slot::default();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_000_000 + seconds)
    }

    fn failed(lock_out: &LockOut, times: u32, now: Duration) {
        for _ in 0..times {
            assert!(!lock_out.judge(("alice", HOME), false, now));
        }
    }

    #[test]
    fn a_right_password_is_wrong_while_its_name_is_locked() {
        let lock_out = LockOut::new(3);
        failed(&lock_out, 3, at(0));

        assert!(!lock_out.judge(("alice", HOME), true, at(59)));
        assert!(lock_out.judge(("bob", HOME), true, at(59)));
        assert!(
            lock_out.judge(("alice", ELSEWHERE), true, at(59)),
            "a stranger locks nobody out"
        );
        assert!(lock_out.judge(("alice", HOME), true, at(60)));
    }

    #[test]
    fn a_lock_grows_and_ends() {
        let lock_out = LockOut::new(3);
        let mut now = 0;
        failed(&lock_out, 3, at(now));
        for span in [60, 120, 240, 480, 960, 1_920, 3_600, 3_600] {
            assert!(
                !lock_out.judge(("alice", HOME), true, at(now + span - 1)),
                "{span}"
            );
            now += span;
            failed(&lock_out, 1, at(now));
        }
    }

    #[test]
    fn being_right_or_long_silent_starts_anew() {
        let lock_out = LockOut::new(3);
        failed(&lock_out, 2, at(0));
        assert!(lock_out.judge(("alice", HOME), true, at(1)));
        failed(&lock_out, 2, at(2));
        failed(&lock_out, 2, at(2 + 24 * 60 * 60));

        assert!(lock_out.judge(("alice", HOME), true, at(2 + 24 * 60 * 60)));
    }

    #[test]
    fn guessing_from_many_networks_locks_for_everybody() {
        let lock_out = LockOut::new(3);
        for n in 0..60_u32 {
            let from = IpAddr::from((0xC612_0000 + n).to_be_bytes());
            assert!(!lock_out.judge(("alice", from), false, at(0)));
        }

        assert!(!lock_out.judge(("alice", HOME), true, at(0)));
        lock_out.forget("alice");
        assert!(lock_out.judge(("alice", HOME), true, at(0)));
    }

    #[test]
    fn zero_switches_it_off() {
        let lock_out = LockOut::new(0);
        failed(&lock_out, 1_000, at(0));
        assert!(lock_out.judge(("alice", HOME), true, at(0)));
    }
}
