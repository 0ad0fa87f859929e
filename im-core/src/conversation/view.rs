//! A conversation as one of its members sees it in a list.

use serde::{Deserialize, Serialize};

use super::{Entry, Info, Membership, Role, Settings};
use crate::{ConversationId, Head, Position, Seq, UserId, message::is_default};

/// A conversation as one of its members sees it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConversationView {
    /// Which.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Its facts.
    pub info: Info,
    /// The end of its log, or of what the user may see of it.
    pub head: Head,
    /// The other side of a direct conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub peer: Option<UserId>,
    /// The user's role.
    pub role: Role,
    /// The first entry that the user sees.
    pub since: Seq,
    /// Set when the user is no member any more: the last entry that it sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Seq>,
    /// How far the user has come.
    pub position: Position,
    /// Messages that the user has not read; its own never count.
    pub unread: u64,
    /// How many of these call the user, by name or with everybody.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mentions: u64,
    /// How the user keeps it.
    pub settings: Settings,
    /// The last entry, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Entry>,
}

impl ConversationView {
    /// What `user` sees of its membership.
    #[must_use]
    pub fn of(membership: Membership, user: &UserId) -> Self {
        let head = membership.head;
        let unread = if membership.left.is_some() {
            0
        } else {
            head.ordinal
                .saturating_sub(membership.position.read_ordinal)
        };
        Self {
            conversation: membership.conversation,
            peer: membership.info.peer_of(user).cloned(),
            head: Head {
                seq: membership.visible_head(),
                ordinal: head.ordinal,
            },
            info: membership.info,
            role: membership.member.role,
            since: membership.member.since,
            left: membership.left,
            position: membership.position,
            unread,
            mentions: 0,
            settings: membership.settings,
            last: None,
        }
    }
}
