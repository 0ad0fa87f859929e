//! The server's own settings that admins change while it runs: how often somebody may sign in, and who may register.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use im_core::port::Adjustable;
use serde_json::{Map, Value};

use crate::{
    attempts::Counted,
    config::Registration,
    lock_out::LockOut,
    throttle::{RateLimits, Throttle},
};

/// As often as anything may be tried that is limited at all.
const MOST: u64 = 1_000_000;

/// The group `rate_limits`.
pub(crate) struct Rates {
    configured: RateLimits,
    pub(crate) lock_out: Arc<LockOut>,
    pub(crate) throttle: Arc<Throttle>,
}

impl Rates {
    pub(crate) fn new(configured: RateLimits, counted: Counted) -> Self {
        let lock_out = LockOut::new(configured.failures_before_lock, counted.clone());
        Self {
            configured,
            lock_out: Arc::new(lock_out),
            throttle: Arc::new(Throttle::new(configured, counted)),
        }
    }
}

impl Adjustable for Rates {
    fn name(&self) -> &'static str {
        "rate_limits"
    }

    fn configured(&self) -> Map<String, Value> {
        let Ok(Value::Object(all)) = serde_json::to_value(self.configured) else {
            return Map::new();
        };
        all
    }

    fn check(&self, settings: &Map<String, Value>) -> Result<(), String> {
        let configured = self.configured();
        for (name, value) in settings {
            let is_changed = configured.get(name) != Some(value);
            if is_changed && value.as_u64().is_none_or(|often| often > MOST) {
                let why = format!("{name} is a whole number from 0 to {MOST}; 0 switches it off");
                return Err(why);
            }
        }
        Ok(())
    }

    fn hold(&self, settings: &Map<String, Value>) {
        if let Ok(limits) = serde_json::from_value::<RateLimits>(Value::Object(settings.clone())) {
            self.lock_out.change(limits.failures_before_lock);
            self.throttle.change(limits);
        }
    }
}

/// The group `server`: what the configuration has outside of its tables.
pub(crate) struct Entrance {
    configured: Registration,
    is_open: AtomicBool,
}

impl Entrance {
    pub(crate) fn new(configured: Registration) -> Self {
        Self {
            configured,
            is_open: AtomicBool::new(configured == Registration::Open),
        }
    }

    /// Who may make an account at this moment.
    pub(crate) fn registration(&self) -> Registration {
        if self.is_open.load(Ordering::Relaxed) {
            Registration::Open
        } else {
            Registration::Closed
        }
    }
}

fn named(registration: &Value) -> Option<Registration> {
    registration.as_str()?.parse().ok()
}

impl Adjustable for Entrance {
    fn name(&self) -> &'static str {
        "server"
    }

    fn configured(&self) -> Map<String, Value> {
        let name = match self.configured {
            Registration::Open => "open",
            Registration::Closed => "closed",
        };
        Map::from_iter([("registration".to_owned(), Value::from(name))])
    }

    fn check(&self, settings: &Map<String, Value>) -> Result<(), String> {
        let registration = settings.get("registration").and_then(named);
        registration
            .map(drop)
            .ok_or_else(|| "registration is open or closed".to_owned())
    }

    fn hold(&self, settings: &Map<String, Value>) {
        if let Some(registration) = settings.get("registration").and_then(named) {
            let is_open = registration == Registration::Open;
            self.is_open.store(is_open, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use im_store::MemoryAttempts;

    use super::*;
    use crate::secret::Secret;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn rates(configured: RateLimits) -> Rates {
        let attempts = Arc::new(MemoryAttempts::new());
        Rates::new(configured, Counted::new(&Secret::new("a secret"), attempts))
    }

    fn with(group: &impl Adjustable, name: &str, value: Value) -> Map<String, Value> {
        let mut settings = group.configured();
        settings.insert(name.to_owned(), value);
        settings
    }

    #[tokio::test]
    async fn other_rates_hold_at_once_and_what_was_counted_stays_counted() {
        let rates = rates(RateLimits {
            sign_ins_per_user: 2,
            failures_before_lock: 0,
            ..RateLimits::default()
        });
        let admit = async || rates.throttle.admit_user("alice", HOME).await.is_ok();
        assert!(admit().await && admit().await && !admit().await);

        rates.hold(&with(&rates, "sign_ins_per_user", Value::from(0)));
        assert!(admit().await);
        rates.hold(&rates.configured());
        assert!(!admit().await);
        let attempt = async |is_right| {
            let judged = rates.lock_out.judge(("alice", HOME), is_right).await;
            judged.unwrap()
        };
        assert!(!attempt(false).await && attempt(true).await);
        rates.hold(&with(&rates, "failures_before_lock", Value::from(1)));

        assert!(!attempt(false).await && !attempt(true).await);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let rates = rates(RateLimits::default());
        for wrong in [Value::from(-1), Value::from("x"), Value::from(MOST + 1)] {
            let refused = rates.check(&with(&rates, "codes_per_target", wrong));
            let why = refused.unwrap_err();
            assert!(why.starts_with("codes_per_target is a whole"), "{why}");
        }
        rates.check(&rates.configured()).unwrap();
        let entrance = Entrance::new(Registration::Open);
        for wrong in [Value::from("ajar"), Value::from(true)] {
            let refused = entrance.check(&with(&entrance, "registration", wrong));
            assert_eq!(refused.unwrap_err(), "registration is open or closed");
        }
        entrance.check(&entrance.configured()).unwrap();
    }

    #[test]
    fn registration_is_closed_and_opened_again() {
        let entrance = Entrance::new(Registration::Open);

        entrance.hold(&with(&entrance, "registration", Value::from("closed")));
        assert_eq!(entrance.registration(), Registration::Closed);
        entrance.hold(&entrance.configured());

        assert_eq!(entrance.registration(), Registration::Open);
    }
}
