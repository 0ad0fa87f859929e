//! How often somebody may try to sign in, and have codes sent: by client address, user name and target. What a name has
//! belongs to one network, so that a stranger who guesses does not lock out whom the name belongs to. `attempts` counts, over
//! all nodes.
//!
//! What users may ask per second is the engine's business (`Limits::sends_per_second` and `requests_per_second`).

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use im_core::{
    Code, Rejection,
    port::{Admission, AttemptRate},
};
use serde::{Deserialize, Serialize};

use crate::attempts::Counted;

/// So many networks together can use up the attempts that a name has everywhere. More than a stranger has at hand; few
/// enough that guessing from many places stays slow.
pub(crate) const NETWORKS: NonZeroU32 = NonZeroU32::new(20).expect("20 is not 0");

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
    counted: Counted,
    addresses: Allowance,
    code_addresses: Allowance,
    code_targets: Allowance,
    failed_keys: Allowance,
    users: Allowance,
    users_everywhere: Allowance,
}

/// How often attempts of one kind may be made.
struct Allowance {
    kind: &'static str,
    /// At once, and as often again in each period; 0 for as often as anybody likes.
    most: AtomicU32,
    period: Duration,
}

impl Throttle {
    /// Nobody has tried anything.
    pub(crate) fn new(limits: RateLimits, counted: Counted) -> Self {
        let throttle = Self {
            counted,
            addresses: Allowance::new("address", MINUTE),
            code_addresses: Allowance::new("code-address", HOUR),
            code_targets: Allowance::new("code-target", HOUR),
            failed_keys: Allowance::new("key", MINUTE),
            users: Allowance::new("user", MINUTE),
            users_everywhere: Allowance::new("user-everywhere", MINUTE),
        };
        throttle.change(limits);
        throttle
    }

    /// Holds other limits from now on. What was counted stays counted.
    pub(crate) fn change(&self, limits: RateLimits) {
        let everywhere = limits.sign_ins_per_user.saturating_mul(NETWORKS.get());
        for (allowance, most) in [
            (&self.addresses, limits.sign_ins_per_address),
            (&self.code_addresses, limits.codes_per_address),
            (&self.code_targets, limits.codes_per_target),
            (&self.failed_keys, limits.sign_ins_per_address),
            (&self.users, limits.sign_ins_per_user),
            (&self.users_everywhere, everywhere),
        ] {
            allowance.most.store(most, Ordering::Relaxed);
        }
    }

    /// Counts an attempt from an address.
    ///
    /// # Errors
    /// [`Code::RateLimited`] with the time to wait.
    pub(crate) async fn admit_address(&self, address: IpAddr) -> Result<(), Rejection> {
        self.admit(&self.addresses, &network(address)).await
    }

    /// Whether an address may present a server key that was not good before.
    ///
    /// # Errors
    /// [`Code::RateLimited`] with the time to wait, after too many that were not.
    pub(crate) async fn check_key(&self, address: IpAddr) -> Result<(), Rejection> {
        let Some(rate) = self.failed_keys.rate() else {
            return Ok(());
        };
        let key = self.counted.key(self.failed_keys.kind, &network(address));
        outcome(self.counted.attempts.check(key, rate).await?)
    }

    /// Counts a server key that was not good.
    pub(crate) async fn count_failed_key(&self, address: IpAddr) {
        // What is refused was counted enough.
        let _ = self.admit(&self.failed_keys, &network(address)).await;
    }

    /// Counts an attempt from an address to be a user, whether or not there is one of that name.
    ///
    /// # Errors
    /// [`Code::RateLimited`] with the time to wait.
    pub(crate) async fn admit_user(&self, name: &str, address: IpAddr) -> Result<(), Rejection> {
        // What one network has no attempts left for takes nothing from the others.
        self.admit(&self.users, &from_network(name, address))
            .await?;
        self.admit(&self.users_everywhere, name).await
    }

    /// Counts a code that is sent from an address to a target, whether or not somebody is found there.
    ///
    /// # Errors
    /// [`Code::RateLimited`] with the time to wait.
    pub(crate) async fn admit_code(&self, target: &str, address: IpAddr) -> Result<(), Rejection> {
        self.admit(&self.code_addresses, &network(address)).await?;
        self.admit(&self.code_targets, target).await
    }

    async fn admit(&self, allowance: &Allowance, by: &str) -> Result<(), Rejection> {
        let Some(rate) = allowance.rate() else {
            return Ok(());
        };
        let key = self.counted.key(allowance.kind, by);
        outcome(self.counted.attempts.admit(key, rate).await?)
    }
}

impl Allowance {
    fn new(kind: &'static str, period: Duration) -> Self {
        Self {
            kind,
            most: AtomicU32::new(0),
            period,
        }
    }

    /// `None` where nothing is limited.
    fn rate(&self) -> Option<AttemptRate> {
        let most = NonZeroU32::new(self.most.load(Ordering::Relaxed))?;
        let period = self.period;
        Some(AttemptRate { most, period })
    }
}

fn outcome(admission: Admission) -> Result<(), Rejection> {
    match admission {
        Admission::Admitted => Ok(()),
        Admission::Wait(wait) => {
            let detail = "too many attempts; wait as long as retry_after_ms says";
            Err(Rejection::new(Code::RateLimited, detail).retry_after(wait))
        }
    }
}

/// A name as one network uses it. No name has a line end.
pub(crate) fn from_network(name: &str, address: IpAddr) -> String {
    format!("{name}\n{}", network(address))
}

/// Whoever has one IPv6 address has its whole /64.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("{:x}::/64", v6.to_bits() >> 64),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use im_core::testing::ManualRuntime;
    use im_store::MemoryAttempts;

    use super::*;
    use crate::secret::Secret;

    fn throttle(limits: RateLimits) -> (Throttle, ManualRuntime) {
        let runtime = ManualRuntime::default();
        let attempts = MemoryAttempts::on(Arc::new(runtime.clone()));
        let counted = Counted::new(&Secret::new("a secret"), Arc::new(attempts));
        (Throttle::new(limits, counted), runtime)
    }

    fn per_user(sign_ins_per_user: u32) -> RateLimits {
        RateLimits {
            sign_ins_per_address: 60,
            sign_ins_per_user,
            ..RateLimits::default()
        }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[tokio::test]
    async fn a_burst_passes_then_attempts_wait_and_time_heals() {
        let (throttle, runtime) = throttle(per_user(3));
        let admit = || throttle.admit_user("alice", address("192.0.2.1"));
        for _ in 0..3 {
            assert_eq!(admit().await, Ok(()));
        }

        let refused = admit().await.expect_err("the fourth waits");

        assert_eq!(refused.code, Code::RateLimited);
        assert_eq!(refused.retry_after_ms, Some(20_000));
        runtime.advance(Duration::from_secs(20));
        assert_eq!(admit().await, Ok(()));
        assert!(admit().await.is_err());
    }

    #[tokio::test]
    async fn a_stranger_cannot_lock_a_user_out() {
        let (throttle, _) = throttle(per_user(3));
        let (stranger, home) = (address("192.0.2.1"), address("192.0.2.2"));
        let mut guesses = 0;
        for _ in 0..1_000 {
            guesses += usize::from(throttle.admit_user("alice", stranger).await.is_ok());
        }
        assert_eq!(guesses, 3);

        assert_eq!(throttle.admit_user("alice", home).await, Ok(()));
    }

    #[tokio::test]
    async fn guessing_from_many_networks_is_bounded_too() {
        let (throttle, _) = throttle(per_user(3));
        let mut admitted = 0;
        for n in 0..1_000_u32 {
            let from = IpAddr::from((0xC612_0000 + n).to_be_bytes());
            admitted += usize::from(throttle.admit_user("alice", from).await.is_ok());
        }

        assert_eq!(admitted, 60);
    }

    #[tokio::test]
    async fn zero_switches_a_limit_off() {
        let (throttle, _) = throttle(RateLimits {
            sign_ins_per_address: 0,
            sign_ins_per_user: 0,
            ..RateLimits::default()
        });
        for _ in 0..1000 {
            let admitted = throttle.admit_user("alice", address("192.0.2.1")).await;
            assert_eq!(admitted, Ok(()));
        }
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let [a, b, c] = ["2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1"].map(address);
        assert_eq!(network(a), network(b));
        assert_ne!(network(a), network(c));
        assert_eq!(
            network(address("::ffff:192.0.2.1")),
            network(address("192.0.2.1"))
        );
    }

    #[tokio::test]
    async fn codes_are_counted_by_target_and_by_address() {
        let (throttle, runtime) = throttle(RateLimits {
            codes_per_address: 3,
            codes_per_target: 3,
            ..RateLimits::default()
        });
        let (here, there) = (address("192.0.2.1"), address("198.51.100.1"));
        let admit = async |target, from| throttle.admit_code(target, from).await.is_ok();
        for _ in 0..3 {
            assert!(admit("a@example.org", here).await);
        }
        assert!(
            !admit("a@example.org", there).await,
            "the target has enough"
        );
        assert!(
            !admit("b@example.org", here).await,
            "the address has asked enough"
        );

        assert!(admit("b@example.org", there).await);
        runtime.advance(Duration::from_secs(20 * 60));
        assert!(admit("a@example.org", there).await);
    }
}
