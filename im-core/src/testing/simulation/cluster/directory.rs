//! A directory that takes its time, fails, and forgets.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use super::super::{bugs::Bugs, executor::Process, weather::Weather};
use crate::{
    Here, NodeId, StoreError, UserId, Whereabouts,
    port::{Beat, Directory, Runtime as _},
};

/// What the directory of a world knows.
pub(super) struct Table {
    clock: Process,
    bugs: Bugs,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last version that was given. It goes on when everything else is lost.
    version: u64,
    users: BTreeMap<UserId, (u64, BTreeMap<NodeId, Here>)>,
    /// Until when each node is there.
    nodes: BTreeMap<NodeId, Duration>,
}

impl Table {
    pub(super) fn new(clock: Process, bugs: Bugs) -> Self {
        Self {
            clock,
            bugs,
            state: Mutex::default(),
        }
    }

    pub(super) fn forget(&self) {
        let mut state = self.lock();
        state.version += 1;
        state.users.clear();
        state.nodes.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn announce(&mut self, node: NodeId, user: UserId, here: Here) -> Whereabouts {
        self.version += 1;
        let (version, nodes) = self.users.entry(user.clone()).or_default();
        *version = self.version;
        if here.is_nothing() {
            nodes.remove(&node);
        } else {
            nodes.insert(node, here);
        }
        self.find(&user)
    }

    fn find(&self, user: &UserId) -> Whereabouts {
        let (version, nodes) = match self.users.get(user) {
            Some((version, nodes)) => (*version, nodes.clone()),
            None => (self.version, BTreeMap::new()),
        };
        Whereabouts {
            version,
            nodes: nodes.into_iter().collect(),
        }
    }
}

/// The directory as a node asks it.
pub(super) struct Desk {
    table: Arc<Table>,
    weather: Arc<Weather>,
}

impl Desk {
    pub(super) fn new(table: &Arc<Table>, weather: &Arc<Weather>) -> Self {
        Self {
            table: Arc::clone(table),
            weather: Arc::clone(weather),
        }
    }

    /// Asks, with both ways.
    async fn ask<T>(&self, ask: impl FnOnce(&mut State) -> T + Send) -> Result<T, StoreError> {
        self.weather.there().await?;
        let answer = ask(&mut self.table.lock());
        self.weather.back().await?;
        Ok(answer)
    }
}

#[async_trait]
impl Directory for Desk {
    async fn announce(
        &self,
        node: NodeId,
        users: Vec<(UserId, Here)>,
    ) -> Result<Vec<Whereabouts>, StoreError> {
        let forgets = self.table.bugs.forgets_announced();
        let announced = move |state: &mut State| {
            let users = users.into_iter();
            let announced = users.map(|(user, here)| {
                let there = state.announce(node, user.clone(), here);
                if forgets && let Some((_, nodes)) = state.users.get_mut(&user) {
                    nodes.remove(&node);
                }
                there
            });
            announced.collect()
        };
        self.ask(announced).await
    }

    async fn find(&self, users: &[UserId]) -> Result<Vec<Whereabouts>, StoreError> {
        let find = |state: &mut State| users.iter().map(|user| state.find(user)).collect();
        let mut found: Vec<Whereabouts> = self.ask(find).await?;
        self.table.bugs.found(&mut found);
        Ok(found)
    }

    async fn beat(&self, node: NodeId, ttl: Duration) -> Result<Beat, StoreError> {
        let clock = &self.table.clock;
        let beat = |state: &mut State| {
            let now = clock.monotonic();
            state.nodes.retain(|_, until| now < *until);
            let stands = state.nodes.insert(node, now + ttl).is_some();
            Beat {
                nodes: state.nodes.keys().copied().collect(),
                stands,
                gets_old: false,
            }
        };
        self.ask(beat).await
    }

    async fn leave(&self, node: NodeId) -> Result<(), StoreError> {
        let leave = |state: &mut State| {
            state.nodes.remove(&node);
        };
        self.ask(leave).await
    }
}
