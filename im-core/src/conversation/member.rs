//! A user in a conversation.

use serde::{Deserialize, Serialize};

use super::Info;
use crate::{ConversationId, Head, Position, Seq, Timestamp, UserId, message::is_false};

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
    /// Also, by default: add and remove members, change the info, recall anybody's message.
    Admin,
    /// Also, by default: make admins, hand over the group, end it.
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
    /// The first entry that they see: the one that brought them in, or an earlier one where newcomers see what was
    /// before.
    pub since: Seq,
    /// How they are called here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// Until when they cannot say anything; [`Timestamp::FOREVER`] for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_until_ms: Option<Timestamp>,
}

impl Member {
    /// A member who sees the log from `since` on.
    #[must_use]
    pub const fn new(user: UserId, role: Role, since: Seq) -> Self {
        Self {
            user,
            role,
            since,
            nickname: None,
            silent_until_ms: None,
        }
    }
}

/// How a user keeps a conversation. Follows the user to every device.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Settings {
    /// Shown on top of the list.
    pub pinned: bool,
    /// Makes no sound until then; absent when not muted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted_until_ms: Option<Timestamp>,
    /// Shown apart from the list.
    #[serde(skip_serializing_if = "is_false")]
    pub archived: bool,
    /// Not shown until something comes after this entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_at: Option<Seq>,
    /// What the user calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Shown as unread though everything was read. Ends with the next read receipt.
    #[serde(skip_serializing_if = "is_false")]
    pub marked_unread: bool,
    /// Entries up to here are cleared away for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleared: Option<Seq>,
    /// Whether the user ever deleted an entry here for itself.
    #[serde(skip_serializing_if = "is_false")]
    pub deletes: bool,
}

/// Changes of [`Settings`]. Absent means unchanged.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingsPatch {
    /// Pin or unpin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
    /// Mute until then; 0 or a moment that is over unmutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted_until_ms: Option<Timestamp>,
    /// Archive or bring back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// Hide until something comes after this entry; 0 shows it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_at: Option<Seq>,
    /// What the user calls it; empty for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Mark as unread, or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marked_unread: Option<bool>,
    /// Clear away entries up to here. Never goes backwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleared: Option<Seq>,
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
            archived: self.archived.unwrap_or(settings.archived),
            hidden_at: match self.hidden_at {
                Some(seq) => Some(seq).filter(|seq| *seq > Seq::ZERO),
                None => settings.hidden_at,
            },
            remark: match &self.remark {
                Some(remark) => Some(remark.clone()).filter(|remark| !remark.is_empty()),
                None => settings.remark,
            },
            marked_unread: self.marked_unread.unwrap_or(settings.marked_unread),
            cleared: settings
                .cleared
                .max(self.cleared)
                .filter(|seq| *seq > Seq::ZERO),
            deletes: settings.deletes,
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
