//! Erasing users in memory.

use std::ops::Bound;

use async_trait::async_trait;
use im_core::{
    ConversationId, Seq, Settings, StoreError, Timestamp, UserId,
    port::{Erasure, ErasureStore},
};

use super::{MemoryStore, State};

/// How far an erasure came.
pub(super) struct Progress {
    begun_at_ms: Timestamp,
    due: Option<Timestamp>,
    /// Up to which entry of which conversation, in the order of their ids.
    done: Option<(ConversationId, Seq)>,
}

impl State {
    fn take_step(&mut self, user: &UserId, limit: usize) -> bool {
        let Some(done) = self.erasures.get(user).map(|progress| progress.done) else {
            return true;
        };
        if let Some((at, after)) = done
            && let Some(log) = self.logs.get_mut(&at)
            && after < log.last()
        {
            let (upto, traces) = log.erase(user, after, limit);
            for (entry, traces) in traces {
                self.traces.leave(&entry, traces);
            }
            self.note(user, (at, upto));
            return false;
        }
        if let Some(next) = self.next_conversation(user, done) {
            let key = (next, user.clone());
            if let Some(row) = self.rows.members.get_mut(&key) {
                row.nickname = None;
                row.settings = Settings::default();
            }
            self.note(user, (next, Seq::ZERO));
            return false;
        }
        self.delete_owned(user)
    }

    fn note(&mut self, user: &UserId, done: (ConversationId, Seq)) {
        if let Some(progress) = self.erasures.get_mut(user) {
            progress.done = Some(done);
        }
    }

    fn next_conversation(
        &self,
        user: &UserId,
        done: Option<(ConversationId, Seq)>,
    ) -> Option<ConversationId> {
        let after = done.map_or(Bound::Unbounded, |(at, _)| Bound::Excluded(at));
        let all = self.conversations_of.get(user)?;
        all.range((after, Bound::Unbounded)).next().copied()
    }

    /// In memory all of it is one step. `true` when there was nothing.
    fn delete_owned(&mut self, user: &UserId) -> bool {
        let count = self.owned();
        self.devices.retain(|(owner, _), _| owner != user);
        self.blocks.retain(|(owner, _), _| owner != user);
        self.requests.retain(|(_, who), _| who != user);
        self.deletions.retain(|(owner, _, _), _| owner != user);
        self.own.remove(user);
        self.traces.forget_mentions(user);
        let had_tokens = self.tokens.remove(user);
        let had_records = self.audit.erase(user);
        let had_reports = self.reports.erase(user);
        count == self.owned() && !had_tokens && !had_records && !had_reports
    }

    fn owned(&self) -> usize {
        self.devices.len()
            + self.blocks.len()
            + self.requests.len()
            + self.deletions.len()
            + self.own.len()
    }
}

fn erasure(user: &UserId, progress: &Progress) -> Erasure {
    Erasure {
        user: user.clone(),
        begun_at_ms: progress.begun_at_ms,
    }
}

#[async_trait]
impl ErasureStore for MemoryStore {
    async fn begin(&self, user: &UserId, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state();
        let begun = Progress {
            begun_at_ms: now,
            due: Some(now),
            done: None,
        };
        state.erasures.entry(user.clone()).or_insert(begun);
        state.accounts.remove(user);
        state.profiles.remove(user);
        state.standings.erase(user);
        Ok(())
    }

    async fn erasure(&self, user: &UserId) -> Result<Option<Erasure>, StoreError> {
        let state = self.state();
        let progress = state.erasures.get(user);
        Ok(progress.map(|progress| erasure(user, progress)))
    }

    async fn step(&self, user: &UserId, limit: usize) -> Result<bool, StoreError> {
        Ok(self.state().take_step(user, limit))
    }

    async fn end_round(&self, user: &UserId, due: Option<Timestamp>) -> Result<(), StoreError> {
        if let Some(progress) = self.state().erasures.get_mut(user) {
            progress.due = due;
            progress.done = None;
        }
        Ok(())
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Erasure>, StoreError> {
        let state = self.state();
        let due = |progress: &Progress| progress.due.filter(|due| *due <= now);
        let all = state.erasures.iter();
        let mut found: Vec<_> = all
            .filter_map(|(user, progress)| Some((due(progress)?, erasure(user, progress))))
            .collect();
        found.sort_by_key(|(due, _)| *due);
        Ok(found.into_iter().take(limit).map(|(_, it)| it).collect())
    }
}
