//! Rows of members, positions and tallies that are wrong.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::{Bug, Bugs};
use crate::{
    ConversationId, Entry, Member, Membership, Position, Seq, SettingsPatch, StoreError, Timestamp,
    UserId,
    port::{Advance, MemberStore, PositionStore, Span, Tally, TallyStore},
};

struct Wrong<P: ?Sized> {
    inner: Arc<P>,
    bugs: Bugs,
    /// Members as they were once.
    known: Mutex<Vec<(ConversationId, Member)>>,
}

fn wrong<P: ?Sized>(inner: &Arc<P>, bugs: &Bugs) -> Arc<Wrong<P>> {
    Arc::new(Wrong {
        inner: Arc::clone(inner),
        bugs: bugs.clone(),
        known: Mutex::default(),
    })
}

pub(super) fn wrong_members(inner: &Arc<dyn MemberStore>, bugs: &Bugs) -> Arc<dyn MemberStore> {
    wrong(inner, bugs)
}

pub(super) fn wrong_positions(
    inner: &Arc<dyn PositionStore>,
    bugs: &Bugs,
) -> Arc<dyn PositionStore> {
    wrong(inner, bugs)
}

pub(super) fn wrong_tallies(inner: &Arc<dyn TallyStore>, bugs: &Bugs) -> Arc<dyn TallyStore> {
    wrong(inner, bugs)
}

impl<P: ?Sized> Wrong<P> {
    fn falsify(&self, row: &mut Membership) {
        if self.bugs.is(Bug::LeftForgotten) {
            row.left = None;
        }
        if self.bugs.is(Bug::SinceForgotten) {
            row.member.since = Seq(1);
        }
        self.falsify_position(&mut row.position);
    }

    fn falsify_position(&self, position: &mut Position) {
        if self.bugs.strikes(Bug::PositionBack) {
            *position = Position::default();
        }
    }
}

#[async_trait]
impl MemberStore for Wrong<dyn MemberStore> {
    async fn members(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Member>, StoreError> {
        let mut members = self.inner.members(conversation, users).await?;
        if self.bugs.is(Bug::RemovedMemberKept) {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let former = known.iter().filter(|(at, member)| {
                let is_here = members.iter().any(|other| other.user == member.user);
                *at == conversation && users.contains(&member.user) && !is_here
            });
            let former: Vec<_> = former.map(|(_, member)| member.clone()).collect();
            known.retain(|(at, member)| {
                *at != conversation || members.iter().all(|other| other.user != member.user)
            });
            known.extend(members.iter().map(|member| (conversation, member.clone())));
            members.extend(former);
        }
        Ok(members)
    }

    async fn roster(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        self.inner.roster(conversation, after, limit).await
    }

    async fn membership(
        &self,
        user: &UserId,
        conversation: ConversationId,
    ) -> Result<Option<Membership>, StoreError> {
        let mut row = self.inner.membership(user, conversation).await?;
        if let Some(row) = &mut row {
            self.falsify(row);
        }
        Ok(row)
    }

    async fn memberships(
        &self,
        user: &UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Membership>, StoreError> {
        let mut rows = self.inner.memberships(user, after, limit).await?;
        for row in &mut rows {
            self.falsify(row);
        }
        if self.bugs.strikes(Bug::MembershipHidden) {
            rows.pop();
        }
        Ok(rows)
    }

    async fn conversations_of(&self, user: &UserId) -> Result<Vec<ConversationId>, StoreError> {
        self.inner.conversations_of(user).await
    }

    async fn sharing(&self, user: &UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        self.inner.sharing(user, others).await
    }

    async fn change_settings(
        &self,
        user: &UserId,
        conversation: ConversationId,
        changes: SettingsPatch,
        now: Timestamp,
    ) -> Result<Option<Membership>, StoreError> {
        let members = &self.inner;
        members
            .change_settings(user, conversation, changes, now)
            .await
    }
}

#[async_trait]
impl PositionStore for Wrong<dyn PositionStore> {
    async fn advance(&self, mut advances: Vec<Advance>) -> Result<(), StoreError> {
        if self.bugs.strikes(Bug::AdvanceForgotten) {
            return Ok(());
        }
        for advance in &mut advances {
            if self.bugs.is(Bug::ReadOrdinalOff) && advance.position.read > Seq::ZERO {
                advance.position.read_ordinal += 1;
            }
        }
        if self.bugs.strikes(Bug::AdvanceOfAnother) {
            for advance in &mut advances {
                let page = self.inner.positions(advance.conversation, None, 10).await?;
                let mut others = page.into_iter().map(|(member, _)| member.user);
                if let Some(other) = others.find(|user| *user != advance.user) {
                    advance.user = other;
                }
            }
        }
        self.inner.advance(advances).await
    }

    async fn position(
        &self,
        conversation: ConversationId,
        user: &UserId,
    ) -> Result<Option<Position>, StoreError> {
        let mut position = self.inner.position(conversation, user).await?;
        if let Some(position) = &mut position {
            self.falsify_position(position);
        }
        Ok(position)
    }

    async fn positions(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<(Member, Position)>, StoreError> {
        self.inner.positions(conversation, after, limit).await
    }
}

#[async_trait]
impl TallyStore for Wrong<dyn TallyStore> {
    async fn tallies(&self, user: &UserId, spans: &[Span]) -> Result<Vec<Tally>, StoreError> {
        let mut tallies = self.inner.tallies(user, spans).await?;
        for tally in &mut tallies {
            tally.gone += u64::from(self.bugs.is(Bug::TallyOff));
        }
        Ok(tallies)
    }

    async fn latest(&self, spans: &[Span]) -> Result<Vec<Entry>, StoreError> {
        self.inner.latest(spans).await
    }

    async fn delete(
        &self,
        user: &UserId,
        conversation: ConversationId,
        seqs: &[Seq],
    ) -> Result<bool, StoreError> {
        self.inner.delete(user, conversation, seqs).await
    }

    async fn deleted(
        &self,
        user: &UserId,
        spans: &[Span],
    ) -> Result<Vec<(ConversationId, Seq)>, StoreError> {
        self.inner.deleted(user, spans).await
    }

    async fn deleted_since(
        &self,
        user: &UserId,
        conversation: ConversationId,
        version: u64,
        limit: usize,
    ) -> Result<Vec<Seq>, StoreError> {
        let tallies = &self.inner;
        tallies
            .deleted_since(user, conversation, version, limit)
            .await
    }
}
