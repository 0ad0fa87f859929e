//! Who may do what in a conversation, and what then happens.
//!
//! Here is the way in, and what holds for every request; `begin` begins conversations, `talk` is about messages, `attach`
//! about what is attached to them, `people` about who is in, `house` about the conversation itself, `admin` about what is
//! done from outside.

mod admin;
mod attach;
mod begin;
mod house;
mod people;
mod talk;

pub(crate) use attach::check_vote;
pub(crate) use talk::{ended, open};

use super::{Ask, ConversationState, Facts, Lookup};
use crate::{
    Actor, Body, Code, Entry, Kind, Limits, Member, Permission, Rejection, Seq, Timestamp, UserId,
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

/// What a decision depends on, beside the state and the request.
struct Case<'a> {
    state: &'a ConversationState,
    member: &'a Member,
    facts: &'a Facts,
    limits: &'a Limits,
    now: Timestamp,
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
        // Of who need not be a member, of nobody, and of several at once.
        if let Ask::AdminDismiss(_) = ask {
            return self.dismiss_for_admin();
        } else if let Ask::AdminRecall(ask) = ask {
            return self.recall_for_admin(ask.seq, facts);
        } else if let Ask::Expire(ask) = ask {
            return Ok(self.expire(ask, facts));
        } else if let Ask::Interrupt(ask) = ask {
            return Ok(self.interrupt(ask, facts));
        } else if let Ask::React(ask) = ask {
            return self.react(ask, facts, now);
        } else if let Ask::Vote(ask) = ask {
            return self.vote(ask, facts, now);
        }
        let member = match self.lookup(&actor.user) {
            Lookup::Member(member) => member,
            Lookup::Stranger | Lookup::Unknown => {
                return self.decide_for_stranger(&actor.user, ask, facts, limits);
            }
        };
        let case = Case {
            state: self,
            member,
            facts,
            limits,
            now,
        };
        if self.info().dismissed && !matches!(ask, Ask::Leave(_) | Ask::Direct(_) | Ask::Join(_)) {
            return Err(dismissed());
        }
        match ask {
            Ask::Add(_) => case.add(ask),
            Ask::Approve(ask) => case.approve(ask),
            Ask::Create(_) => Err(Rejection::new(
                Code::Conflict,
                "this client id began another conversation; choose a new one",
            )),
            Ask::AdminDismiss(_)
            | Ask::AdminRecall(_)
            | Ask::Direct(_)
            | Ask::Expire(_)
            | Ask::Interrupt(_)
            | Ask::Join(_)
            | Ask::React(_)
            | Ask::Vote(_) => Ok(Decision::Nothing),
            Ask::Dismiss(_) => case.dismiss(),
            Ask::Edit(ask) => case.edit(ask),
            Ask::Finish(ask) => case.finish(ask),
            Ask::Forward(ask) => case.send(&ask.send, ask.origin.as_ref()),
            Ask::Info(ask) => case.change_info(ask),
            Ask::Kick(ask) => case.kick(ask),
            Ask::Leave(_) => case.leave(),
            Ask::Mute(ask) => case.mute(ask),
            Ask::Permissions(ask) => case.change_permissions(ask),
            Ask::Pin(ask) => case.pin(ask),
            Ask::Recall(ask) => case.recall(ask),
            Ask::Rename(ask) => case.rename(ask),
            Ask::Role(ask) => case.change_role(ask),
            Ask::Send(ask) => case.send(ask, None),
            Ask::Unban(ask) => case.unban(ask),
            Ask::Unmute(ask) => case.unmute(ask),
            Ask::Unpin(ask) => case.unpin(ask),
        }
    }

    /// Refuses what a member may not do here.
    ///
    /// # Errors
    /// `forbidden`, with what the permission is for.
    pub fn check_allowed(&self, member: &Member, permission: Permission) -> Result<(), Rejection> {
        if self.info().permissions_of(member.role).allow(permission) {
            return Ok(());
        }
        Err(forbidden(refusal_of(permission)))
    }

    /// Refuses who may say nothing now: muted, everybody is, it ended, or its role only reads. Not the slow mode.
    ///
    /// # Errors
    /// `dismissed`, `muted`, `forbidden`, `blocked`, or `contacts_only`.
    pub fn check_speaks(
        &self,
        member: &Member,
        facts: &Facts,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        let info = self.info();
        if info.dismissed {
            return Err(dismissed());
        }
        if info.kind == Kind::Direct {
            if facts.blocked {
                return Err(blocked());
            }
            facts.check_contact(&member.user)?;
        }
        self.check_allowed(member, Permission::Send)?;
        if let Some(until) = member.silent_until_ms.filter(|until| *until > now) {
            let detail = "you were silenced here; wait until that ends, or ask an admin";
            let rejection = Rejection::new(Code::Muted, detail);
            return Err(match until {
                Timestamp::FOREVER => rejection,
                until => rejection.retry_after(until.since(now)),
            });
        }
        if info.silenced
            && !info
                .permissions_of(member.role)
                .allow(Permission::SpeakFreely)
        {
            let detail = "everybody is silenced here but the admins; wait until that ends";
            return Err(Rejection::new(Code::Muted, detail));
        }
        Ok(())
    }
}

impl Case<'_> {
    fn allows(&self, permission: Permission) -> bool {
        self.state
            .info()
            .permissions_of(self.member.role)
            .allow(permission)
    }

    fn check(&self, permission: Permission) -> Result<(), Rejection> {
        self.state.check_allowed(self.member, permission)
    }

    /// Refuses what makes sense only where members come and go.
    fn check_roster(&self) -> Result<(), Rejection> {
        if self.state.info().kind.has_roster() {
            return Ok(());
        }
        Err(forbidden(
            "a direct conversation has two members, for ever; create a group",
        ))
    }

    /// The message that the request is about, when the member sees it and it still has a content.
    fn message(&self, seq: Seq) -> Result<&Entry, Rejection> {
        message_of(self.facts, self.member, seq)
    }

    /// A member of a lower role than the actor's.
    fn check_below(&self, user: &UserId) -> Result<(), Rejection> {
        match self.state.lookup(user) {
            Lookup::Member(other) if other.role >= self.member.role => Err(forbidden(
                "this can be done to members of a lower role only",
            )),
            Lookup::Member(_) | Lookup::Stranger | Lookup::Unknown => Ok(()),
        }
    }

    fn check_span(&self, what: &str, until: Timestamp) -> Result<(), Rejection> {
        let is_bounded = until == Timestamp::FOREVER
            || until.since(self.now).as_millis() <= u128::from(self.limits.span_ms);
        if until <= self.now || !is_bounded {
            let detail = format!(
                "{what} must lie in the future, at most {} ms away, or be absent for ever",
                self.limits.span_ms
            );
            return Err(Rejection::new(Code::InvalidRequest, detail));
        }
        Ok(())
    }
}

/// The message at `seq`, when the member sees it and it still has a content.
fn message_of<'a>(facts: &'a Facts, member: &Member, seq: Seq) -> Result<&'a Entry, Rejection> {
    let target = facts.target(seq).filter(|_| seq >= member.since);
    standing_message(target)
}

/// A message that is there and still has a content.
fn standing_message(target: Option<&Entry>) -> Result<&Entry, Rejection> {
    let Some(target) = target else {
        return Err(Rejection::not_found("message"));
    };
    if target.body.as_message().is_some() {
        Ok(target)
    } else if matches!(target.body, Body::RecalledMessage { .. }) {
        Err(Rejection::new(Code::Recalled, "the message was recalled"))
    } else if matches!(target.body, Body::ExpiredMessage { .. }) {
        Err(Rejection::new(
            Code::Expired,
            "the time of the message is over",
        ))
    } else {
        Err(Rejection::not_found("message"))
    }
}

fn dismissed() -> Rejection {
    Rejection::new(
        Code::Dismissed,
        "this conversation ended; it can only be read",
    )
}

fn blocked() -> Rejection {
    Rejection::new(
        Code::Blocked,
        "one of you has blocked the other; messages do not pass until that is lifted",
    )
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

/// What is said to whoever lacks a permission.
const fn refusal_of(permission: Permission) -> &'static str {
    match permission {
        Permission::AddMembers => "your role cannot add members; ask an admin",
        Permission::Admit => "your role cannot decide who gets in; ask an admin",
        Permission::Announce => "your role cannot change the announcement; ask an admin",
        Permission::ChangeInfo => "your role cannot change the group; ask an admin",
        Permission::ChangePermissions => "your role cannot change what roles may do; ask the owner",
        Permission::ChangeRoles => "your role cannot change roles; ask the owner",
        Permission::Dismiss => "your role cannot end the group; ask the owner",
        Permission::ListMembers => "your role cannot see who is in here",
        Permission::MentionAll => "your role cannot call everybody; call members by name",
        Permission::Mute => "your role cannot silence members; ask an admin",
        Permission::Pin => "your role cannot pin messages; ask an admin",
        Permission::React => "your role cannot react here",
        Permission::RecallOthers => "your role can recall its own messages only",
        Permission::RemoveMembers => "your role cannot remove members; ask an admin",
        Permission::RenameMembers => "your role can change its own nickname only",
        Permission::Send => "your role only reads here",
        Permission::SpeakFreely => "your role waits like everybody else",
        Permission::Transfer => "your role cannot hand the group over; ask the owner",
        Permission::Unknown => "your role cannot do this here",
    }
}
