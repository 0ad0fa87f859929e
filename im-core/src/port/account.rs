//! Accounts: users who sign in here.

use std::fmt;

use async_trait::async_trait;

use crate::{Identifier, StoreError, Timestamp, UserId};

/// A user who signs in here.
#[derive(Clone, Eq, PartialEq)]
pub struct Account {
    /// The user, which is also a name to sign in with.
    pub user: UserId,
    /// Argon2id hash in PHC format. Never logged. None when the user signs in by code or by an identity provider alone.
    pub password_hash: Option<String>,
    /// Hash of the request that made the account, so that a retry of it is recognised.
    pub fingerprint: i64,
    /// Since when.
    pub created_at_ms: Timestamp,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("user", &self.user)
            .field("created_at_ms", &self.created_at_ms)
            .finish_non_exhaustive()
    }
}

/// What became of an account that was to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Created {
    /// It is stored, with its identifier.
    Stored,
    /// There is one of this name.
    Taken(Account),
    /// The identifier belongs to another account. Nothing is stored.
    IdentifierTaken,
    /// The user of this name was erased: the name is not given again. Nothing is stored.
    Erased,
}

/// What became of an identifier that an account was to get.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Attached {
    /// The account has it now, or had it.
    Stored,
    /// It belongs to another account.
    Taken,
    /// There is no such account.
    NoAccount,
}

/// Accounts, and the identifiers by which they are found.
///
/// # Contract
/// - A name has one account and an identifier belongs to one account, whatever the number of nodes that try at the same
///   moment. An account that is made gets its identifier with it, or is not made.
/// - Where an account has one identifier of a kind at most ([`IdentifierKind::is_single`](crate::IdentifierKind)), a new
///   one replaces the former.
#[async_trait]
pub trait AccountStore: Send + Sync + 'static {
    /// Stores an account unless its name or its identifier is taken.
    async fn create(
        &self,
        account: Account,
        identifier: Option<Identifier>,
    ) -> Result<Created, StoreError>;

    /// The account of a user.
    async fn account(&self, user: &UserId) -> Result<Option<Account>, StoreError>;

    /// Replaces the password of an account; with `former`, only while that stands. `false` when nothing was replaced.
    async fn set_password(
        &self,
        user: &UserId,
        former: Option<&str>,
        hash: String,
    ) -> Result<bool, StoreError>;

    /// Gives an account an identifier.
    async fn attach(
        &self,
        user: &UserId,
        identifier: Identifier,
        now: Timestamp,
    ) -> Result<Attached, StoreError>;

    /// Whose an identifier is.
    async fn owner(&self, identifier: &Identifier) -> Result<Option<UserId>, StoreError>;

    /// The identifiers of an account, in their order.
    async fn identifiers(&self, user: &UserId) -> Result<Vec<Identifier>, StoreError>;
}
