//! Who stands before the door of a conversation: bans, requests to get in, invite links.

use async_trait::async_trait;

use crate::{ConversationId, Invite, JoinRequest, StoreError, Timestamp, UserId};

/// A user who cannot come in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Banned {
    /// Who.
    pub user: UserId,
    /// Until when; [`Timestamp::FOREVER`] for ever.
    pub until_ms: Timestamp,
}

/// Bans, which [`LogStore::append`](super::LogStore::append) keeps by [`traces`](crate::state::traces), and what is not in
/// the log: requests and invite links.
///
/// # Contract
/// - Reads see everything that was stored before they began.
/// - Lists are ordered by the bytes of the id.
#[async_trait]
pub trait DoorStore: Send + Sync + 'static {
    /// Those of `users` who are banned at `now`.
    async fn banned(
        &self,
        conversation: ConversationId,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<Banned>, StoreError>;

    /// A page of those who are banned at `now`, by user id.
    async fn bans(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Banned>, StoreError>;

    /// Stores a request to get in, in place of an earlier one of the same user.
    async fn put_request(&self, request: JoinRequest) -> Result<(), StoreError>;

    /// A page of the requests, by user id.
    async fn requests(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<JoinRequest>, StoreError>;

    /// Those of `users` who asked, in any order.
    async fn requested(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<UserId>, StoreError>;

    /// Removes the requests of `users`. Returns how many there were.
    async fn remove_requests(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<usize, StoreError>;

    /// How many wait, counted up to `most`.
    async fn count_requests(
        &self,
        conversation: ConversationId,
        most: usize,
    ) -> Result<usize, StoreError>;
}

/// Invite links.
///
/// # Contract
/// - `spend` takes one use or none, also when several come at the same moment: a link lets in no more than it may.
#[async_trait]
pub trait InviteStore: Send + Sync + 'static {
    /// Stores a link.
    async fn put(&self, invite: Invite) -> Result<(), StoreError>;

    /// The links of a conversation, the newest first, also those that are over.
    async fn invites(
        &self,
        conversation: ConversationId,
        limit: usize,
    ) -> Result<Vec<Invite>, StoreError>;

    /// The link of this code.
    async fn invite(&self, code: &str) -> Result<Option<Invite>, StoreError>;

    /// Takes one use of a link that is good at `now`. `false` when it has none left, is over, or is no link.
    async fn spend(&self, code: &str, now: Timestamp) -> Result<bool, StoreError>;

    /// Gives back a use that was spent and let nobody in. Nothing happens to a link that is gone, or lets in any number.
    async fn give_back(&self, code: &str) -> Result<(), StoreError>;

    /// Removes a link of a conversation. `false` when there was none.
    async fn remove(&self, conversation: ConversationId, code: &str) -> Result<bool, StoreError>;
}
