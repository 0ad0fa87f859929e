//! A user's presence: offline if and only if there is no session, away if and only if nobody is at any.

use crate::{Attention, Availability, ClassPresence, DeviceClass, SessionId, Timestamp};

/// Which sessions a user has, whether somebody is at them, and when the last one ended.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PresenceState {
    sessions: Vec<Held>,
    last_seen: Option<Timestamp>,
}

/// A session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Held {
    session: SessionId,
    class: DeviceClass,
    attention: Attention,
}

impl PresenceState {
    /// A session began. `true` when the user looks otherwise by it.
    pub fn attached(&mut self, session: SessionId, class: DeviceClass) -> bool {
        let before = self.classes();
        self.sessions.push(Held {
            session,
            class,
            attention: Attention::Online,
        });
        self.classes() != before
    }

    /// A session ended. `true` when the user looks otherwise by it.
    pub fn detached(&mut self, session: SessionId, now: Timestamp) -> bool {
        let before = self.classes();
        self.sessions.retain(|held| held.session != session);
        if self.sessions.is_empty() {
            self.last_seen = Some(now);
        }
        self.classes() != before
    }

    /// A session says whether somebody is at it. `true` when the user looks otherwise by it.
    pub fn attended(&mut self, session: SessionId, attention: Attention) -> bool {
        let before = self.classes();
        for held in &mut self.sessions {
            if held.session == session {
                held.attention = attention;
            }
        }
        self.classes() != before
    }

    /// Now.
    #[must_use]
    pub fn availability(&self) -> Availability {
        let mut all = self.sessions.iter().map(|held| held.attention);
        if self.sessions.is_empty() {
            Availability::Offline
        } else if all.all(|attention| attention == Attention::Away) {
            Availability::Away
        } else {
            Availability::Online
        }
    }

    /// The classes of the devices with sessions, in order, each once.
    #[must_use]
    pub fn classes(&self) -> Vec<ClassPresence> {
        let mut classes: Vec<ClassPresence> = Vec::new();
        for held in &self.sessions {
            match classes.iter_mut().find(|it| it.class == held.class) {
                Some(known) if held.attention == Attention::Online => {
                    known.availability = Attention::Online;
                }
                Some(_) => {}
                None => classes.push(ClassPresence {
                    class: held.class,
                    availability: held.attention,
                }),
            }
        }
        classes.sort_by_key(|it| it.class);
        classes
    }

    /// When the last session ended; `None` while there is one.
    #[must_use]
    pub fn last_seen(&self) -> Option<Timestamp> {
        self.last_seen.filter(|_| self.sessions.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: SessionId = SessionId(1);
    const PAGE: SessionId = SessionId(2);
    const TAB: SessionId = SessionId(3);

    fn class(class: DeviceClass, availability: Attention) -> ClassPresence {
        ClassPresence {
            class,
            availability,
        }
    }

    #[test]
    fn a_user_is_there_as_long_as_there_is_a_session() {
        let mut presence = PresenceState::default();
        assert_eq!(presence.availability(), Availability::Offline);

        assert!(presence.attached(PHONE, DeviceClass::Web));
        assert!(!presence.attached(PAGE, DeviceClass::Web));
        assert!(!presence.detached(PHONE, Timestamp(1)));
        assert_eq!(presence.availability(), Availability::Online);
        assert_eq!(presence.last_seen(), None);

        assert!(presence.detached(PAGE, Timestamp(2)));
        assert_eq!(presence.availability(), Availability::Offline);
        assert_eq!(presence.last_seen(), Some(Timestamp(2)));
        assert_eq!(presence.classes(), []);
    }

    #[test]
    fn a_user_is_away_when_nobody_is_at_any_of_its_sessions() {
        let mut presence = PresenceState::default();
        presence.attached(PHONE, DeviceClass::Ios);
        presence.attached(PAGE, DeviceClass::Web);

        assert!(presence.attended(PHONE, Attention::Away));
        assert!(!presence.attended(PHONE, Attention::Away));
        assert_eq!(presence.availability(), Availability::Online);
        assert!(presence.attended(PAGE, Attention::Away));
        assert_eq!(presence.availability(), Availability::Away);
        assert_eq!(presence.last_seen(), None, "there are sessions");

        assert!(presence.attended(PHONE, Attention::Online));
        assert_eq!(presence.availability(), Availability::Online);
        assert!(presence.detached(PHONE, Timestamp(1)));
        assert_eq!(presence.availability(), Availability::Away);
        assert!(!presence.attended(PHONE, Attention::Online), "it is over");
        presence.detached(PAGE, Timestamp(2));
        assert_eq!(presence.availability(), Availability::Offline);
    }

    #[test]
    fn a_class_is_away_when_all_its_sessions_are() {
        let mut presence = PresenceState::default();
        presence.attached(PAGE, DeviceClass::Web);
        assert!(presence.attached(PHONE, DeviceClass::Ios));
        presence.attached(TAB, DeviceClass::Web);

        assert!(!presence.attended(PAGE, Attention::Away));
        let online = [
            class(DeviceClass::Ios, Attention::Online),
            class(DeviceClass::Web, Attention::Online),
        ];
        assert_eq!(presence.classes(), online);
        assert!(presence.attended(TAB, Attention::Away));

        let away = [online[0], class(DeviceClass::Web, Attention::Away)];
        assert_eq!(presence.classes(), away);
    }
}
