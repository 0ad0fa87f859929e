//! In how many conversations users are.

use async_trait::async_trait;

use crate::{StoreError, UserId};

/// Counts the rows that [`LogStore::append`](super::LogStore::append) keeps.
///
/// # Contract
/// - A user is counted in the conversations that it is a member of now; former memberships do not count.
/// - Sees everything that an `append` stored before it began.
/// - Counts by index alone: the cost follows from the users that are asked for, not from the size of a table.
#[async_trait]
pub trait MembershipCount: Send + Sync + 'static {
    /// Those of `users` who are in `least` conversations or more, in any order, each once. `least` is at least 1.
    async fn in_at_least(&self, least: usize, users: &[UserId]) -> Result<Vec<UserId>, StoreError>;
}
