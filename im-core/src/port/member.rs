//! Who is in which conversation, and how they keep it.

use async_trait::async_trait;

use crate::{ConversationId, Member, Membership, SettingsPatch, StoreError, Timestamp, UserId};

/// Reads the rows that [`LogStore::append`](super::LogStore::append) keeps, and writes settings.
///
/// # Contract
/// - Reads see everything that an `append` stored before they began.
/// - Changes of settings apply to what stands, one after the other: those of different settings all hold, whatever the
///   number of devices that change them at the same moment.
/// - Lists are ordered by the bytes of the id, page by index alone, and never skip or repeat a row that stands still.
#[async_trait]
pub trait MemberStore: Send + Sync + 'static {
    /// Those of `users` who are members now, in any order.
    async fn members(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Member>, StoreError>;

    /// A page of the present members, by user id.
    async fn roster(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError>;

    /// One user's row, also of a former member.
    async fn membership(
        &self,
        user: &UserId,
        conversation: ConversationId,
    ) -> Result<Option<Membership>, StoreError>;

    /// A page of one user's rows, by conversation id; with `left` set where the user is no member any more.
    async fn memberships(
        &self,
        user: &UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Membership>, StoreError>;

    /// The conversations that the user is a member of now.
    async fn conversations_of(&self, user: &UserId) -> Result<Vec<ConversationId>, StoreError>;

    /// Those of `others` who share a conversation with `user` now.
    async fn sharing(&self, user: &UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError>;

    /// Changes the settings, as of `now`, and raises the row's version. `None` when the user has no such row.
    async fn change_settings(
        &self,
        user: &UserId,
        conversation: ConversationId,
        changes: SettingsPatch,
        now: Timestamp,
    ) -> Result<Option<Membership>, StoreError>;
}
