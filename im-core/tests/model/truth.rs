//! What is true of a conversation: folded from its log by code that has nothing of the engine's. What may not have happened
//! is not in a log, whatever led there.

use std::collections::{BTreeMap, BTreeSet};

use im_core::{
    Body, Entry, InfoPatch, Joining, Permission, Permissions, Role, Seq, Timestamp, UserId,
};

/// From the first to the last entry that a user may see, for each time that it was in.
pub(crate) type Window = (u64, Option<u64>);
/// Who attached something, by the message and what it is.
pub(crate) type Marks<T> = BTreeMap<(u64, T), BTreeSet<UserId>>;

/// How far from a bound in time the reference does not judge.
pub(crate) const SLACK_MS: i64 = 10_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    pub(crate) entries: Vec<Entry>,
    pub(crate) roles: BTreeMap<UserId, Role>,
    pub(crate) windows: BTreeMap<UserId, Vec<Window>>,
    pub(crate) direct: bool,
    pub(crate) dismissed: bool,
    pub(crate) joining: Joining,
    pub(crate) name: Option<String>,
    pub(crate) permissions: BTreeMap<Role, Permissions>,
    pub(crate) nicknames: BTreeMap<UserId, String>,
    /// Nobody speaks but who may freely.
    pub(crate) silenced: bool,
    /// Until when members, and those who went, say nothing.
    pub(crate) silent: BTreeMap<UserId, i64>,
    /// Until when users do not come in.
    pub(crate) banned: BTreeMap<UserId, i64>,
    pub(crate) pins: Vec<u64>,
    pub(crate) reactions: Marks<String>,
    pub(crate) votes: Marks<u32>,
    /// Of what is not gone.
    pub(crate) threads: BTreeMap<u64, Vec<u64>>,
    /// Messages that were recalled, and those whose time was over.
    pub(crate) recalled: BTreeSet<u64>,
    pub(crate) expired: BTreeSet<u64>,
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
        let is_end = matches!(entry.body, Body::Left | Body::Expired { .. });
        assert!(!self.dismissed || is_end, "{seq} after the end");
        match &entry.body {
            Body::Created {
                kind,
                members,
                joining,
                name,
                ..
            } => {
                self.direct = *kind == im_core::Kind::Direct;
                self.joining = *joining;
                self.name.clone_from(name);
                self.permissions = permissions(self.direct);
                for user in members {
                    let owns = !self.direct && *user == entry.sender;
                    self.enter(user, entry, if owns { Role::Owner } else { Role::Member });
                }
            }
            Body::MembersAdded { members, .. } => {
                for user in members {
                    self.silent.remove(user);
                    self.enter(user, entry, Role::Member);
                }
            }
            Body::Joined {
                since: None,
                silent_until_ms,
            } => {
                let stands = self.silent.remove(&entry.sender);
                let kept = silent_until_ms.map(|until| until.0);
                let may_be_over = stands.is_none_or(|until| until <= entry.at_ms.0 + SLACK_MS);
                assert!(
                    kept == stands || kept.is_none() && may_be_over,
                    "silence ended by leaving"
                );
                self.silent
                    .extend(kept.map(|until| (entry.sender.clone(), until)));
                self.enter(&entry.sender, entry, Role::Member);
            }
            Body::Kicked {
                members,
                banned_until_ms,
                ..
            } => {
                for user in members {
                    self.exit(user, seq);
                    self.banned
                        .extend(banned_until_ms.map(|until| (user.clone(), until.0)));
                }
            }
            Body::Unbanned { members } => self.banned.retain(|user, _| !members.contains(user)),
            Body::Left => self.exit(&entry.sender, seq),
            Body::RoleChanged { member, role } => {
                if *role == Role::Owner {
                    self.roles.insert(entry.sender.clone(), Role::Admin);
                }
                self.roles.insert(member.clone(), *role);
            }
            Body::InfoChanged { changes, .. } => self.inform(changes),
            Body::PermissionsChanged { role, permissions } => {
                self.permissions.insert(*role, *permissions);
            }
            Body::Dismissed => self.dismissed = true,
            Body::MemberRenamed {
                member,
                nickname: Some(name),
            } => {
                self.nicknames.insert(member.clone(), name.clone());
            }
            Body::MemberRenamed {
                member,
                nickname: None,
            } => {
                self.nicknames.remove(member);
            }
            Body::Muted { members, until_ms } => {
                self.silent
                    .extend(members.iter().map(|user| (user.clone(), until_ms.0)));
            }
            Body::Unmuted { members } => self.silent.retain(|user, _| !members.contains(user)),
            _ => self.fold_talk(entry),
        }
    }

    fn fold_talk(&mut self, entry: &Entry) {
        let seq = entry.seq.0;
        match &entry.body {
            Body::Message(_) | Body::RecalledMessage { .. } | Body::ExpiredMessage { .. } => {
                self.check_speaks(&entry.sender, entry, Permission::Send);
                self.spoke.insert(entry.sender.clone(), seq);
                if let Some(root) = entry.body.as_message().and_then(|message| message.thread) {
                    self.threads.entry(root.0).or_default().push(seq);
                }
            }
            Body::Edited { .. } => self.check_speaks(&entry.sender, entry, Permission::Send),
            Body::Recalled { target } => {
                self.recalled.insert(target.0);
                self.wipe(target.0);
            }
            Body::Expired { targets } => {
                for target in targets {
                    self.expired.insert(target.0);
                    self.wipe(target.0);
                }
            }
            Body::Pinned { target } => self.pins.push(target.0),
            Body::Unpinned { target } => self.pins.retain(|pin| *pin != target.0),
            Body::Reacted { changes } => {
                for change in changes {
                    self.check_speaks(&change.user, entry, Permission::React);
                    let who = self
                        .reactions
                        .entry((change.target.0, change.emoji.clone()))
                        .or_default();
                    if change.on {
                        who.insert(change.user.clone());
                    } else {
                        who.remove(&change.user);
                    }
                }
            }
            Body::Voted { changes } => {
                for vote in changes {
                    self.check_speaks(&vote.user, entry, Permission::React);
                    for ((target, _), who) in &mut self.votes {
                        if *target == vote.target.0 {
                            who.remove(&vote.user);
                        }
                    }
                    for option in &vote.options {
                        let who = self.votes.entry((vote.target.0, *option)).or_default();
                        who.insert(vote.user.clone());
                    }
                }
            }
            _ => {}
        }
    }

    fn inform(&mut self, changes: &InfoPatch) {
        if let Some(name) = &changes.name {
            self.name = Some(name.clone()).filter(|name| !name.is_empty());
        }
        self.silenced = changes.silenced.unwrap_or(self.silenced);
        self.joining = changes.joining.unwrap_or(self.joining);
    }

    /// Nothing stays attached to what is gone.
    fn wipe(&mut self, target: u64) {
        self.pins.retain(|pin| *pin != target);
        self.reactions.retain(|(seq, _), _| *seq != target);
        self.votes.retain(|(seq, _), _| *seq != target);
    }

    /// Who was silenced, is banned, or may not, did not do this.
    fn check_speaks(&self, user: &UserId, entry: &Entry, permission: Permission) {
        let seq = entry.seq;
        assert!(self.is_in(user), "{user} is not in at {seq}");
        assert!(self.allows(user, permission), "{user} may not at {seq}");
        let until = self.silent.get(user).copied().unwrap_or(i64::MIN);
        assert!(
            until <= entry.at_ms.0 + SLACK_MS,
            "{user} is silenced at {seq}"
        );
        let is_open = !self.silenced || permission == Permission::React;
        assert!(
            is_open || self.allows(user, Permission::SpeakFreely),
            "all are silenced at {seq}"
        );
    }

    fn enter(&mut self, user: &UserId, entry: &Entry, role: Role) {
        let seq = entry.seq.0;
        let until = self.banned.get(user).copied().unwrap_or(i64::MIN);
        assert!(
            until <= entry.at_ms.0 + SLACK_MS,
            "{user} is banned at {seq}"
        );
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
        self.nicknames.remove(user);
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

    pub(crate) fn allows(&self, user: &UserId, permission: Permission) -> bool {
        let role = self.roles.get(user);
        role.is_some_and(|role| self.permissions[role].allow(permission))
    }

    /// Whether the user was ever in a position to see this entry.
    pub(crate) fn may_see(&self, user: &UserId, seq: Seq) -> bool {
        let windows = self.windows.get(user).into_iter().flatten();
        windows
            .into_iter()
            .any(|(since, left)| *since <= seq.0 && left.is_none_or(|left| seq.0 <= left))
    }

    pub(crate) fn entry(&self, seq: u64) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.seq.0 == seq)
    }

    /// Messages after a seq whose content is still there.
    pub(crate) fn unread_after(&self, seq: u64) -> impl Iterator<Item = u64> {
        let later = self.entries.iter().filter(move |entry| entry.seq.0 > seq);
        let live = later.filter(|entry| entry.body.as_message().is_some());
        live.map(|entry| entry.seq.0)
    }

    /// Law 1, and what every log must be.
    pub(crate) fn check(&self) {
        let (mut ordinal, mut at) = (0, Timestamp(i64::MIN));
        for (place, entry) in self.entries.iter().enumerate() {
            assert_eq!(entry.seq.0, place as u64 + 1, "a hole in the log");
            ordinal += u64::from(entry.body.is_countable());
            assert_eq!(entry.ordinal, ordinal, "ordinal of entry {}", entry.seq);
            assert!(entry.at_ms >= at, "time runs backwards at {}", entry.seq);
            at = entry.at_ms;
            self.check_content(entry);
        }
    }

    /// What is gone is gone from the log, what stands says what was said last.
    fn check_content(&self, entry: &Entry) {
        let seq = entry.seq.0;
        match &entry.body {
            Body::Message(message) => {
                assert!(
                    !self.recalled.contains(&seq) && !self.expired.contains(&seq),
                    "{seq} stands"
                );
                let mut edits = self.entries.iter().filter_map(|entry| match &entry.body {
                    Body::Edited {
                        target, content, ..
                    } if target.0 == seq => Some((entry.seq, content)),
                    _ => None,
                });
                let last = edits.next_back();
                assert_eq!(message.edited, last.map(|(by, _)| by), "edits of {seq}");
                if let Some((_, content)) = last {
                    assert_eq!(
                        content.as_ref(),
                        Some(&message.content),
                        "{seq} after its edit"
                    );
                }
            }
            Body::RecalledMessage { .. } => {
                assert!(self.recalled.contains(&seq), "{seq} was recalled")
            }
            Body::ExpiredMessage { .. } => assert!(self.expired.contains(&seq), "{seq} expired"),
            Body::Edited {
                target, content, ..
            } => {
                let is_gone = self.recalled.contains(&target.0) || self.expired.contains(&target.0);
                assert_eq!(content.is_none(), is_gone, "the edit {seq} of {target}");
            }
            _ => {}
        }
    }
}

/// What roles may do when a conversation begins: a group of colleagues, or two.
fn permissions(direct: bool) -> BTreeMap<Role, Permissions> {
    use Permission as P;
    let member: &[P] = if direct {
        &[P::Send, P::React, P::ListMembers, P::Pin, P::ChangeInfo]
    } else {
        &[P::Send, P::React, P::ListMembers, P::Pin, P::MentionAll]
    };
    let owner: Vec<P> = Permission::ALL.to_vec();
    let own = [
        P::ChangeRoles,
        P::Transfer,
        P::Dismiss,
        P::ChangePermissions,
    ];
    let admin: Vec<P> = owner
        .iter()
        .copied()
        .filter(|one| !own.contains(one))
        .collect();
    [
        (Role::Member, member),
        (Role::Admin, &admin),
        (Role::Owner, &owner),
    ]
    .map(|(role, list)| (role, Permissions::of(list)))
    .into()
}
