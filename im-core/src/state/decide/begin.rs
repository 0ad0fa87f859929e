//! How conversations begin, and how strangers get in.

use super::{Decided, Decision, blocked, distinct};
use crate::{
    Actor, Body, Code, CreateConversation, Joining, Kind, Limits, Preset, Rejection, UserId,
    Visibility,
    state::{Ask, ConversationState, Facts, content::check_text},
};

impl ConversationState {
    /// Decides a request on a conversation that does not exist.
    ///
    /// # Errors
    /// A [`Rejection`]; `not_found` for everything that does not begin a conversation.
    pub fn decide_absent(actor: &Actor, ask: &Ask, facts: &Facts, limits: &Limits) -> Decided {
        if let Ask::Create(ask) = ask {
            create(actor, ask, facts, limits)
        } else if let Ask::Direct(peer) = ask {
            begin_direct(actor, peer, facts, limits)
        } else {
            Err(Rejection::not_found("conversation"))
        }
    }

    pub(super) fn decide_for_stranger(
        &self,
        actor: &UserId,
        ask: &Ask,
        facts: &Facts,
        limits: &Limits,
    ) -> Decided {
        let hidden = || Err(Rejection::not_found("conversation"));
        let Ask::Join(ask) = ask else { return hidden() };
        let info = self.info();
        let is_open = ask.invited || info.joining == Joining::Open;
        if !info.kind.has_roster() || info.dismissed {
            return hidden();
        }
        if !is_open && info.joining == Joining::Approval {
            return Err(Rejection::new(
                Code::Forbidden,
                "one gets in here by asking; ask to be let in (group.request)",
            ));
        }
        if !is_open {
            return hidden();
        }
        let entering = std::slice::from_ref(actor);
        facts.check_banned(entering)?;
        self.check_room(1, limits)?;
        facts.check_places(actor, entering, limits)?;
        Ok(Decision::Append(Body::Joined {
            since: self.first_seen(),
            silent_until_ms: facts.silent_until,
        }))
    }

    /// The first entry that a newcomer sees; `None` for the one that brings it in.
    pub(super) fn first_seen(&self) -> Option<crate::Seq> {
        match self.info().history {
            Visibility::All => Some(crate::Seq(1)),
            Visibility::FromJoining => None,
        }
    }

    pub(super) fn check_room(&self, more: usize, limits: &Limits) -> Result<(), Rejection> {
        let room = limits
            .group_members
            .saturating_sub(self.info().member_count) as usize;
        if more > room {
            let detail = format!(
                "a group has at most {} members; {room} more fit",
                limits.group_members
            );
            return Err(Rejection::new(Code::TooMany, detail));
        }
        Ok(())
    }
}

fn create(actor: &Actor, ask: &CreateConversation, facts: &Facts, limits: &Limits) -> Decided {
    check_text("name", ask.name.as_ref(), limits.name_chars)?;
    let mut members = vec![actor.user.clone()];
    members.extend(distinct(&ask.members, |user| *user != actor.user));
    if members.len() > limits.group_members as usize {
        let detail = format!("a group has at most {} members", limits.group_members);
        return Err(Rejection::new(Code::TooMany, detail));
    }
    facts.check_known()?;
    facts.check_places(&actor.user, &members, limits)?;
    let preset = ask.preset.unwrap_or_default();
    let kind = match preset {
        Preset::Channel => Kind::Channel,
        Preset::Community | Preset::PublicGroup | Preset::WorkGroup => Kind::Group,
        Preset::Direct => {
            return Err(Rejection::new(
                Code::InvalidRequest,
                "the preset `direct` is for two; open a direct conversation (conversation.direct)",
            ));
        }
    };
    Ok(Decision::Append(Body::Created {
        kind,
        name: ask.name.clone().filter(|name| !name.is_empty()),
        joining: ask.joining,
        history: ask.history,
        preset,
        members,
    }))
}

fn begin_direct(actor: &Actor, peer: &UserId, facts: &Facts, limits: &Limits) -> Decided {
    facts.check_known()?;
    if facts.blocked {
        return Err(blocked());
    }
    facts.check_contact(&actor.user)?;
    let mut members = vec![actor.user.clone(), peer.clone()];
    members.sort();
    members.dedup();
    facts.check_places(&actor.user, &members, limits)?;
    Ok(Decision::Append(Body::Created {
        kind: if members.len() == 1 {
            Kind::Personal
        } else {
            Kind::Direct
        },
        name: None,
        joining: Joining::Invited,
        history: Visibility::FromJoining,
        preset: Preset::Direct,
        members,
    }))
}
