//! Refresh tokens and server keys: stored as hashes, never as such.

use std::time::Duration;

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

/// How long after its use a refresh token may be presented again. Long enough for a client that waits for an answer, gives
/// up and tries again; short enough that a thief who comes later is noticed.
pub const REPEAT: Duration = Duration::from_secs(30);

/// What became of a refresh token that was presented.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Redeemed {
    /// It is spent now, and its successor stored.
    Rotated(RefreshToken),
    /// It was spent less than [`REPEAT`] ago for this very successor, which nobody has used: a retry of a request whose
    /// answer was lost. What is stored of the successor; nothing was changed.
    Repeated(RefreshToken),
    /// It was spent before: somebody has a copy. Its whole family is revoked now.
    Reused(RefreshToken),
    /// Unknown, expired or revoked.
    Unknown,
}

/// How long a revocation is remembered: no access token may last longer. A day.
pub const REVOCATIONS_LAST: Duration = Duration::from_secs(24 * 60 * 60);

/// What was revoked.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Revoked {
    /// All tokens of one sign-in.
    Family(Uuid),
    /// All tokens that a user was issued for a device up to that moment.
    Device(UserId, DeviceId),
    /// All tokens that a user was issued up to that moment.
    User(UserId),
}

/// Which of a user's tokens are meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Extent {
    /// All.
    All,
    /// All that came from stored families, but those of this one.
    AllBut(Uuid),
    /// Those of one device.
    Device(DeviceId),
}

/// A revocation that still matters, because tokens that nobody stores may be out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revocation {
    /// What.
    pub of: Revoked,
    /// Since when.
    pub at_ms: Timestamp,
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
/// - Whatever revokes a family or a user is among the `revocations` from the same moment on, for [`REVOCATIONS_LAST`]:
///   those of a family that is not stored too. The later one counts.
/// - Every call gives successors the same lifetime, so that the expiry of one tells when it was made.
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
    async fn revoke_family(&self, family: Uuid, now: Timestamp) -> Result<(), StoreError>;

    /// Revokes tokens of a user and those of its families that are alive, and returns these.
    ///
    /// With [`Extent::AllBut`] tokens that came from no stored family stay too: only the families that are returned are
    /// revoked, each by itself.
    async fn revoke_user(
        &self,
        user: &UserId,
        extent: &Extent,
        now: Timestamp,
    ) -> Result<Vec<Uuid>, StoreError>;

    /// What was revoked within [`REVOCATIONS_LAST`], in no order.
    async fn revocations(&self, now: Timestamp) -> Result<Vec<Revocation>, StoreError>;

    /// Stores a server key; replaces one of the same name.
    async fn put_key(&self, key: ServerKey) -> Result<(), StoreError>;

    /// The key with this hash.
    async fn key(&self, hash: [u8; 32]) -> Result<Option<ServerKey>, StoreError>;
}
