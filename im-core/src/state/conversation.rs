//! A conversation's state: the fold of its log up to a head.

use std::collections::HashMap;

use super::{RosterChange, pace::Pace, roster_changes};
use crate::{
    Body, ClientId, ConversationId, Entry, Head, Info, Member, Seq, Timestamp, UserId,
    port::Snapshot,
};

/// What is known of a user's membership without asking the store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lookup<'a> {
    /// A member.
    Member(&'a Member),
    /// Not a member.
    Stranger,
    /// Not loaded yet.
    Unknown,
}

/// Users of whom a state remembers that they are no members: about 100 KiB.
const STRANGERS: usize = 1_000;

/// A conversation up to its head. Of the members it holds those that decisions asked for, so that a send costs the same
/// in a group of three and of a hundred thousand.
#[derive(Clone, Debug)]
pub struct ConversationState {
    id: ConversationId,
    info: Info,
    head: Head,
    last_at: Timestamp,
    /// The last entry that changed who is in or as what.
    roster_at: Seq,
    roster: HashMap<UserId, Option<Member>>,
    pace: Pace,
}

impl ConversationState {
    /// The state as a store has it.
    #[must_use]
    pub fn new(id: ConversationId, snapshot: Snapshot) -> Self {
        let Snapshot {
            info,
            head,
            last_at_ms,
        } = snapshot;
        Self {
            id,
            info,
            head,
            last_at: last_at_ms,
            roster_at: head.seq,
            roster: HashMap::new(),
            pace: Pace::default(),
        }
    }

    /// The state after the first entry of a log; `None` when the entry begins nothing.
    #[must_use]
    pub fn begin(first: &Entry) -> Option<Self> {
        let Some(RosterChange::Begin(info)) = roster_changes(first).into_iter().next() else {
            return None;
        };
        let snapshot = Snapshot {
            info,
            head: Head::default(),
            last_at_ms: first.at_ms,
        };
        let mut state = Self::new(first.conversation, snapshot);
        state.apply(first);
        Some(state)
    }

    /// Which conversation.
    #[must_use]
    pub const fn id(&self) -> ConversationId {
        self.id
    }

    /// Its facts.
    #[must_use]
    pub const fn info(&self) -> &Info {
        &self.info
    }

    /// The end of its log.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// The entry since which nobody came, went or changed role; not later than the head.
    #[must_use]
    pub const fn roster_at(&self) -> Seq {
        self.roster_at
    }

    /// Until when a member waits in slow mode, when it has to.
    #[must_use]
    pub fn waits_until(&self, user: &UserId, now: Timestamp) -> Option<Timestamp> {
        let span = self.info.slow_mode_ms?;
        self.pace.waits_until(user, span, now)
    }

    /// Takes in who said something before the head, and when.
    pub fn recall_pace(&mut self, said: impl IntoIterator<Item = (UserId, Timestamp)>) {
        for (user, at) in said {
            self.pace.recall(user, at);
        }
    }

    /// What is known of a user.
    #[must_use]
    pub fn lookup(&self, user: &UserId) -> Lookup<'_> {
        match self.roster.get(user) {
            Some(Some(member)) => Lookup::Member(member),
            Some(None) => Lookup::Stranger,
            None => Lookup::Unknown,
        }
    }

    /// Takes in what the store says of `users`: those in `members` are, the others are not.
    ///
    /// The rows must have been read while [`ConversationState::roster_at`] was the present one.
    pub fn learn(&mut self, users: &[UserId], members: Vec<Member>) {
        for user in users {
            self.roster.entry(user.clone()).or_insert(None);
        }
        for member in members {
            self.roster.insert(member.user.clone(), Some(member));
        }
    }

    /// Forgets who is known to be no member, when that is more than a thousand: anybody can ask about users that nobody
    /// ever heard of. `true` when it did. To a decision whoever was looked up and forgotten is what it was, a stranger.
    pub fn forget_strangers(&mut self) -> bool {
        let strangers = self.roster.values().filter(|member| member.is_none());
        let is_much = strangers.count() > STRANGERS;
        if is_much {
            self.roster.retain(|_, member| member.is_some());
            self.roster.shrink_to_fit();
        }
        is_much
    }

    /// The entry that follows entry `ahead` places after the head, when nothing but plain messages lies between.
    #[must_use]
    pub fn entry(
        &self,
        ahead: u64,
        sender: &UserId,
        client_id: ClientId,
        body: Body,
        now: Timestamp,
    ) -> Entry {
        Entry {
            conversation: self.id,
            seq: Seq(self.head.seq.0 + ahead + 1),
            sender: sender.clone(),
            client_id,
            // A clock that steps back must not make the log look out of order.
            at_ms: now.max(self.last_at),
            ordinal: self.head.ordinal + ahead + u64::from(body.is_countable()),
            body,
        }
    }

    /// Takes in the next entry of the log. Entries that the state has already are skipped; others must not be.
    pub fn apply(&mut self, entry: &Entry) {
        if entry.seq <= self.head.seq {
            return;
        }
        debug_assert_eq!(
            entry.seq,
            self.head.seq.next(),
            "entries are applied in order"
        );
        for change in roster_changes(entry) {
            if !matches!(change, RosterChange::Facts(_)) {
                self.roster_at = entry.seq;
            }
            self.change(change);
        }
        self.pace.note(entry, self.info.slow_mode_ms);
        self.head = Head {
            seq: entry.seq,
            ordinal: entry.ordinal,
        };
        self.last_at = self.last_at.max(entry.at_ms);
    }

    fn change(&mut self, change: RosterChange) {
        match change {
            RosterChange::Begin(info) => self.info = info,
            RosterChange::Enter(member) => {
                self.info.member_count += 1;
                self.roster.insert(member.user.clone(), Some(member));
            }
            RosterChange::Exit(user) => {
                self.info.member_count = self.info.member_count.saturating_sub(1);
                self.roster.insert(user, None);
            }
            RosterChange::Facts(change) => change.apply(&mut self.info),
            RosterChange::SetRole(user, role) => {
                self.change_member(&user, |member| member.role = role);
            }
            RosterChange::SetSilent(user, until) => {
                self.change_member(&user, |member| member.silent_until_ms = until);
            }
            RosterChange::SetNickname(user, nickname) => {
                self.change_member(&user, |member| member.nickname = nickname);
            }
        }
    }

    fn change_member(&mut self, user: &UserId, change: impl FnOnce(&mut Member)) {
        if let Some(Some(member)) = self.roster.get_mut(user) {
            change(member);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Joining, Kind, Preset, Role, Visibility};

    fn user(n: usize) -> UserId {
        UserId::new(format!("u{n}")).unwrap()
    }

    #[test]
    fn of_strangers_only_so_many_are_remembered() {
        let first = Entry {
            conversation: ConversationId::from_uuid(uuid::Uuid::from_u128(1)),
            seq: Seq(1),
            sender: user(0),
            client_id: ClientId::new("first").unwrap(),
            at_ms: Timestamp(0),
            ordinal: 0,
            body: Body::Created {
                kind: Kind::Group,
                name: None,
                joining: Joining::Invited,
                history: Visibility::FromJoining,
                preset: Preset::WorkGroup,
                members: vec![user(0)],
            },
        };
        let mut state = ConversationState::begin(&first).unwrap();
        let users: Vec<_> = (1..=STRANGERS).map(user).collect();
        state.learn(&users, vec![]);
        assert!(!state.forget_strangers());
        assert_eq!(state.lookup(&user(1)), Lookup::Stranger);
        state.learn(&[user(0), user(STRANGERS + 1)], vec![]);

        assert!(state.forget_strangers());

        assert_eq!(state.lookup(&user(1)), Lookup::Unknown);
        assert!(matches!(
            state.lookup(&user(0)),
            Lookup::Member(member) if member.role == Role::Owner
        ));
        assert_eq!(state.roster.len(), 1);
    }
}
