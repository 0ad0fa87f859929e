//! The audit log in memory.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use async_trait::async_trait;
use im_core::{
    AuditRecord, RowKey, StoreError, Timestamp, UserId,
    port::{AuditQuery, AuditStore},
};

use super::MemoryStore;

/// Records by id.
#[derive(Default)]
pub(super) struct Records(BTreeMap<RowKey, AuditRecord>);

impl Records {
    /// Takes what was asked out of the records about a user. Whether there was anything.
    pub(super) fn erase(&mut self, user: &UserId) -> bool {
        let about = self.0.values_mut();
        let about = about.filter(|record| record.about.as_ref() == Some(user));
        let taken = about.filter_map(|record| record.params.take());
        taken.count() > 0
    }
}

#[async_trait]
impl AuditStore for MemoryStore {
    async fn note(&self, record: AuditRecord) -> Result<(), StoreError> {
        self.state()
            .audit
            .0
            .entry(record.id.clone())
            .or_insert(record);
        Ok(())
    }

    async fn settle(&self, id: &RowKey, outcome: &str) -> Result<(), StoreError> {
        if let Some(record) = self.state().audit.0.get_mut(id) {
            record.outcome.get_or_insert_with(|| outcome.to_owned());
        }
        Ok(())
    }

    async fn records(&self, query: AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
        let before = query.before.as_ref().map_or(Unbounded, Excluded);
        let state = self.state();
        let matching = state
            .audit
            .0
            .range::<RowKey, _>((Unbounded, before))
            .rev()
            .filter(|(_, record)| {
                let is_by = query
                    .actor
                    .as_ref()
                    .is_none_or(|actor| *actor == record.actor);
                is_by && (query.about.is_none() || query.about == record.about)
            });
        let records = matching.map(|(_, record)| record.clone());
        Ok(records.take(query.limit).collect())
    }

    async fn forget_before(&self, time: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state();
        state.audit.0.retain(|_, record| record.at_ms >= time);
        Ok(())
    }
}
