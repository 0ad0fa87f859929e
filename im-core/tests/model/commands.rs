//! Requests as commands.

use im_core::{
    AddMembers, ApproveRequests, Call, CastVote, ChangeInfo, ChangePermissions, ChangeRole,
    ClientId, Command, Content, ConversationId, DismissGroup, EditMessage, ForwardMessages,
    InfoPatch, JoinGroup, Joining, KickMembers, LeaveGroup, MuteMembers, Permission, Permissions,
    PinMessage, Poll, React, RecallMessage, RenameMember, Reply, Role, SendMessage, Seq, Timestamp,
    UnbanUsers, UnmuteMembers, UnpinMessage,
};

use crate::{
    asks::{Request, What},
    world::{conversation, user},
};

/// When a history begins.
pub(crate) const BEGIN: i64 = 1_700_000_000_000;
/// How long messages stay that have an end, in milliseconds.
pub(crate) const SPANS: [u64; 3] = [1_000, 30_000, 300_000];
/// When silences and bans end.
const ENDS: [Timestamp; 5] = [
    Timestamp(BEGIN + 30_000),
    Timestamp(BEGIN + 150_000),
    Timestamp(BEGIN + 500_000),
    Timestamp(BEGIN + 2_000_000),
    Timestamp::FOREVER,
];
pub(crate) const EMOJI: [&str; 2] = ["👍", "ok"];

pub(crate) fn until(n: u8) -> Timestamp {
    ENDS[usize::from(n)]
}

pub(crate) fn role(n: u8) -> Role {
    [Role::Member, Role::Admin, Role::Owner][usize::from(n)]
}

pub(crate) fn ways(n: u8) -> Joining {
    [Joining::Open, Joining::Approval, Joining::Invited][usize::from(n)]
}

/// Sets of permissions that somebody gives a role.
pub(crate) fn set(n: u8) -> Permissions {
    use Permission as P;
    match n {
        0 => Permissions::of(&[P::React, P::ListMembers]),
        1 => Permissions::of(&[P::Send, P::ListMembers, P::Pin, P::SpeakFreely]),
        2 => Permissions::of(&[P::Send, P::React, P::ListMembers, P::AddMembers, P::Admit]),
        _ => Permissions::of(&[
            P::Send,
            P::React,
            P::ListMembers,
            P::Pin,
            P::Mute,
            P::RecallOthers,
            P::RenameMembers,
            P::RemoveMembers,
        ]),
    }
}

pub(crate) fn name(n: u8) -> String {
    if n == 0 { String::new() } else { n.to_string() }
}

fn client_id(key: u8) -> ClientId {
    ClientId::new(format!("k{key}")).unwrap()
}

/// A text that no other request says; the first part tells how it is said.
fn text(kind: &str, request: &Request, variant: bool) -> String {
    let Request {
        user,
        conversation,
        key,
        ..
    } = request;
    format!("{kind}/{user}/{conversation}/{key}/{variant};")
}

fn poll(question: String) -> Content {
    Content::Poll(Box::new(Poll {
        question,
        options: vec!["yes".into(), "no".into()],
        multiple: false,
        closes_at_ms: None,
    }))
}

impl Request {
    pub(crate) fn command(&self) -> Command {
        let (conversation, client_id) = (conversation(self.conversation), client_id(self.key));
        match &self.what {
            What::Send { .. }
            | What::Brief { .. }
            | What::Burn { .. }
            | What::Poll { .. }
            | What::InThread { .. } => self.message(conversation, client_id).into_command(),
            What::Edit { target, variant } => EditMessage {
                conversation,
                client_id,
                target: Seq(*target),
                content: text("e", self, *variant).into(),
            }
            .into_command(),
            What::Recall { target } => RecallMessage {
                conversation,
                client_id,
                target: Seq(*target),
            }
            .into_command(),
            What::Forward { from, target } => ForwardMessages {
                conversation,
                client_id,
                from: crate::world::conversation(*from),
                seqs: vec![Seq(*target)],
                merged: false,
                title: None,
            }
            .into_command(),
            What::React { target, emoji, on } => React {
                conversation,
                target: Seq(*target),
                emoji: EMOJI[usize::from(*emoji)].into(),
                on: *on,
            }
            .into_command(),
            What::Vote { target, option } => CastVote {
                conversation,
                target: Seq(*target),
                options: option.iter().copied().collect(),
            }
            .into_command(),
            What::Pin { target } => PinMessage {
                conversation,
                client_id,
                target: Seq(*target),
            }
            .into_command(),
            What::Unpin { target } => UnpinMessage {
                conversation,
                client_id,
                target: Seq(*target),
            }
            .into_command(),
            _ => self.of_people(conversation, client_id),
        }
    }

    fn message(&self, conversation: ConversationId, client_id: ClientId) -> SendMessage {
        let say = |content: Content| SendMessage::new(conversation, client_id, content);
        match &self.what {
            What::Brief { variant, span } => SendMessage {
                ttl_ms: Some(SPANS[usize::from(*span)]),
                ..say(text(&format!("b{span}"), self, *variant).into())
            },
            What::Burn { variant, span } => SendMessage {
                burn_ms: Some(SPANS[usize::from(*span)]),
                ..say(text(&format!("u{span}"), self, *variant).into())
            },
            What::Poll { variant } => say(poll(text("p", self, *variant))),
            What::InThread { root, variant } => SendMessage {
                thread: Some(Seq(*root)),
                ..say(text(&format!("t{root}"), self, *variant).into())
            },
            What::Send { variant } => say(text("m", self, *variant).into()),
            other => panic!("no message: {other:?}"),
        }
    }

    fn of_people(&self, conversation: ConversationId, client_id: ClientId) -> Command {
        let users = |whom: &usize| vec![user(*whom)];
        let kick = |whom: &usize, banned_until_ms| KickMembers {
            conversation,
            client_id: client_id.clone(),
            users: users(whom),
            reason: None,
            banned_until_ms,
        };
        match &self.what {
            What::Add { whom } => AddMembers {
                conversation,
                client_id,
                users: users(whom),
            }
            .into_command(),
            What::Approve { whom } => ApproveRequests {
                conversation,
                client_id,
                users: users(whom),
            }
            .into_command(),
            What::Kick { whom } => kick(whom, None).into_command(),
            What::Ban { whom, until: end } => kick(whom, Some(until(*end))).into_command(),
            What::Unban { whom } => UnbanUsers {
                conversation,
                client_id,
                users: users(whom),
            }
            .into_command(),
            What::Mute { whom, until: end } => MuteMembers {
                conversation,
                client_id,
                users: users(whom),
                until_ms: Some(until(*end)).filter(|end| *end != Timestamp::FOREVER),
            }
            .into_command(),
            What::Unmute { whom } => UnmuteMembers {
                conversation,
                client_id,
                users: users(whom),
            }
            .into_command(),
            What::Join => JoinGroup {
                conversation,
                client_id,
            }
            .into_command(),
            What::Leave => LeaveGroup {
                conversation,
                client_id,
            }
            .into_command(),
            What::Role { whom, role: n } => ChangeRole {
                conversation,
                client_id,
                user: user(*whom),
                role: role(*n),
            }
            .into_command(),
            What::Nickname { whom, name: n } => RenameMember {
                conversation,
                client_id,
                user: user(*whom),
                nickname: Some(name(*n)),
            }
            .into_command(),
            _ => self.of_house(conversation, client_id),
        }
    }

    fn of_house(&self, conversation: ConversationId, client_id: ClientId) -> Command {
        let changes = match &self.what {
            What::Dismiss => {
                return DismissGroup {
                    conversation,
                    client_id,
                }
                .into_command();
            }
            What::Permissions {
                role: n,
                set: which,
            } => {
                return ChangePermissions {
                    conversation,
                    client_id,
                    role: role(*n),
                    permissions: set(*which),
                }
                .into_command();
            }
            What::Name { name: n } => InfoPatch {
                name: Some(name(*n)),
                ..InfoPatch::default()
            },
            What::Silence { on } => InfoPatch {
                silenced: Some(*on),
                ..InfoPatch::default()
            },
            What::Ways { ways: n } => InfoPatch {
                joining: Some(ways(*n)),
                ..InfoPatch::default()
            },
            other => panic!("not told as a command: {other:?}"),
        };
        ChangeInfo {
            conversation,
            client_id,
            changes,
        }
        .into_command()
    }
}

/// The seq that a reply speaks of.
pub(crate) fn seq_of(reply: &Reply) -> u64 {
    match reply {
        Reply::SendMessage(sent)
        | Reply::EditMessage(sent)
        | Reply::RecallMessage(sent)
        | Reply::ForwardMessages(sent) => sent.seq.0,
        Reply::AddMembers(changed)
        | Reply::ApproveRequests(changed)
        | Reply::CastVote(changed)
        | Reply::ChangeInfo(changed)
        | Reply::ChangePermissions(changed)
        | Reply::ChangeRole(changed)
        | Reply::DismissGroup(changed)
        | Reply::JoinGroup(changed)
        | Reply::KickMembers(changed)
        | Reply::LeaveGroup(changed)
        | Reply::MuteMembers(changed)
        | Reply::PinMessage(changed)
        | Reply::React(changed)
        | Reply::RenameMember(changed)
        | Reply::UnbanUsers(changed)
        | Reply::UnmuteMembers(changed)
        | Reply::UnpinMessage(changed) => changed.seq.0,
        other => panic!("a reply without a seq: {other:?}"),
    }
}
