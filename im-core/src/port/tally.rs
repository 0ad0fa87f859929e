//! What a list of conversations shows beside their rows: what is unread and what was said last, as far as a user did not
//! delete it for itself.

use async_trait::async_trait;

use crate::{ConversationId, Entry, Seq, StoreError, UserId};

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

/// Counts of what [`LogStore::append`](super::LogStore::append) keeps by [`traces`](crate::state::traces), the ends of
/// logs, and the deletions of users. Each read is for many conversations at once, by as many statements as for one.
///
/// # Contract
/// - Reads see everything that an `append` or `delete` stored before they began.
/// - A message that is both gone and deleted counts once.
#[async_trait]
pub trait TallyStore: Send + Sync + 'static {
    /// Counts in each span, in the order asked for. At most one span for each conversation.
    async fn tallies(&self, user: &UserId, spans: &[Span]) -> Result<Vec<Tally>, StoreError>;

    /// What was said last in each span, in any order: the last message, whether or not its content is gone, or the last
    /// entry where none of them is a message. Nothing for a span without entries. Whoever asks for long spans asks for a
    /// look at each of their entries.
    async fn latest(&self, spans: &[Span]) -> Result<Vec<Entry>, StoreError>;

    /// Deletes messages for one user alone, and raises the version of the user's row in the conversation. Those that are
    /// deleted already stay so. `false` when the user has no row there.
    async fn delete(
        &self,
        user: &UserId,
        conversation: ConversationId,
        seqs: &[Seq],
    ) -> Result<bool, StoreError>;

    /// Which entries of some spans the user deleted, ascending by conversation and seq. At most one span for each
    /// conversation.
    async fn deleted(
        &self,
        user: &UserId,
        spans: &[Span],
    ) -> Result<Vec<(ConversationId, Seq)>, StoreError>;

    /// Which entries of a conversation the user deleted after its rows had `version`, ascending; at most `limit`.
    async fn deleted_since(
        &self,
        user: &UserId,
        conversation: ConversationId,
        version: u64,
        limit: usize,
    ) -> Result<Vec<Seq>, StoreError>;
}
