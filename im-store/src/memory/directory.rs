//! Where users are, of the nodes of one process.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use im_core::{
    Here, NodeId, StoreError, UserId, Whereabouts,
    port::{Beat, Directory, Runtime, TokioRuntime},
};

/// A directory within one process; clone to share.
#[derive(Clone)]
pub struct MemoryDirectory {
    runtime: Arc<dyn Runtime>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The last one that was given, to whatever user.
    version: u64,
    users: HashMap<UserId, Place>,
    /// Until when each node is there, by the runtime's monotonic clock.
    nodes: BTreeMap<NodeId, Duration>,
}

/// Where a user is.
#[derive(Default)]
struct Place {
    version: u64,
    nodes: BTreeMap<NodeId, Here>,
}

impl MemoryDirectory {
    /// A directory that knows nobody, on tokio's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::on(Arc::new(TokioRuntime))
    }

    /// A directory that knows nobody, on a clock of one's own.
    #[must_use]
    pub fn on(runtime: Arc<dyn Runtime>) -> Self {
        Self {
            runtime,
            state: Arc::default(),
        }
    }

    /// Loses everything, as a server does that keeps nothing and starts again.
    pub fn forget(&self) {
        let mut state = self.state();
        state.version += 1;
        state.users.clear();
        state.nodes.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryDirectory {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemoryDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryDirectory").finish_non_exhaustive()
    }
}

#[async_trait]
impl Directory for MemoryDirectory {
    async fn announce(
        &self,
        node: NodeId,
        users: Vec<(UserId, Here)>,
    ) -> Result<Vec<Whereabouts>, StoreError> {
        let mut state = self.state();
        let announced = users.into_iter();
        Ok(announced
            .map(|(user, here)| state.place(node, user, here))
            .collect())
    }

    async fn find(&self, users: &[UserId]) -> Result<Vec<Whereabouts>, StoreError> {
        let state = self.state();
        Ok(users.iter().map(|user| state.whereabouts(user)).collect())
    }

    async fn beat(&self, node: NodeId, ttl: Duration) -> Result<Beat, StoreError> {
        let now = self.runtime.monotonic();
        let mut state = self.state();
        state.nodes.retain(|_, until| now < *until);
        let stands = state.nodes.insert(node, now + ttl).is_some();
        Ok(Beat {
            nodes: state.nodes.keys().copied().collect(),
            stands,
            gets_old: false,
        })
    }

    async fn leave(&self, node: NodeId) -> Result<(), StoreError> {
        self.state().nodes.remove(&node);
        Ok(())
    }
}

impl State {
    fn place(&mut self, node: NodeId, user: UserId, here: Here) -> Whereabouts {
        self.version += 1;
        let place = self.users.entry(user.clone()).or_default();
        place.version = self.version;
        if here.is_nothing() {
            place.nodes.remove(&node);
        } else {
            place.nodes.insert(node, here);
        }
        let whereabouts = self.whereabouts(&user);
        if whereabouts.nodes.is_empty() {
            self.users.remove(&user);
        }
        whereabouts
    }

    fn whereabouts(&self, user: &UserId) -> Whereabouts {
        match self.users.get(user) {
            Some(place) => Whereabouts {
                version: place.version,
                nodes: place
                    .nodes
                    .iter()
                    .map(|(node, here)| (*node, here.clone()))
                    .collect(),
            },
            // That nobody has it is newer than whatever was known of it.
            None => Whereabouts {
                version: self.version,
                nodes: Vec::new(),
            },
        }
    }
}
