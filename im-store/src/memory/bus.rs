//! What nodes of one process tell each other.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use im_core::{
    NodeId, StoreError,
    port::{Address, Bus, BusCondition, Ear, Runtime, TokioRuntime},
};
use tokio::sync::mpsc::{self, Receiver, Sender, error::TrySendError};

/// How many messages wait for one node at most. More than a node sends in the time in which another one gets no turn.
const WAITING: usize = 1 << 16;

/// A bus within one process; clone to share.
///
/// 65,536 messages wait for each node at most. What comes beyond is lost, and so is what follows until the node has heard
/// what waits; it is told then that it missed something.
///
/// # Examples
/// ```
/// let bus = im_store::MemoryBus::new();
/// let of_another_engine = bus.clone();
/// ```
#[derive(Clone)]
pub struct MemoryBus {
    ends: Arc<Mutex<BTreeMap<NodeId, Arc<End>>>>,
    /// How many messages there was no room for.
    lost: Arc<AtomicU64>,
    runtime: Arc<dyn Runtime>,
}

/// The bus at a node that has joined.
struct End {
    ear: Arc<dyn Ear>,
    sender: Sender<Bytes>,
    is_full: AtomicBool,
}

impl MemoryBus {
    /// A bus that nobody has joined, on tokio.
    #[must_use]
    pub fn new() -> Self {
        Self::on(Arc::new(TokioRuntime))
    }

    /// A bus that nobody has joined. What comes is heard in a task that the runtime got when the node joined.
    #[must_use]
    pub fn on(runtime: Arc<dyn Runtime>) -> Self {
        Self {
            ends: Arc::default(),
            lost: Arc::default(),
            runtime,
        }
    }

    fn ends(&self) -> MutexGuard<'_, BTreeMap<NodeId, Arc<End>>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemoryBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryBus").finish_non_exhaustive()
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn join(&self, node: NodeId, ear: Arc<dyn Ear>) -> Result<(), StoreError> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let end = Arc::new(End {
            ear,
            sender,
            is_full: AtomicBool::new(false),
        });
        self.runtime
            .spawn(Box::pin(listen(Arc::downgrade(&end), receiver)));
        self.ends().insert(node, end);
        Ok(())
    }

    fn send(&self, to: Address, bytes: Bytes) {
        let mut ends = self.ends();
        // Who does not listen any more has ended without a word.
        match to {
            Address::All => ends.retain(|_, end| self.put(end, bytes.clone())),
            Address::Node(node) => {
                if ends.get(&node).is_some_and(|end| !self.put(end, bytes)) {
                    ends.remove(&node);
                }
            }
        }
    }

    async fn leave(&self, node: NodeId) {
        self.ends().remove(&node);
    }

    fn condition(&self) -> BusCondition {
        BusCondition {
            is_connected: true,
            lost: self.lost.load(Ordering::Relaxed),
            ..BusCondition::default()
        }
    }
}

impl MemoryBus {
    /// Puts a message to those that wait for a node, if there is room. Whether it still listens.
    fn put(&self, end: &End, bytes: Bytes) -> bool {
        let outcome = if end.is_full.load(Ordering::Acquire) {
            Err(TrySendError::Full(bytes))
        } else {
            end.sender.try_send(bytes)
        };
        match outcome {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                end.is_full.store(true, Ordering::Release);
                self.lost.fetch_add(1, Ordering::Relaxed);
                !end.sender.is_closed()
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }
}

/// Hears what comes, until the node leaves.
async fn listen(end: Weak<End>, mut receiver: Receiver<Bytes>) {
    while let Some(bytes) = receiver.recv().await {
        let Some(end) = end.upgrade() else { return };
        end.ear.hear(bytes);
        if receiver.is_empty() && end.is_full.load(Ordering::Acquire) {
            end.ear.missed();
            end.is_full.store(false, Ordering::Release);
        }
    }
}
