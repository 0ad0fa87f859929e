//! A world: nodes over one store, devices at the ends of links, and everything that goes wrong between them.

use std::{sync::Arc, time::Duration};

use super::{
    super::Chance,
    bugs::{Bug, Bugs},
    device::Door,
    executor::{Executor, Process},
    ground::{Ground, Node},
    history::{Event, Recorder},
    network::Network,
    store::{Way, away},
    weather::{Rates, Weather},
};
use crate::{
    Connector, DeviceId, Im, Limits, Store, TrustEveryone, UserId,
    port::{Ports, Runtime},
};

/// How an engine is made of ports, each time that a node begins.
pub type Build = Arc<dyn Fn(Ports) -> Im + Send + Sync>;

/// What a world is like.
#[derive(Clone)]
pub struct Setup {
    /// Engines over the one store. Default 2.
    pub nodes: usize,
    /// What the simulation's own users do until all comes to rest. Default 40.
    pub steps: usize,
    /// What is wrong with it. Default nothing.
    pub bug: Option<Bug>,
    /// How each node makes its engine. Default: with [`Limits::default`], trusting everyone.
    pub build: Build,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            nodes: 2,
            steps: 40,
            bug: None,
            build: Arc::new(|ports| {
                Im::builder(ports, TrustEveryone)
                    .limits(Limits::default())
                    .build()
            }),
        }
    }
}

/// Nodes, a store and a network in virtual time, on the thread of whoever drives it.
///
/// Everything that happens follows from the seed. Nothing happens outside of [`World::run_for`] and the methods of
/// [`World::executor`].
pub struct World {
    pub(super) ground: Arc<Ground>,
    /// As the store has it, whatever it says.
    pub(super) truth: Ports,
    /// Of this store every node has a part.
    ports: Ports,
    weather: Arc<Weather>,
    build: Build,
    nodes: usize,
}

impl World {
    /// A world over this store, with all nodes up. What the store needs of a runtime it gets from the world: memory stores
    /// need nothing.
    #[must_use]
    pub fn new(seed: u64, store: impl Store, setup: &Setup) -> Self {
        let mut chance = Chance::new(seed);
        let executor = Executor::new(chance.number());
        let bugs = Bugs::new(setup.bug, chance.fork());
        let weather = Weather::new(chance.fork(), executor.process());
        let truth = store.ports();
        let clock: Arc<dyn Runtime> = Arc::new(weather.process().clone());
        let ports = bugs.store(truth.clone(), clock);
        let ground = Ground::new(executor, chance.fork(), bugs, setup.nodes);
        let world = Self {
            ground,
            truth,
            ports,
            weather,
            build: Arc::clone(&setup.build),
            nodes: setup.nodes,
        };
        for node in 0..setup.nodes {
            world.start(node);
        }
        world
    }

    /// What everything runs on.
    #[must_use]
    pub fn executor(&self) -> &Executor {
        &self.ground.executor
    }

    /// What is between places.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.ground.network
    }

    /// Where everybody writes down what happens.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.ground.recorder
    }

    /// Lets that much time pass, and all that happens in it.
    pub fn run_for(&self, span: Duration) {
        self.ground.executor.run_for(span);
    }

    /// How well the store is from now on.
    pub fn weather(&self, rates: Rates) {
        self.weather.set(rates);
    }

    /// A device of a user, and the process that it is: give its sessions the one to come by and the other to run on.
    #[must_use]
    pub fn device(&self, user: UserId, id: DeviceId) -> (Arc<dyn Connector>, Process) {
        let process = self.ground.executor.process();
        let door = Door {
            ground: Arc::clone(&self.ground),
            device: self.ground.recorder.device(user.clone()),
            user,
            id,
            process: process.clone(),
        };
        (Arc::new(door), process)
    }

    /// The engine of a node; `None` while that is down.
    #[must_use]
    pub fn node(&self, number: usize) -> Option<Im> {
        self.ground.node(number).map(|node| node.im)
    }

    /// Begins a node that is down: with nothing in memory, over the same store.
    pub fn start(&self, number: usize) {
        if self.ground.node(number).is_some() {
            return;
        }
        let process = self.ground.executor.process();
        // Of one node alone nothing is stored after its end: the next would not hear of that by itself.
        let late = if self.nodes == 1 {
            &process
        } else {
            self.weather.process()
        };
        let way = Way {
            weather: Arc::clone(&self.weather),
            late: late.clone(),
        };
        let ports = away(&self.ports, &way, Arc::new(process.clone()));
        let im = (self.build)(ports);
        let node = Node {
            number,
            im,
            process,
        };
        drop(self.ground.set_node(number, Some(node)));
    }

    /// Ends a node at this moment: what it had in memory is gone, and its links are.
    pub fn kill(&self, number: usize) {
        let Some(node) = self.ground.set_node(number, None) else {
            return;
        };
        self.ground.recorder.note(Event::Died { node: number });
        for link in self.ground.links(|link| link.node == number) {
            link.cut();
            link.drop_far_end();
        }
        node.process.kill();
    }

    /// Ends a node in order: its sessions are told to come back elsewhere, and what it kept back is stored. It is gone
    /// after `patience` at the latest.
    pub fn stop(&self, number: usize, patience: Duration) {
        if let Some(node) = self.ground.node(number) {
            let im = node.im;
            let shut_down = async move { im.shut_down().await };
            let _ = self.ground.executor.block_on(patience, shut_down);
        }
        self.kill(number);
    }

    /// Steps the wall clock of a node.
    pub fn step_clock(&self, number: usize, by_ms: i64) {
        if let Some(node) = self.ground.node(number) {
            node.process.step_clock(by_ms);
        }
    }

    /// Cuts the links of a device. Its node notices at once, or later.
    pub fn cut(&self, device: usize) {
        for link in self.ground.links(|link| link.device == device) {
            self.ground.cut(&link);
        }
    }

    /// Cuts all links.
    pub fn cut_all(&self) {
        for link in self.ground.links(|_| true) {
            self.ground.cut(&link);
        }
    }

    /// Nothing fails any more, and every node is up.
    pub fn heal(&self) {
        self.weather(Rates::default());
        self.ground.network.heal();
        for node in 0..self.nodes {
            self.start(node);
        }
    }
}

impl Drop for World {
    /// Everything holds everything else.
    fn drop(&mut self) {
        self.ground.executor.end();
        self.ground.clear();
    }
}
