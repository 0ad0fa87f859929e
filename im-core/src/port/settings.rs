//! What was changed of the settings of all programs on one store.

use async_trait::async_trait;

use crate::{ChangedSettings, StoreError};

/// The one row of changed settings.
///
/// # Contract
/// - `write` replaces what stands under the version before, and nothing else: of several that write the same version one
///   is told that it did. Versions begin with 1.
/// - `newer` costs one read by key: it is asked twice a second by every node.
#[async_trait]
pub trait SettingsStore: Send + Sync + 'static {
    /// What stands, where that is newer than a version.
    async fn newer(&self, than: u64) -> Result<Option<ChangedSettings>, StoreError>;

    /// Writes the version after the one that stands. `false` when another one stands.
    async fn write(&self, settings: ChangedSettings) -> Result<bool, StoreError>;
}
