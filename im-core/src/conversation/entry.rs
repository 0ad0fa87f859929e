//! One thing in a conversation's log.

use serde::{Deserialize, Serialize};

use super::{
    InfoPatch, Joining, Kind, Permissions, Preset, Reaction, Revision, Role, Visibility, Vote, Wipe,
};
use crate::{
    ClientId, Content, ConversationId, Ending, Message, Seq, Timestamp, UserId, message::is_default,
};

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
        /// What newcomers see of what was before.
        #[serde(default, skip_serializing_if = "is_default")]
        history: Visibility,
        /// What the roles may do.
        #[serde(default)]
        preset: Preset,
        /// Its first members; the sender of this entry owns a group.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        members: Vec<UserId>,
    },
    /// The conversation ended for everybody. Nothing comes after it but members who leave.
    Dismissed,
    /// A message got another content.
    Edited {
        /// Which message.
        target: Seq,
        /// The content it got; absent when the message was recalled or expired since.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<Content>,
        /// How the message's stream ended, when this is its end. The content is then what the message says in the end, and
        /// no edit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ending: Option<Ending>,
    },
    /// The time of messages was over: their content is gone.
    Expired {
        /// Which messages.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<u64>))]
        targets: Vec<Seq>,
    },
    /// A message whose time was over, in the place where it stood.
    ExpiredMessage {
        /// The entry that says so.
        by: Seq,
    },
    /// Name, picture, texts or ways changed.
    InfoChanged {
        /// What changed, to what.
        changes: Box<InfoPatch>,
        /// What those fields were before.
        #[serde(default, skip_serializing_if = "is_default")]
        was: Box<InfoPatch>,
    },
    /// The sender joined.
    Joined {
        /// The first entry that it sees; absent for this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Seq>,
        /// Until when it cannot say anything: silence does not end by leaving and coming back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        silent_until_ms: Option<Timestamp>,
    },
    /// Members were removed.
    Kicked {
        /// Who.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        members: Vec<UserId>,
        /// Why, as the remover put it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Until when they cannot come back; absent when they can. [`Timestamp::FOREVER`] for ever.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        banned_until_ms: Option<Timestamp>,
    },
    /// The sender left.
    Left,
    /// A member is called otherwise here.
    MemberRenamed {
        /// Who.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        member: UserId,
        /// How; absent as everywhere else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nickname: Option<String>,
    },
    /// Members were added.
    MembersAdded {
        /// Who.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        members: Vec<UserId>,
        /// The first entry that they see; absent for this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Seq>,
    },
    /// Somebody said something. Holds the current content.
    Message(Message),
    /// Members were silenced.
    Muted {
        /// Who.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        members: Vec<UserId>,
        /// Until when; [`Timestamp::FOREVER`] for ever.
        until_ms: Timestamp,
    },
    /// What a role may do changed.
    PermissionsChanged {
        /// Which role.
        role: Role,
        /// What it may do now.
        permissions: Permissions,
    },
    /// A message was pinned.
    Pinned {
        /// Which message.
        target: Seq,
    },
    /// Members reacted to messages. What comes in a burst is one entry; its sender is the first of those who reacted.
    Reacted {
        /// Who, to what.
        changes: Vec<Reaction>,
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
        /// Which. When it is `owner`, the sender handed the conversation over and became an admin.
        role: Role,
    },
    /// Users who could not come back can.
    Unbanned {
        /// Who.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        members: Vec<UserId>,
    },
    /// Members who were silenced may speak again.
    Unmuted {
        /// Who.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        members: Vec<UserId>,
    },
    /// A message was unpinned.
    Unpinned {
        /// Which message.
        target: Seq,
    },
    /// Members chose in polls. What comes in a burst is one entry; its sender is the first of those who chose.
    Voted {
        /// Who, what.
        changes: Vec<Vote>,
    },
    /// Something that a newer peer knows. Shown as nothing; its seq counts.
    #[serde(other)]
    Unknown,
}

impl Body {
    /// A message that says this and refers to nothing.
    pub fn says(content: impl Into<Content>) -> Self {
        Self::Message(Message::new(content.into()))
    }

    /// Whether an entry of this kind counts as unread when it is new. A message keeps its number when its content goes.
    #[must_use]
    pub const fn is_countable(&self) -> bool {
        matches!(
            self,
            Self::Message(_) | Self::RecalledMessage { .. } | Self::ExpiredMessage { .. }
        )
    }

    /// The message, while it has a content.
    #[must_use]
    pub const fn as_message(&self) -> Option<&Message> {
        if let Self::Message(message) = self {
            Some(message)
        } else {
            None
        }
    }

    /// The entry that last changed the content of this message; `None` when none did, or this is no message.
    #[must_use]
    pub fn changed_by(&self) -> Option<Seq> {
        self.as_message().and_then(Message::changed_by)
    }
}

impl Entry {
    /// What this entry does to earlier ones. Allocates nothing for a message.
    #[must_use]
    pub fn revisions(&self) -> Vec<Revision> {
        let wipe = |target: &Seq, why| Revision::Wipe {
            target: *target,
            by: self.seq,
            why,
        };
        match &self.body {
            Body::Edited {
                target,
                content: Some(content),
                ending: None,
            } => vec![Revision::Edit {
                target: *target,
                content: content.clone(),
                by: self.seq,
            }],
            Body::Edited {
                target,
                content: Some(content),
                ending: Some(ending),
            } => vec![Revision::End {
                target: *target,
                content: content.clone(),
                by: self.seq,
                ending: *ending,
            }],
            Body::Expired { targets } => targets
                .iter()
                .map(|target| wipe(target, Wipe::Expired))
                .collect(),
            Body::Recalled { target } => vec![wipe(target, Wipe::Recalled)],
            Body::Created { .. }
            | Body::Dismissed
            | Body::Edited { content: None, .. }
            | Body::ExpiredMessage { .. }
            | Body::InfoChanged { .. }
            | Body::Joined { .. }
            | Body::Kicked { .. }
            | Body::Left
            | Body::MemberRenamed { .. }
            | Body::MembersAdded { .. }
            | Body::Message(_)
            | Body::Muted { .. }
            | Body::PermissionsChanged { .. }
            | Body::Pinned { .. }
            | Body::Reacted { .. }
            | Body::RecalledMessage { .. }
            | Body::RoleChanged { .. }
            | Body::Unbanned { .. }
            | Body::Unmuted { .. }
            | Body::Unpinned { .. }
            | Body::Voted { .. }
            | Body::Unknown => Vec::new(),
        }
    }

    /// Revises this entry by what a later one did. `true` when it changed.
    pub fn revise(&mut self, revision: &Revision) -> bool {
        match (revision, &mut self.body) {
            (
                Revision::Edit {
                    target,
                    content,
                    by,
                },
                Body::Message(message),
            ) if *target == self.seq && message.edited.is_none_or(|last| last < *by) => {
                message.content = content.clone();
                message.edited = Some(*by);
                true
            }
            (
                Revision::End {
                    target,
                    content,
                    by,
                    ending,
                },
                Body::Message(message),
            ) if *target == self.seq && message.open_until().is_some() => {
                message.content = content.clone();
                message.stream = Some(Box::new(ending.state(*by)));
                true
            }
            (Revision::Wipe { target, by, why }, body @ Body::Message(_))
                if *target == self.seq =>
            {
                *body = match why {
                    Wipe::Expired => Body::ExpiredMessage { by: *by },
                    Wipe::Recalled => Body::RecalledMessage { by: *by },
                };
                true
            }
            (
                Revision::Wipe { target, .. },
                Body::Edited {
                    target: edited,
                    content: content @ Some(_),
                    ..
                },
            ) if target == edited => {
                *content = None;
                true
            }
            _ => false,
        }
    }
}
