//! The eight laws, as they can be checked from outside.

use std::{collections::BTreeMap, time::Duration};

use im_core::{
    Availability, Body, Code, ConversationId, Cursor, GetConversation, GetPresence, History,
    ListConversations, ListMembers, Member, Seq, SyncPage, SyncPull, UserId,
};

use crate::{
    device::{Device, State},
    ops::{CONVERSATIONS, USERS},
    own::{Rows, told},
    truth::Truth,
    world::{World, conversation, user},
};

impl World {
    /// What holds at any time.
    pub(crate) fn check_now(&mut self) {
        for device in &self.devices {
            if let Some(outlet) = device.outlet() {
                outlet.check(device.user.as_str());
            }
        }
        // What follows reads, and must not use up faults that are meant for others.
        let faults = std::mem::take(&mut *self.log.faults.lock().unwrap());
        for at in 0..CONVERSATIONS {
            for n in 0..USERS {
                self.check_reader(n, at);
            }
        }
        self.check_presence();
        self.check_some();
        *self.log.faults.lock().unwrap() = faults;
    }

    /// What is found for one user in one conversation, another one each time.
    fn check_some(&mut self) {
        self.looked += 1;
        let (n, at) = (self.looked % USERS, self.looked / USERS % CONVERSATIONS);
        if !(self.lags || self.busy || self.members_elsewhere) {
            let truth = self.truth(at);
            self.check_found(n, at, &truth);
        }
    }

    /// Laws 5, 6 and 7 for one user and one conversation.
    fn check_reader(&mut self, n: usize, at: usize) {
        let id = conversation(at);
        let (truth, view, history) = loop {
            let truth = self.truth(at);
            let view = self.call(n, GetConversation { conversation: id });
            let ask = History {
                limit: Some(200),
                ..History::of(id)
            };
            let history = self.call(n, ask);
            // Not while messages expire, or are sent that were scheduled.
            if self.truth(at).head() == truth.head() {
                break (truth, view, history);
            }
        };
        let me = user(n);
        let Some((since, left)) = truth.window(&me) else {
            assert_eq!(view.unwrap_err().code, Code::NotFound, "law 6");
            assert_eq!(history.unwrap_err().code, Code::NotFound, "law 6");
            return;
        };
        let end = left.unwrap_or(truth.head());
        let (view, history) = (view.unwrap(), history.unwrap());
        let lags = self.lags || self.busy;
        if !lags {
            assert_eq!((view.head.seq.0, view.since.0), (end, since));
            self.check_members(n, at, &truth);
        }
        if !lags && truth.is_in(&me) {
            let pins: Vec<_> = view.info.pins.iter().map(|seq| seq.0).collect();
            assert_eq!(pins, truth.pins, "pins of {at}");
        }
        let seqs: Vec<_> = history.items.iter().map(|entry| entry.seq.0).collect();
        if !(lags && self.used_elsewhere) {
            assert_eq!(seqs, (since..=end).collect::<Vec<_>>(), "law 6: history");
            for entry in &history.items {
                let shown = self.shown(n, at, &truth, entry.seq.0);
                assert_eq!(Some(&entry.body), shown.as_ref(), "{} for {me}", entry.seq);
            }
        }
        self.check_gone(&(&history.items, &view.last));
        let position = view.position;
        assert!(
            position.read <= position.delivered,
            "law 5: {position:?} of {me}"
        );
        assert!(position.delivered.0 <= truth.head(), "law 5: {position:?}");
        let before = self.positions.insert((at, n), position).unwrap_or_default();
        assert!(
            before.read <= position.read && before.delivered <= position.delivered,
            "law 5: {me} went back from {before:?} to {position:?}"
        );
    }

    /// What an entry is to a user who may see it: nothing, when it hid it, or it was edited after the user's end.
    pub(crate) fn shown(&self, n: usize, at: usize, truth: &Truth, seq: u64) -> Option<Body> {
        let entry = truth.entry(seq)?;
        let left = truth.window(&user(n)).and_then(|(_, left)| left);
        let is_later =
            left.is_some_and(|left| entry.body.changed_by().is_some_and(|by| by.0 > left));
        Some(if is_later || self.owned.hides(n, at, seq) {
            Body::Unknown
        } else {
            entry.body.clone()
        })
    }

    fn check_members(&self, n: usize, at: usize, truth: &Truth) {
        let ask = ListMembers {
            conversation: conversation(at),
            after: None,
            limit: None,
        };
        let listed = self.call(n, ask).map(|page| page.items).ok();
        let listed = listed.map(|members| {
            let told = |member: Member| {
                let silent = member.silent_until_ms.map(|until| until.0);
                (member.user, (member.role, member.nickname, silent))
            };
            members.into_iter().map(told).collect::<BTreeMap<_, _>>()
        });
        let known = truth.roles.iter().map(|(user, role)| {
            let nickname = truth.nicknames.get(user).cloned();
            let silent = truth.silent.get(user).copied();
            (user.clone(), (*role, nickname, silent))
        });
        let is_in = truth.is_in(&user(n));
        let expected = is_in.then(|| known.collect::<BTreeMap<_, _>>());
        assert_eq!(listed, expected, "law 6: members");
    }

    /// Law 8.
    fn check_presence(&self) {
        if self.lags || self.busy {
            return;
        }
        let truths: Vec<_> = (0..CONVERSATIONS).map(|at| self.truth(at)).collect();
        for n in 0..USERS {
            let users = (0..USERS).map(user).collect();
            let presences = self.call(n, GetPresence { users }).unwrap().items;
            for (other, presence) in presences.iter().enumerate() {
                let shares = truths
                    .iter()
                    .any(|truth| truth.is_in(&user(n)) && truth.is_in(&user(other)));
                let knows = shares || self.owned.are_contacts(n, other);
                let sees = n == other || knows && !self.is_blocked(n, other);
                let devices = &self.devices[other * 2..other * 2 + 2];
                let is_there = devices.iter().any(Device::is_on);
                let expected = if sees && is_there {
                    Availability::Online
                } else {
                    Availability::Offline
                };
                assert_eq!(presence.availability, expected, "law 8: {other} for {n}");
            }
        }
    }

    /// What holds when everything has come to rest.
    pub(crate) fn check_end(&mut self) {
        self.check_now();
        for at in 0..CONVERSATIONS {
            let truth = self.truth(at);
            for n in 0..USERS * 2 {
                check_taken(&self.devices[n], at, &truth);
            }
            for n in 0..USERS {
                self.check_unread(n, at, &truth);
                self.check_found(n, at, &truth);
            }
            self.check_ends(at, &truth);
        }
        self.check_lists();
        self.check_says();
        self.check_later();
        self.check_rows();
    }

    /// No message stays beyond its end, or beyond being read where it was to go then.
    fn check_ends(&self, at: usize, truth: &Truth) {
        for entry in &truth.entries {
            let Some(message) = entry.body.as_message() else {
                continue;
            };
            // Where a clock was put back its end may be ahead again.
            let is_ahead = message.expires_at_ms.is_some_and(|end| self.now() < end.0);
            if is_ahead {
                continue;
            }
            assert_eq!(message.expires_at_ms, None, "{} of {at} stays", entry.seq);
            if message.burn_ms.is_none() {
                continue;
            }
            for n in (0..USERS).filter(|n| user(*n) != entry.sender && truth.is_in(&user(*n))) {
                let conversation = conversation(at);
                let view = self.call(n, GetConversation { conversation }).unwrap();
                let read = view.position.read;
                assert!(
                    read < entry.seq,
                    "{} of {at} was read, and stays",
                    entry.seq
                );
            }
        }
    }

    fn check_unread(&self, n: usize, at: usize, truth: &Truth) {
        let me = user(n);
        if !truth.is_in(&me) {
            return;
        }
        let id = conversation(at);
        let view = self.call(n, GetConversation { conversation: id }).unwrap();
        let read = view.position.read.0;
        let unread = truth.unread_after(read);
        let unread = unread.filter(|seq| !self.owned.hides(n, at, *seq));
        assert_eq!(view.unread, unread.count() as u64, "unread of {me} in {at}");
        let (since, _) = truth.window(&me).unwrap();
        let spoke = truth.spoke.get(&me).copied().unwrap_or_default();
        let least = spoke.max(since - 1);
        assert!(read >= least, "{me} wrote at {spoke} and has read {read}");
        match self.marked.get(&(at, n)) {
            Some(&u64::MAX) => {}
            marked => assert_eq!(read, least.max(marked.copied().unwrap_or_default())),
        }
    }

    fn check_lists(&self) {
        for n in 0..USERS {
            let ask = ListConversations {
                after: None,
                limit: None,
                which: None,
            };
            let page = self.call(n, ask).unwrap();
            let mut listed: Vec<_> = page.items.iter().map(|view| view.conversation).collect();
            let mut expected: Vec<_> = (0..CONVERSATIONS)
                .filter(|at| self.truth(*at).is_in(&user(n)))
                .map(conversation)
                .collect();
            listed.sort();
            expected.sort();
            assert_eq!(listed, expected, "law 6: the list of {n}");
            self.check_gone(&page);
        }
    }

    /// Rows of users' own: as the server tells a new device, and as each device has them once it has caught up.
    fn check_rows(&mut self) {
        for n in 0..self.devices.len() {
            self.devices[n].close();
            self.connect(n);
            let patience = Duration::from_secs(15);
            self.devices[n].drain(&self.ground, patience);
            let rows = self.devices[n].own.rows();
            let has: Rows = rows.filter_map(told).collect();
            assert_eq!(has, self.owned.rows(n / 2), "rows of device {n}");
        }
        for n in 0..USERS {
            let mut ask = SyncPull {
                cursor: None,
                have: BTreeMap::new(),
                limit: None,
            };
            let mut has = Rows::new();
            loop {
                let page = self.call(n, ask.clone()).unwrap();
                has.extend(page.own.iter().filter_map(told));
                ask.cursor = Some(page.cursor);
                if page.done {
                    break;
                }
            }
            assert_eq!(has, self.owned.rows(n), "rows of user {n}");
        }
    }

    /// What a session said is stored once, where it was told.
    fn check_says(&self) {
        let all: Vec<_> = (0..CONVERSATIONS).map(|at| self.truth(at)).collect();
        for (text, told) in &self.says {
            let found: Vec<_> = all
                .iter()
                .flat_map(|truth| &truth.entries)
                .filter(|entry| !is_forwarded(&entry.body))
                .filter(|entry| format!("{:?}", entry.body).contains(text))
                .map(|entry| entry.seq.0)
                .collect();
            assert!(found.len() <= 1, "{text} was stored {found:?}");
            if let (Some(seq), Some(found)) = (told, found.first()) {
                assert_eq!(seq, found);
            }
        }
    }
}

fn is_forwarded(body: &Body) -> bool {
    body.as_message()
        .is_some_and(|message| message.forwarded.is_some())
}

/// Law 3: each entry once, in order, without a hole but where the user was away; and law 6.
fn check_taken(device: &Device, at: usize, truth: &Truth) {
    let (id, me) = (conversation(at), &device.user);
    let taken = device.taken.get(&id);
    let seqs: Vec<_> = taken.into_iter().flatten().map(|entry| entry.seq).collect();
    let windows = truth.windows.get(me).cloned().unwrap_or_default();
    let begins = |seq: u64| windows.iter().any(|(since, _)| *since == seq);
    let mut before = device.base.get(&id).copied();
    for seq in &seqs {
        assert!(truth.may_see(me, *seq), "law 6: {me} got {seq} of {at}");
        if let Some(before) = before {
            assert!(
                seq.0 == before + 1 || seq.0 > before && begins(seq.0),
                "law 3: {me}'s {:?} got {seq} after {before} of {at}: {seqs:?}",
                device.id
            );
        }
        before = Some(seq.0);
    }
    if matches!(device.state, State::Off(_)) || !truth.is_in(me) {
        return;
    }
    let head = truth.head();
    let last = before.unwrap_or_default();
    let has = match &device.state {
        State::Raw(raw) => raw.have.get(&id).map_or(0, |seq| seq.0),
        State::Off(_) | State::Session(..) => last,
    };
    if before.is_some() {
        assert_eq!(last, head, "law 3: {me}'s {:?} in {at}", device.id);
    }
    if before.is_some() || matches!(device.state, State::Raw(_)) {
        assert_eq!(has, head, "law 3: {me}'s {:?} in {at}", device.id);
    }
}

/// Law 4: exactly what was missing.
pub(crate) fn check_pages(
    me: &UserId,
    pages: &[SyncPage],
    cursor: Option<Cursor>,
    have: &BTreeMap<ConversationId, Seq>,
    truths: &[Truth],
) {
    assert!(pages.iter().all(|page| !page.reset));
    for (at, truth) in truths.iter().enumerate() {
        let id = conversation(at);
        let items = pages.iter().flat_map(|page| &page.items);
        let entries = items
            .filter(|item| item.view.conversation == id)
            .flat_map(|item| &item.entries);
        let got: Vec<_> = entries.map(|entry| entry.seq.0).collect();
        let position = pages.last().unwrap().cursor.positions.get(&id);
        let Some((since, left)) = truth.window(me) else {
            assert_eq!((&got[..], position), (&[][..], None), "law 6: sync");
            continue;
        };
        let end = left.unwrap_or(truth.head());
        let held = cursor
            .as_ref()
            .and_then(|cursor| cursor.positions.get(&id).copied())
            .max(have.get(&id).copied());
        if left.is_some() && held.is_none() {
            assert!(got.is_empty(), "who came and went meanwhile hears nothing");
            continue;
        }
        let last = got.last().copied();
        assert!(last.is_none_or(|last| last == end), "law 4: up to {last:?}");
        if left.is_none() {
            assert_eq!(position.map(|seq| seq.0), Some(end), "law 4: position");
        }
        if cursor.is_some() {
            let after = held.map_or(0, |seq| seq.0).max(since - 1);
            let missing: Vec<_> = (after + 1..=end).collect();
            assert_eq!(got, missing, "law 4: {me} in {at} after {held:?}");
        } else {
            let first = got.first().copied().unwrap_or(end + 1);
            assert_eq!(got, (first..=end).collect::<Vec<_>>(), "law 4: a hole");
            assert!(first >= since, "law 6: sync");
        }
    }
}
