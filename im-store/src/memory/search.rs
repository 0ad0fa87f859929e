//! Finding messages in memory: by looking at each one.

use async_trait::async_trait;
use im_core::{
    ConversationId, StoreError,
    port::{Found, Rest, Search, SearchStore},
};

use super::MemoryStore;

#[async_trait]
impl SearchStore for MemoryStore {
    async fn search(&self, search: Search) -> Result<Found, StoreError> {
        let state = self.state();
        let mut found = Found::default();
        let Some(log) = state.logs.get(&search.conversation) else {
            return Ok(found);
        };
        let part = log.entries(search.after, search.before);
        for new in part.iter().rev() {
            if found.entries.len() == search.hits {
                found.rest = Some(Rest {
                    before: new.entry.seq.next(),
                    at_ms: new.entry.at_ms,
                });
                break;
            }
            if search.needle.matches(&new.entry) {
                found.entries.push(new.entry.clone());
            }
        }
        Ok(found)
    }

    async fn prepare(&self, _: ConversationId) -> Result<(), StoreError> {
        Ok(())
    }
}
