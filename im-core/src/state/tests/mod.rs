//! The rules, one sentence each.

mod admins;
mod attaching;
mod contacts;
mod groups;
mod messages;
mod order;
mod standings;
mod streaming;

use super::{Ask, ConversationState, Decision, Enter, Facts};
use crate::{
    Actor, AddMembers, Body, ChangeInfo, ChangeRole, ClientId, Code, Content, ConversationId,
    EditMessage, Entry, InfoPatch, JoinGroup, Joining, KickMembers, Kind, LeaveGroup, Limits,
    Preset, RecallMessage, Role, SendMessage, Seq, Timestamp, UserId, Visibility,
};

const NOW: Timestamp = Timestamp(1_000_000_000);

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn id() -> ConversationId {
    ConversationId::direct(&user("olga"), &user("mia"))
}

fn key() -> ClientId {
    ClientId::new("key").unwrap()
}

fn entry(seq: u64, sender: &str, body: Body) -> Entry {
    Entry {
        conversation: id(),
        seq: Seq(seq),
        sender: user(sender),
        client_id: ClientId::new(format!("entry{seq}")).unwrap(),
        at_ms: NOW,
        ordinal: 0,
        body,
    }
}

fn begun(kind: Kind, joining: Joining, members: &[&str]) -> ConversationState {
    let body = Body::Created {
        kind,
        name: None,
        joining,
        members: members.iter().copied().map(user).collect(),
        history: Visibility::FromJoining,
        preset: Preset::of(kind),
    };
    ConversationState::begin(&entry(1, members[0], body)).unwrap()
}

/// Olga owns it, Adam and Ada are admins, Mia and Max are members.
fn group() -> ConversationState {
    let members = ["olga", "adam", "ada", "mia", "max"];
    let mut state = begun(Kind::Group, Joining::Invited, &members);
    for (seq, admin) in [(2, "adam"), (3, "ada")] {
        let body = Body::RoleChanged {
            member: user(admin),
            role: Role::Admin,
        };
        state.apply(&entry(seq, "olga", body));
    }
    state
}

fn direct() -> ConversationState {
    begun(Kind::Direct, Joining::Invited, &["mia", "olga"])
}

/// A message that stands at seq 4, this long ago.
fn said_by(sender: &str, ago_ms: u64) -> Facts {
    let content = Content::text("hello");
    let body = Body::says(content);
    let mut target = entry(4, sender, body);
    target.at_ms = Timestamp(NOW.0 - i64::try_from(ago_ms).unwrap());
    Facts {
        targets: vec![target],
        ..Facts::default()
    }
}

fn decide(state: &ConversationState, who: &str, ask: Ask, facts: &Facts) -> Result<Decision, Code> {
    let actor = Actor::user(user(who));
    let decided = state.decide(&actor, &ask, facts, &Limits::default(), NOW);
    decided.map_err(|rejection| rejection.code)
}

fn asked(state: &ConversationState, who: &str, ask: Ask) -> Result<Decision, Code> {
    decide(state, who, ask, &Facts::default())
}

fn send(text: &str) -> Ask {
    Ask::Send(SendMessage::new(id(), key(), Content::text(text)))
}

fn edit() -> Ask {
    Ask::Edit(EditMessage {
        conversation: id(),
        client_id: key(),
        target: Seq(4),
        content: Content::text("better"),
    })
}

fn recall() -> Ask {
    Ask::Recall(RecallMessage {
        conversation: id(),
        client_id: key(),
        target: Seq(4),
    })
}

fn kick(whom: &[&str]) -> Ask {
    Ask::Kick(KickMembers {
        conversation: id(),
        client_id: key(),
        users: whom.iter().copied().map(user).collect(),
        reason: None,
        banned_until_ms: None,
    })
}

fn add(whom: &[&str]) -> Ask {
    Ask::Add(AddMembers {
        conversation: id(),
        client_id: key(),
        users: whom.iter().copied().map(user).collect(),
    })
}

fn role(whom: &str, role: Role) -> Ask {
    Ask::Role(ChangeRole {
        conversation: id(),
        client_id: key(),
        user: user(whom),
        role,
    })
}

fn join() -> Ask {
    Ask::Join(Enter {
        join: JoinGroup {
            conversation: id(),
            client_id: key(),
        },
        invited: false,
    })
}

fn leave() -> Ask {
    Ask::Leave(LeaveGroup {
        conversation: id(),
        client_id: key(),
    })
}

fn rename(name: &str) -> Ask {
    Ask::Info(ChangeInfo {
        conversation: id(),
        client_id: key(),
        changes: InfoPatch {
            name: Some(name.to_owned()),
            ..InfoPatch::default()
        },
    })
}
