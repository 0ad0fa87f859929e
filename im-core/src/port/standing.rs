//! What admins decided about users.

use async_trait::async_trait;

use crate::{Standing, StoreError, UserId};

/// A standing as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VersionedStanding {
    /// Whose.
    pub user: UserId,
    /// What was decided.
    pub standing: Standing,
    /// The change that made it so.
    pub version: u64,
}

/// A standing to be stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StandingWrite {
    /// Whose.
    pub user: UserId,
    /// What is decided.
    pub standing: Standing,
    /// The version that it takes the place of; 0 where there is none.
    pub expected: u64,
    /// Refused when nobody would be an admin after it.
    pub keeps_an_admin: bool,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StandingWritten {
    /// It is durable, under this version.
    Stored(u64),
    /// Nothing is stored: another version stands. Read again and decide again.
    Conflict,
    /// Nothing is stored: nobody else is an admin.
    LastAdmin,
}

/// Standings of users.
///
/// # Contract
/// - Versions grow with every write, whoever's standing it is, and one that is seen by a read has no lesser one that comes to
///   be seen later. So whoever has read up to a version goes on behind it, and misses nothing.
/// - Two writes that expect the same version never both succeed, and two admins never both take the last place of the other.
/// - A standing that became [plain](Standing::is_plain) is kept with its version, so that others hear of it; it is not listed.
/// - The erasure of a user takes its standing away.
#[async_trait]
pub trait StandingStore: Send + Sync + 'static {
    /// The standing of a user about whom anything was ever decided.
    async fn standing(&self, user: &UserId) -> Result<Option<VersionedStanding>, StoreError>;

    /// Puts a standing in the place of another.
    async fn put(&self, write: StandingWrite) -> Result<StandingWritten, StoreError>;

    /// A page of those that are not plain, by user id.
    async fn list(
        &self,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<VersionedStanding>, StoreError>;

    /// A page of those that were written after a version, by version; also plain ones.
    async fn changed(&self, after: u64, limit: usize)
    -> Result<Vec<VersionedStanding>, StoreError>;
}
