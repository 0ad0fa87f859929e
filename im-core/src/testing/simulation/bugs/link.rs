//! A node that garbles what it sends.

use super::{
    super::link::{Down, Link},
    Bug, Bugs, Memory,
};
use crate::{Body, Code, Entry, Position, Push, Receipt, Rejection, Reply, Seq, SyncPage};

impl Bugs {
    /// What a link carries in place of what its node sends.
    pub(in crate::testing::simulation) fn down(&self, link: &Link, down: Down) -> Vec<Down> {
        if self.bug.is_none() {
            return vec![down];
        }
        match down {
            Down::Push(push) => {
                let pushes = self.pushes(link.number, push);
                pushes.into_iter().map(Down::Push).collect()
            }
            Down::Reply(call, answer) => vec![Down::Reply(call, self.answer(answer))],
            Down::Closed(_) => vec![down],
        }
    }

    fn pushes(&self, link: usize, push: Push) -> Vec<Push> {
        match push {
            Push::Entry(entry) => self.entries(link, entry),
            Push::Receipt(receipt) => self.receipts(receipt),
            other => vec![other],
        }
    }

    fn entries(&self, link: usize, mut entry: Entry) -> Vec<Push> {
        if self.strikes(Bug::PushDoubled) {
            return vec![Push::Entry(entry.clone()), Push::Entry(entry)];
        }
        if self.strikes(Bug::PushLost) {
            return Vec::new();
        }
        let holds = self.strikes(Bug::PushesSwapped);
        let replays = self.strikes(Bug::PushToAnother);
        let mut memory = self.lock();
        if self.is(Bug::EditPushedStale)
            && let Body::Edited {
                content: Some(content),
                ..
            } = &mut entry.body
        {
            let before = memory.last_edit.replace(content.clone());
            *content = before.unwrap_or_else(|| crate::Content::text("stale"));
        }
        if holds && memory.held.is_none() {
            memory.held = Some((link, Push::Entry(entry)));
            return Vec::new();
        }
        let mut pushes = vec![Push::Entry(entry.clone())];
        if let Some((_, late)) = memory.held.take_if(|(of, _)| *of == link) {
            pushes.push(late);
        }
        if replays {
            let of_another = memory.pushed.iter().rev().find(|(of, _)| *of != link);
            pushes.extend(of_another.map(|(_, push)| push.clone()));
        }
        if self.is(Bug::RecalledPushedAgain)
            && let Body::Recalled { target } = entry.body
        {
            pushes.extend(memory.pushed_on(link, &entry, target));
        }
        memory.pushed.push((link, Push::Entry(entry)));
        pushes
    }

    fn receipts(&self, receipt: Receipt) -> Vec<Push> {
        let push = Push::Receipt(receipt.clone());
        if self.is(Bug::ReceiptPushedAgain) {
            let old = Receipt {
                position: Position {
                    read: Seq::ZERO,
                    ..receipt.position
                },
                ..receipt
            };
            return vec![push, Push::Receipt(old)];
        }
        vec![push]
    }

    fn answer(&self, answer: Result<Reply, Rejection>) -> Result<Reply, Rejection> {
        let mut reply = match answer {
            Ok(reply) => reply,
            // It was not done, and the node says that it was.
            Err(rejection) => return self.invented(rejection),
        };
        match &mut reply {
            Reply::SendMessage(_) => {
                let strikes = self.strikes(Bug::ReplyOfAnother);
                let before = self.lock().last_reply.replace(reply.clone());
                if let Some(before) = before.filter(|_| strikes) {
                    reply = before;
                }
            }
            Reply::SyncPull(page) => self.page(page),
            Reply::GetConversation(view) => {
                view.unread += u64::from(self.is(Bug::UnreadOff));
            }
            _ => {}
        }
        Ok(reply)
    }

    fn invented(&self, rejection: Rejection) -> Result<Reply, Rejection> {
        let memory = self.lock();
        match &memory.last_reply {
            Some(reply) if self.is(Bug::ReplyInvented) && rejection.code == Code::Unavailable => {
                Ok(reply.clone())
            }
            _ => Err(rejection),
        }
    }

    fn page(&self, page: &mut SyncPage) {
        for item in &mut page.items {
            let entries = &mut item.entries;
            if entries.len() > 1 && self.strikes(Bug::PageSkipsRow) {
                entries.remove(entries.len() / 2);
            }
            if entries.len() > 1 && self.strikes(Bug::PageSwapsRows) {
                let last = entries.len() - 1;
                entries.swap(last - 1, last);
            }
        }
        if self.strikes(Bug::PageAhead) {
            for seq in page.cursor.positions.values_mut() {
                *seq = seq.next();
            }
        }
    }
}

impl Memory {
    /// What was pushed over a link in this place.
    fn pushed_on(&self, link: usize, near: &Entry, seq: Seq) -> Option<Push> {
        let mut pushed = self.pushed.iter().filter(|(of, _)| *of == link);
        let found = pushed.find(|(_, push)| match push {
            Push::Entry(entry) => entry.conversation == near.conversation && entry.seq == seq,
            _ => false,
        });
        found.map(|(_, push)| push.clone())
    }
}
