//! Entries as the requests that they tell of.

use im_core::{Body, InfoPatch, Message, UserId};

use crate::{
    asks::What,
    commands::{set, until, ways},
    faults::text_of,
};

fn said(message: &Message) -> Option<What> {
    if message.edited.is_some() || message.forwarded.is_some() {
        return None;
    }
    let text = text_of(&message.content)?;
    let variant = text.ends_with("true;");
    let kind = text.split('/').next()?;
    let (kind, rest) = kind.split_at(1);
    Some(match kind {
        "m" => What::Send { variant },
        "b" => What::Brief {
            variant,
            span: rest.parse().ok()?,
        },
        "u" => What::Burn {
            variant,
            span: rest.parse().ok()?,
        },
        "p" => What::Poll { variant },
        "t" => What::InThread {
            variant,
            root: rest.parse().ok()?,
        },
        _ => return None,
    })
}

fn number(user: &UserId) -> usize {
    user.as_str()[1..].parse().unwrap()
}

fn place<T: PartialEq>(all: impl IntoIterator<Item = T>, one: &T) -> Option<u8> {
    let place = all.into_iter().position(|other| other == *one);
    place.and_then(|place| u8::try_from(place).ok())
}

/// Which request an entry tells of, as long as nothing has become of it.
pub(crate) fn what_of(key: u8, body: &Body) -> Option<What> {
    Some(match body {
        Body::Message(message) => said(message)?,
        Body::Edited {
            target, content, ..
        } => What::Edit {
            target: target.0,
            variant: text_of(content.as_ref()?)?.ends_with("true;"),
        },
        Body::Recalled { target } => What::Recall { target: target.0 },
        Body::Pinned { target } => What::Pin { target: target.0 },
        Body::Unpinned { target } => What::Unpin { target: target.0 },
        Body::MembersAdded { members, .. } if key >= 200 => What::Approve {
            whom: number(&members[0]),
        },
        Body::MembersAdded { members, .. } => What::Add {
            whom: number(&members[0]),
        },
        Body::Kicked {
            members,
            banned_until_ms: None,
            ..
        } => What::Kick {
            whom: number(&members[0]),
        },
        Body::Kicked {
            members,
            banned_until_ms: Some(end),
            ..
        } => What::Ban {
            whom: number(&members[0]),
            until: place((0..5).map(until), end)?,
        },
        Body::Unbanned { members } => What::Unban {
            whom: number(&members[0]),
        },
        Body::Muted { members, until_ms } => What::Mute {
            whom: number(&members[0]),
            until: place((0..5).map(until), until_ms)?,
        },
        Body::Unmuted { members } => What::Unmute {
            whom: number(&members[0]),
        },
        Body::Joined { .. } => What::Join,
        Body::Left => What::Leave,
        Body::RoleChanged { member, role } => What::Role {
            whom: number(member),
            role: *role as u8,
        },
        Body::MemberRenamed { member, nickname } => What::Nickname {
            whom: number(member),
            name: nickname.as_ref().map_or(0, |name| name.parse().unwrap()),
        },
        Body::PermissionsChanged { role, permissions } => What::Permissions {
            role: *role as u8,
            set: place((0..4).map(set), permissions)?,
        },
        Body::Dismissed => What::Dismiss,
        Body::InfoChanged { changes, .. } => changed(changes)?,
        _ => return None,
    })
}

fn changed(changes: &InfoPatch) -> Option<What> {
    if let Some(on) = changes.silenced {
        return Some(What::Silence { on });
    }
    if let Some(joining) = changes.joining {
        let ways = place((0..3).map(ways), &joining)?;
        return Some(What::Ways { ways });
    }
    let name = changes.name.as_ref()?.parse().unwrap_or(0);
    Some(What::Name { name })
}
