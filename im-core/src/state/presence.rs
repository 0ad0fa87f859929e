//! A user's presence: offline if and only if there is no session, away if and only if nobody is at any.

use crate::{Attention, Availability, ClassPresence, DeviceClass, SessionId, Timestamp};

/// Which sessions a user has, whether somebody is at them, and when the last one ended.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PresenceState {
    sessions: Vec<Held>,
    /// On other nodes.
    elsewhere: Vec<(DeviceClass, Attention)>,
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
        if self.is_nowhere() {
            self.last_seen = Some(now);
        }
        self.classes() != before
    }

    /// Which sessions the user has on other nodes by now. `true` when it looks otherwise by it.
    pub fn elsewhere(&mut self, sessions: Vec<(DeviceClass, Attention)>, now: Timestamp) -> bool {
        let (before, was_there) = (self.classes(), !self.is_nowhere());
        self.elsewhere = sessions;
        if was_there && self.is_nowhere() {
            self.last_seen = Some(now);
        }
        self.classes() != before
    }

    /// What is known of other nodes is not kept any more.
    pub fn lose_sight(&mut self) {
        self.elsewhere.clear();
    }

    fn is_nowhere(&self) -> bool {
        self.sessions.is_empty() && self.elsewhere.is_empty()
    }

    /// Each session's class, and whether somebody is at it.
    fn all(&self) -> impl Iterator<Item = (DeviceClass, Attention)> + '_ {
        let here = self
            .sessions
            .iter()
            .map(|held| (held.class, held.attention));
        here.chain(self.elsewhere.iter().copied())
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

    /// Whether somebody is at a session.
    #[must_use]
    pub fn attention(&self, session: SessionId) -> Attention {
        let held = self.sessions.iter().find(|held| held.session == session);
        held.map(|held| held.attention).unwrap_or_default()
    }

    /// Now.
    #[must_use]
    pub fn availability(&self) -> Availability {
        if self.is_nowhere() {
            Availability::Offline
        } else if self
            .all()
            .all(|(_, attention)| attention == Attention::Away)
        {
            Availability::Away
        } else {
            Availability::Online
        }
    }

    /// The classes of the devices with sessions, in order, each once.
    #[must_use]
    pub fn classes(&self) -> Vec<ClassPresence> {
        let mut classes: Vec<ClassPresence> = Vec::new();
        for (class, attention) in self.all() {
            match classes.iter_mut().find(|it| it.class == class) {
                Some(known) if attention == Attention::Online => {
                    known.availability = Attention::Online;
                }
                Some(_) => {}
                None => classes.push(ClassPresence {
                    class,
                    availability: attention,
                }),
            }
        }
        classes.sort_by_key(|it| it.class);
        classes
    }

    /// When the last session ended; `None` while there is one.
    #[must_use]
    pub fn last_seen(&self) -> Option<Timestamp> {
        self.last_seen.filter(|_| self.is_nowhere())
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
    fn sessions_on_other_nodes_count() {
        let mut presence = PresenceState::default();
        let web = (DeviceClass::Web, Attention::Away);

        assert!(presence.elsewhere(vec![web], Timestamp(1)));
        assert_eq!(presence.availability(), Availability::Away);
        assert!(presence.attached(TAB, DeviceClass::Web));
        assert_eq!(presence.availability(), Availability::Online);
        assert!(!presence.elsewhere(Vec::new(), Timestamp(2)));
        assert!(presence.detached(TAB, Timestamp(3)));

        assert_eq!(presence.last_seen(), Some(Timestamp(3)));
        presence.elsewhere(vec![web], Timestamp(4));
        assert_eq!(presence.last_seen(), None);
        assert!(presence.elsewhere(Vec::new(), Timestamp(5)));
        assert_eq!(presence.last_seen(), Some(Timestamp(5)));
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
