//! Who is there. Derived from sessions, never stored as such.

use serde::{Deserialize, Serialize};

use crate::{DeviceClass, LastSeen, Timestamp, UserId};

/// Whether somebody can be reached now.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Availability {
    /// Has sessions; each of them says that its user is not looking.
    Away,
    /// Has no session.
    #[default]
    Offline,
    /// Has a session.
    Online,
}

/// Whether somebody is at a device that has a session.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Attention {
    /// Nobody is.
    Away,
    /// Somebody is, as far as is known.
    #[default]
    Online,
}

/// How a user is on its devices of one class.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClassPresence {
    /// Of which class.
    pub class: DeviceClass,
    /// `away` when all sessions of this class are.
    pub availability: Attention,
}

/// A user's availability as others may see it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Presence {
    /// Whose.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
    /// Now.
    pub availability: Availability,
    /// On devices of which classes it has sessions, by class; none while it is offline.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassPresence>,
    /// When the last session ended; absent while there is one, or when it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_ms: Option<Timestamp>,
}

/// How fine a time is that is told as [`LastSeen::Hour`], in milliseconds.
const HOUR_MS: i64 = 60 * 60 * 1_000;

impl Presence {
    /// As everybody looks of whom one may know nothing.
    #[must_use]
    pub(crate) const fn unknown(user: UserId) -> Self {
        Self {
            user,
            availability: Availability::Offline,
            classes: Vec::new(),
            last_seen_ms: None,
        }
    }

    /// As the user lets others see it.
    #[must_use]
    pub(crate) fn shown(mut self, last_seen: LastSeen) -> Self {
        self.last_seen_ms = match last_seen {
            LastSeen::Exact => self.last_seen_ms,
            LastSeen::Hidden => None,
            LastSeen::Hour => {
                let hour = |at: Timestamp| Timestamp(at.0 - at.0.rem_euclid(HOUR_MS));
                self.last_seen_ms.map(hour)
            }
        };
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_somebody_was_last_there_is_told_as_it_lets_others_know() {
        let seen = |last_seen| {
            let presence = Presence {
                user: UserId::new("alice").unwrap(),
                availability: Availability::Offline,
                classes: Vec::new(),
                last_seen_ms: Some(Timestamp(3 * HOUR_MS + 1_234)),
            };
            presence.shown(last_seen).last_seen_ms
        };
        assert_eq!(seen(LastSeen::Exact), Some(Timestamp(3 * HOUR_MS + 1_234)));
        assert_eq!(seen(LastSeen::Hour), Some(Timestamp(3 * HOUR_MS)));
        assert_eq!(seen(LastSeen::Hidden), None);
    }
}
