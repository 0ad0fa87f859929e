//! Rows of users' own.

use async_trait::async_trait;

use crate::{Own, OwnKey, OwnKind, OwnRow, RowKey, StoreError, Timestamp, UserId};

/// A row to write.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnWrite {
    /// Whose.
    pub user: UserId,
    /// Where among the user's rows.
    pub key: OwnKey,
    /// What it says from now on; `None` removes it.
    pub value: Option<Own>,
    /// From when on [`OwnStore::due`] finds it.
    pub due_ms: Option<Timestamp>,
    /// The version that the row must have, 0 where there must be none; `None` for whatever stands. A removed row has one
    /// too.
    pub expected: Option<u64>,
}

impl OwnWrite {
    /// Puts a value in place of whatever stands.
    #[must_use]
    pub const fn put(user: UserId, key: RowKey, value: Own) -> Self {
        Self {
            user,
            key: OwnKey::new(value.kind(), key),
            value: Some(value),
            due_ms: None,
            expected: None,
        }
    }

    /// Removes whatever stands.
    #[must_use]
    pub const fn remove(user: UserId, key: OwnKey) -> Self {
        Self {
            user,
            key,
            value: None,
            due_ms: None,
            expected: None,
        }
    }

    /// Only when the row still has this version.
    #[must_use]
    pub const fn if_still(mut self, version: u64) -> Self {
        self.expected = Some(version);
        self
    }

    /// To be found by [`OwnStore::due`] from then on.
    #[must_use]
    pub const fn due(mut self, at: Timestamp) -> Self {
        self.due_ms = Some(at);
        self
    }

    /// The row that this makes.
    #[must_use]
    pub fn row(self, version: u64) -> OwnRow {
        OwnRow {
            kind: self.key.kind,
            key: self.key.key,
            value: self.value,
            version,
            due_ms: self.due_ms,
        }
    }
}

/// What became of a write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Written {
    /// All of it is durable; the version of each row, in the order of the writes.
    Stored(Vec<u64>),
    /// Nothing is stored: a row has another version than was expected. Read again and decide again.
    Conflict,
}

/// Rows of users' own, of any kind.
///
/// # Contract
/// - `write` is atomic, whatever the number of users: all rows, or none; and durable when it returns `Stored`. Each row
///   that it writes raises the version of its user (see [`UserStore`](super::UserStore)) and keeps the one that it was
///   raised to, so no two rows of a user have the same.
/// - Two writes that expect the same version of the same row never both succeed.
/// - A removed row is kept without a value, so that devices that were away learn of it.
/// - Lists are ordered as they say, page by index alone, and never skip or repeat a row that stands still.
#[async_trait]
pub trait OwnStore: Send + Sync + 'static {
    /// Writes rows. At most one for each user and key.
    async fn write(&self, writes: Vec<OwnWrite>) -> Result<Written, StoreError>;

    /// Those of the rows of users that there ever were, also removed ones, in any order.
    async fn read(&self, keys: &[(UserId, OwnKey)]) -> Result<Vec<(UserId, OwnRow)>, StoreError>;

    /// A page of the user's rows of a kind that stand, by the bytes of their keys.
    async fn list(
        &self,
        user: &UserId,
        kind: OwnKind,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<OwnRow>, StoreError>;

    /// A page of the user's rows that changed after a version, also removed ones, by version. Only of kinds that are
    /// [synced](OwnKind::is_synced).
    async fn changed(
        &self,
        user: &UserId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<OwnRow>, StoreError>;

    /// How many rows of a kind stand.
    async fn count(&self, user: &UserId, kind: OwnKind) -> Result<usize, StoreError>;

    /// Rows of any user whose time has come, the longest due first. They are found until they are written again.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<(UserId, OwnRow)>, StoreError>;
}
