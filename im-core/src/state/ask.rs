//! The commands that end in an entry of a conversation's log.

use serde::Serialize;

use crate::{
    AddMembers, AdminDismiss, AdminRecall, ApproveRequests, ChangeInfo, ChangePermissions,
    ChangeRole, ClientId, ConversationId, CreateConversation, DismissGroup, EditMessage,
    ForwardMessages, JoinGroup, KickMembers, LeaveGroup, MuteMembers, Origin, PinMessage, Reaction,
    RecallMessage, RenameMember, SendMessage, Seq, UnbanUsers, UnmuteMembers, UnpinMessage, UserId,
    Vote,
};

/// A command that one conversation decides.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(
    missing_docs,
    reason = "each variant holds the command that documents it"
)]
pub enum Ask {
    Add(AddMembers),
    /// An admin of the whole service ends the conversation, which it need not be in.
    AdminDismiss(AdminDismiss),
    /// An admin of the whole service takes a message back, from wherever it is.
    AdminRecall(AdminRecall),
    Approve(ApproveRequests),
    Create(CreateConversation),
    /// Begin the direct conversation of the actor and this user, or the actor's own, unless there is one.
    Direct(UserId),
    Dismiss(DismissGroup),
    Edit(EditMessage),
    /// The time of messages is over.
    Expire(Expire),
    Forward(Forward),
    Info(ChangeInfo),
    Join(Enter),
    Kick(KickMembers),
    Leave(LeaveGroup),
    Mute(MuteMembers),
    Permissions(ChangePermissions),
    Pin(PinMessage),
    React(Marks<Reaction>),
    Recall(RecallMessage),
    Rename(RenameMember),
    Role(ChangeRole),
    Send(SendMessage),
    Unban(UnbanUsers),
    Unmute(UnmuteMembers),
    Unpin(UnpinMessage),
    Vote(Marks<Vote>),
}

/// Entering a conversation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Enter {
    /// Where, and under which client id.
    #[serde(flatten)]
    pub join: JoinGroup,
    /// Whether the actor holds a good link.
    #[serde(skip)]
    pub invited: bool,
}

/// A message that was said elsewhere. A retry is recognised by what was asked, not by what that message says by then.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forward {
    /// What is to be said.
    #[serde(skip)]
    pub send: SendMessage,
    /// Who said it first; absent for several as one.
    #[serde(skip)]
    pub origin: Option<Origin>,
    /// What was asked.
    pub asked: ForwardMessages,
    /// Which of several this is.
    pub place: usize,
}

/// What members attach to messages, gathered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Marks<T> {
    /// Where.
    pub conversation: ConversationId,
    /// Under which client id they are stored.
    pub client_id: ClientId,
    /// What they attach.
    pub changes: Vec<T>,
}

/// Messages whose time is over.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expire {
    /// Where.
    pub conversation: ConversationId,
    /// Under which client id it is stored.
    pub client_id: ClientId,
    /// Which.
    pub targets: Vec<Seq>,
}

/// Calls `$do` with the command of every kind that names a conversation and a client id.
macro_rules! with {
    ($ask:expr, $one:ident => $do:expr, create: $create:expr, direct: $direct:expr) => {
        match $ask {
            Ask::Add($one) => $do,
            Ask::AdminDismiss($one) => $do,
            Ask::AdminRecall($one) => $do,
            Ask::Approve($one) => $do,
            Ask::Create(ask) => $create(ask),
            Ask::Direct(peer) => $direct(peer),
            Ask::Dismiss($one) => $do,
            Ask::Edit($one) => $do,
            Ask::Expire($one) => $do,
            Ask::Forward(ask) => {
                let $one = &ask.send;
                $do
            }
            Ask::Info($one) => $do,
            Ask::Join(ask) => {
                let $one = &ask.join;
                $do
            }
            Ask::Kick($one) => $do,
            Ask::Leave($one) => $do,
            Ask::Mute($one) => $do,
            Ask::Permissions($one) => $do,
            Ask::Pin($one) => $do,
            Ask::React($one) => $do,
            Ask::Recall($one) => $do,
            Ask::Rename($one) => $do,
            Ask::Role($one) => $do,
            Ask::Send($one) => $do,
            Ask::Unban($one) => $do,
            Ask::Unmute($one) => $do,
            Ask::Unpin($one) => $do,
            Ask::Vote($one) => $do,
        }
    };
}

impl Ask {
    /// Which conversation decides this when `actor` asks it.
    #[must_use]
    pub fn conversation(&self, actor: &UserId) -> ConversationId {
        with!(self, ask => ask.conversation,
            create: |ask: &CreateConversation| ConversationId::created_by(actor, &ask.client_id),
            direct: |peer: &UserId| ConversationId::direct(actor, peer))
    }

    /// Under which key a retry is recognised; `None` for what needs none, because there can only be one.
    #[must_use]
    pub fn client_id(&self) -> Option<&ClientId> {
        with!(self, ask => Some(&ask.client_id),
            create: |ask| { let ask: &CreateConversation = ask; Some(&ask.client_id) },
            direct: |_: &UserId| None)
    }

    /// The users, beside the actor, whose membership the decision depends on.
    #[must_use]
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "most depend on nobody else, and a new one that does fails its own test"
    )]
    pub fn concerns(&self) -> Vec<&UserId> {
        match self {
            Self::Add(ask) => ask.users.iter().collect(),
            Self::Approve(ask) => ask.users.iter().collect(),
            Self::Kick(ask) => ask.users.iter().collect(),
            Self::Mute(ask) => ask.users.iter().collect(),
            Self::Unmute(ask) => ask.users.iter().collect(),
            Self::Rename(ask) => vec![&ask.user],
            Self::Role(ask) => vec![&ask.user],
            Self::React(ask) => ask.changes.iter().map(|change| &change.user).collect(),
            Self::Vote(ask) => ask.changes.iter().map(|change| &change.user).collect(),
            Self::Send(ask) => match &ask.mentions {
                Some(mentions) => mentions.users.iter().collect(),
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// The users that this brings into the conversation, who must exist.
    #[must_use]
    #[allow(clippy::wildcard_enum_match_arm, reason = "most bring nobody in")]
    pub fn invites(&self) -> &[UserId] {
        match self {
            Self::Add(ask) => &ask.users,
            Self::Create(ask) => &ask.members,
            Self::Direct(peer) => std::slice::from_ref(peer),
            _ => &[],
        }
    }

    /// The users who may become members by this when `actor` asks it, the actor among them.
    #[must_use]
    #[allow(clippy::wildcard_enum_match_arm, reason = "most bring nobody in")]
    pub fn entering<'a>(&'a self, actor: &'a UserId) -> Vec<&'a UserId> {
        match self {
            Self::Add(ask) => ask.users.iter().collect(),
            Self::Approve(ask) => ask.users.iter().collect(),
            Self::Create(ask) => std::iter::once(actor).chain(&ask.members).collect(),
            Self::Direct(peer) => vec![actor, peer],
            Self::Join(_) => vec![actor],
            _ => Vec::new(),
        }
    }

    /// The entries that this changes or attaches something to, each once.
    #[must_use]
    #[allow(clippy::wildcard_enum_match_arm, reason = "most change no entry")]
    pub fn targets(&self) -> Vec<Seq> {
        let mut targets = match self {
            Self::AdminRecall(ask) => vec![ask.seq],
            Self::Edit(ask) => vec![ask.target],
            Self::Expire(ask) => ask.targets.clone(),
            Self::Pin(ask) => vec![ask.target],
            Self::React(ask) => ask.changes.iter().map(|change| change.target).collect(),
            Self::Recall(ask) => vec![ask.target],
            Self::Vote(ask) => ask.changes.iter().map(|change| change.target).collect(),
            _ => Vec::new(),
        };
        targets.sort_unstable();
        targets.dedup();
        targets
    }
}
