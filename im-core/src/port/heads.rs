//! How far logs have come.

use async_trait::async_trait;

use crate::{ConversationId, Seq, StoreError};

/// The heads of many logs.
///
/// # Contract
/// - Sees everything that an `append` stored before it began.
/// - Conversations that are not there are left out; the others come in any order, each once.
/// - The cost follows from the conversations that are asked for, not from the length of a log.
#[async_trait]
pub trait HeadStore: Send + Sync + 'static {
    /// The last seq of each of `conversations`.
    async fn heads(
        &self,
        conversations: &[ConversationId],
    ) -> Result<Vec<(ConversationId, Seq)>, StoreError>;

    /// How far the store as a whole has come: a number that every append to any log raises, and that never goes down. Of two
    /// states of one history the older one has the lower; 0 where nothing was appended yet.
    async fn reached(&self) -> Result<u64, StoreError>;
}
