//! The log in memory.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use im_core::{
    Body, ClientId, Content, ConversationId, Entry, Epoch, Head, Message, Revision, Seq,
    StoreError, Timestamp, UserId,
    port::{Append, Appended, HeadStore, Known, LogStore, NewEntry, Range, Snapshot},
    state::Trace,
};

use super::{MemoryStore, State};
use crate::rows;

/// One conversation's entries; the one with seq `n` is at index `n - 1`.
#[derive(Default)]
pub(super) struct Log {
    entries: Vec<NewEntry>,
    seqs: HashMap<(UserId, ClientId), Seq>,
    /// The edits of each message that has any, and what it said before each.
    edits: HashMap<Seq, Vec<(Seq, Content)>>,
}

fn index(seq: Seq) -> usize {
    usize::try_from(seq.0).unwrap_or(usize::MAX)
}

impl Log {
    fn push(&mut self, new: NewEntry) {
        let entry = &new.entry;
        let key = (entry.sender.clone(), entry.client_id.clone());
        self.seqs.insert(key, entry.seq);
        let revisions = entry.revisions();
        if let Body::Edited { target, .. } = entry.body {
            let (at, before) = (entry.seq, self.message(target));
            if let Some(before) = before.map(|message| message.content.clone()) {
                self.edits.entry(target).or_default().push((at, before));
            }
        }
        self.entries.push(new);
        for revision in revisions {
            self.revise(&revision);
        }
    }

    fn message(&self, seq: Seq) -> Option<&Message> {
        let new = self.entries.get(index(seq).wrapping_sub(1))?;
        new.entry.body.as_message()
    }

    fn revise(&mut self, revision: &Revision) {
        let target = revision.target();
        if let Revision::Wipe { .. } = revision {
            for (edit, _) in self.edits.remove(&target).into_iter().flatten() {
                self.entries[index(edit) - 1].entry.revise(revision);
            }
        }
        let place = index(target).wrapping_sub(1);
        if let Some(new) = self.entries.get_mut(place) {
            new.entry.revise(revision);
        }
    }

    /// The entries after one and before another.
    pub(super) fn entries(&self, after: Seq, before: Seq) -> &[NewEntry] {
        let to = index(before.previous()).min(self.entries.len());
        &self.entries[index(after).min(to)..to]
    }

    /// The last seq.
    pub(super) fn last(&self) -> Seq {
        self.head().0.seq
    }

    /// Takes what a user said out of at most `limit` entries after a seq. Returns the last that was looked at, and what the
    /// changes leave beside the log.
    pub(super) fn erase(
        &mut self,
        user: &UserId,
        after: Seq,
        limit: usize,
    ) -> (Seq, Vec<(Entry, Vec<Trace>)>) {
        let part = self.entries.iter_mut().skip(index(after)).take(limit);
        let (mut upto, mut left) = (after, Vec::new());
        for new in part {
            upto = new.entry.seq;
            let Some(traces) = new.entry.erase(user) else {
                continue;
            };
            if new.entry.sender == *user {
                new.fingerprint = 0;
            }
            self.edits.remove(&upto);
            left.push((new.entry.clone(), traces));
        }
        (upto, left)
    }

    fn head(&self) -> (Head, Timestamp) {
        self.entries.last().map_or_else(Default::default, |new| {
            let entry = &new.entry;
            let head = Head {
                seq: entry.seq,
                ordinal: entry.ordinal,
            };
            (head, entry.at_ms)
        })
    }
}

impl State {
    pub(super) fn snapshot(&self, conversation: ConversationId) -> Option<Snapshot> {
        let (head, last_at_ms) = self.logs.get(&conversation)?.head();
        Some(Snapshot {
            info: self.rows.conversations.get(&conversation)?.clone(),
            head,
            last_at_ms,
        })
    }
}

#[async_trait]
impl LogStore for MemoryStore {
    async fn epoch(&self) -> Result<Epoch, StoreError> {
        Ok(self.state().epoch)
    }

    async fn renew_epoch(&self) -> Result<Epoch, StoreError> {
        let epoch = Epoch::random();
        self.state().epoch = epoch;
        Ok(epoch)
    }

    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        rows::check(&append).map_err(|error| StoreError::new("appending", error))?;
        let mut state = self.state();
        let State {
            rows,
            traces,
            logs,
            conversations_of,
            ..
        } = &mut *state;
        let empty = Log::default();
        let log = logs.get(&append.conversation).unwrap_or(&empty);
        let is_known = |new: &NewEntry| {
            let entry = &new.entry;
            log.seqs
                .contains_key(&(entry.sender.clone(), entry.client_id.clone()))
        };
        if append.entries.iter().any(is_known) {
            return Ok(Appended::Duplicate);
        }
        if log.head().0.seq != append.after {
            return Ok(Appended::Conflict);
        }
        let log = logs.entry(append.conversation).or_default();
        for new in append.entries {
            rows.apply(&new.entry);
            traces.apply(&new.entry);
            log.push(new);
        }
        for (conversation, user) in std::mem::take(&mut rows.changed).members {
            let conversations = conversations_of.entry(user).or_default();
            conversations.insert(conversation);
        }
        Ok(Appended::Stored)
    }

    async fn load(&self, conversation: ConversationId) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.state().snapshot(conversation))
    }

    async fn read(
        &self,
        conversation: ConversationId,
        range: Range,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let state = self.state();
        let Some(log) = state.logs.get(&conversation) else {
            return Ok(Vec::new());
        };
        let count = log.entries.len();
        let (from, to) = match range {
            Range::After(seq) => {
                let from = index(seq).min(count);
                (from, from.saturating_add(limit).min(count))
            }
            Range::Before(seq) => {
                let to = index(seq.previous()).min(count);
                (to.saturating_sub(limit), to)
            }
        };
        let page = &log.entries[from..to];
        Ok(page.iter().map(|new| new.entry.clone()).collect())
    }

    async fn earlier(
        &self,
        conversation: ConversationId,
        target: Seq,
        limit: usize,
    ) -> Result<Vec<(Seq, Content)>, StoreError> {
        let state = self.state();
        let edits = state
            .logs
            .get(&conversation)
            .and_then(|log| log.edits.get(&target));
        let edits = edits.map_or(&[][..], Vec::as_slice);
        Ok(edits[edits.len().saturating_sub(limit)..].to_vec())
    }

    async fn find(
        &self,
        conversation: ConversationId,
        keys: &[(UserId, ClientId)],
    ) -> Result<Vec<Known>, StoreError> {
        let state = self.state();
        let Some(log) = state.logs.get(&conversation) else {
            return Ok(Vec::new());
        };
        let found = keys.iter().filter_map(|key| log.seqs.get(key));
        let known = found.map(|seq| {
            let new = &log.entries[index(*seq) - 1];
            Known {
                sender: new.entry.sender.clone(),
                client_id: new.entry.client_id.clone(),
                seq: *seq,
                at_ms: new.entry.at_ms,
                fingerprint: new.fingerprint,
            }
        });
        Ok(known.collect())
    }
}

#[async_trait]
impl HeadStore for MemoryStore {
    async fn heads(
        &self,
        conversations: &[ConversationId],
    ) -> Result<Vec<(ConversationId, Seq)>, StoreError> {
        let state = self.state();
        let asked: BTreeSet<_> = conversations.iter().copied().collect();
        let head = |id: ConversationId| Some((id, state.logs.get(&id)?.last()));
        Ok(asked.into_iter().filter_map(head).collect())
    }

    async fn reached(&self) -> Result<u64, StoreError> {
        let state = self.state();
        Ok(state.logs.values().map(|log| log.last().0).sum())
    }
}
