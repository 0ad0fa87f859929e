//! Accounts: users who sign in with a password.

use async_trait::async_trait;

use crate::{StoreError, Timestamp, UserId};

/// A user who signs in here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// The user, which is also the name to sign in with.
    pub user: UserId,
    /// Argon2id hash in PHC format. Never logged.
    pub password_hash: String,
    /// Hash of the request that made the account, so that a retry of it is recognised.
    pub fingerprint: i64,
    /// Since when.
    pub created_at_ms: Timestamp,
}

/// What became of an account that was to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Created {
    /// It is stored.
    Stored,
    /// There is one of this name.
    Taken(Account),
}

/// Accounts with passwords.
#[async_trait]
pub trait AccountStore: Send + Sync + 'static {
    /// Stores an account unless the name is taken.
    async fn create(&self, account: Account) -> Result<Created, StoreError>;

    /// The account of a user.
    async fn account(&self, user: &UserId) -> Result<Option<Account>, StoreError>;
}
