//! Who is on the way to an identity provider: single use, ten minutes, in memory, bounded.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use im_core::{Code, DeviceId, Rejection};

use crate::{opaque, tokens::Claims};

/// How long somebody may take at the provider: finding a password, and a second factor.
pub(crate) const FLOW_TTL: Duration = Duration::from_secs(10 * 60);

/// People who are on the way at most, about 400 bytes each.
const CAPACITY: usize = 10_000;

/// What somebody goes to a provider for.
#[derive(Clone, Debug)]
pub(crate) enum Purpose {
    /// To sign in on a device; a new one when there is none.
    SignIn(Option<DeviceId>),
    /// To be found by this identity too: who proved to have this account, and signed in with this token.
    Link(Box<Claims>),
}

/// What is kept of somebody who was sent to a provider.
pub(super) struct Flow {
    pub(super) provider: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) binding: [u8; 32],
    pub(super) purpose: Purpose,
}

/// Everybody who is on the way, by the hash of the state that comes back.
#[derive(Default)]
pub(super) struct Pending(Mutex<HashMap<[u8; 32], (Flow, Duration)>>);

impl Pending {
    /// # Errors
    /// [`Code::Overloaded`] when too many are on the way.
    pub(super) fn add(&self, state: &str, flow: Flow, now: Duration) -> Result<(), Rejection> {
        let mut flows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if flows.len() >= CAPACITY {
            flows.retain(|_, (_, end)| *end > now);
        }
        if flows.len() >= CAPACITY {
            let detail = "too many are signing in; try again in a moment";
            let refused = Rejection::new(Code::Overloaded, detail);
            return Err(refused.retry_after(Duration::from_secs(5)));
        }
        let key = opaque::sha256(state.as_bytes());
        flows.insert(key, (flow, now + FLOW_TTL));
        Ok(())
    }

    /// Whoever was given this state. Nobody comes back with it twice.
    pub(super) fn take(&self, state: &str, now: Duration) -> Option<Flow> {
        let mut flows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (flow, end) = flows.remove(&opaque::sha256(state.as_bytes()))?;
        (now < end).then_some(flow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow() -> Flow {
        Flow {
            provider: "corp".to_owned(),
            nonce: String::new(),
            verifier: String::new(),
            binding: [0; 32],
            purpose: Purpose::SignIn(None),
        }
    }

    #[test]
    fn a_state_comes_back_once_and_in_time() {
        let (pending, now) = (Pending::default(), Duration::from_secs(100));
        for state in ["a", "b"] {
            pending.add(state, flow(), now).expect("there is room");
        }

        assert!(pending.take("c", now).is_none());
        assert!(pending.take("a", now).is_some());
        assert!(pending.take("a", now).is_none());
        assert!(pending.take("b", now + FLOW_TTL).is_none());
    }

    #[test]
    fn only_so_many_are_on_the_way() {
        let (pending, now) = (Pending::default(), Duration::from_secs(100));
        for n in 0..CAPACITY {
            pending
                .add(&n.to_string(), flow(), now)
                .expect("there is room");
        }

        let refused = pending.add("x", flow(), now).expect_err("it is full");
        assert_eq!(refused.code, Code::Overloaded);
        assert!(
            pending.add("x", flow(), now + FLOW_TTL).is_ok(),
            "the old ones go"
        );
    }
}
