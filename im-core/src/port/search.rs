//! Finding messages by what they say.

use async_trait::async_trait;

use crate::{ConversationId, Entry, Needle, Seq, StoreError, Timestamp};

/// What to look for in a part of one log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Search {
    /// Which log.
    pub conversation: ConversationId,
    /// What a message must have.
    pub needle: Needle,
    /// Only entries after this one.
    pub after: Seq,
    /// Only entries before this one; at most the seq after the head.
    pub before: Seq,
    /// At most so many messages, at least 1.
    pub hits: usize,
}

/// What was found, and what is left to look through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// What is left; `None` when everything was looked through.
    pub rest: Option<Rest>,
}

/// The part of a log that is left to look through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rest {
    /// The entries before this one.
    pub before: Seq,
    /// None of them is later.
    pub at_ms: Timestamp,
}

/// Looks through logs for messages.
///
/// # Contract
/// - `search` finds exactly the messages of the part that [match](Needle::matches) by what they say now: everything that
///   an append, edit or recall stored before it began is seen, and a message that was recalled is not found.
/// - One call looks at a bounded part, whatever the log's length: `rest` says what is left, always less than was asked
///   for. Nothing at or beyond `rest.before` is left out, and nothing before it is found.
/// - An append costs nothing for this: what a store derives, it derives later. Until then it finds the same, slower.
/// - What is derived from a message is gone when its recall is stored.
#[async_trait]
pub trait SearchStore: Send + Sync + 'static {
    /// Looks from the end of a part towards its beginning.
    async fn search(&self, search: Search) -> Result<Found, StoreError>;

    /// Derives now what makes later searches of this log fast: after an import, say.
    async fn prepare(&self, conversation: ConversationId) -> Result<(), StoreError>;
}
