//! Two nodes that write to one conversation, of which one is slower each time.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use im_core::{
    ClientId, Content, ConversationId, Entry, Epoch, Im, Seq, StoreError, TrustEveryone, UserId,
    port::{Append, Appended, Known, LogStore, Ports, Range, Snapshot, Store as _},
};
use im_store::{MemoryBus, MemoryDirectory, MemoryStore};

use crate::world::{group, within};

/// A log at the end of a long way.
struct Far(Arc<dyn LogStore>);

const LONG: Duration = Duration::from_millis(5);

#[async_trait]
impl LogStore for Far {
    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.0.epoch().await
    }

    async fn renew_epoch(&self) -> Result<Epoch, StoreError> {
        self.0.renew_epoch().await
    }

    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        tokio::time::sleep(LONG).await;
        self.0.append(append).await
    }

    async fn load(&self, id: ConversationId) -> Result<Option<Snapshot>, StoreError> {
        let snapshot = self.0.load(id).await;
        tokio::time::sleep(LONG).await;
        snapshot
    }

    async fn read(
        &self,
        id: ConversationId,
        range: Range,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let entries = self.0.read(id, range, limit).await;
        tokio::time::sleep(LONG).await;
        entries
    }

    async fn earlier(
        &self,
        id: ConversationId,
        target: Seq,
        limit: usize,
    ) -> Result<Vec<(Seq, Content)>, StoreError> {
        self.0.earlier(id, target, limit).await
    }

    async fn find(
        &self,
        id: ConversationId,
        keys: &[(UserId, ClientId)],
    ) -> Result<Vec<Known>, StoreError> {
        self.0.find(id, keys).await
    }
}

#[tokio::test]
async fn who_is_slower_each_time_has_its_turn() {
    let (bus, directory) = (MemoryBus::new(), MemoryDirectory::new());
    let store = MemoryStore::new();
    let near = store.clone().ports();
    let far = Ports {
        log: Arc::new(Far(near.log.clone())),
        ..near.clone()
    };
    let node = async |ports| {
        let builder = Im::builder(ports, TrustEveryone);
        let im = builder.cluster(bus.clone(), directory.clone()).build();
        im.join().await.unwrap();
        im
    };
    let (slow, fast) = (node(far).await, node(near).await);
    let alice = slow.connect("alice", "phone").await.unwrap();
    let bob = fast.connect("bob", "phone").await.unwrap();
    let room = group(&alice, &["bob"]).await;
    let sender = bob.sender();
    let talking = tokio::spawn(async move {
        loop {
            sender.send(&room, "and another thing").await.unwrap();
            tokio::task::yield_now().await;
        }
    });

    for n in 0..5 {
        let sent = within("a turn", alice.send(&room, format!("number {n}"))).await;
        sent.unwrap();
    }

    assert!(!talking.is_finished(), "{:?}", talking.await);
    talking.abort();
}
