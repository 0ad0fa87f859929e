//! Notices that are for everybody, and templates.

use async_trait::async_trait;

use crate::{Notice, NoticeTemplate, RowKey, StoreError, Timestamp};

/// A notice that is for everybody: one row, whatever the number of users.
#[derive(Clone, Debug, PartialEq)]
pub struct NoticeToAll {
    /// Under which key: see [`Notice::key`].
    pub key: RowKey,
    /// What it says.
    pub notice: Notice,
    /// When it is no longer shown.
    pub until_ms: Timestamp,
}

/// What the host keeps for its notices.
///
/// # Contract
/// - Lists are ordered by the bytes of the key or name, and page by index alone.
#[async_trait]
pub trait NoticeStore: Send + Sync + 'static {
    /// Shows a notice to everybody. One that is there under this key stays as it is.
    async fn tell_all(&self, notice: NoticeToAll) -> Result<(), StoreError>;

    /// A page of what is for everybody, the latest first, also what is no longer shown.
    async fn to_all(
        &self,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<NoticeToAll>, StoreError>;

    /// Forgets what is no longer shown at `now`.
    async fn forget_old(&self, now: Timestamp) -> Result<(), StoreError>;

    /// Makes a template, or replaces the one of this name.
    async fn put_template(&self, template: NoticeTemplate) -> Result<(), StoreError>;

    /// The template of this name.
    async fn template(&self, name: &RowKey) -> Result<Option<NoticeTemplate>, StoreError>;

    /// A page of the templates, by name.
    async fn templates(
        &self,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<NoticeTemplate>, StoreError>;

    /// Deletes a template. `false` when there was none.
    async fn delete_template(&self, name: &RowKey) -> Result<bool, StoreError>;
}
