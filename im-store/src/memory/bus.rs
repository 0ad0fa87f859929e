//! What nodes of one process tell each other.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use im_core::{
    NodeId, StoreError,
    port::{Address, Bus, Ear, Runtime, TokioRuntime},
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
            Address::All => ends.retain(|_, end| end.put(bytes.clone())),
            Address::Node(node) => {
                if ends.get(&node).is_some_and(|end| !end.put(bytes)) {
                    ends.remove(&node);
                }
            }
        }
    }

    async fn leave(&self, node: NodeId) {
        self.ends().remove(&node);
    }
}

impl End {
    /// Puts a message to those that wait, if there is room. Whether somebody still listens.
    fn put(&self, bytes: Bytes) -> bool {
        if self.is_full.load(Ordering::Acquire) {
            return !self.sender.is_closed();
        }
        match self.sender.try_send(bytes) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.is_full.store(true, Ordering::Release);
                true
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
