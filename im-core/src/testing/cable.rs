//! A node's way to its bus and its directory, that a test breaks and mends.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    Here, NodeId, StoreError, UserId, Whereabouts,
    port::{Address, Beat, Bus, BusCondition, Directory, Ear},
};

/// A bus and a directory as one node has them, around those that all share. One cable is one node's; clones are the same
/// cable.
#[derive(Clone)]
pub struct Cable {
    bus: Arc<dyn Bus>,
    directory: Arc<dyn Directory>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    is_cut: bool,
    /// How many messages are still lost on their way out and in.
    losing_out: usize,
    losing_in: usize,
    /// How many were lost on their way out.
    lost: u64,
    ear: Option<Arc<Listener>>,
}

/// The node's ear, at the end of the cable.
struct Listener {
    ear: Arc<dyn Ear>,
    state: Arc<Mutex<State>>,
    /// Held while the ear hears: what comes after the cable was mended comes after the word that something was missed.
    turn: Mutex<()>,
}

impl Cable {
    /// A cable that is whole.
    #[must_use]
    pub fn new(bus: Arc<dyn Bus>, directory: Arc<dyn Directory>) -> Self {
        Self {
            bus,
            directory,
            state: Arc::default(),
        }
    }

    /// Parts the node from all others: what it sends and what is sent to it is lost, and the directory does not answer it.
    pub fn cut(&self) {
        lock(&self.state).is_cut = true;
    }

    /// Ends what [`Cable::cut`] began, if it did. The node is told that it missed something.
    pub fn mend(&self) {
        if !lock(&self.state).is_cut {
            return;
        }
        let Some(listener) = lock(&self.state).ear.clone() else {
            lock(&self.state).is_cut = false;
            return;
        };
        let _turn = lock(&listener.turn);
        lock(&self.state).is_cut = false;
        listener.ear.missed();
    }

    /// Loses the next messages that the node sends. Nobody is told.
    pub fn lose_sent(&self, count: usize) {
        lock(&self.state).losing_out += count;
    }

    /// Loses the next messages that the node would hear. Nobody is told.
    pub fn lose_heard(&self, count: usize) {
        lock(&self.state).losing_in += count;
    }

    fn check(&self) -> Result<(), StoreError> {
        if lock(&self.state).is_cut {
            return Err(StoreError::new("asking the directory", "the cable is cut"));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Cable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cable").finish_non_exhaustive()
    }
}

#[async_trait]
impl Bus for Cable {
    async fn join(&self, node: NodeId, ear: Arc<dyn Ear>) -> Result<(), StoreError> {
        self.check()?;
        let listener = Arc::new(Listener {
            ear,
            state: Arc::clone(&self.state),
            turn: Mutex::default(),
        });
        lock(&self.state).ear = Some(Arc::clone(&listener));
        self.bus.join(node, listener).await
    }

    fn send(&self, to: Address, bytes: Bytes) {
        let is_lost = {
            let mut state = lock(&self.state);
            let is_lost = state.is_cut || take_one(&mut state.losing_out);
            state.lost += u64::from(is_lost);
            is_lost
        };
        if !is_lost {
            self.bus.send(to, bytes);
        }
    }

    async fn leave(&self, node: NodeId) {
        lock(&self.state).ear = None;
        self.bus.leave(node).await;
    }

    fn condition(&self) -> BusCondition {
        let (state, whole) = (lock(&self.state), self.bus.condition());
        BusCondition {
            is_connected: !state.is_cut && whole.is_connected,
            lost: whole.lost + state.lost,
            ..whole
        }
    }
}

impl Ear for Listener {
    fn hear(&self, bytes: Bytes) {
        let _turn = lock(&self.turn);
        let is_lost = {
            let mut state = lock(&self.state);
            state.is_cut || take_one(&mut state.losing_in)
        };
        if !is_lost {
            self.ear.hear(bytes);
        }
    }

    fn missed(&self) {
        let _turn = lock(&self.turn);
        // Who is cut off is told when the cable is mended.
        if !lock(&self.state).is_cut {
            self.ear.missed();
        }
    }
}

#[async_trait]
impl Directory for Cable {
    async fn announce(
        &self,
        node: NodeId,
        users: Vec<(UserId, Here)>,
    ) -> Result<Vec<Whereabouts>, StoreError> {
        self.check()?;
        self.directory.announce(node, users).await
    }

    async fn find(&self, users: &[UserId]) -> Result<Vec<Whereabouts>, StoreError> {
        self.check()?;
        self.directory.find(users).await
    }

    async fn beat(&self, node: NodeId, ttl: Duration) -> Result<Beat, StoreError> {
        self.check()?;
        self.directory.beat(node, ttl).await
    }

    async fn leave(&self, node: NodeId) -> Result<(), StoreError> {
        self.check()?;
        self.directory.leave(node).await
    }
}

/// Takes one of what is counted, if there is one.
fn take_one(count: &mut usize) -> bool {
    let is_one = *count > 0;
    *count -= usize::from(is_one);
    is_one
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
