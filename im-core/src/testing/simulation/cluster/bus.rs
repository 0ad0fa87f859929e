//! A bus on which every letter is under way for a while, or is lost. What one node sends to one address keeps its order.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Notify;

use super::super::{
    super::Chance,
    bugs::{Bugs, Fate},
    executor::Process,
    network::{Network, Place},
};
use crate::{
    NodeId, StoreError,
    port::{Address, Bus, BusCondition, Ear, NoBus, Runtime as _},
};

/// What one run of a node sends to another: to that one alone, or to all.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in super::super) struct Way {
    /// Which run sends: nodes that begin again count on.
    pub(in super::super) run: u64,
    pub(in super::super) from: usize,
    pub(in super::super) to: usize,
    pub(in super::super) is_to_all: bool,
}

/// The bus of a world.
pub(super) struct Exchange {
    network: Arc<Network>,
    bugs: Bugs,
    /// What becomes of a letter follows from this, from its way, and from how many went there before it: so that the
    /// order in which an engine writes to several nodes decides nothing.
    seed: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    runs: u64,
    ends: BTreeMap<usize, End>,
    sent: BTreeMap<Way, u64>,
}

/// The bus at a node that has joined.
struct End {
    id: NodeId,
    ear: Arc<dyn Ear>,
    /// With their arrival.
    under_way: BTreeMap<(Duration, Way, u64), Bytes>,
    /// When the last of each way arrives.
    until: BTreeMap<Way, Duration>,
    wake: Arc<Notify>,
}

impl Exchange {
    pub(super) fn new(network: Arc<Network>, bugs: Bugs, seed: u64) -> Self {
        Self {
            network,
            bugs,
            seed,
            state: Mutex::default(),
        }
    }

    /// The bus as a node has it that begins.
    pub(super) fn end(self: &Arc<Self>, node: usize, process: &Process) -> NodeBus {
        let mut state = self.lock();
        state.runs += 1;
        NodeBus {
            exchange: Arc::clone(self),
            node,
            run: state.runs,
            process: process.clone(),
        }
    }

    pub(super) fn died(&self, node: usize) {
        let end = self.lock().ends.remove(&node);
        drop(end);
    }

    pub(super) fn clear(&self) {
        let ends = std::mem::take(&mut self.lock().ends);
        drop(ends);
    }

    fn send(&self, way: Way, now: Duration, bytes: Bytes) {
        let mut state = self.lock();
        let State { ends, sent, .. } = &mut *state;
        let number = sent.entry(way).or_default();
        *number += 1;
        let mut chance = Chance::new(self.seed ^ mixed(way, *number));
        let (place, bytes) = match self.bugs.letter(&mut chance, way, bytes) {
            Fate::Goes(bytes) => (way.to, bytes),
            Fate::Strays(bytes) => {
                let mut others = ends
                    .keys()
                    .filter(|other| ![way.from, way.to].contains(other));
                let Some(other) = others.next() else { return };
                (*other, bytes)
            }
            Fate::Lost => return,
        };
        let Some(end) = ends.get_mut(&place) else {
            return;
        };
        let (from, to) = (Place::Node(way.from), Place::Node(place));
        let Some(delay) = self.network.carry(&mut chance, from, to) else {
            return;
        };
        let until = end.until.entry(way).or_default();
        *until = (*until).max(now + delay);
        end.under_way.insert((*until, way, *number), bytes);
        end.wake.notify_one();
    }

    /// What has arrived at a node, or when something does.
    fn next(&self, node: usize, id: NodeId, now: Duration) -> Next {
        let mut state = self.lock();
        let Some(end) = state.ends.get_mut(&node).filter(|end| end.id == id) else {
            return Next::Over;
        };
        let Some(first) = end.under_way.first_entry() else {
            return Next::Nothing(Arc::clone(&end.wake));
        };
        let (at, ..) = *first.key();
        if at > now {
            return Next::Later(at - now, Arc::clone(&end.wake));
        }
        Next::Letter(Arc::clone(&end.ear), first.remove())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Next {
    Letter(Arc<dyn Ear>, Bytes),
    Later(Duration, Arc<Notify>),
    Nothing(Arc<Notify>),
    Over,
}

/// The bus as one run of a node has it.
pub(super) struct NodeBus {
    exchange: Arc<Exchange>,
    node: usize,
    run: u64,
    process: Process,
}

#[async_trait]
impl Bus for NodeBus {
    async fn join(&self, id: NodeId, ear: Arc<dyn Ear>) -> Result<(), StoreError> {
        let mut state = self.exchange.lock();
        // Who joins again after it could not be announced listens already.
        if let Some(end) = state.ends.get_mut(&self.node)
            && end.id == id
        {
            end.ear = ear;
            return Ok(());
        }
        let end = End {
            id,
            ear,
            under_way: BTreeMap::new(),
            until: BTreeMap::new(),
            wake: Arc::new(Notify::new()),
        };
        state.ends.insert(self.node, end);
        drop(state);
        let (exchange, node) = (Arc::clone(&self.exchange), self.node);
        let listening = listen(exchange, (node, id), self.process.clone());
        self.process.spawn(Box::pin(listening));
        Ok(())
    }

    fn send(&self, to: Address, bytes: Bytes) {
        let now = self.process.monotonic();
        let ends: Vec<usize> = {
            let state = self.exchange.lock();
            let is_meant = |end: &End| match to {
                Address::All => true,
                Address::Node(node) => end.id == node,
            };
            let meant = state.ends.iter().filter(|(_, end)| is_meant(end));
            meant.map(|(number, _)| *number).collect()
        };
        for number in ends {
            let way = Way {
                run: self.run,
                from: self.node,
                to: number,
                is_to_all: to == Address::All,
            };
            self.exchange.send(way, now, bytes.clone());
        }
    }

    async fn leave(&self, id: NodeId) {
        let mut state = self.exchange.lock();
        if state.ends.get(&self.node).is_some_and(|end| end.id == id) {
            let end = state.ends.remove(&self.node);
            drop(state);
            drop(end);
        }
    }

    fn condition(&self) -> BusCondition {
        let is_connected = self.exchange.lock().ends.contains_key(&self.node);
        BusCondition {
            is_connected,
            ..NoBus.condition()
        }
    }
}

/// Hears what arrives, until the node leaves or ends.
async fn listen(exchange: Arc<Exchange>, (node, id): (usize, NodeId), process: Process) {
    loop {
        match exchange.next(node, id, process.monotonic()) {
            Next::Letter(ear, bytes) => ear.hear(bytes),
            Next::Later(wait, wake) => {
                let arrival = std::pin::pin!(process.sleep(wait));
                let sooner = std::pin::pin!(wake.notified());
                futures_util::future::select(arrival, sooner).await;
            }
            Next::Nothing(wake) => wake.notified().await,
            Next::Over => return,
        }
    }
}

fn mixed(way: Way, number: u64) -> u64 {
    let place = (way.from as u64 * 64 + way.to as u64) * 2 + u64::from(way.is_to_all);
    let mut chance = Chance::new(way.run << 32 | place);
    chance.number() ^ Chance::new(number).number()
}
