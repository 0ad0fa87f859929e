//! What an entry does to a conversation's facts and members. Stores and the engine derive it from the same function.

use crate::{Body, Entry, Info, InfoPatch, Kind, Member, Role, UserId};

/// A change of the rows that a conversation's log implies.
#[derive(Clone, Debug, PartialEq)]
pub enum RosterChange {
    /// The conversation began with these facts, without members; `Enter`s follow.
    Begin(Info),
    /// Somebody is a member from this entry on. Their position starts at the entry before it, nothing unread.
    Enter(Member),
    /// Somebody is no member after this entry, which is the last that they see.
    Exit(UserId),
    /// The group has another owner.
    Owner(UserId),
    /// The facts change.
    Patch(InfoPatch),
    /// A member has another role.
    SetRole(UserId, Role),
}

/// What `entry` changes, in order. Empty for messages and what happens to them.
#[must_use]
pub fn roster_changes(entry: &Entry) -> Vec<RosterChange> {
    let enter = |user: &UserId, role| {
        RosterChange::Enter(Member {
            user: user.clone(),
            role,
            since: entry.seq,
        })
    };
    match &entry.body {
        Body::Created {
            kind,
            name,
            joining,
            members,
        } => {
            let owner = (*kind == Kind::Group).then(|| entry.sender.clone());
            let mut pair = if *kind == Kind::Direct {
                members.clone()
            } else {
                Vec::new()
            };
            pair.sort();
            let role = |user| {
                if owner.as_ref() == Some(user) {
                    Role::Owner
                } else {
                    Role::Member
                }
            };
            let enters: Vec<_> = members.iter().map(|user| enter(user, role(user))).collect();
            let info = Info {
                kind: *kind,
                name: name.clone(),
                avatar: None,
                announcement: None,
                description: None,
                joining: *joining,
                owner,
                pair,
                member_count: 0,
                created_at_ms: entry.at_ms,
            };
            std::iter::once(RosterChange::Begin(info))
                .chain(enters)
                .collect()
        }
        Body::MembersAdded { members } => members
            .iter()
            .map(|user| enter(user, Role::Member))
            .collect(),
        Body::Joined => vec![enter(&entry.sender, Role::Member)],
        Body::Kicked { members, .. } => members.iter().cloned().map(RosterChange::Exit).collect(),
        Body::Left => vec![RosterChange::Exit(entry.sender.clone())],
        Body::RoleChanged {
            member,
            role: Role::Owner,
        } => vec![
            RosterChange::SetRole(entry.sender.clone(), Role::Admin),
            RosterChange::SetRole(member.clone(), Role::Owner),
            RosterChange::Owner(member.clone()),
        ],
        Body::RoleChanged { member, role } => vec![RosterChange::SetRole(member.clone(), *role)],
        Body::InfoChanged { changes } => vec![RosterChange::Patch(changes.clone())],
        Body::Edited { .. }
        | Body::Message { .. }
        | Body::Recalled { .. }
        | Body::RecalledMessage { .. }
        | Body::Unknown => Vec::new(),
    }
}
