//! The bus: a channel for each node, and one for all.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use im_core::{
    NodeId, StoreError,
    port::{Address, Bus, BusCondition, Ear},
};

use super::{
    Redis, RedisError,
    client::{Connected, Purpose},
    listening::Listening,
};

#[async_trait]
impl Bus for Redis {
    async fn join(&self, node: NodeId, ear: Arc<dyn Ear>) -> Result<(), StoreError> {
        let joining = self.listen(node, ear).await;
        let listening = joining.map_err(|error| error.during("joining the bus"))?;
        self.listening().insert(node, listening);
        Ok(())
    }

    fn send(&self, to: Address, bytes: Bytes) {
        self.shared.outbox.put(to, bytes);
    }

    async fn leave(&self, node: NodeId) {
        self.shared.outbox.flush().await;
        self.listening().remove(&node);
    }

    fn condition(&self) -> BusCondition {
        let shared = &*self.shared;
        let is_heard = self.listening().values().all(Listening::is_connected);
        BusCondition {
            is_connected: shared.publisher.is_connected() && is_heard,
            ..shared.outbox.condition()
        }
    }
}

impl Redis {
    async fn listen(&self, node: NodeId, ear: Arc<dyn Ear>) -> Result<Listening, RedisError> {
        let shared = &*self.shared;
        let connecting = Connected::open(&shared.config, &shared.server, Purpose::Messages);
        let connected = connecting.await?;
        let channels = [shared.keys.to_all(), shared.keys.to_node(node)];
        let begun = Listening::begin(connected, channels, ear).await;
        begun.map_err(|error| RedisError::of_asking(&shared.server, &error))
    }
}
