//! Members and their positions in memory.

use std::{
    collections::BTreeSet,
    ops::Bound::{Excluded, Included, Unbounded},
};

use async_trait::async_trait;
use im_core::{
    ConversationId, Member, Membership, Position, SettingsPatch, StoreError, Timestamp, UserId,
    port::{Advance, MemberStore, MembershipCount, PositionStore},
};

use super::{MemoryStore, State};
use crate::rows::MemberRow;

impl State {
    fn row(&self, conversation: ConversationId, user: &UserId) -> Option<&MemberRow> {
        self.rows.members.get(&(conversation, user.clone()))
    }

    fn is_present(&self, conversation: ConversationId, user: &UserId) -> bool {
        self.row(conversation, user)
            .is_some_and(|row| row.left.is_none())
    }

    /// The present members after a user, by user id.
    fn present(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
    ) -> Result<impl Iterator<Item = (&UserId, &MemberRow)>, StoreError> {
        // No user id sorts before "!": it is the smallest printable character that is no space.
        let first = UserId::new("!").map_err(|error| StoreError::new("reading a roster", error))?;
        let from = after.map_or(Included((conversation, first)), |user| {
            Excluded((conversation, user.clone()))
        });
        let rows = self.rows.members.range((from, Unbounded));
        let own = rows.take_while(move |((at, _), _)| *at == conversation);
        let present = own.filter(|(_, row)| row.left.is_none());
        Ok(present.map(|((_, user), row)| (user, row)))
    }

    fn membership(&self, user: &UserId, conversation: ConversationId) -> Option<Membership> {
        let snapshot = self.snapshot(conversation)?;
        let row = self.row(conversation, user)?;
        Some(row.membership(user, conversation, snapshot))
    }

    fn conversations(&self, user: &UserId) -> Vec<ConversationId> {
        let all = self.conversations_of.get(user).into_iter().flatten();
        all.filter(|at| self.is_present(**at, user))
            .copied()
            .collect()
    }
}

#[async_trait]
impl MemberStore for MemoryStore {
    async fn members(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Member>, StoreError> {
        let state = self.state();
        let present = users
            .iter()
            .filter(|user| state.is_present(conversation, user));
        let members = present.filter_map(|user| Some(state.row(conversation, user)?.member(user)));
        Ok(members.collect())
    }

    async fn roster(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        let state = self.state();
        let present = state.present(conversation, after)?.take(limit);
        Ok(present.map(|(user, row)| row.member(user)).collect())
    }

    async fn membership(
        &self,
        user: &UserId,
        conversation: ConversationId,
    ) -> Result<Option<Membership>, StoreError> {
        Ok(self.state().membership(user, conversation))
    }

    async fn memberships(
        &self,
        user: &UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Membership>, StoreError> {
        let state = self.state();
        let Some(conversations) = state.conversations_of.get(user) else {
            return Ok(Vec::new());
        };
        let from = after.map_or(Unbounded, Excluded);
        let page = conversations.range((from, Unbounded)).take(limit);
        Ok(page
            .filter_map(|conversation| state.membership(user, *conversation))
            .collect())
    }

    async fn conversations_of(&self, user: &UserId) -> Result<Vec<ConversationId>, StoreError> {
        Ok(self.state().conversations(user))
    }

    async fn sharing(&self, user: &UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let state = self.state();
        let conversations = state.conversations(user);
        let shares = |other: &&UserId| conversations.iter().any(|at| state.is_present(*at, other));
        Ok(others.iter().filter(shares).cloned().collect())
    }

    async fn change_settings(
        &self,
        user: &UserId,
        conversation: ConversationId,
        changes: SettingsPatch,
        now: Timestamp,
    ) -> Result<Option<Membership>, StoreError> {
        let mut state = self.state();
        let key = (conversation, user.clone());
        state.rows.change(key, |row| {
            row.settings = changes.applied_to(std::mem::take(&mut row.settings), now);
        });
        Ok(state.membership(user, conversation))
    }
}

#[async_trait]
impl MembershipCount for MemoryStore {
    async fn in_at_least(&self, least: usize, users: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let state = self.state();
        let users: BTreeSet<_> = users.iter().collect();
        let found = users
            .into_iter()
            .filter(|user| state.conversations(user).len() >= least);
        Ok(found.cloned().collect())
    }
}

#[async_trait]
impl PositionStore for MemoryStore {
    async fn advance(&self, advances: Vec<Advance>) -> Result<(), StoreError> {
        let mut state = self.state();
        for advance in &advances {
            state.rows.advance(advance);
        }
        Ok(())
    }

    async fn position(
        &self,
        conversation: ConversationId,
        user: &UserId,
    ) -> Result<Option<Position>, StoreError> {
        Ok(self.state().row(conversation, user).map(|row| row.position))
    }

    async fn positions(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<(Member, Position)>, StoreError> {
        let state = self.state();
        let present = state.present(conversation, after)?.take(limit);
        let rows = present.map(|(user, row)| (row.member(user), row.position));
        Ok(rows.collect())
    }
}
