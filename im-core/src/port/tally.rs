//! What makes an unread count exact, and what a user deleted for itself.

use async_trait::async_trait;

use crate::{ConversationId, Seq, StoreError, UserId};

/// A part of a log: later than `after`, up to `end`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Span {
    /// Which log.
    pub conversation: ConversationId,
    /// Entries later than this one.
    pub after: Seq,
    /// Up to this one.
    pub end: Seq,
}

/// What of a part of a log a user need not read, and what it should.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tally {
    /// Which log.
    pub conversation: ConversationId,
    /// Countable messages in it whose content is gone, or that the user deleted for itself.
    pub gone: u64,
    /// Messages in it that call the user, by name or with everybody, and are not among the former. Each once.
    pub mentions: u64,
}

/// Counts of what [`LogStore::append`](super::LogStore::append) keeps by [`traces`](crate::state::traces), and the
/// deletions of users.
///
/// # Contract
/// - Reads see everything that an `append` or `delete` stored before they began.
/// - A message that is both gone and deleted counts once.
#[async_trait]
pub trait TallyStore: Send + Sync + 'static {
    /// Counts in each span, in the order asked for. At most one span for each conversation.
    async fn tallies(&self, user: &UserId, spans: &[Span]) -> Result<Vec<Tally>, StoreError>;

    /// Deletes messages for one user alone, and raises the version of the user's row in the conversation. Those that are
    /// deleted already stay so. `false` when the user has no row there.
    async fn delete(
        &self,
        user: &UserId,
        conversation: ConversationId,
        seqs: &[Seq],
    ) -> Result<bool, StoreError>;

    /// Which entries of a span the user deleted, ascending.
    async fn deleted(&self, user: &UserId, span: Span) -> Result<Vec<Seq>, StoreError>;

    /// Which entries of a conversation the user deleted after its rows had `version`, ascending; at most `limit`.
    async fn deleted_since(
        &self,
        user: &UserId,
        conversation: ConversationId,
        version: u64,
        limit: usize,
    ) -> Result<Vec<Seq>, StoreError>;
}
