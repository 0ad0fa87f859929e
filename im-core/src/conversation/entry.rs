//! One thing in a conversation's log.

use serde::{Deserialize, Serialize};

use super::{InfoPatch, Joining, Kind, Role};
use crate::{ClientId, Content, ConversationId, Seq, Timestamp, UserId};

/// One thing in a conversation's log: a message or a change. Its identity is `(conversation, seq)`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Entry {
    /// In which log.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Where in it.
    pub seq: Seq,
    /// Who did it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub sender: UserId,
    /// The idempotency key that the sender's device chose.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_id: ClientId,
    /// When the server accepted it. Never earlier than the entry before.
    pub at_ms: Timestamp,
    /// Countable messages up to and including this entry.
    pub ordinal: u64,
    /// What happened.
    pub body: Body,
}

/// What happened.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Body {
    /// The conversation began. Always entry 1.
    Created {
        /// What kind of conversation.
        #[serde(rename = "conversation_kind")]
        kind: Kind,
        /// Its name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// How one gets in.
        #[serde(default)]
        joining: Joining,
        /// Its first members; the sender of this entry owns a group.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        members: Vec<UserId>,
    },
    /// A message got another content.
    Edited {
        /// Which message.
        target: Seq,
        /// The content it got; absent when the message was recalled since.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<Content>,
    },
    /// Name, picture or texts changed.
    InfoChanged {
        /// What changed, to what.
        changes: InfoPatch,
    },
    /// The sender joined.
    Joined,
    /// Members were removed.
    Kicked {
        /// Who.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        members: Vec<UserId>,
        /// Why, as the remover put it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The sender left.
    Left,
    /// Members were added.
    MembersAdded {
        /// Who.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        members: Vec<UserId>,
    },
    /// Somebody said something. Holds the current content.
    Message {
        /// What it says now.
        content: Content,
        /// The entry of the last edit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        edited: Option<Seq>,
    },
    /// A message was taken back: its content is gone.
    Recalled {
        /// Which message.
        target: Seq,
    },
    /// A message that was taken back, in the place where it stood.
    RecalledMessage {
        /// The entry of the recall.
        by: Seq,
    },
    /// A member got another role.
    RoleChanged {
        /// Who.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        member: UserId,
        /// Which. When it is `owner`, the sender became an admin.
        role: Role,
    },
    /// Something that a newer peer knows. Shown as nothing; its seq counts.
    #[serde(other)]
    Unknown,
}

impl Body {
    /// Whether an entry of this kind counts as unread when it is new. A message keeps its number when it is recalled.
    #[must_use]
    pub const fn is_countable(&self) -> bool {
        matches!(self, Self::Message { .. } | Self::RecalledMessage { .. })
    }

    /// The message that this entry changes.
    #[must_use]
    pub const fn target(&self) -> Option<Seq> {
        match self {
            Self::Edited { target, .. } | Self::Recalled { target } => Some(*target),
            Self::Created { .. }
            | Self::InfoChanged { .. }
            | Self::Joined
            | Self::Kicked { .. }
            | Self::Left
            | Self::MembersAdded { .. }
            | Self::Message { .. }
            | Self::RecalledMessage { .. }
            | Self::RoleChanged { .. }
            | Self::Unknown => None,
        }
    }
}

/// What an entry does to an earlier one, in the same transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum Revision {
    /// The message gets this content.
    Edit {
        /// The message.
        target: Seq,
        /// Its new content.
        content: Content,
        /// The edit's own seq.
        by: Seq,
    },
    /// The message and all its edits lose their content.
    Wipe {
        /// The message.
        target: Seq,
        /// The recall's own seq.
        by: Seq,
    },
}

impl Entry {
    /// What this entry does to an earlier one.
    #[must_use]
    pub fn revision(&self) -> Option<Revision> {
        match &self.body {
            Body::Edited {
                target,
                content: Some(content),
            } => Some(Revision::Edit {
                target: *target,
                content: content.clone(),
                by: self.seq,
            }),
            Body::Recalled { target } => Some(Revision::Wipe {
                target: *target,
                by: self.seq,
            }),
            Body::Created { .. }
            | Body::Edited { content: None, .. }
            | Body::InfoChanged { .. }
            | Body::Joined
            | Body::Kicked { .. }
            | Body::Left
            | Body::MembersAdded { .. }
            | Body::Message { .. }
            | Body::RecalledMessage { .. }
            | Body::RoleChanged { .. }
            | Body::Unknown => None,
        }
    }

    /// Revises this entry by what a later one did. `true` when it changed.
    pub fn revise(&mut self, revision: &Revision) -> bool {
        match (revision, &mut self.body) {
            (
                Revision::Edit {
                    target,
                    content: new,
                    by,
                },
                Body::Message { content, edited },
            ) if *target == self.seq && edited.is_none_or(|last| last < *by) => {
                *content = new.clone();
                *edited = Some(*by);
                true
            }
            (Revision::Wipe { target, by }, body @ Body::Message { .. }) if *target == self.seq => {
                *body = Body::RecalledMessage { by: *by };
                true
            }
            (
                Revision::Wipe { target, .. },
                Body::Edited {
                    target: edited,
                    content: content @ Some(_),
                },
            ) if target == edited => {
                *content = None;
                true
            }
            _ => false,
        }
    }
}
