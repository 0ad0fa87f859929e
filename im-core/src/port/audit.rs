//! What admins did.

use async_trait::async_trait;

use crate::{AuditRecord, RowKey, StoreError, Timestamp, UserId};

/// Which records to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditQuery {
    /// Those before this one; from the latest when absent.
    pub before: Option<RowKey>,
    /// Those by this user.
    pub actor: Option<UserId>,
    /// Those about this user.
    pub about: Option<UserId>,
    /// At most so many.
    pub limit: usize,
}

/// The audit log: what was done with more than a user's authority, in the order of ids.
///
/// # Contract
/// - A record stands from the moment that `note` returns. Nobody changes it but `settle`, once, and the erasure of the user
///   whom it is about, which takes its `params`.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Writes down what is about to be done.
    async fn note(&self, record: AuditRecord) -> Result<(), StoreError>;

    /// Writes down what became of it, unless that stands.
    async fn settle(&self, id: &RowKey, outcome: &str) -> Result<(), StoreError>;

    /// The latest first.
    async fn records(&self, query: AuditQuery) -> Result<Vec<AuditRecord>, StoreError>;

    /// Forgets what was before a time.
    async fn forget_before(&self, time: Timestamp) -> Result<(), StoreError>;
}
