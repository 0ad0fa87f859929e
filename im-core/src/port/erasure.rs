//! Erasing users: marked first, done in bounded steps, gone on with after a crash.

use async_trait::async_trait;

use crate::{StoreError, Timestamp, UserId};

/// An erasure that is to be gone on with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Erasure {
    /// Whose.
    pub user: UserId,
    /// Since when.
    pub begun_at_ms: Timestamp,
}

/// What a store must forget of a user.
///
/// # Contract
/// - `begin` marks the user for ever, and in the same transaction deletes its account with password and identifiers, its
///   profile, its standing, and what is known of its real name. From then on [`AccountStore::create`](super::AccountStore::create)
///   says [`Created::Erased`](super::Created::Erased).
/// - The steps that follow take what the user said out of every log that it ever was a member of, by
///   [`Entry::erase`](crate::Entry::erase) of each entry: the traces that this returns are applied, what a wiped message
///   said before its edits goes, and so does the hash of the user's own request. Its name, settings and deletions in those
///   conversations go, and who calls it there is not counted any more. Then its devices, tokens, blocks, rows of
///   its own and requests to get in are deleted, what the audit log says was asked about it, and what it said in
///   reports. What stays is its id, where a log or a
///   list names it.
/// - A step is one transaction and touches `limit` entries or rows at most. What it did is noted in it: whoever goes on,
///   on whatever node, goes on behind it. Steps of an erasure that has nothing left change nothing.
#[async_trait]
pub trait ErasureStore: Send + Sync + 'static {
    /// Marks a user as being erased, due at once. Does nothing for one who is.
    async fn begin(&self, user: &UserId, now: Timestamp) -> Result<(), StoreError>;

    /// Since when a user is being erased, or was erased.
    async fn erasure(&self, user: &UserId) -> Result<Option<Erasure>, StoreError>;

    /// Takes a step. `true` when there is nothing left to do.
    async fn step(&self, user: &UserId, limit: usize) -> Result<bool, StoreError>;

    /// Ends a round: the next begins from the start and is due then, or never.
    async fn end_round(&self, user: &UserId, due: Option<Timestamp>) -> Result<(), StoreError>;

    /// Erasures that are due, at most `limit`, the longest due first.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Erasure>, StoreError>;
}
