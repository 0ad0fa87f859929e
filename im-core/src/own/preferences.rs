//! What a user wants the server to do and not to do for it.

use serde::{Deserialize, Serialize};

/// Whom something is for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Circle {
    /// The user's contacts.
    Contacts,
    /// Everybody to whom it is open at all.
    #[default]
    Everyone,
    /// Nobody else.
    Nobody,
}

/// How others see when the user was last there.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum LastSeen {
    /// To the millisecond.
    #[default]
    Exact,
    /// Not at all.
    Hidden,
    /// The beginning of that hour, UTC.
    Hour,
}

/// Who may begin to write to the user directly.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Writers {
    /// The user's contacts alone.
    Contacts,
    /// Everybody.
    #[default]
    Everyone,
}

/// A part of the day in which devices make no sound. It may go over midnight.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuietHours {
    /// Where it begins, in minutes after midnight of the user's clock: 0 to 1,439.
    pub from_minute: u16,
    /// Where it ends, as `from_minute`.
    pub to_minute: u16,
    /// How many minutes the user's clock is ahead of UTC: -840 to 840.
    #[serde(default)]
    pub utc_offset_minutes: i16,
}

/// How the user is told of messages while no device is looking.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Notifications {
    /// When to be silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// Whether a notification says what was said.
    pub preview: bool,
    /// Whether a mention is told of also where the user has muted the conversation.
    pub mention_breaks_mute: bool,
}

impl Default for Notifications {
    fn default() -> Self {
        Self {
            quiet_hours: None,
            preview: true,
            mention_breaks_mute: true,
        }
    }
}

/// What a user wants the server to do and not to do for it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preferences {
    /// Whether others are told how far the user has read, and the user how far others have.
    pub read_receipts: bool,
    /// Who sees whether the user is there. To all others it is offline.
    pub presence: Circle,
    /// How those see when it was last there.
    pub last_seen: LastSeen,
    /// Who may write to it directly.
    pub writers: Writers,
    /// How it is told of messages.
    pub notifications: Notifications,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            read_receipts: true,
            presence: Circle::default(),
            last_seen: LastSeen::default(),
            writers: Writers::default(),
            notifications: Notifications::default(),
        }
    }
}

/// Changes of [`Notifications`]. Absent means unchanged.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotificationsPatch {
    /// When to be silent. From and to the same minute: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// Whether a notification says what was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<bool>,
    /// Whether a mention is told of also where the user has muted the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mention_breaks_mute: Option<bool>,
}

/// Changes of [`Preferences`]. Absent means unchanged.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreferencesPatch {
    /// Whether read positions are told, both ways.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_receipts: Option<bool>,
    /// Who sees whether the user is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence: Option<Circle>,
    /// How those see when it was last there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<LastSeen>,
    /// Who may write to it directly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writers: Option<Writers>,
    /// How it is told of messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notifications: Option<NotificationsPatch>,
}

impl PreferencesPatch {
    /// The preferences after this change.
    #[must_use]
    pub fn applied_to(&self, stands: Preferences) -> Preferences {
        let changes = self.notifications.unwrap_or_default();
        let before = stands.notifications;
        let quiet_hours = match changes.quiet_hours {
            Some(hours) => Some(hours).filter(|hours| hours.from_minute != hours.to_minute),
            None => before.quiet_hours,
        };
        Preferences {
            read_receipts: self.read_receipts.unwrap_or(stands.read_receipts),
            presence: self.presence.unwrap_or(stands.presence),
            last_seen: self.last_seen.unwrap_or(stands.last_seen),
            writers: self.writers.unwrap_or(stands.writers),
            notifications: Notifications {
                quiet_hours,
                preview: changes.preview.unwrap_or(before.preview),
                mention_breaks_mute: changes
                    .mention_breaks_mute
                    .unwrap_or(before.mention_breaks_mute),
            },
        }
    }
}
