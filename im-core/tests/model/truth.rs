//! What is true of a conversation: folded from its log by code that has nothing of the engine's.

use std::collections::BTreeMap;

use im_core::{Body, Code, Entry, Joining, Role, Seq, Timestamp, UserId};

/// From the first to the last entry that a user may see, for each time that it was in.
pub(crate) type Window = (u64, Option<u64>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    pub(crate) entries: Vec<Entry>,
    pub(crate) roles: BTreeMap<UserId, Role>,
    pub(crate) windows: BTreeMap<UserId, Vec<Window>>,
    pub(crate) direct: bool,
    pub(crate) open: bool,
    pub(crate) name: Option<String>,
    /// Messages after each read position are counted from here: the last entry with which each user came in or spoke.
    pub(crate) spoke: BTreeMap<UserId, u64>,
}

impl Truth {
    pub(crate) fn of(entries: Vec<Entry>) -> Self {
        let mut truth = Self::default();
        for entry in &entries {
            truth.fold(entry);
        }
        truth.entries = entries;
        truth
    }

    fn fold(&mut self, entry: &Entry) {
        let seq = entry.seq.0;
        match &entry.body {
            Body::Created {
                kind,
                members,
                joining,
                name,
                ..
            } => {
                self.direct = *kind == im_core::Kind::Direct;
                self.open = *joining == Joining::Open;
                self.name.clone_from(name);
                for user in members {
                    let owns = !self.direct && *user == entry.sender;
                    self.enter(user, seq, if owns { Role::Owner } else { Role::Member });
                }
            }
            Body::MembersAdded { members, .. } => {
                for user in members {
                    self.enter(user, seq, Role::Member);
                }
            }
            Body::Joined {
                since: None,
                silent_until_ms: None,
            } => self.enter(&entry.sender, seq, Role::Member),
            Body::Kicked { members, .. } => {
                for user in members {
                    self.exit(user, seq);
                }
            }
            Body::Left => self.exit(&entry.sender, seq),
            Body::RoleChanged { member, role } => {
                if *role == Role::Owner {
                    self.roles.insert(entry.sender.clone(), Role::Admin);
                }
                self.roles.insert(member.clone(), *role);
            }
            Body::InfoChanged { changes, .. } => {
                if let Some(name) = &changes.name {
                    self.name = Some(name.clone()).filter(|name| !name.is_empty());
                }
            }
            Body::Message(_) | Body::RecalledMessage { .. } => {
                self.spoke.insert(entry.sender.clone(), seq);
            }
            _ => {}
        }
    }

    fn enter(&mut self, user: &UserId, seq: u64, role: Role) {
        assert!(
            self.roles.insert(user.clone(), role).is_none(),
            "{user} came in twice at {seq}"
        );
        self.windows
            .entry(user.clone())
            .or_default()
            .push((seq, None));
    }

    fn exit(&mut self, user: &UserId, seq: u64) {
        assert!(
            self.roles.remove(user).is_some(),
            "{user} went out without being in at {seq}"
        );
        self.windows
            .get_mut(user)
            .and_then(|windows| windows.last_mut())
            .unwrap()
            .1 = Some(seq);
    }

    pub(crate) fn head(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(crate) fn window(&self, user: &UserId) -> Option<Window> {
        self.windows.get(user)?.last().copied()
    }

    pub(crate) fn is_in(&self, user: &UserId) -> bool {
        self.roles.contains_key(user)
    }

    /// Whether the user was ever in a position to see this entry.
    pub(crate) fn may_see(&self, user: &UserId, seq: Seq) -> bool {
        let windows = self.windows.get(user).into_iter().flatten();
        windows
            .into_iter()
            .any(|(since, left)| *since <= seq.0 && left.is_none_or(|left| seq.0 <= left))
    }

    /// Messages after a seq whose content is still there.
    pub(crate) fn unread_after(&self, seq: u64) -> u64 {
        let later = self.entries.iter().filter(|entry| entry.seq.0 > seq);
        later.filter(|entry| entry.body.as_message().is_some()).count() as u64
    }

    /// Law 1, and what every log must be.
    pub(crate) fn check(&self) {
        let (mut ordinal, mut at) = (0, Timestamp(i64::MIN));
        for (place, entry) in self.entries.iter().enumerate() {
            assert_eq!(entry.seq.0, place as u64 + 1, "a hole in the log");
            ordinal += u64::from(is_message(entry));
            assert_eq!(entry.ordinal, ordinal, "ordinal of entry {}", entry.seq);
            assert!(entry.at_ms >= at, "time runs backwards at {}", entry.seq);
            at = entry.at_ms;
        }
    }
}

fn is_message(entry: &Entry) -> bool {
    matches!(entry.body, Body::Message(_) | Body::RecalledMessage { .. })
}

/// What must come of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expect {
    /// One entry more.
    Append,
    /// Nothing new, and no refusal.
    Nothing,
    Refuse(Code),
    /// Either of two: the time is at the bound.
    AppendOr(Code),
}

/// What a change of a conversation asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ask {
    Send,
    Edit(u64),
    Recall(u64),
    Add(UserId),
    Kick(UserId),
    Join,
    Leave,
    Role(UserId, Role),
    Name(String),
}

const EDIT_MS: i64 = 86_400_000;
const RECALL_MS: i64 = 120_000;
/// How far from a bound the reference does not judge.
const SLACK_MS: i64 = 10_000;

/// The rules, told once more.
pub(crate) fn expect(truth: &Truth, me: &UserId, ask: &Ask, blocked: bool, now: i64) -> Expect {
    use Expect::{Append, Nothing, Refuse};
    let Some(role) = truth.roles.get(me).copied() else {
        let opens = *ask == Ask::Join && truth.open && !truth.direct && !truth.entries.is_empty();
        return if opens {
            Append
        } else {
            Refuse(Code::NotFound)
        };
    };
    let leads = role != Role::Member;
    let is_change = !matches!(ask, Ask::Send | Ask::Edit(_) | Ask::Recall(_) | Ask::Join);
    if is_change && truth.direct {
        return Refuse(Code::Forbidden);
    }
    match ask {
        Ask::Send if truth.direct && blocked => Refuse(Code::Blocked),
        Ask::Send => Append,
        Ask::Edit(target) => match message(truth, me, *target) {
            Err(code) => Refuse(code),
            Ok(entry) if entry.sender != *me => Refuse(Code::Forbidden),
            Ok(_) if truth.direct && blocked => Refuse(Code::Blocked),
            Ok(entry) => timed(now - entry.at_ms.0, EDIT_MS),
        },
        Ask::Recall(target) => match message(truth, me, *target) {
            Err(code) => Refuse(code),
            Ok(_) if leads && !truth.direct => Append,
            Ok(entry) if entry.sender != *me => Refuse(Code::Forbidden),
            Ok(entry) => timed(now - entry.at_ms.0, RECALL_MS),
        },
        Ask::Add(_) | Ask::Kick(_) | Ask::Name(_) if !leads => Refuse(Code::Forbidden),
        Ask::Add(user) if truth.is_in(user) => Nothing,
        Ask::Add(_) => Append,
        Ask::Kick(user) => match truth.roles.get(user) {
            None => Nothing,
            Some(_) if user == me => Refuse(Code::Forbidden),
            Some(Role::Owner) => Refuse(Code::Forbidden),
            Some(Role::Admin) if role == Role::Admin => Refuse(Code::Forbidden),
            Some(_) => Append,
        },
        Ask::Join => Nothing,
        Ask::Leave if role == Role::Owner && truth.roles.len() > 1 => {
            Refuse(Code::OwnerMustTransfer)
        }
        Ask::Leave => Append,
        Ask::Role(..) if role != Role::Owner => Refuse(Code::Forbidden),
        Ask::Role(user, wanted) => match truth.roles.get(user) {
            None => Refuse(Code::NotFound),
            Some(has) if has == wanted => Nothing,
            Some(_) if user == me => Refuse(Code::Forbidden),
            Some(_) => Append,
        },
        Ask::Name(name) if truth.name.as_deref().unwrap_or("") == name => Nothing,
        Ask::Name(_) => Append,
    }
}

fn timed(age: i64, bound: i64) -> Expect {
    if (age - bound).abs() < SLACK_MS {
        Expect::AppendOr(Code::Expired)
    } else if age > bound {
        Expect::Refuse(Code::Expired)
    } else {
        Expect::Append
    }
}

fn message<'a>(truth: &'a Truth, me: &UserId, target: u64) -> Result<&'a Entry, Code> {
    let since = truth.window(me).map_or(u64::MAX, |window| window.0);
    let found = truth.entries.iter().find(|entry| entry.seq.0 == target);
    match found.filter(|entry| entry.seq.0 >= since) {
        Some(entry) if matches!(entry.body, Body::Message(_)) => Ok(entry),
        Some(entry) if matches!(entry.body, Body::RecalledMessage { .. }) => Err(Code::Recalled),
        _ => Err(Code::NotFound),
    }
}
