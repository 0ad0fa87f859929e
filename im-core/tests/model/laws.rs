//! The eight laws, as they can be checked from outside.

use std::collections::BTreeMap;

use im_core::{
    Availability, Code, ConversationId, Cursor, GetConversation, GetPresence, History,
    ListConversations, ListMembers, Seq, SyncPage, UserId,
};

use crate::{
    device::{Device, State},
    ops::{CONVERSATIONS, USERS},
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
            let truth = self.truth(at);
            for n in 0..USERS {
                self.check_reader(n, at, &truth);
            }
        }
        self.check_presence();
        *self.log.faults.lock().unwrap() = faults;
    }

    /// Laws 5, 6 and 7 for one user and one conversation.
    fn check_reader(&mut self, n: usize, at: usize, truth: &Truth) {
        let (id, me) = (conversation(at), user(n));
        let view = self.call(n, GetConversation { conversation: id });
        let history = self.call(
            n,
            History {
                limit: Some(200),
                ..History::of(id)
            },
        );
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
            let members = self.call(
                n,
                ListMembers {
                    conversation: id,
                    after: None,
                    limit: None,
                },
            );
            let members = members.map(|page| page.items.len()).ok();
            assert_eq!(
                members,
                truth.is_in(&me).then_some(truth.roles.len()),
                "law 6"
            );
        }
        let seqs: Vec<_> = history.items.iter().map(|entry| entry.seq.0).collect();
        if !(lags && self.used_elsewhere) {
            assert_eq!(seqs, (since..=end).collect::<Vec<_>>(), "law 6: history");
        }
        let said = format!("{:?} {:?}", history.items, view.last);
        for text in self.ground.banned.lock().unwrap().stored.iter() {
            assert!(!said.contains(text), "law 7: {text} came back");
        }
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
                let sees = n == other || shares && !self.is_blocked(n, other);
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
            }
        }
        self.check_lists();
        self.check_says();
    }

    fn check_unread(&self, n: usize, at: usize, truth: &Truth) {
        let me = user(n);
        if !truth.is_in(&me) {
            return;
        }
        let id = conversation(at);
        let view = self.call(n, GetConversation { conversation: id }).unwrap();
        let read = view.position.read.0;
        assert_eq!(view.unread, truth.unread_after(read), "unread of {me}");
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
            let said = format!("{page:?}");
            for text in self.ground.banned.lock().unwrap().stored.iter() {
                assert!(!said.contains(text), "law 7: {text} in a list");
            }
        }
    }

    /// What a session said is stored once, where it was told.
    fn check_says(&self) {
        let all: Vec<_> = (0..CONVERSATIONS).map(|at| self.truth(at)).collect();
        for (text, told) in &self.says {
            let found: Vec<_> = all
                .iter()
                .flat_map(|truth| &truth.entries)
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
