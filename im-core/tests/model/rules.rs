//! The rules, told once more: what must come of a request.

use im_core::{Body, Code, Content, Entry, Joining, Permission, Role, Seq, UserId};

use crate::{
    asks::What,
    commands::{EMOJI, name, role, set, until, ways},
    truth::{SLACK_MS, Truth},
    world::user,
};

/// What must come of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expect {
    /// One entry more.
    Append,
    /// Nothing new, and no refusal.
    Nothing,
    Refuse(Code),
    /// One of two: the time is at the bound.
    Either(Box<(Expect, Expect)>),
}

use Expect::{Append, Nothing, Refuse};

impl Expect {
    pub(crate) fn allows(&self, outcome: &Self) -> bool {
        match self {
            Self::Either(two) => two.0.allows(outcome) || two.1.allows(outcome),
            one => one == outcome,
        }
    }
}

/// What a rule needs to know beside the log.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) now: i64,
    /// Whether one of the two in a direct conversation has blocked the other.
    pub(crate) blocked: bool,
    /// Whether the one who is to be let in asked for it.
    pub(crate) asked: bool,
    /// Whether the actor sees what it passes on.
    pub(crate) sees: bool,
}

const EDIT_MS: i64 = 86_400_000;
const RECALL_MS: i64 = 120_000;

/// `before` up to a moment, `after` from then on.
fn turning(now: i64, moment: i64, before: Expect, after: Expect) -> Expect {
    if (moment - now).abs() < SLACK_MS {
        Expect::Either(Box::new((before, after)))
    } else if now < moment {
        before
    } else {
        after
    }
}

/// Who is not kept out comes in.
pub(crate) fn unless_banned(truth: &Truth, who: &UserId, now: i64) -> Expect {
    match truth.banned.get(who) {
        Some(until) => turning(now, *until, Refuse(Code::Banned), Append),
        None => Append,
    }
}

/// Whether somebody may say something that is not stored.
pub(crate) fn may_say(truth: &Truth, me: &UserId, known: &Known) -> Expect {
    let case = Case { truth, me, known };
    if !truth.is_in(me) {
        Refuse(Code::NotFound)
    } else if truth.dismissed {
        Refuse(Code::Dismissed)
    } else {
        case.speak(Append)
    }
}

pub(crate) fn expect(truth: &Truth, me: &UserId, what: &What, known: &Known) -> Expect {
    let case = Case { truth, me, known };
    if !truth.is_in(me) {
        return match what {
            What::Join => case.come(),
            _ => Refuse(Code::NotFound),
        };
    }
    match what {
        What::React { .. } | What::Vote { .. } => case.attach(what),
        What::Join => Nothing,
        What::Leave if !truth.direct => case.leave(),
        What::Forward { .. } if !known.sees => Refuse(Code::NotFound),
        _ if truth.dismissed => Refuse(Code::Dismissed),
        What::Send { .. }
        | What::Brief { .. }
        | What::Burn { .. }
        | What::Poll { .. }
        | What::InThread { .. } => case.send(what),
        What::Forward { .. } => case.speak(Append),
        What::Edit { target, .. } => case.edit(*target),
        What::Recall { target } => case.recall(*target),
        What::Pin { .. } | What::Unpin { .. } if !case.may(Permission::Pin) => {
            Refuse(Code::Forbidden)
        }
        What::Pin { target } => match case.message(*target) {
            Err(code) => Refuse(code),
            Ok(_) if truth.pins.contains(target) => Nothing,
            Ok(_) => Append,
        },
        What::Unpin { target } if truth.pins.contains(target) => Append,
        What::Unpin { .. } => Nothing,
        _ if truth.direct => Refuse(Code::Forbidden),
        _ => case.govern(what),
    }
}

struct Case<'a> {
    truth: &'a Truth,
    me: &'a UserId,
    known: &'a Known,
}

impl Case<'_> {
    fn may(&self, permission: Permission) -> bool {
        self.truth.allows(self.me, permission)
    }

    fn unless_banned(&self, who: &UserId) -> Expect {
        unless_banned(self.truth, who, self.known.now)
    }

    fn come(&self) -> Expect {
        let truth = self.truth;
        if truth.direct || truth.dismissed || truth.entries.is_empty() {
            return Refuse(Code::NotFound);
        }
        match truth.joining {
            Joining::Open => self.unless_banned(self.me),
            Joining::Approval => Refuse(Code::Forbidden),
            _ => Refuse(Code::NotFound),
        }
    }

    fn leave(&self) -> Expect {
        let owns = self.truth.roles[self.me] == Role::Owner;
        if owns && self.truth.roles.len() > 1 && !self.truth.dismissed {
            return Refuse(Code::OwnerMustTransfer);
        }
        Append
    }

    fn unless_silent(&self, then: Expect) -> Expect {
        match self.truth.silent.get(self.me) {
            Some(until) => turning(self.known.now, *until, Refuse(Code::Muted), then),
            None => then,
        }
    }

    fn speak(&self, then: Expect) -> Expect {
        if self.truth.direct && self.known.blocked {
            return Refuse(Code::Blocked);
        }
        if !self.may(Permission::Send) {
            return Refuse(Code::Forbidden);
        }
        let all_are_silenced = self.truth.silenced && !self.may(Permission::SpeakFreely);
        self.unless_silent(if all_are_silenced {
            Refuse(Code::Muted)
        } else {
            then
        })
    }

    fn send(&self, what: &What) -> Expect {
        let since = self
            .truth
            .window(self.me)
            .map_or(u64::MAX, |window| window.0);
        let then = match what {
            What::Burn { .. } if !self.truth.direct => Refuse(Code::InvalidRequest),
            What::InThread { root, .. } if *root < since || *root > self.truth.head() => {
                Refuse(Code::NotFound)
            }
            _ => Append,
        };
        self.speak(then)
    }

    fn edit(&self, target: u64) -> Expect {
        match self.message(target) {
            Err(code) => Refuse(code),
            Ok(entry) if entry.sender != *self.me => Refuse(Code::Forbidden),
            Ok(entry) => {
                let end = entry.at_ms.0 + EDIT_MS;
                self.speak(turning(self.known.now, end, Append, Refuse(Code::Expired)))
            }
        }
    }

    fn recall(&self, target: u64) -> Expect {
        match self.message(target) {
            Err(code) => Refuse(code),
            Ok(_) if !self.truth.direct && self.may(Permission::RecallOthers) => Append,
            Ok(entry) if entry.sender != *self.me => Refuse(Code::Forbidden),
            Ok(entry) => {
                let end = entry.at_ms.0 + RECALL_MS;
                turning(self.known.now, end, Append, Refuse(Code::Expired))
            }
        }
    }

    fn attach(&self, what: &What) -> Expect {
        if let What::React { target, emoji, on } = what {
            let key = (*target, EMOJI[usize::from(*emoji)].to_owned());
            let stands = self.truth.reactions.get(&key);
            if stands.is_some_and(|who| who.contains(self.me)) == *on {
                return Nothing;
            }
        }
        // A poll says what is wrong with the choice before anything else.
        if let What::Vote { target, option } = what {
            let since = self
                .truth
                .window(self.me)
                .map_or(u64::MAX, |window| window.0);
            let Some(entry) = self
                .truth
                .entry(*target)
                .filter(|entry| entry.seq.0 >= since)
            else {
                return Refuse(Code::NotFound);
            };
            let stands = option.and_then(|option| self.truth.votes.get(&(*target, option)));
            if stands.is_some_and(|who| who.contains(self.me)) {
                return Nothing;
            }
            let content = entry.body.as_message().map(|message| &message.content);
            let is_poll = matches!(content, Some(Content::Poll(_)));
            if content.is_some() && (!is_poll || option.is_some_and(|option| option > 1)) {
                return Refuse(Code::InvalidRequest);
            }
        }
        if self.truth.dismissed {
            return Refuse(Code::Dismissed);
        }
        if !self.may(Permission::React) {
            return Refuse(Code::Forbidden);
        }
        let (What::React { target, .. } | What::Vote { target, .. }) = what else {
            return Nothing;
        };
        self.unless_silent(self.message(*target).map_or_else(Refuse, |_| Append))
    }

    /// What changes the group or its members.
    fn govern(&self, what: &What) -> Expect {
        let (truth, known) = (self.truth, self.known);
        let needed = match what {
            What::Add { .. } => Permission::AddMembers,
            What::Approve { .. } | What::Ways { .. } => Permission::Admit,
            What::Kick { .. } | What::Ban { .. } | What::Unban { .. } => Permission::RemoveMembers,
            What::Mute { .. } | What::Unmute { .. } | What::Silence { .. } => Permission::Mute,
            What::Role { role: 2, .. } => Permission::Transfer,
            What::Role { .. } => Permission::ChangeRoles,
            What::Name { .. } => Permission::ChangeInfo,
            What::Permissions { .. } => Permission::ChangePermissions,
            What::Dismiss => Permission::Dismiss,
            What::Nickname { whom, name: n } => return self.nickname(&user(*whom), &name(*n)),
            other => panic!("no rule for {other:?}"),
        };
        if !self.may(needed) {
            return Refuse(Code::Forbidden);
        }
        match what {
            What::Add { whom } | What::Approve { whom } if truth.is_in(&user(*whom)) => Nothing,
            What::Approve { .. } if !known.asked => Nothing,
            What::Add { whom } | What::Approve { whom } => self.unless_banned(&user(*whom)),
            What::Kick { whom } => self.kick(&user(*whom)),
            What::Ban { whom, until: end } => turning(
                known.now,
                until(*end).0,
                self.kick(&user(*whom)),
                Refuse(Code::InvalidRequest),
            ),
            What::Unban { whom } => match truth.banned.get(&user(*whom)) {
                Some(until) => turning(known.now, *until, Append, Nothing),
                None => Nothing,
            },
            What::Mute { whom, until: end } => {
                let end = until(*end).0;
                turning(
                    known.now,
                    end,
                    self.mute(&user(*whom), end),
                    Refuse(Code::InvalidRequest),
                )
            }
            What::Unmute { whom } if !self.is_below(&user(*whom)) => Refuse(Code::Forbidden),
            What::Unmute { whom } => match truth.silent.get(&user(*whom)) {
                Some(until) if truth.is_in(&user(*whom)) => {
                    turning(known.now, *until, Append, Nothing)
                }
                _ => Nothing,
            },
            What::Role { whom, role: n } => self.role(&user(*whom), role(*n)),
            What::Name { name: n } if truth.name.as_deref().unwrap_or("") == name(*n) => Nothing,
            What::Silence { on } if truth.silenced == *on => Nothing,
            What::Ways { ways: n } if truth.joining == ways(*n) => Nothing,
            What::Permissions {
                role: n,
                set: which,
            } => {
                let (to, given) = (role(*n), set(*which));
                let mine = truth.roles[self.me];
                let has_all = given.iter().all(|one| self.may(one));
                if to >= mine || !has_all {
                    Refuse(Code::Forbidden)
                } else if truth.permissions[&to] == given {
                    Nothing
                } else {
                    Append
                }
            }
            _ => Append,
        }
    }

    /// Whether this is done to a lower role, or to nobody who is in.
    fn is_below(&self, who: &UserId) -> bool {
        let mine = self.truth.roles[self.me];
        self.truth
            .roles
            .get(who)
            .is_none_or(|theirs| *theirs < mine)
    }

    fn kick(&self, who: &UserId) -> Expect {
        if who == self.me || !self.is_below(who) {
            Refuse(Code::Forbidden)
        } else if self.truth.is_in(who) {
            Append
        } else {
            Nothing
        }
    }

    fn mute(&self, who: &UserId, until: i64) -> Expect {
        if !self.is_below(who) {
            Refuse(Code::Forbidden)
        } else if self.truth.is_in(who) && self.truth.silent.get(who) != Some(&until) {
            Append
        } else {
            Nothing
        }
    }

    fn role(&self, who: &UserId, wanted: Role) -> Expect {
        let mine = self.truth.roles[self.me];
        match self.truth.roles.get(who) {
            None => Refuse(Code::NotFound),
            Some(has) if *has == wanted => Nothing,
            Some(_) if who == self.me => Refuse(Code::Forbidden),
            Some(_) if wanted > mine || !self.is_below(who) => Refuse(Code::Forbidden),
            Some(_) => Append,
        }
    }

    fn nickname(&self, who: &UserId, wanted: &str) -> Expect {
        if !self.truth.is_in(who) {
            return Refuse(Code::NotFound);
        }
        if who != self.me && !(self.may(Permission::RenameMembers) && self.is_below(who)) {
            return Refuse(Code::Forbidden);
        }
        let stands = self.truth.nicknames.get(who).map_or("", String::as_str);
        if stands == wanted { Nothing } else { Append }
    }

    fn message(&self, target: u64) -> Result<&Entry, Code> {
        let since = self
            .truth
            .window(self.me)
            .map_or(u64::MAX, |window| window.0);
        let found = self.truth.entry(target);
        match found.filter(|entry| entry.seq >= Seq(since)) {
            Some(entry) if matches!(entry.body, Body::Message(_)) => Ok(entry),
            Some(entry) if matches!(entry.body, Body::RecalledMessage { .. }) => {
                Err(Code::Recalled)
            }
            Some(entry) if matches!(entry.body, Body::ExpiredMessage { .. }) => Err(Code::Expired),
            _ => Err(Code::NotFound),
        }
    }
}
