//! Who may do what in a conversation, and what then happens.

use super::{
    Ask, ConversationState, Facts, Lookup,
    content::{check_content, check_text},
};
use crate::{
    Actor, Body, ChangeInfo, ChangeRole, Code, CreateConversation, EditMessage, Entry, InfoPatch,
    Joining, KickMembers, Kind, Limits, Member, RecallMessage, Rejection, Role, SendMessage,
    Timestamp, UserId,
};

/// What a request comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// This happens.
    Append(Body),
    /// Things are as asked already.
    Nothing,
}

type Decided = Result<Decision, Rejection>;

fn forbidden(detail: &'static str) -> Rejection {
    Rejection::new(Code::Forbidden, detail)
}

impl ConversationState {
    /// Decides a request on a conversation that exists. The actor and [`Ask::concerns`] must have been looked up.
    ///
    /// # Errors
    /// A [`Rejection`] when the actor may not, or the request makes no sense here.
    pub fn decide(
        &self,
        actor: &Actor,
        ask: &Ask,
        facts: &Facts,
        limits: &Limits,
        now: Timestamp,
    ) -> Decided {
        let member = match self.lookup(&actor.user) {
            Lookup::Member(member) => member,
            Lookup::Stranger | Lookup::Unknown => {
                return self.decide_for_stranger(&actor.user, ask, facts, limits);
            }
        };
        if self.info().kind == Kind::Direct && matches!(ask, Ask::Edit(_) | Ask::Send(_)) {
            facts.check_contact(&actor.user)?;
        }
        match ask {
            Ask::Add(_) => self.add(member, ask, facts, limits),
            Ask::Create(_) => Err(Rejection::new(
                Code::Conflict,
                "this client id began another conversation; choose a new one",
            )),
            Ask::Direct(_) | Ask::Join(_) => Ok(Decision::Nothing),
            Ask::Edit(ask) => self.edit(member, ask, facts, limits, now),
            Ask::Info(ask) => self.change_info(member, ask, limits),
            Ask::Kick(ask) => self.kick(member, ask),
            Ask::Leave(_) => self.leave(member),
            Ask::Recall(ask) => self.recall(member, ask, facts, limits, now),
            Ask::Role(ask) => self.change_role(member, ask),
            Ask::Send(ask) => self.send(ask, facts, limits),
        }
    }

    /// Decides a request on a conversation that does not exist.
    ///
    /// # Errors
    /// A [`Rejection`]; `not_found` for everything that does not begin a conversation.
    pub fn decide_absent(actor: &Actor, ask: &Ask, facts: &Facts, limits: &Limits) -> Decided {
        match ask {
            Ask::Create(ask) => {
                let members = first_members(actor, ask, limits)?;
                facts.check_known()?;
                facts.check_places(&actor.user, &members, limits)?;
                let name = ask.name.clone().filter(|name| !name.is_empty());
                Ok(Decision::Append(Body::Created {
                    kind: Kind::Group,
                    name,
                    joining: ask.joining,
                    members,
                }))
            }
            Ask::Direct(peer) if *peer == actor.user => Err(Rejection::new(
                Code::InvalidRequest,
                "a direct conversation needs somebody else",
            )),
            Ask::Direct(peer) => {
                facts.check_known()?;
                if facts.blocked {
                    return Err(blocked());
                }
                facts.check_contact(&actor.user)?;
                let mut members = vec![actor.user.clone(), peer.clone()];
                members.sort();
                facts.check_places(&actor.user, &members, limits)?;
                Ok(Decision::Append(Body::Created {
                    kind: Kind::Direct,
                    name: None,
                    joining: Joining::Invited,
                    members,
                }))
            }
            Ask::Add(_)
            | Ask::Edit(_)
            | Ask::Info(_)
            | Ask::Join(_)
            | Ask::Kick(_)
            | Ask::Leave(_)
            | Ask::Recall(_)
            | Ask::Role(_)
            | Ask::Send(_) => Err(Rejection::not_found("conversation")),
        }
    }

    fn decide_for_stranger(
        &self,
        actor: &UserId,
        ask: &Ask,
        facts: &Facts,
        limits: &Limits,
    ) -> Decided {
        if !matches!(ask, Ask::Join(_))
            || self.info().kind != Kind::Group
            || self.info().joining != Joining::Open
        {
            return Err(Rejection::not_found("conversation"));
        }
        self.check_room(1, limits)?;
        facts.check_places(actor, std::slice::from_ref(actor), limits)?;
        Ok(Decision::Append(Body::Joined))
    }

    fn check_group(&self) -> Result<(), Rejection> {
        match self.info().kind {
            Kind::Group => Ok(()),
            Kind::Direct => Err(forbidden(
                "a direct conversation has two members, for ever; create a group",
            )),
        }
    }

    fn check_block(&self, facts: &Facts) -> Result<(), Rejection> {
        if facts.blocked && self.info().kind == Kind::Direct {
            return Err(blocked());
        }
        Ok(())
    }

    fn check_room(&self, more: usize, limits: &Limits) -> Result<(), Rejection> {
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

    fn send(&self, ask: &SendMessage, facts: &Facts, limits: &Limits) -> Decided {
        check_content(&ask.content, limits)?;
        self.check_block(facts)?;
        Ok(Decision::Append(Body::Message {
            content: ask.content.clone(),
            edited: None,
        }))
    }

    fn edit(
        &self,
        member: &Member,
        ask: &EditMessage,
        facts: &Facts,
        limits: &Limits,
        now: Timestamp,
    ) -> Decided {
        check_content(&ask.content, limits)?;
        let target = message_of(member, facts)?;
        if target.sender != member.user {
            return Err(forbidden("only the sender can edit a message"));
        }
        self.check_block(facts)?;
        if now.since(target.at_ms) > limits.edit() {
            return Err(Rejection::new(
                Code::Expired,
                "this message is too old to be edited; send another",
            ));
        }
        Ok(Decision::Append(Body::Edited {
            target: target.seq,
            content: Some(ask.content.clone()),
        }))
    }

    fn recall(
        &self,
        member: &Member,
        ask: &RecallMessage,
        facts: &Facts,
        limits: &Limits,
        now: Timestamp,
    ) -> Decided {
        let target = message_of(member, facts)?;
        let moderates = self.info().kind == Kind::Group && member.role >= Role::Admin;
        if !moderates && target.sender != member.user {
            return Err(forbidden(
                "only the sender and the admins of a group can recall a message",
            ));
        }
        if !moderates && now.since(target.at_ms) > limits.recall() {
            return Err(Rejection::new(
                Code::Expired,
                "this message is too old to be recalled; ask an admin",
            ));
        }
        Ok(Decision::Append(Body::Recalled { target: ask.target }))
    }

    fn add(&self, member: &Member, ask: &Ask, facts: &Facts, limits: &Limits) -> Decided {
        self.check_group()?;
        if member.role < Role::Admin {
            return Err(forbidden("only admins and the owner can add members"));
        }
        facts.check_known()?;
        let members = distinct(ask.invites(), |user| {
            !matches!(self.lookup(user), Lookup::Member(_))
        });
        if members.is_empty() {
            return Ok(Decision::Nothing);
        }
        self.check_room(members.len(), limits)?;
        facts.check_places(&member.user, &members, limits)?;
        Ok(Decision::Append(Body::MembersAdded { members }))
    }

    fn kick(&self, member: &Member, ask: &KickMembers) -> Decided {
        self.check_group()?;
        if member.role < Role::Admin {
            return Err(forbidden("only admins and the owner can remove members"));
        }
        check_text("reason", ask.reason.as_ref(), 200)?;
        for user in &ask.users {
            let Lookup::Member(target) = self.lookup(user) else {
                continue;
            };
            if target.user == member.user {
                return Err(forbidden("you cannot remove yourself; leave instead"));
            }
            if target.role >= member.role {
                return Err(forbidden(
                    "admins are removed by the owner, and the owner by nobody",
                ));
            }
        }
        let members = distinct(&ask.users, |user| {
            matches!(self.lookup(user), Lookup::Member(_))
        });
        if members.is_empty() {
            return Ok(Decision::Nothing);
        }
        Ok(Decision::Append(Body::Kicked {
            members,
            reason: ask.reason.clone(),
        }))
    }

    fn leave(&self, member: &Member) -> Decided {
        self.check_group()?;
        if member.role == Role::Owner && self.info().member_count > 1 {
            let detail = "make somebody else the owner first (group.role)";
            return Err(Rejection::new(Code::OwnerMustTransfer, detail));
        }
        Ok(Decision::Append(Body::Left))
    }

    fn change_role(&self, member: &Member, ask: &ChangeRole) -> Decided {
        self.check_group()?;
        if member.role != Role::Owner {
            return Err(forbidden("only the owner can change roles"));
        }
        let Lookup::Member(target) = self.lookup(&ask.user) else {
            return Err(Rejection::not_found("member"));
        };
        if target.role == ask.role {
            return Ok(Decision::Nothing);
        }
        if target.user == member.user {
            return Err(forbidden(
                "make somebody else the owner to change your own role",
            ));
        }
        Ok(Decision::Append(Body::RoleChanged {
            member: ask.user.clone(),
            role: ask.role,
        }))
    }

    fn change_info(&self, member: &Member, ask: &ChangeInfo, limits: &Limits) -> Decided {
        self.check_group()?;
        if member.role < Role::Admin {
            return Err(forbidden("only admins and the owner can change the group"));
        }
        check_info(&ask.changes, limits)?;
        if !ask.changes.apply(&mut self.info().clone()) {
            return Ok(Decision::Nothing);
        }
        Ok(Decision::Append(Body::InfoChanged {
            changes: ask.changes.clone(),
        }))
    }
}

fn blocked() -> Rejection {
    Rejection::new(
        Code::Blocked,
        "one of you has blocked the other; messages do not pass until that is lifted",
    )
}

fn first_members(
    actor: &Actor,
    ask: &CreateConversation,
    limits: &Limits,
) -> Result<Vec<UserId>, Rejection> {
    check_text("name", ask.name.as_ref(), limits.name_chars)?;
    let mut members = vec![actor.user.clone()];
    members.extend(distinct(&ask.members, |user| *user != actor.user));
    if members.len() > limits.group_members as usize {
        let detail = format!("a group has at most {} members", limits.group_members);
        return Err(Rejection::new(Code::TooMany, detail));
    }
    Ok(members)
}

fn check_info(changes: &InfoPatch, limits: &Limits) -> Result<(), Rejection> {
    check_text("name", changes.name.as_ref(), limits.name_chars)?;
    check_text("avatar", changes.avatar.as_ref(), limits.text_field_chars)?;
    check_text(
        "announcement",
        changes.announcement.as_ref(),
        limits.text_field_chars,
    )?;
    check_text(
        "description",
        changes.description.as_ref(),
        limits.text_field_chars,
    )
}

/// The message that the request changes, when the member sees it and it still has a content.
fn message_of<'a>(member: &Member, facts: &'a Facts) -> Result<&'a Entry, Rejection> {
    let target = facts
        .target
        .as_ref()
        .filter(|target| target.seq >= member.since);
    let Some(target) = target else {
        return Err(Rejection::not_found("message"));
    };
    match &target.body {
        Body::Message { .. } => Ok(target),
        Body::RecalledMessage { .. } => {
            Err(Rejection::new(Code::Recalled, "the message was recalled"))
        }
        Body::Created { .. }
        | Body::Edited { .. }
        | Body::InfoChanged { .. }
        | Body::Joined
        | Body::Kicked { .. }
        | Body::Left
        | Body::MembersAdded { .. }
        | Body::Recalled { .. }
        | Body::RoleChanged { .. }
        | Body::Unknown => Err(Rejection::not_found("message")),
    }
}

/// Those of `users` that pass, each once, in order.
fn distinct(users: &[UserId], pass: impl Fn(&UserId) -> bool) -> Vec<UserId> {
    let mut seen = std::collections::HashSet::new();
    users
        .iter()
        .filter(|user| pass(user) && seen.insert(*user))
        .cloned()
        .collect()
}
