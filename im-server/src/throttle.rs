//! How often somebody may try to sign in, and have codes sent: token buckets by client address, user name and target. A name's bucket belongs to
//! one network, so that a stranger who guesses does not lock out whom the name belongs to.
//!
//! What users may ask per second is the engine's business (`Limits::sends_per_second` and `requests_per_second`).

use std::{
    hash::{BuildHasher as _, Hash, RandomState},
    net::IpAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use im_core::{Code, Rejection};
use serde::{Deserialize, Serialize};

/// Buckets in each table. A table is 192 KiB, whatever comes in.
const SLOTS: usize = 1 << 13;

/// So many networks together can use up the attempts that a name has everywhere. More than a stranger has at hand; few
/// enough that guessing from many places stays slow.
pub(crate) const NETWORKS: u32 = 20;

const MINUTE: Duration = Duration::from_secs(60);

const HOUR: Duration = Duration::from_secs(60 * 60);

/// How often somebody may register, sign in and refresh.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimits {
    /// Attempts per minute and client address (IPv6: per /64), averaged; bursts of as many pass. Default 60: a school
    /// behind one address signs in within a few minutes. As many bad server keys pass, counted apart. 0 switches the limit
    /// off.
    pub sign_ins_per_address: u32,
    /// Attempts per minute and user name from one network (IPv4: an address, IPv6: a /64), averaged; bursts of as many
    /// pass, and 20 times as many from everywhere together. Default 10: a person mistypes three times, a guesser gets
    /// 14,400 guesses a day. 0 switches the limit off.
    pub sign_ins_per_user: u32,
    /// Codes per hour and client address (IPv6: per /64), averaged; bursts of as many pass. Default 30: a school behind one
    /// address, and no more text messages than that at the operator's cost. 0 switches the limit off.
    pub codes_per_address: u32,
    /// Codes per hour and e-mail address or phone number, averaged; bursts of as many pass. Default 5: each can be tried 5
    /// times, so that a guesser needs four years on average. 0 switches the limit off.
    pub codes_per_target: u32,
    /// Failures in a row after which a name is locked for the network that they came from; after 20 times as many it is
    /// locked for everybody. The first lock lasts a minute, each further failure doubles it up to an hour. Default 10: more
    /// than a person mistypes. 0 switches locks off.
    pub failures_before_lock: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            sign_ins_per_address: 60,
            sign_ins_per_user: 10,
            codes_per_address: 30,
            codes_per_target: 5,
            failures_before_lock: 10,
        }
    }
}

/// Lets attempts through, or says when to come back.
pub(crate) struct Throttle {
    addresses: Table,
    code_addresses: Table,
    code_targets: Table,
    failed_keys: Table,
    users: Table,
    users_everywhere: Table,
}

impl Throttle {
    /// Full buckets.
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self {
            addresses: Table::new(limits.sign_ins_per_address, MINUTE),
            code_addresses: Table::new(limits.codes_per_address, HOUR),
            code_targets: Table::new(limits.codes_per_target, HOUR),
            failed_keys: Table::new(limits.sign_ins_per_address, MINUTE),
            users: Table::new(limits.sign_ins_per_user, MINUTE),
            users_everywhere: Table::new(limits.sign_ins_per_user.saturating_mul(NETWORKS), MINUTE),
        }
    }

    /// Holds other limits from now on. What was counted stays counted.
    pub(crate) fn change(&self, limits: RateLimits) {
        let everywhere = limits.sign_ins_per_user.saturating_mul(NETWORKS);
        for (table, burst) in [
            (&self.addresses, limits.sign_ins_per_address),
            (&self.code_addresses, limits.codes_per_address),
            (&self.code_targets, limits.codes_per_target),
            (&self.failed_keys, limits.sign_ins_per_address),
            (&self.users, limits.sign_ins_per_user),
            (&self.users_everywhere, everywhere),
        ] {
            table.burst.store(burst, Ordering::Relaxed);
        }
    }

    /// Counts an attempt from an address.
    ///
    /// # Errors
    /// [`Code::RateLimited`] with the time to wait.
    pub(crate) fn admit_address(&self, address: IpAddr, now: Duration) -> Result<(), Rejection> {
        self.addresses.admit(&network_of(address), now)
    }

    /// Whether an address may present a server key that was not good before.
    ///
    /// # Errors
    /// [`Code::RateLimited`] with the time to wait, after too many that were not.
    pub(crate) fn check_key(&self, address: IpAddr, now: Duration) -> Result<(), Rejection> {
        self.failed_keys.check(&network_of(address), now)
    }

    /// Counts a server key that was not good.
    pub(crate) fn count_failed_key(&self, address: IpAddr, now: Duration) {
        // What is refused was counted enough.
        let _ = self.failed_keys.admit(&network_of(address), now);
    }

    /// Counts an attempt from an address to be a user, whether or not there is one of that name.
    ///
    /// # Errors
    /// [`Code::RateLimited`] with the time to wait.
    pub(crate) fn admit_user(
        &self,
        name: &str,
        address: IpAddr,
        now: Duration,
    ) -> Result<(), Rejection> {
        // What one network has no attempts left for takes nothing from the others.
        self.users.admit(&(name, network_of(address)), now)?;
        self.users_everywhere.admit(&name, now)
    }

    /// Counts a code that is sent from an address to a target, whether or not somebody is found there.
    ///
    /// # Errors
    /// [`Code::RateLimited`] with the time to wait.
    pub(crate) fn admit_code(
        &self,
        target: &str,
        address: IpAddr,
        now: Duration,
    ) -> Result<(), Rejection> {
        self.code_addresses.admit(&network_of(address), now)?;
        self.code_targets.admit(&target, now)
    }
}

/// Whoever has one IPv6 address has its whole /64.
pub(crate) fn network_of(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(v4) => u64::from(v4.to_bits()),
        IpAddr::V6(v6) => (v6.to_bits() >> 64) as u64,
    }
}

/// A table of fixed size: keys that share a slot share a bucket, and nobody can choose to, because the hash is keyed.
struct Table {
    burst: AtomicU32,
    period: Duration,
    hasher: RandomState,
    slots: Mutex<Vec<Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Duration,
}

impl Table {
    /// `burst` at once, and as many in each `period`.
    fn new(burst: u32, period: Duration) -> Self {
        let full = Bucket {
            // As many as a bucket holds, whatever that is.
            tokens: f64::INFINITY,
            at: Duration::ZERO,
        };
        Self {
            burst: AtomicU32::new(burst),
            period,
            hasher: RandomState::new(),
            slots: Mutex::new(vec![full; SLOTS]),
        }
    }

    /// Takes from a key's bucket.
    fn admit(&self, key: &impl Hash, now: Duration) -> Result<(), Rejection> {
        self.take(key, now, 1.0)
    }

    /// Looks whether there is something in a key's bucket.
    fn check(&self, key: &impl Hash, now: Duration) -> Result<(), Rejection> {
        self.take(key, now, 0.0)
    }

    fn take(&self, key: &impl Hash, now: Duration, tokens: f64) -> Result<(), Rejection> {
        let burst = self.burst.load(Ordering::Relaxed);
        if burst == 0 {
            return Ok(());
        }
        let burst = f64::from(burst);
        let per_second = burst / self.period.as_secs_f64();
        let slot = self.hasher.hash_one(key) as usize % SLOTS;
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = &mut slots[slot];
        let passed = now.saturating_sub(bucket.at).as_secs_f64();
        bucket.tokens = (bucket.tokens + passed * per_second).min(burst);
        bucket.at = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= tokens;
            return Ok(());
        }
        let wait = Duration::from_secs_f64((1.0 - bucket.tokens) / per_second);
        Err(Rejection::new(
            Code::RateLimited,
            "too many attempts; wait as long as retry_after_ms says",
        )
        .retry_after(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(sign_ins_per_user: u32) -> Throttle {
        Throttle::new(RateLimits {
            sign_ins_per_address: 60,
            sign_ins_per_user,
            ..RateLimits::default()
        })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_burst_passes_then_attempts_wait_and_time_heals() {
        let throttle = throttle(3);
        let now = Duration::from_secs(100);
        let admit = |now| throttle.admit_user("alice", address("192.0.2.1"), now);
        for _ in 0..3 {
            assert_eq!(admit(now), Ok(()));
        }

        let refused = admit(now).expect_err("the fourth waits");

        assert_eq!(refused.code, Code::RateLimited);
        assert_eq!(refused.retry_after_ms, Some(20_000));
        let later = now + Duration::from_secs(20);
        assert_eq!(admit(later), Ok(()));
        assert!(admit(later).is_err());
    }

    #[test]
    fn a_stranger_cannot_lock_a_user_out() {
        let throttle = throttle(3);
        let now = Duration::from_secs(100);
        let (stranger, home) = (address("192.0.2.1"), address("192.0.2.2"));
        let guesses = (0..1_000).map(|_| throttle.admit_user("alice", stranger, now));
        assert_eq!(guesses.filter(Result::is_ok).count(), 3);

        assert_eq!(throttle.admit_user("alice", home, now), Ok(()));
    }

    #[test]
    fn guessing_from_many_networks_is_bounded_too() {
        let throttle = throttle(3);
        let now = Duration::from_secs(100);
        let networks = (0..1_000_u32).map(|n| IpAddr::from((0xC612_0000 + n).to_be_bytes()));
        let admitted = networks.filter(|from| throttle.admit_user("alice", *from, now).is_ok());

        assert_eq!(admitted.count(), 60);
    }

    #[test]
    fn zero_switches_a_limit_off() {
        let throttle = Throttle::new(RateLimits {
            sign_ins_per_address: 0,
            sign_ins_per_user: 0,
            ..RateLimits::default()
        });
        for _ in 0..1000 {
            let admitted = throttle.admit_user("alice", address("192.0.2.1"), Duration::ZERO);
            assert_eq!(admitted, Ok(()));
        }
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let [a, b, c] = ["2001:db8::1", "2001:db8::ffff", "2001:db9::1"].map(address);
        assert_eq!(network_of(a), network_of(b));
        assert_ne!(network_of(a), network_of(c));
    }

    #[test]
    fn codes_are_counted_by_target_and_by_address() {
        let throttle = Throttle::new(RateLimits {
            codes_per_address: 3,
            codes_per_target: 3,
            ..RateLimits::default()
        });
        let now = Duration::from_secs(100_000);
        let (here, there) = (address("192.0.2.1"), address("198.51.100.1"));
        let admit = |target, from, now| throttle.admit_code(target, from, now).is_ok();
        for _ in 0..3 {
            assert!(admit("a@example.org", here, now));
        }
        assert!(!admit("a@example.org", there, now), "the target has enough");
        assert!(
            !admit("b@example.org", here, now),
            "the address has asked enough"
        );

        assert!(admit("b@example.org", there, now));
        assert!(admit(
            "a@example.org",
            there,
            now + Duration::from_secs(20 * 60)
        ));
    }
}
