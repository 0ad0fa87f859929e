//! Changed settings in memory.

use async_trait::async_trait;
use im_core::{ChangedSettings, StoreError, port::SettingsStore};

use super::MemoryStore;

#[async_trait]
impl SettingsStore for MemoryStore {
    async fn newer(&self, than: u64) -> Result<Option<ChangedSettings>, StoreError> {
        let settings = self.state().settings.clone();
        Ok(Some(settings).filter(|settings| settings.version > than))
    }

    async fn write(&self, settings: ChangedSettings) -> Result<bool, StoreError> {
        let mut state = self.state();
        let is_next = settings.version == state.settings.version + 1;
        if is_next {
            state.settings = settings;
        }
        Ok(is_next)
    }
}
