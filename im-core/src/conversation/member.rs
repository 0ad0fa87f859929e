//! A user in a conversation.

use serde::{Deserialize, Serialize};

use super::Info;
use crate::{ConversationId, Head, Position, Seq, Timestamp, UserId};

/// What a member may do.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Role {
    /// Talk.
    #[default]
    Member,
    /// Also: add and remove members, change the info, recall anybody's message.
    Admin,
    /// Also: make admins, hand over the group.
    Owner,
}

/// A user in a conversation.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Member {
    /// Who.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
    /// What they may do.
    pub role: Role,
    /// The first entry that they see: the one that brought them in.
    pub since: Seq,
}

/// How a user keeps a conversation. Follows the user to every device.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Settings {
    /// Shown on top of the list.
    pub pinned: bool,
    /// Makes no sound until then; absent when not muted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until_ms: Option<Timestamp>,
}

/// Changes of [`Settings`]. Absent means unchanged.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingsPatch {
    /// Pin or unpin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
    /// Mute until then; 0 or a moment that is over unmutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted_until_ms: Option<Timestamp>,
}

impl SettingsPatch {
    /// The settings after this change.
    #[must_use]
    pub fn applied_to(&self, settings: Settings, now: Timestamp) -> Settings {
        Settings {
            pinned: self.pinned.unwrap_or(settings.pinned),
            muted_until_ms: match self.muted_until_ms {
                Some(until) => Some(until).filter(|until| *until > now),
                None => settings.muted_until_ms,
            },
        }
    }
}

/// A conversation as one of its members has it: what a store keeps per user and conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Membership {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Its facts.
    pub info: Info,
    /// The end of its log.
    pub head: Head,
    /// When the last entry of the log was accepted.
    pub last_at_ms: Timestamp,
    /// The user's place in it.
    pub member: Member,
    /// The last entry that the user sees, when it is no member any more: the one that ended it.
    pub left: Option<Seq>,
    /// How far the user has come.
    pub position: Position,
    /// How the user keeps it.
    pub settings: Settings,
    /// Version of this row among the user's own rows.
    pub version: u64,
}

impl Membership {
    /// The last entry that the user may see.
    #[must_use]
    pub fn visible_head(&self) -> Seq {
        self.left.unwrap_or(self.head.seq)
    }
}
