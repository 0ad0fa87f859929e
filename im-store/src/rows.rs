//! The rows that a conversation's log implies, and how entries and positions change them.
//!
//! One fold for all stores: memory keeps all rows in a [`Rows`]; SQL loads those that a transaction touches, changes
//! them here and writes them back. What decides whether an entry is stored at all is each store's own.

use std::collections::{BTreeMap, BTreeSet};

use im_core::{
    ConversationId, Entry, Info, Member, Membership, Position, Role, Seq, Settings, Timestamp,
    UserId,
    port::{Advance, Append, Snapshot},
    state::{RosterChange, roster_changes},
};

/// One user's row in one conversation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MemberRow {
    pub(crate) role: Role,
    pub(crate) since: Seq,
    pub(crate) left: Option<Seq>,
    pub(crate) nickname: Option<String>,
    pub(crate) silent_until_ms: Option<Timestamp>,
    pub(crate) position: Position,
    pub(crate) settings: Settings,
    pub(crate) version: u64,
}

/// Where a member's row stands.
pub(crate) type MemberKey = (ConversationId, UserId);

/// Rows of conversations, members and users' versions.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) conversations: BTreeMap<ConversationId, Info>,
    pub(crate) members: BTreeMap<MemberKey, MemberRow>,
    pub(crate) versions: BTreeMap<UserId, u64>,
    pub(crate) changed: Changed,
}

/// Rows that changed since they were last taken.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) conversations: BTreeSet<ConversationId>,
    pub(crate) members: BTreeSet<MemberKey>,
}

impl MemberRow {
    pub(crate) fn member(&self, user: &UserId) -> Member {
        Member {
            user: user.clone(),
            role: self.role,
            since: self.since,
            nickname: self.nickname.clone(),
            silent_until_ms: self.silent_until_ms,
        }
    }

    pub(crate) fn membership(
        &self,
        user: &UserId,
        conversation: ConversationId,
        snapshot: Snapshot,
    ) -> Membership {
        Membership {
            conversation,
            info: snapshot.info,
            head: snapshot.head,
            last_at_ms: snapshot.last_at_ms,
            member: self.member(user),
            left: self.left,
            position: self.position,
            settings: self.settings.clone(),
            version: self.version,
        }
    }
}

impl Rows {
    /// Applies an entry that is stored.
    pub(crate) fn apply(&mut self, entry: &Entry) {
        let at = entry.conversation;
        for change in roster_changes(entry) {
            match change {
                RosterChange::Begin(info) => {
                    self.conversations.insert(at, info);
                    self.changed.conversations.insert(at);
                }
                RosterChange::Enter(member) => self.enter(entry, member),
                RosterChange::Exit(user) => {
                    let left = |row: &mut MemberRow| row.left = Some(entry.seq);
                    if self.change_present(at, &user, left) {
                        self.change_info(at, |info| {
                            info.member_count = info.member_count.saturating_sub(1);
                        });
                    }
                }
                RosterChange::Facts(change) => self.change_info(at, |info| change.apply(info)),
                RosterChange::SetRole(user, role) => {
                    self.change_present(at, &user, |row| row.role = role);
                }
                RosterChange::SetSilent(user, until) => {
                    self.change_present(at, &user, |row| row.silent_until_ms = until);
                }
                RosterChange::SetNickname(user, nickname) => {
                    self.change_present(at, &user, |row| row.nickname = nickname);
                }
            }
        }
    }

    /// Merges a position. `true` when the row changed.
    pub(crate) fn advance(&mut self, advance: &Advance) -> bool {
        let key = (advance.conversation, advance.user.clone());
        let Some(row) = self.members.get(&key) else {
            return false;
        };
        let position = row.position.merge(advance.position);
        position != row.position && self.change(key, |row| row.position = position)
    }

    /// Changes a row and raises its version. `false` when there is none.
    pub(crate) fn change(&mut self, key: MemberKey, change: impl FnOnce(&mut MemberRow)) -> bool {
        let Some(row) = self.members.get_mut(&key) else {
            return false;
        };
        change(row);
        row.version = raise(&mut self.versions, &key.1);
        self.changed.members.insert(key);
        true
    }

    fn enter(&mut self, entry: &Entry, member: Member) {
        let key = (entry.conversation, member.user.clone());
        // Nothing is unread, also where what was said before can be seen.
        let initial = Position {
            delivered: entry.seq.previous(),
            read: entry.seq.previous(),
            read_ordinal: entry.ordinal,
        };
        let version = match self.members.get(&key) {
            Some(row) if row.left.is_none() => return,
            _ => raise(&mut self.versions, &member.user),
        };
        let row = self.members.entry(key.clone()).or_insert(MemberRow {
            role: member.role,
            since: member.since,
            left: None,
            nickname: None,
            silent_until_ms: None,
            position: initial,
            settings: Settings::default(),
            version,
        });
        row.role = member.role;
        row.since = member.since;
        row.left = None;
        row.nickname = member.nickname;
        row.silent_until_ms = member.silent_until_ms;
        row.position = initial.merge(row.position);
        row.version = version;
        self.changed.members.insert(key);
        self.change_info(entry.conversation, |info| info.member_count += 1);
    }

    fn change_present(
        &mut self,
        conversation: ConversationId,
        user: &UserId,
        change: impl FnOnce(&mut MemberRow),
    ) -> bool {
        let key = (conversation, user.clone());
        self.members.get(&key).is_some_and(|row| row.left.is_none()) && self.change(key, change)
    }

    fn change_info(&mut self, conversation: ConversationId, change: impl FnOnce(&mut Info)) {
        if let Some(info) = self.conversations.get_mut(&conversation) {
            let before = info.clone();
            change(info);
            if *info != before {
                self.changed.conversations.insert(conversation);
            }
        }
    }
}

/// Raises a user's version and returns it.
pub(crate) fn raise(versions: &mut BTreeMap<UserId, u64>, user: &UserId) -> u64 {
    let version = versions.entry(user.clone()).or_default();
    *version += 1;
    *version
}

/// What is wrong with an append that no writer should ever ask for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("an append holds no entry")]
    Empty,
    #[error("entry {0} of an append is not the one after its predecessor")]
    Gap(Seq),
    #[error(
        "entry {0} begins a conversation that has begun, or is the first and does not begin it"
    )]
    Beginning(Seq),
}

/// Refuses what would break the log whatever its head is.
pub(crate) fn check(append: &Append) -> Result<(), Malformed> {
    if append.entries.is_empty() {
        return Err(Malformed::Empty);
    }
    let mut after = append.after;
    for new in &append.entries {
        let entry = &new.entry;
        if entry.seq != after.next() || entry.conversation != append.conversation {
            return Err(Malformed::Gap(entry.seq));
        }
        let begins = matches!(entry.body, im_core::Body::Created { .. });
        if begins != (after == Seq::ZERO) {
            return Err(Malformed::Beginning(entry.seq));
        }
        after = entry.seq;
    }
    Ok(())
}
