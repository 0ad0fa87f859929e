//! What an entry does to a conversation's facts and members. Stores and the engine derive it from the same function.

use crate::{
    Body, Entry, Info, InfoPatch, Kind, Member, Permissions, Role, Seq, Timestamp, UserId,
};

/// A change of the rows that a conversation's log implies.
#[derive(Clone, Debug, PartialEq)]
pub enum RosterChange {
    /// The conversation began with these facts, without members; `Enter`s follow.
    Begin(Info),
    /// Somebody is a member from this entry on. Their position starts at the entry before it, nothing unread.
    Enter(Member),
    /// Somebody is no member after this entry, which is the last that they see.
    Exit(UserId),
    /// The facts change, and so does the conversation's row.
    Facts(FactChange),
    /// A member has another role.
    SetRole(UserId, Role),
    /// A member is silent until then; `None` when it may speak.
    SetSilent(UserId, Option<Timestamp>),
    /// A member is called this here.
    SetNickname(UserId, Option<String>),
}

/// A change of a conversation's facts.
#[derive(Clone, Debug, PartialEq)]
pub enum FactChange {
    /// Messages here may go when they are read.
    Burns,
    /// It ended.
    Dismissed,
    /// It has another owner.
    Owner(UserId),
    /// Name, texts or ways.
    Patch(InfoPatch),
    /// What a role may do.
    Permissions(Role, Permissions),
    /// A message is pinned.
    Pinned(Seq),
    /// Somebody said the first thing in a direct conversation.
    Spoke(UserId),
    /// Messages are not pinned, whether they were or not.
    Unpinned(Vec<Seq>),
}

impl FactChange {
    /// Changes `info`.
    pub fn apply(&self, info: &mut Info) {
        match self {
            Self::Burns => info.burns = true,
            Self::Dismissed => info.dismissed = true,
            Self::Owner(user) => info.owner = Some(user.clone()),
            Self::Patch(patch) => drop(patch.apply(info)),
            Self::Permissions(role, permissions) => {
                let preset = info.preset.permissions();
                let all = info.permissions.get_or_insert_with(|| Box::new(preset));
                all.set(*role, *permissions);
            }
            Self::Pinned(seq) => {
                if !info.pins.contains(seq) {
                    info.pins.push(*seq);
                }
            }
            Self::Spoke(user) => {
                if !info.spoke.contains(user) {
                    info.spoke.push(user.clone());
                }
            }
            Self::Unpinned(seqs) => info.pins.retain(|pin| !seqs.contains(pin)),
        }
    }
}

/// What `entry` changes, in order. Empty, and without an allocation, for nearly all messages.
#[must_use]
pub fn roster_changes(entry: &Entry) -> Vec<RosterChange> {
    let facts = |change| vec![RosterChange::Facts(change)];
    let each = |users: &[UserId], change: &dyn Fn(UserId) -> RosterChange| {
        users.iter().cloned().map(change).collect()
    };
    let enter = |user: UserId, since: &Option<Seq>| {
        let since = since.unwrap_or(entry.seq);
        RosterChange::Enter(Member::new(user, Role::Member, since))
    };
    match &entry.body {
        Body::Created { .. } => beginning(entry),
        Body::MembersAdded { members, since } => each(members, &|user| enter(user, since)),
        Body::Joined {
            since,
            silent_until_ms,
        } => vec![RosterChange::Enter(Member {
            silent_until_ms: *silent_until_ms,
            ..Member::new(
                entry.sender.clone(),
                Role::Member,
                since.unwrap_or(entry.seq),
            )
        })],
        Body::Kicked { members, .. } => each(members, &RosterChange::Exit),
        Body::Left => vec![RosterChange::Exit(entry.sender.clone())],
        Body::RoleChanged {
            member,
            role: Role::Owner,
        } => vec![
            RosterChange::SetRole(entry.sender.clone(), Role::Admin),
            RosterChange::SetRole(member.clone(), Role::Owner),
            RosterChange::Facts(FactChange::Owner(member.clone())),
        ],
        Body::RoleChanged { member, role } => vec![RosterChange::SetRole(member.clone(), *role)],
        Body::Muted { members, until_ms } => each(members, &|user| {
            RosterChange::SetSilent(user, Some(*until_ms))
        }),
        Body::Unmuted { members } => each(members, &|user| RosterChange::SetSilent(user, None)),
        Body::MemberRenamed { member, nickname } => {
            vec![RosterChange::SetNickname(member.clone(), nickname.clone())]
        }
        Body::InfoChanged { changes, .. } => facts(FactChange::Patch((**changes).clone())),
        Body::PermissionsChanged { role, permissions } => {
            facts(FactChange::Permissions(*role, *permissions))
        }
        Body::Dismissed => facts(FactChange::Dismissed),
        Body::Pinned { target } => facts(FactChange::Pinned(*target)),
        Body::Unpinned { target } | Body::Recalled { target } => {
            facts(FactChange::Unpinned(vec![*target]))
        }
        Body::Expired { targets } => facts(FactChange::Unpinned(targets.clone())),
        Body::Message(message) if message.first || message.burn_ms.is_some() => {
            let spoke = message
                .first
                .then(|| FactChange::Spoke(entry.sender.clone()));
            let burns = message.burn_ms.map(|_| FactChange::Burns);
            spoke
                .into_iter()
                .chain(burns)
                .map(RosterChange::Facts)
                .collect()
        }
        Body::Edited { .. }
        | Body::ExpiredMessage { .. }
        | Body::Message(_)
        | Body::Reacted { .. }
        | Body::RecalledMessage { .. }
        | Body::Unbanned { .. }
        | Body::Voted { .. }
        | Body::Unknown => Vec::new(),
    }
}

/// The facts and the first members.
fn beginning(entry: &Entry) -> Vec<RosterChange> {
    let Body::Created {
        kind,
        name,
        joining,
        history,
        preset,
        members,
    } = &entry.body
    else {
        return Vec::new();
    };
    let owner = kind.has_roster().then(|| entry.sender.clone());
    let mut pair = if *kind == Kind::Direct {
        members.clone()
    } else {
        Vec::new()
    };
    pair.sort();
    let enters = members.iter().map(|user| {
        let role = if owner.as_ref() == Some(user) {
            Role::Owner
        } else {
            Role::Member
        };
        RosterChange::Enter(Member::new(user.clone(), role, entry.seq))
    });
    let info = Info {
        name: name.clone(),
        joining: *joining,
        history: *history,
        preset: *preset,
        owner: owner.clone(),
        pair,
        ..Info::new(*kind, entry.at_ms)
    };
    std::iter::once(RosterChange::Begin(info))
        .chain(enters)
        .collect()
}
