//! Who is in, as what, and who may speak.

use super::{Case, Decided, Decision, distinct, forbidden};
use crate::{
    ApproveRequests, Body, ChangeRole, Code, KickMembers, MuteMembers, Permission, Rejection,
    RenameMember, Role, Timestamp, UnbanUsers, UnmuteMembers, UserId,
    state::{Ask, Lookup, content::check_text},
};

impl Case<'_> {
    pub(super) fn add(&self, ask: &Ask) -> Decided {
        self.check_roster()?;
        self.check(Permission::AddMembers)?;
        self.facts.check_known()?;
        self.let_in(ask.invites(), |_| true)
    }

    pub(super) fn approve(&self, ask: &ApproveRequests) -> Decided {
        self.check_roster()?;
        self.check(Permission::Admit)?;
        self.let_in(&ask.users, |user| self.facts.requested.contains(user))
    }

    fn let_in(&self, users: &[UserId], pass: impl Fn(&UserId) -> bool) -> Decided {
        let members = distinct(users, |user| !self.is_member(user) && pass(user));
        if members.is_empty() {
            return Ok(Decision::Nothing);
        }
        self.facts.check_banned(&members)?;
        self.state.check_room(members.len(), self.limits)?;
        self.facts
            .check_places(&self.member.user, &members, self.limits)?;
        Ok(Decision::Append(Body::MembersAdded {
            members,
            since: self.state.first_seen(),
        }))
    }

    fn is_member(&self, user: &UserId) -> bool {
        matches!(self.state.lookup(user), Lookup::Member(_))
    }

    pub(super) fn kick(&self, ask: &KickMembers) -> Decided {
        self.check_roster()?;
        self.check(Permission::RemoveMembers)?;
        check_text("reason", ask.reason.as_ref(), 200)?;
        if let Some(until) = ask.banned_until_ms {
            self.check_span("banned_until_ms", until)?;
        }
        for user in &ask.users {
            if *user == self.member.user {
                return Err(forbidden("you cannot remove yourself; leave instead"));
            }
            if self.check_below(user).is_err() {
                return Err(forbidden(
                    "admins are removed by the owner, and the owner by nobody",
                ));
            }
        }
        let members = distinct(&ask.users, |user| self.is_member(user));
        if members.is_empty() {
            return Ok(Decision::Nothing);
        }
        Ok(Decision::Append(Body::Kicked {
            members,
            reason: ask.reason.clone(),
            banned_until_ms: ask.banned_until_ms,
        }))
    }

    pub(super) fn unban(&self, ask: &UnbanUsers) -> Decided {
        self.check_roster()?;
        self.check(Permission::RemoveMembers)?;
        let members = distinct(&ask.users, |user| self.facts.banned.contains(user));
        if members.is_empty() {
            return Ok(Decision::Nothing);
        }
        Ok(Decision::Append(Body::Unbanned { members }))
    }

    pub(super) fn leave(&self) -> Decided {
        self.check_roster()?;
        let info = self.state.info();
        if self.member.role == Role::Owner && info.member_count > 1 && !info.dismissed {
            let detail = "make somebody else the owner first (group.role)";
            return Err(Rejection::new(Code::OwnerMustTransfer, detail));
        }
        Ok(Decision::Append(Body::Left))
    }

    pub(super) fn mute(&self, ask: &MuteMembers) -> Decided {
        self.check_roster()?;
        self.check(Permission::Mute)?;
        let until = ask.until_ms.unwrap_or(Timestamp::FOREVER);
        self.check_span("until_ms", until)?;
        ask.users
            .iter()
            .try_for_each(|user| self.check_below(user))?;
        let members = distinct(
            &ask.users,
            |user| matches!(self.state.lookup(user), Lookup::Member(other) if other.silent_until_ms != Some(until)),
        );
        if members.is_empty() {
            return Ok(Decision::Nothing);
        }
        Ok(Decision::Append(Body::Muted {
            members,
            until_ms: until,
        }))
    }

    pub(super) fn unmute(&self, ask: &UnmuteMembers) -> Decided {
        self.check_roster()?;
        self.check(Permission::Mute)?;
        ask.users
            .iter()
            .try_for_each(|user| self.check_below(user))?;
        let is_silent = |user: &UserId| match self.state.lookup(user) {
            Lookup::Member(other) => other.silent_until_ms.is_some_and(|until| until > self.now),
            Lookup::Stranger | Lookup::Unknown => false,
        };
        let members = distinct(&ask.users, is_silent);
        if members.is_empty() {
            return Ok(Decision::Nothing);
        }
        Ok(Decision::Append(Body::Unmuted { members }))
    }

    pub(super) fn rename(&self, ask: &RenameMember) -> Decided {
        self.check_roster()?;
        check_text("nickname", ask.nickname.as_ref(), self.limits.name_chars)?;
        let Lookup::Member(target) = self.state.lookup(&ask.user) else {
            return Err(Rejection::not_found("member"));
        };
        if target.user != self.member.user {
            self.check(Permission::RenameMembers)?;
            self.check_below(&ask.user)?;
        }
        let nickname = ask.nickname.clone().filter(|name| !name.is_empty());
        if nickname == target.nickname {
            return Ok(Decision::Nothing);
        }
        Ok(Decision::Append(Body::MemberRenamed {
            member: ask.user.clone(),
            nickname,
        }))
    }

    pub(super) fn change_role(&self, ask: &ChangeRole) -> Decided {
        self.check_roster()?;
        self.check(if ask.role == Role::Owner {
            Permission::Transfer
        } else {
            Permission::ChangeRoles
        })?;
        let Lookup::Member(target) = self.state.lookup(&ask.user) else {
            return Err(Rejection::not_found("member"));
        };
        if target.role == ask.role {
            return Ok(Decision::Nothing);
        }
        if target.user == self.member.user {
            return Err(forbidden(
                "make somebody else the owner to change your own role",
            ));
        }
        // Nobody gives away more than it has, and only the owner's place is handed over.
        if ask.role == Role::Owner && self.member.role != Role::Owner {
            return Err(forbidden("only the owner can hand the group over"));
        }
        self.check_below(&ask.user)?;
        if ask.role > self.member.role {
            return Err(forbidden("nobody can make others more than oneself"));
        }
        Ok(Decision::Append(Body::RoleChanged {
            member: ask.user.clone(),
            role: ask.role,
        }))
    }
}
