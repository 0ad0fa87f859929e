//! How one gets into a group and is kept out: requests and links, beside the bans of its log.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use im_core::{
    ClientId, Code, CreateInvite, JoinByInvite, Joining, Permission, RejectRequests, RequestJoin,
    WithdrawRequest,
};

use crate::{
    ops::USERS,
    rules::{Expect, unless_banned},
    truth::Truth,
    wishes::Wish,
    world::{World, conversation, user},
};

/// What is known of the doors of groups.
#[derive(Default)]
pub(crate) struct Doors {
    /// Who asks to be let in, and where.
    pub(crate) asked: BTreeSet<(usize, usize)>,
    /// The last link of each group, and how many it lets in.
    links: BTreeMap<usize, (String, u32)>,
}

impl World {
    /// Approvals that nobody judged may have answered requests.
    pub(crate) fn look_at_the_doors(&mut self) {
        let users: Vec<_> = (0..USERS).map(user).collect();
        self.doors.asked.clear();
        for group in 0..2 {
            let asked = self.door_store.requested(conversation(group), &users);
            let asked = asked.now_or_never().unwrap().unwrap();
            let places = (0..USERS).filter(|n| asked.contains(&user(*n)));
            self.doors.asked.extend(places.map(|n| (group, n)));
        }
    }

    pub(crate) fn at_the_door(&mut self, n: usize, wish: &Wish) {
        let me = user(n);
        match wish {
            Wish::AskIn { group } => {
                let truth = self.truth(*group);
                let ask = RequestJoin {
                    conversation: conversation(*group),
                    greeting: None,
                };
                let answer = self.call(n, ask);
                let is_shut = truth.joining != Joining::Approval || truth.dismissed;
                let expected = if is_shut || truth.entries.is_empty() {
                    Expect::Refuse(Code::NotFound)
                } else if truth.is_in(&me) {
                    Expect::Refuse(Code::Conflict)
                } else {
                    unless_banned(&truth, &me, self.now())
                };
                if self.meets(&expected, &answer, wish) {
                    self.doors.asked.insert((*group, n));
                }
            }
            Wish::Withdraw { group } => {
                let conversation = conversation(*group);
                self.call(n, WithdrawRequest { conversation }).unwrap();
                self.doors.asked.remove(&(*group, n));
            }
            Wish::Reject { group, whom } => {
                let expected = admits(&self.truth(*group), n);
                let ask = RejectRequests {
                    conversation: conversation(*group),
                    users: vec![user(*whom)],
                };
                let answer = self.call(n, ask);
                if self.meets(&expected, &answer, wish) {
                    self.doors.asked.remove(&(*group, *whom));
                }
            }
            Wish::Invite { group, uses } => {
                let expected = admits(&self.truth(*group), n);
                let ask = CreateInvite {
                    conversation: conversation(*group),
                    expires_at_ms: None,
                    uses: Some(*uses),
                };
                let answer = self.call(n, ask);
                if self.meets(&expected, &answer, wish) {
                    let code = answer.unwrap().code;
                    self.doors.links.insert(*group, (code, *uses));
                }
            }
            Wish::Enter { group } => self.enter(n, *group, wish),
            other => panic!("nothing at a door: {other:?}"),
        }
    }

    fn enter(&mut self, n: usize, group: usize, wish: &Wish) {
        let Some((code, uses)) = self.doors.links.get(&group).cloned() else {
            return;
        };
        let (truth, me) = (self.truth(group), user(n));
        let is_good = uses > 0 && !truth.dismissed;
        // Whoever is in is told so, whatever has become of the link.
        let expected = if truth.is_in(&me) {
            Expect::Nothing
        } else if !is_good {
            Expect::Refuse(Code::NotFound)
        } else {
            unless_banned(&truth, &me, self.now())
        };
        self.said += 1;
        let ask = JoinByInvite {
            client_id: ClientId::new(format!("e{}", self.said)).unwrap(),
            code,
        };
        let answer = self.call(n, ask);
        // Who may not come in spends nothing.
        if expected == Expect::Append {
            self.doors.links.get_mut(&group).unwrap().1 -= 1;
        }
        let came = self.meets(&expected, &answer, wish) && expected == Expect::Append;
        assert!(!came || self.truth(group).is_in(&me), "{me} entered");
    }
}

fn admits(truth: &Truth, n: usize) -> Expect {
    let me = user(n);
    if !truth.is_in(&me) {
        Expect::Refuse(Code::NotFound)
    } else if truth.allows(&me, Permission::Admit) {
        Expect::Append
    } else {
        Expect::Refuse(Code::Forbidden)
    }
}
