//! Makes things happen, and judges each answer at once.

use std::time::Duration;

use im_core::{
    BlockUser, Call, Code, CreateConversation, Cursor, Joining, MarkDelivered, MarkRead,
    OpenDirect, Seq, SubscribePresence, SyncPage, Typing, UnblockUser, Visibility, port::Runtime,
};

use crate::{
    device::State,
    laws::check_pages,
    ops::{CONVERSATIONS, Op, USERS},
    requests::poll_once,
    truth::Truth,
    world::{World, conversation, group_key, user},
};

impl World {
    pub(crate) fn step(&mut self, op: &Op) {
        let failures = self.failures();
        self.perform(op);
        self.ground.runtime.advance(Duration::from_millis(1));
        self.lags |= self.failures() > failures;
        self.observe();
        self.come_back();
        self.check_now();
    }

    fn perform(&mut self, op: &Op) {
        match op {
            Op::Create {
                group,
                members,
                open,
            } => self.create(*group, *members, *open),
            Op::Direct { user: n, peer } => {
                let ask = OpenDirect { user: user(*peer) };
                let is_absent = self.truth(*n + 2).entries.is_empty();
                let failures = self.failures();
                match self.call(*n, ask) {
                    Ok(view) => assert_eq!(view.conversation, conversation(*n + 2)),
                    Err(rejection) if self.failures() > failures => {
                        assert_eq!(rejection.code, Code::Unavailable);
                    }
                    Err(rejection) => {
                        assert_eq!(rejection.code, Code::Blocked);
                        assert!(is_absent && self.is_blocked(*n, *peer));
                    }
                }
            }
            Op::Request(request) => self.judged(request),
            Op::Ballot { poll, votes } => self.ballot(poll, votes),
            Op::Again => {
                if let Some(last) = self.last.clone() {
                    self.together(&[last.clone(), last.clone()], None);
                    self.judged(&last);
                }
            }
            Op::Together(requests) => self.together(requests, None),
            Op::DrainDuring { device, requests } => self.together(requests, Some(*device)),
            Op::Dropped(request) => {
                let mut future = self.execute(request.user, request.command());
                let _ = poll_once(&mut future);
                drop(future);
                self.busy = true;
                self.ground.runtime.run_until_idle();
                self.look_at_the_doors();
            }
            Op::Elsewhere(request) => self.elsewhere(request),
            Op::Say {
                user,
                conversation,
                wait,
            } => self.say(*user, *conversation, *wait),
            Op::Read {
                user,
                conversation: n,
                seq,
            } => self.mark(*user, *n, *seq, true),
            Op::Delivered {
                user,
                conversation: n,
                seq,
            } => self.mark(*user, *n, *seq, false),
            Op::Marks {
                user,
                conversation: n,
                seqs: (a, b),
            } => self.marks(*user, *n, *a, *b),
            Op::Typing {
                user,
                conversation: n,
            } => {
                let is_in = self.truth(*n).is_in(&crate::world::user(*user));
                let ask = Typing {
                    conversation: conversation(*n),
                };
                let answer = self.call(*user, ask);
                if !self.lags && !self.busy && !self.members_elsewhere {
                    assert_eq!(answer.is_ok(), is_in);
                }
            }
            Op::Block { user: n, whom, on } => self.block(*n, *whom, *on),
            Op::Wish { user, wish } => self.wish(*user, wish),
            Op::Watch { user: n, whom } => {
                if let State::Raw(raw) = &self.devices[n * 2 + 1].state {
                    let users = vec![user(*whom)];
                    let _ = raw.call(&self.ground, SubscribePresence { users });
                }
            }
            Op::Connect { device } => self.connect(*device),
            Op::Disconnect { device } => self.devices[*device].close(),
            Op::Rewind { device, which } => self.rewind(*device, *which),
            Op::Break { device } => {
                if let Some(outlet) = self.devices[*device].outlet() {
                    outlet.break_off();
                }
            }
            Op::LoseReply { device } => self.devices[*device].lose_reply(),
            Op::Stall { device, offers } => {
                if let Some(outlet) = self.devices[*device].outlet() {
                    outlet.stall(*offers);
                }
            }
            Op::Drain { device } => {
                let patience = Duration::from_millis(5);
                self.devices[*device].drain(&self.ground, patience);
            }
            Op::ConnectDuring { device, request } => {
                let mut future = self.execute(request.user, request.command());
                let answer = poll_once(&mut future);
                self.connect(*device);
                self.busy = true;
                if answer.is_pending() {
                    let _ = self.ground.runtime.block_on(future);
                }
                self.look_at_the_doors();
            }
            Op::Fault(fault) => self.log.faults.lock().unwrap().push_back(*fault),
            Op::Wait { ms } => self.wait(*ms),
            Op::StepClock { ms } => {
                self.steps = true;
                self.ground.runtime.step_wall_clock(*ms);
            }
        }
    }

    fn create(&mut self, group: usize, members: u8, open: bool) {
        let members = (0..USERS).filter(|n| members & (1 << n) != 0).map(user);
        let ask = CreateConversation {
            client_id: group_key(group),
            name: None,
            members: members.collect(),
            joining: if open {
                Joining::Open
            } else {
                Joining::Invited
            },
            history: Visibility::default(),
            preset: None,
        };
        let (exists, failures) = (!self.truth(group).entries.is_empty(), self.failures());
        let answer = self.call(group, ask);
        match answer {
            Ok(view) => assert_eq!(view.conversation, conversation(group)),
            Err(rejection) if rejection.code == Code::Conflict => assert!(exists),
            Err(rejection) => {
                assert_eq!(rejection.code, Code::Unavailable);
                assert!(self.failures() > failures);
            }
        }
    }

    fn mark(&mut self, n: usize, at: usize, seq: u64, read: bool) {
        let (id, truth, me) = (conversation(at), self.truth(at), user(n));
        let failures = self.failures();
        let answer = if read {
            self.call(
                n,
                MarkRead {
                    conversation: id,
                    seq: Seq(seq),
                },
            )
        } else {
            self.call(
                n,
                MarkDelivered {
                    conversation: id,
                    seq: Seq(seq),
                },
            )
        };
        if self.lags || self.busy || self.failures() > failures {
            let marked = answer.map_or(u64::MAX, |receipt| receipt.position.read.0);
            let before = self.marked.entry((at, n)).or_default();
            *before = marked.max(*before);
            return;
        }
        if !self.members_elsewhere {
            assert_eq!(answer.is_ok(), truth.is_in(&me));
        }
        let Ok(receipt) = answer else { return };
        let (head, position) = (truth.head(), receipt.position);
        let reached = if read {
            position.read
        } else {
            position.delivered
        };
        assert!(reached.0 >= seq.min(head), "{seq} of {head}: {position:?}");
        let before = self.marked.entry((at, n)).or_default();
        *before = position.read.0.max(*before);
    }

    fn marks(&mut self, n: usize, at: usize, a: u64, b: u64) {
        for seq in [a, b] {
            let ask = MarkRead {
                conversation: conversation(at),
                seq: Seq(seq),
            };
            let future = self.execute(n, ask.into_command());
            self.ground.runtime.spawn(Box::pin(async move {
                let _ = future.await;
            }));
        }
        self.wait(10);
        // The reads may have failed: what is marked is between nothing and all.
        self.marked.insert((at, n), u64::MAX);
    }

    fn block(&mut self, n: usize, whom: usize, on: bool) {
        let answer = if on {
            self.call(n, BlockUser { user: user(whom) })
        } else {
            self.call(n, UnblockUser { user: user(whom) })
        };
        assert_eq!(answer.is_ok(), n != whom);
        if answer.is_ok() {
            self.blocks.retain(|block| *block != (n, whom));
            if on {
                self.blocks.push((n, whom));
            }
        }
    }

    pub(crate) fn connect(&mut self, n: usize) {
        let heads: Vec<_> = (0..CONVERSATIONS).map(|at| self.truth(at)).collect();
        let device = &mut self.devices[n];
        let is_raw = n % 2 == 1;
        if is_raw && let State::Raw(raw) = &device.state {
            // The same device comes again: the session that it had is displaced, whoever still holds it.
            let cursor = raw.cursor.clone();
            let have = raw.have.clone();
            let old = std::mem::replace(&mut device.state, State::Off(None));
            let State::Raw(old) = old else { return };
            let pages = device.open_raw(&self.ground, cursor.clone(), have.clone());
            self.displaced.push_back(old.attachment);
            if self.displaced.len() > 2 {
                self.displaced.pop_front();
            }
            self.check_pull(n, pages, cursor, have, &heads);
            return;
        }
        let State::Off(cursor) = &device.state else {
            return;
        };
        let cursor = cursor.clone();
        if is_raw {
            let pages = device.open_raw(&self.ground, cursor.clone(), Default::default());
            self.check_pull(n, pages, cursor, Default::default(), &heads);
            return;
        }
        let is_new = cursor.is_none();
        device.open_session(&self.ground, cursor);
        if is_new {
            for (at, before) in heads.iter().enumerate() {
                let me = user(n / 2);
                if before.is_in(&me) && self.truth(at).head() == before.head() {
                    self.devices[n].base.insert(conversation(at), before.head());
                }
            }
        }
    }

    fn check_pull(
        &self,
        n: usize,
        pages: Option<Vec<SyncPage>>,
        cursor: Option<Cursor>,
        have: std::collections::BTreeMap<im_core::ConversationId, Seq>,
        heads: &[Truth],
    ) {
        let Some(pages) = pages else { return };
        let is_still = (0..CONVERSATIONS).all(|at| self.truth(at).head() == heads[at].head());
        if is_still {
            check_pages(&user(n / 2), &pages, cursor, &have, heads);
        }
    }

    fn rewind(&mut self, n: usize, which: usize) {
        let device = &mut self.devices[n];
        if device.saved.is_empty() {
            return;
        }
        let (cursor, own) = device.saved[which % device.saved.len()].clone();
        device.close();
        device.taken.clear();
        device.own = own;
        device.base = cursor
            .positions
            .iter()
            .map(|(id, seq)| (*id, seq.0))
            .collect();
        device.state = State::Off(Some(cursor));
        self.connect(n);
    }

    /// Devices whose link is over come back, each in its own way.
    pub(crate) fn come_back(&mut self) {
        for n in 0..self.devices.len() {
            let device = &mut self.devices[n];
            if device.is_on() || matches!(device.state, State::Off(_)) {
                continue;
            }
            if n % 2 == 1 {
                device.close();
            } else {
                device.drain(&self.ground, Duration::from_millis(1));
            }
        }
    }

    /// No more faults; everything under way ends, everybody comes and catches up.
    pub(crate) fn settle(&mut self) {
        self.log.faults.lock().unwrap().clear();
        self.wait(10_000);
        for n in 0..self.devices.len() {
            if self.used_elsewhere {
                self.devices[n].close();
            }
            self.connect_if_off(n);
        }
        for _ in 0..3 {
            for device in &mut self.devices {
                device.drain(&self.ground, Duration::from_secs(15));
            }
            self.come_back();
            for n in 0..self.devices.len() {
                self.connect_if_off(n);
            }
        }
        self.wait(10_000);
        self.pass_all_ends();
        self.look_at_the_doors();
        self.observe();
    }

    /// Every message for later is sent, and every end that a message was given has come.
    fn pass_all_ends(&mut self) {
        let due = self.owned.later.iter().map(|later| later.due);
        let logs: Vec<_> = (0..CONVERSATIONS).map(|at| self.truth(at)).collect();
        let messages = logs.iter().flat_map(|truth| &truth.entries);
        let ends = messages.filter_map(|entry| entry.body.as_message()?.expires_at_ms);
        let last = due.chain(ends.map(|end| end.0)).max().unwrap_or(i64::MIN);
        let left = last.saturating_add(90_000).saturating_sub(self.now());
        self.wait(u64::try_from(left).unwrap_or(0));
        for device in &mut self.devices {
            device.drain(&self.ground, Duration::from_secs(15));
        }
        self.come_back();
        for n in 0..self.devices.len() {
            self.connect_if_off(n);
        }
    }

    fn connect_if_off(&mut self, n: usize) {
        if matches!(self.devices[n].state, State::Off(_)) {
            self.connect(n);
        }
    }
}
