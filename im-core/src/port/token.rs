//! Refresh tokens and server keys: stored as hashes, never as such.

use async_trait::async_trait;
use uuid::Uuid;

use crate::{DeviceId, StoreError, Timestamp, UserId};

/// A refresh token, known by its hash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RefreshToken {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// All tokens that came from one sign-in.
    pub family: Uuid,
    /// Whose.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// Until when.
    pub expires_at_ms: Timestamp,
}

/// What became of a refresh token that was presented.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Redeemed {
    /// It is spent now, and its successor stored.
    Rotated(RefreshToken),
    /// It was spent before: somebody has a copy. Its whole family is revoked now.
    Reused(RefreshToken),
    /// Unknown, expired or revoked.
    Unknown,
}

/// A back end's credential, known by its hash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerKey {
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// What the operator calls it; unique.
    pub name: String,
    /// Since when.
    pub created_at_ms: Timestamp,
}

/// Credentials that last.
///
/// # Contract
/// - A token is redeemed at most once, whatever the number of nodes that try at the same moment.
/// - A spent token is known until it expires, because it may come again. Families of which every token has expired are
///   forgotten, a few at a time, when their user begins another: what is stored does not grow with every sign-in.
#[async_trait]
pub trait TokenStore: Send + Sync + 'static {
    /// Stores the first token of a family, at `now`.
    async fn insert(&self, token: RefreshToken, now: Timestamp) -> Result<(), StoreError>;

    /// Spends a token and stores its successor, which has the hash `next` and the expiry `expires_at_ms`.
    async fn redeem(
        &self,
        hash: [u8; 32],
        next: [u8; 32],
        expires_at_ms: Timestamp,
        now: Timestamp,
    ) -> Result<Redeemed, StoreError>;

    /// Revokes all tokens of a family, for ever.
    async fn revoke_family(&self, family: Uuid) -> Result<(), StoreError>;

    /// Revokes all tokens of a user, and returns the families that were alive.
    async fn revoke_user(&self, user: &UserId) -> Result<Vec<Uuid>, StoreError>;

    /// Stores a server key; replaces one of the same name.
    async fn put_key(&self, key: ServerKey) -> Result<(), StoreError>;

    /// The key with this hash.
    async fn key(&self, hash: [u8; 32]) -> Result<Option<ServerKey>, StoreError>;
}
