//! A user's presence: offline if and only if there is no session.

use crate::{Availability, Timestamp};

/// How many sessions a user has, and when the last one ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PresenceState {
    sessions: u32,
    last_seen: Option<Timestamp>,
}

impl PresenceState {
    /// A session began. `true` when the user came online by it.
    pub fn attached(&mut self) -> bool {
        self.sessions += 1;
        self.sessions == 1
    }

    /// A session ended. `true` when the user went offline by it.
    pub fn detached(&mut self, now: Timestamp) -> bool {
        self.sessions = self.sessions.saturating_sub(1);
        let gone = self.sessions == 0;
        if gone {
            self.last_seen = Some(now);
        }
        gone
    }

    /// Now.
    #[must_use]
    pub const fn availability(&self) -> Availability {
        if self.sessions == 0 {
            Availability::Offline
        } else {
            Availability::Online
        }
    }

    /// When the last session ended; `None` while there is one.
    #[must_use]
    pub const fn last_seen(&self) -> Option<Timestamp> {
        if self.sessions == 0 {
            self.last_seen
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_there_as_long_as_there_is_a_session() {
        let mut presence = PresenceState::default();
        assert_eq!(presence.availability(), Availability::Offline);

        assert!(presence.attached());
        assert!(!presence.attached());
        assert!(!presence.detached(Timestamp(1)));
        assert_eq!(presence.availability(), Availability::Online);
        assert_eq!(presence.last_seen(), None);

        assert!(presence.detached(Timestamp(2)));
        assert_eq!(presence.availability(), Availability::Offline);
        assert_eq!(presence.last_seen(), Some(Timestamp(2)));
    }
}
