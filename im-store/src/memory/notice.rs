//! Notices to everybody and templates in memory.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use async_trait::async_trait;
use im_core::{
    NoticeTemplate, RowKey, StoreError, Timestamp,
    port::{NoticeStore, NoticeToAll},
};

use super::MemoryStore;

/// By key and by name.
#[derive(Default)]
pub(super) struct Notices {
    to_all: BTreeMap<RowKey, NoticeToAll>,
    templates: BTreeMap<RowKey, NoticeTemplate>,
}

fn page<T: Clone>(rows: &BTreeMap<RowKey, T>, after: Option<&RowKey>, limit: usize) -> Vec<T> {
    let from = after.map_or(Unbounded, |after| Excluded(after.clone()));
    let rows = rows.range((from, Unbounded)).take(limit);
    rows.map(|(_, row)| row.clone()).collect()
}

#[async_trait]
impl NoticeStore for MemoryStore {
    async fn tell_all(&self, notice: NoticeToAll) -> Result<(), StoreError> {
        let mut state = self.state();
        let to_all = &mut state.notices.to_all;
        to_all.entry(notice.key.clone()).or_insert(notice);
        Ok(())
    }

    async fn to_all(
        &self,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<NoticeToAll>, StoreError> {
        Ok(page(&self.state().notices.to_all, after, limit))
    }

    async fn forget_old(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state();
        state.notices.to_all.retain(|_, row| row.until_ms > now);
        Ok(())
    }

    async fn put_template(&self, template: NoticeTemplate) -> Result<(), StoreError> {
        let mut state = self.state();
        let name = template.name.clone();
        state.notices.templates.insert(name, template);
        Ok(())
    }

    async fn template(&self, name: &RowKey) -> Result<Option<NoticeTemplate>, StoreError> {
        Ok(self.state().notices.templates.get(name).cloned())
    }

    async fn templates(
        &self,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<NoticeTemplate>, StoreError> {
        Ok(page(&self.state().notices.templates, after, limit))
    }

    async fn delete_template(&self, name: &RowKey) -> Result<bool, StoreError> {
        Ok(self.state().notices.templates.remove(name).is_some())
    }
}
