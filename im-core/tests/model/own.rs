//! What belongs to users rather than to conversations, and what each of their devices must have of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use im_core::{
    AcceptContact, AddFavourite, ChangeSettings, Code, DeleteContact, DeleteDraft, DeleteMessages,
    Direction, FollowUser, Own, OwnRow, PutDraft, RejectContact, Rejection, RemoveFavourite,
    RequestContact, Seq, SettingsPatch, UnfollowUser, WithdrawContact,
};

use crate::{
    later::Later,
    rules::Expect,
    wishes::{Step, Wish},
    world::{World, conversation, user},
};

/// Rows by what they are and what they say.
pub(crate) type Rows = BTreeMap<String, String>;

/// What is between two users.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Between {
    #[default]
    Nothing,
    Asked {
        by: usize,
        refused: bool,
    },
    Contacts,
}

/// What is known of users without asking the engine.
#[derive(Default)]
pub(crate) struct Owned {
    drafts: BTreeMap<(usize, usize), String>,
    favourites: BTreeSet<(usize, usize, u64)>,
    follows: BTreeSet<(usize, usize)>,
    between: BTreeMap<(usize, usize), Between>,
    pub(crate) later: Vec<Later>,
    deleted: BTreeSet<(usize, usize, u64)>,
    cleared: BTreeMap<(usize, usize), u64>,
}

impl Owned {
    fn between(&self, a: usize, b: usize) -> Between {
        let pair = (a.min(b), a.max(b));
        self.between.get(&pair).copied().unwrap_or_default()
    }

    pub(crate) fn are_contacts(&self, a: usize, b: usize) -> bool {
        self.between(a, b) == Between::Contacts
    }

    /// Whether a user hid an entry from itself.
    pub(crate) fn hides(&self, n: usize, at: usize, seq: u64) -> bool {
        let cleared = self.cleared.get(&(n, at)).copied().unwrap_or_default();
        seq <= cleared || self.deleted.contains(&(n, at, seq))
    }

    /// What each device of a user must have in the end, beside what is scheduled.
    pub(crate) fn rows(&self, n: usize) -> Rows {
        let mut rows = Rows::new();
        for ((owner, at), words) in &self.drafts {
            if *owner == n {
                rows.insert(format!("draft {}", conversation(*at)), words.clone());
            }
        }
        for (owner, at, seq) in &self.favourites {
            if *owner == n {
                let id = conversation(*at);
                rows.insert(format!("favourite {id} {seq}"), String::new());
            }
        }
        for (owner, whom) in &self.follows {
            if *owner == n {
                rows.insert(format!("follow {}", user(*whom)), String::new());
            }
        }
        for other in (0..crate::ops::USERS).filter(|other| *other != n) {
            let name = user(other);
            match self.between(n, other) {
                Between::Nothing => {}
                Between::Contacts => {
                    rows.insert(format!("contact {name}"), String::new());
                }
                Between::Asked { by, refused } => {
                    let says = match (by == n, refused) {
                        (true, true) => "refused",
                        (true, false) => "asked",
                        (false, true) => continue,
                        (false, false) => "asks",
                    };
                    rows.insert(format!("request {name}"), says.into());
                }
            }
        }
        rows
    }

    /// What a step comes to, without limits and while no request is too old.
    fn step(&self, me: usize, other: usize, step: Step, blocked: bool) -> Result<Between, Code> {
        let is = self.between(me, other);
        let asks = is
            == Between::Asked {
                by: other,
                refused: false,
            };
        let asked = |refused| is == Between::Asked { by: me, refused };
        match step {
            Step::Request if is == Between::Contacts || asked(false) => Ok(is),
            Step::Accept if is == Between::Contacts => Ok(is),
            Step::Accept if !asks => Err(Code::NotFound),
            Step::Request | Step::Accept if blocked => Err(Code::Blocked),
            Step::Request | Step::Accept if asks => Ok(Between::Contacts),
            Step::Request | Step::Accept => Ok(Between::Asked {
                by: me,
                refused: false,
            }),
            Step::Reject
                if is
                    == Between::Asked {
                        by: other,
                        refused: true,
                    } =>
            {
                Ok(is)
            }
            Step::Reject if asks => Ok(Between::Asked {
                by: other,
                refused: true,
            }),
            Step::Reject => Err(Code::NotFound),
            Step::Withdraw if asked(true) || asked(false) => Ok(Between::Nothing),
            Step::Delete if is == Between::Contacts => Ok(Between::Nothing),
            Step::Withdraw | Step::Delete => Ok(is),
        }
    }
}

/// A row as the reference tells it; `None` when it is gone, or told elsewhere.
pub(crate) fn told(row: &OwnRow) -> Option<(String, String)> {
    let key = row.key.as_str();
    Some(match row.value.as_ref()? {
        Own::Draft(draft) => (format!("draft {key}"), draft.content.as_text()?.to_owned()),
        Own::Favourite(favourite) => {
            let (id, seq) = (favourite.conversation, favourite.seq);
            (format!("favourite {id} {seq}"), String::new())
        }
        Own::Follow(_) => (format!("follow {key}"), String::new()),
        Own::Contact(_) => (format!("contact {key}"), String::new()),
        Own::Request(request) => {
            let says = match (request.direction, request.rejected) {
                (Direction::Incoming, _) => "asks",
                (_, true) => "refused",
                (_, false) => "asked",
            };
            (format!("request {key}"), says.into())
        }
        _ => return None,
    })
}

impl World {
    pub(crate) fn wish(&mut self, n: usize, wish: &Wish) {
        // What is not decided by a lane is judged when the engine knows what is stored.
        if self.busy || self.lags {
            self.wait(4_000);
        }
        match wish {
            Wish::Draft { .. } | Wish::Favourite { .. } => self.keep(n, wish),
            Wish::Contact { whom, step } => self.befriend(n, *whom, *step, wish),
            Wish::Follow { whom, on } => self.follow(n, *whom, *on, wish),
            Wish::Schedule { at, in_ms } => self.schedule(n, *at, *in_ms, wish),
            Wish::Unschedule { which } => self.unschedule(n, *which),
            Wish::Delete { .. } | Wish::Clear { .. } => self.hide(n, wish),
            Wish::Now { at } => self.say_now(n, *at, wish),
            _ => self.at_the_door(n, wish),
        }
    }

    /// Whether it was done; and that it was when it must.
    pub(crate) fn meets<T: Debug>(
        &self,
        expected: &Expect,
        answer: &Result<T, Rejection>,
        wish: &Wish,
    ) -> bool {
        let is_right = match answer {
            Ok(_) => [Expect::Append, Expect::Nothing]
                .iter()
                .any(|done| expected.allows(done)),
            Err(rejection) if rejection.code == Code::Unavailable => self.failures() > 0,
            Err(rejection) => expected.allows(&Expect::Refuse(rejection.code)),
        };
        // Another engine may know better who is in.
        assert!(
            is_right || self.members_elsewhere,
            "{wish:?}: expected {expected:?}, got {answer:?}"
        );
        answer.is_ok()
    }

    pub(crate) fn member(&self, n: usize, at: usize) -> Expect {
        if self.truth(at).is_in(&user(n)) {
            Expect::Append
        } else {
            Expect::Refuse(Code::NotFound)
        }
    }

    fn keep(&mut self, n: usize, wish: &Wish) {
        match wish {
            Wish::Draft {
                at,
                words: Some(words),
            } => {
                let words = format!("d{words}");
                let expected = self.member(n, *at);
                let ask = PutDraft {
                    conversation: conversation(*at),
                    content: words.clone().into(),
                    reply_to: None,
                };
                let answer = self.call(n, ask);
                if self.meets(&expected, &answer, wish) {
                    self.owned.drafts.insert((n, *at), words);
                }
            }
            Wish::Draft { at, words: None } => {
                let conversation = conversation(*at);
                self.call(n, DeleteDraft { conversation }).unwrap();
                self.owned.drafts.remove(&(n, *at));
            }
            Wish::Favourite { at, target, on } => {
                let (conversation, seq) = (conversation(*at), Seq(*target));
                if !*on {
                    self.call(n, RemoveFavourite { conversation, seq }).unwrap();
                    self.owned.favourites.remove(&(n, *at, *target));
                    return;
                }
                let expected = self.sight(n, *at, *target);
                let answer = self.call(n, AddFavourite { conversation, seq });
                if self.meets(&expected, &answer, wish) {
                    self.owned.favourites.insert((n, *at, *target));
                }
            }
            other => panic!("nothing to keep: {other:?}"),
        }
    }

    fn befriend(&mut self, n: usize, whom: usize, step: Step, wish: &Wish) {
        let other = user(whom);
        let answer = match step {
            Step::Request => self.call(
                n,
                RequestContact {
                    user: other,
                    greeting: None,
                },
            ),
            Step::Accept => self.call(n, AcceptContact { user: other }),
            Step::Reject => self.call(n, RejectContact { user: other }),
            Step::Withdraw => self.call(n, WithdrawContact { user: other }),
            Step::Delete => self.call(n, DeleteContact { user: other }),
        };
        if n == whom {
            assert_eq!(answer.unwrap_err().code, Code::InvalidRequest);
            return;
        }
        let next = self.owned.step(n, whom, step, self.is_blocked(n, whom));
        let expected = next.map_or_else(Expect::Refuse, |_| Expect::Append);
        if let (true, Ok(next)) = (self.meets(&expected, &answer, wish), next) {
            self.owned.between.insert((n.min(whom), n.max(whom)), next);
        }
    }

    fn follow(&mut self, n: usize, whom: usize, on: bool, wish: &Wish) {
        if !on {
            self.call(n, UnfollowUser { user: user(whom) }).unwrap();
            self.owned.follows.remove(&(n, whom));
            return;
        }
        let expected = if n == whom {
            Expect::Refuse(Code::InvalidRequest)
        } else if self.is_blocked(n, whom) {
            Expect::Refuse(Code::Blocked)
        } else {
            Expect::Append
        };
        let answer = self.call(n, FollowUser { user: user(whom) });
        if self.meets(&expected, &answer, wish) {
            self.owned.follows.insert((n, whom));
        }
    }

    fn hide(&mut self, n: usize, wish: &Wish) {
        match wish {
            Wish::Delete { at, target } => {
                let truth = self.truth(*at);
                let window = truth.window(&user(n));
                let is_seen = window.is_some_and(|(since, left)| {
                    (since..=left.unwrap_or(truth.head())).contains(target)
                });
                let entry = truth.entry(*target).filter(|_| is_seen);
                let is_there = entry.is_some_and(|entry| entry.body.is_countable());
                let expected = if is_there {
                    Expect::Append
                } else {
                    Expect::Refuse(Code::NotFound)
                };
                let ask = DeleteMessages {
                    conversation: conversation(*at),
                    seqs: vec![Seq(*target)],
                };
                let answer = self.call(n, ask);
                if self.meets(&expected, &answer, wish) {
                    self.owned.deleted.insert((n, *at, *target));
                }
            }
            Wish::Clear { at, up_to } => {
                let was_in = self.truth(*at).window(&user(n)).is_some();
                let expected = if was_in {
                    Expect::Append
                } else {
                    Expect::Refuse(Code::NotFound)
                };
                let ask = ChangeSettings {
                    conversation: conversation(*at),
                    changes: SettingsPatch {
                        cleared: Some(Seq(*up_to)),
                        ..SettingsPatch::default()
                    },
                };
                // It may be done although the answer could not be made; asked again it is answered.
                let mut answer = self.call(n, ask.clone());
                while matches!(&answer, Err(rejection) if rejection.code == Code::Unavailable) {
                    answer = self.call(n, ask.clone());
                }
                if self.meets(&expected, &answer, wish) {
                    // Beyond the end there is nothing to clear yet.
                    let truth = self.truth(*at);
                    let window = truth.window(&user(n));
                    let end = window.and_then(|(_, left)| left).unwrap_or(truth.head());
                    let cleared = self.owned.cleared.entry((n, *at)).or_default();
                    *cleared = end.min(*up_to).max(*cleared);
                }
            }
            other => panic!("nothing to hide: {other:?}"),
        }
    }
}
