//! Of two sessions of one device the one stays that was begun later, whichever was set up first: a device whose link broke
//! while its session was being opened has come back meanwhile, and what was left behind must not send it away.

use super::{SessionEntry, UserEntry};
use crate::{Code, Rejection};

impl UserEntry {
    /// Refuses a session when its device has begun another one since.
    pub(super) fn check_latest(&self, session: &SessionEntry) -> Result<(), Rejection> {
        let is_later =
            |other: &SessionEntry| other.device == session.device && other.id > session.id;
        if self.sessions.iter().any(|other| is_later(other)) {
            let detail = "this device has opened another session since; open one again";
            return Err(Rejection::new(Code::Unavailable, detail));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{
        super::{super::fixture, Registry},
        *,
    };
    use crate::Admission;

    fn begin(registry: &Registry) -> Arc<SessionEntry> {
        let id = registry.next_id();
        Arc::new(SessionEntry {
            id,
            ..fixture::session("bob")
        })
    }

    #[test]
    fn a_session_that_was_begun_earlier_does_not_displace_a_later_one_of_its_device() {
        let registry = Registry::default();
        let (ghost, present) = (begin(&registry), begin(&registry));
        registry.add(&present, Admission::Any).unwrap();

        let refused = registry.add(&ghost, Admission::Any);

        assert_eq!(refused.err().unwrap().code, Code::Unavailable);
        let stay = registry.sessions_of(&present.actor.user);
        assert_eq!(stay.len(), 1);
        assert_eq!(stay[0].id, present.id);
    }

    #[test]
    fn a_later_session_displaces_an_earlier_one_of_its_device() {
        let registry = Registry::default();
        let (former, present) = (begin(&registry), begin(&registry));
        registry.add(&former, Admission::Any).unwrap();

        let displaced = registry.add(&present, Admission::Any).unwrap();

        assert_eq!(displaced.len(), 1);
        assert_eq!(displaced[0].id, former.id);
    }
}
