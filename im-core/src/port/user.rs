//! Profiles, and the version of what belongs to a user.

use async_trait::async_trait;

use crate::{Profile, StoreError, Timestamp, UpdateProfile, UserId};

/// Users that have a profile.
///
/// # Contract
/// - `version` is raised in the same transaction as every change of a row that the user owns (membership, position,
///   settings, block, [own](super::OwnStore)), and that row keeps the version it was raised to. So whoever reads the version first and the rows
///   after misses nothing.
/// - Changes of a profile apply to what stands, one after the other: those of different fields all hold.
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// Creates or replaces a profile.
    async fn put(&self, profile: Profile) -> Result<(), StoreError>;

    /// Changes a profile and returns what it is then. Who has none gets one.
    async fn change(
        &self,
        user: &UserId,
        changes: &UpdateProfile,
        now: Timestamp,
    ) -> Result<Profile, StoreError>;

    /// Those of `users` who have a profile, in any order.
    async fn profiles(&self, users: &[UserId]) -> Result<Vec<Profile>, StoreError>;

    /// The latest version among the user's own rows; 0 when it has none.
    async fn version(&self, user: &UserId) -> Result<u64, StoreError>;
}
