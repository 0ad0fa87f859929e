//! Leases in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use im_core::{StoreError, Timestamp, port::LeaseStore};
use uuid::Uuid;

use super::MemoryStore;

/// Who has each, and until when.
pub(super) type Leases = HashMap<String, (Uuid, Timestamp)>;

#[async_trait]
impl LeaseStore for MemoryStore {
    async fn take(
        &self,
        name: &str,
        holder: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let taken = state.leases.get(name);
        if taken.is_some_and(|(other, ends)| *other != holder && now < *ends) {
            return Ok(false);
        }
        state.leases.insert(name.to_owned(), (holder, until));
        Ok(true)
    }
}
