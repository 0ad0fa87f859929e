//! The commands that end in an entry of a conversation's log.

use crate::{
    AddMembers, ChangeInfo, ChangeRole, ClientId, ConversationId, CreateConversation, EditMessage,
    JoinGroup, KickMembers, LeaveGroup, RecallMessage, SendMessage, Seq, UserId,
};

/// A command that one conversation decides.
#[derive(Clone, Debug, PartialEq)]
#[allow(
    missing_docs,
    reason = "each variant holds the command that documents it"
)]
pub enum Ask {
    Add(AddMembers),
    Create(CreateConversation),
    /// Begin the direct conversation of the actor and this user, unless there is one.
    Direct(UserId),
    Edit(EditMessage),
    Info(ChangeInfo),
    Join(JoinGroup),
    Kick(KickMembers),
    Leave(LeaveGroup),
    Recall(RecallMessage),
    Role(ChangeRole),
    Send(SendMessage),
}

impl Ask {
    /// Which conversation decides this when `actor` asks it.
    #[must_use]
    pub fn conversation(&self, actor: &UserId) -> ConversationId {
        match self {
            Self::Add(ask) => ask.conversation,
            Self::Create(ask) => ConversationId::created_by(actor, &ask.client_id),
            Self::Direct(peer) => ConversationId::direct(actor, peer),
            Self::Edit(ask) => ask.conversation,
            Self::Info(ask) => ask.conversation,
            Self::Join(ask) => ask.conversation,
            Self::Kick(ask) => ask.conversation,
            Self::Leave(ask) => ask.conversation,
            Self::Recall(ask) => ask.conversation,
            Self::Role(ask) => ask.conversation,
            Self::Send(ask) => ask.conversation,
        }
    }

    /// Under which key a retry is recognised; `None` for what needs none, because there can only be one.
    #[must_use]
    pub fn client_id(&self) -> Option<&ClientId> {
        match self {
            Self::Add(ask) => Some(&ask.client_id),
            Self::Create(ask) => Some(&ask.client_id),
            Self::Direct(_) => None,
            Self::Edit(ask) => Some(&ask.client_id),
            Self::Info(ask) => Some(&ask.client_id),
            Self::Join(ask) => Some(&ask.client_id),
            Self::Kick(ask) => Some(&ask.client_id),
            Self::Leave(ask) => Some(&ask.client_id),
            Self::Recall(ask) => Some(&ask.client_id),
            Self::Role(ask) => Some(&ask.client_id),
            Self::Send(ask) => Some(&ask.client_id),
        }
    }

    /// The users, beside the actor, whose membership the decision depends on.
    #[must_use]
    pub fn concerns(&self) -> &[UserId] {
        match self {
            Self::Add(ask) => &ask.users,
            Self::Kick(ask) => &ask.users,
            Self::Role(ask) => std::slice::from_ref(&ask.user),
            Self::Create(_)
            | Self::Direct(_)
            | Self::Edit(_)
            | Self::Info(_)
            | Self::Join(_)
            | Self::Leave(_)
            | Self::Recall(_)
            | Self::Send(_) => &[],
        }
    }

    /// The users that this brings into the conversation.
    #[must_use]
    pub fn invites(&self) -> &[UserId] {
        match self {
            Self::Add(ask) => &ask.users,
            Self::Create(ask) => &ask.members,
            Self::Direct(peer) => std::slice::from_ref(peer),
            Self::Edit(_)
            | Self::Info(_)
            | Self::Join(_)
            | Self::Kick(_)
            | Self::Leave(_)
            | Self::Recall(_)
            | Self::Role(_)
            | Self::Send(_) => &[],
        }
    }

    /// The users who may become members by this when `actor` asks it, the actor among them.
    #[must_use]
    pub fn entering<'a>(&'a self, actor: &'a UserId) -> Vec<&'a UserId> {
        match self {
            Self::Add(ask) => ask.users.iter().collect(),
            Self::Create(ask) => std::iter::once(actor).chain(&ask.members).collect(),
            Self::Direct(peer) => vec![actor, peer],
            Self::Join(_) => vec![actor],
            Self::Edit(_)
            | Self::Info(_)
            | Self::Kick(_)
            | Self::Leave(_)
            | Self::Recall(_)
            | Self::Role(_)
            | Self::Send(_) => Vec::new(),
        }
    }

    /// The entry that this changes.
    #[must_use]
    pub fn target(&self) -> Option<Seq> {
        match self {
            Self::Edit(ask) => Some(ask.target),
            Self::Recall(ask) => Some(ask.target),
            Self::Add(_)
            | Self::Create(_)
            | Self::Direct(_)
            | Self::Info(_)
            | Self::Join(_)
            | Self::Kick(_)
            | Self::Leave(_)
            | Self::Role(_)
            | Self::Send(_) => None,
        }
    }
}
