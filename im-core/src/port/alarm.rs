//! What happens to messages by themselves: their content goes, or they end.

use async_trait::async_trait;

use super::Span;
use crate::{ConversationId, Seq, StoreError, Timestamp, UserId};

/// A message whose time has come.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Alarm {
    /// When.
    pub at_ms: Timestamp,
    /// Where.
    pub conversation: ConversationId,
    /// Which.
    pub seq: Seq,
}

/// Reads what [`LogStore::append`](super::LogStore::append) keeps by [`traces`](crate::state::traces).
///
/// # Contract
/// - An alarm goes when the content of its message is gone, whatever the reason.
/// - A message is open from the entry that begins it to the one that ends it, or until its content is gone.
/// - By index alone: the cost follows from what is returned, not from the number of alarms.
#[async_trait]
pub trait AlarmStore: Send + Sync + 'static {
    /// Alarms at or before `now`, earliest first.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Alarm>, StoreError>;

    /// Messages that are open and were to end at or before `until`, earliest first.
    async fn open(&self, until: Timestamp, limit: usize) -> Result<Vec<Alarm>, StoreError>;

    /// The time of the first alarm.
    async fn next(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Sets the alarms of messages that go when they are read: those of others than `reader` in the span, to `now` and
    /// the time that each stays. A message that has an alarm keeps the earlier one, and is set once. Returns how many
    /// were set.
    async fn light(&self, reader: &UserId, span: Span, now: Timestamp)
    -> Result<usize, StoreError>;
}
