//! What members attached to messages: reactions, votes, threads.

use async_trait::async_trait;

use crate::{ConversationId, Seq, StoreError, UserId, state::MarkKind};

/// How often something is attached to a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MarkCount {
    /// To which message.
    pub target: Seq,
    /// What.
    pub value: String,
    /// By how many members.
    pub count: u64,
    /// Whether the one who asks is among them.
    pub mine: bool,
}

/// A thread, counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ThreadCount {
    /// The message that it began with.
    pub root: Seq,
    /// Messages in it, beside that one; those whose content is gone too.
    pub count: u64,
    /// The last of them.
    pub last: Seq,
}

/// Reads what [`LogStore::append`](super::LogStore::append) keeps by [`traces`](crate::state::traces).
///
/// # Contract
/// - Reads see everything that an `append` stored before they began.
/// - When the content of a message is gone, so is everything that was attached to it.
#[async_trait]
pub trait AnnotationStore: Send + Sync + 'static {
    /// Counts what of a kind is attached to `targets`, by target and, within one, most often first, then by value.
    async fn marks(
        &self,
        conversation: ConversationId,
        kind: MarkKind,
        targets: &[Seq],
        viewer: &UserId,
    ) -> Result<Vec<MarkCount>, StoreError>;

    /// What `user` attached of a kind to a message, in the order of bytes.
    async fn marks_of(
        &self,
        conversation: ConversationId,
        kind: MarkKind,
        target: Seq,
        user: &UserId,
    ) -> Result<Vec<String>, StoreError>;

    /// A page of those who attached `value` to a message, by user id.
    async fn markers(
        &self,
        conversation: ConversationId,
        kind: MarkKind,
        target: Seq,
        value: &str,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError>;

    /// Counts those of `roots` that have a thread, in order.
    async fn threads(
        &self,
        conversation: ConversationId,
        roots: &[Seq],
    ) -> Result<Vec<ThreadCount>, StoreError>;

    /// A page of a thread: seqs after `after`, ascending.
    async fn thread(
        &self,
        conversation: ConversationId,
        root: Seq,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Seq>, StoreError>;
}
