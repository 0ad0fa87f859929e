//! The log: the one durable truth.

use async_trait::async_trait;

use crate::{
    ClientId, Content, ConversationId, Entry, Epoch, Head, Info, Seq, StoreError, Timestamp, UserId,
};

/// An entry to append, with what identifies the request behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEntry {
    /// The entry, with its seq and ordinal.
    pub entry: Entry,
    /// Hash of the request. A retry has the same; another request under the same client id has another.
    pub fingerprint: i64,
}

/// Entries to append to one conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Append {
    /// Which conversation.
    pub conversation: ConversationId,
    /// The head that the writer knows: the first entry has the seq after it.
    pub after: Seq,
    /// At least one, with consecutive seqs and distinct `(sender, client_id)`.
    pub entries: Vec<NewEntry>,
}

/// What became of an [`Append`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Appended {
    /// All of it is durable.
    Stored,
    /// Nothing is stored: another writer took the seq. Read what was missed and decide again.
    Conflict,
    /// Nothing is stored: at least one client id is in the log already. Ask [`LogStore::find`] which.
    Duplicate,
}

/// An entry that is in the log, found by its client id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Known {
    /// Who sent it.
    pub sender: UserId,
    /// Under which client id.
    pub client_id: ClientId,
    /// Where it stands.
    pub seq: Seq,
    /// When it was accepted.
    pub at_ms: Timestamp,
    /// Hash of the request.
    pub fingerprint: i64,
}

/// A conversation's facts and the end of its log, true at the same moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Snapshot {
    /// The facts.
    pub info: Info,
    /// The end of the log.
    pub head: Head,
    /// When the last entry was accepted.
    pub last_at_ms: Timestamp,
}

/// Which entries to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Range {
    /// The first ones after this seq.
    After(Seq),
    /// The last ones before this seq.
    Before(Seq),
}

/// The entries of all conversations, and the snapshot rows that change with them.
///
/// # Contract
/// - `append` is atomic and durable when it returns `Stored`: all entries, their [`Revision`](crate::Revision)s, what
///   [`traces`](crate::state::traces) says that they leave, and the
///   rows of conversation, members and initial positions that [`roster_changes`](crate::state::roster_changes) derives
///   from them; or nothing of it.
/// - Seqs of a conversation are 1..=head without a hole, whatever the number of writers: two appends after the same
///   head never both succeed. `(conversation, sender, client_id)` is unique for ever.
/// - An `Err` leaves open whether the append happened; the caller finds out by `find`.
/// - `append` may be called concurrently, from several processes; dropping its future neither tears an append nor
///   blocks others.
/// - `info.member_count` is kept true by `append`.
#[async_trait]
pub trait LogStore: Send + Sync + 'static {
    /// Identity of this history; another one after a restore from a backup.
    async fn epoch(&self) -> Result<Epoch, StoreError>;

    /// Makes this another history, with an epoch that no history ever had: for use after a restore from a backup, while
    /// nobody else has the store open. Two restores of one backup are two histories.
    async fn renew_epoch(&self) -> Result<Epoch, StoreError>;

    /// Appends to one conversation. When both apply, `Duplicate` is said rather than `Conflict`.
    async fn append(&self, append: Append) -> Result<Appended, StoreError>;

    /// Facts and head; `None` when there is no such conversation.
    async fn load(&self, conversation: ConversationId) -> Result<Option<Snapshot>, StoreError>;

    /// At most `limit` entries, always in ascending order of seq, with their current content.
    async fn read(
        &self,
        conversation: ConversationId,
        range: Range,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError>;

    /// What a message said before its edits, with the seq of the edit that ended each: at most `limit`, the latest, oldest
    /// first. Nothing once its content is gone.
    async fn earlier(
        &self,
        conversation: ConversationId,
        target: Seq,
        limit: usize,
    ) -> Result<Vec<(Seq, Content)>, StoreError>;

    /// Those of `keys` that are in the log.
    async fn find(
        &self,
        conversation: ConversationId,
        keys: &[(UserId, ClientId)],
    ) -> Result<Vec<Known>, StoreError>;
}
