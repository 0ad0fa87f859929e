//! A world: nodes over one store, devices at the ends of links, and everything that goes wrong between them.

use std::{sync::Arc, time::Duration};

use super::{
    super::{Cable, Chance},
    bugs::{Bug, Bugs},
    cluster::Cluster,
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

/// How an engine is made of ports and of what leads to the other nodes, each time that a node begins. Where there are
/// several the world lets it [join](Im::join).
pub type Build = Arc<dyn Fn(Ports, Cable) -> Im + Send + Sync>;

/// How long a node waits before it tries again to join the others.
const JOIN_AGAIN: Duration = Duration::from_millis(100);
/// How long it takes at most until all nodes have joined, while nothing fails.
const JOINED_WITHIN: Duration = Duration::from_secs(10);

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
            build: Arc::new(|ports, cable| {
                Im::builder(ports, TrustEveryone)
                    .limits(Limits::default())
                    .cluster(cable.clone(), cable)
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
    cluster: Cluster,
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
        let cluster = Cluster::new(
            chance.fork(),
            setup.nodes,
            Arc::clone(&ground.network),
            &ground.bugs,
            ground.outside.clone(),
        );
        let world = Self {
            ground,
            truth,
            ports,
            weather,
            cluster,
            build: Arc::clone(&setup.build),
            nodes: setup.nodes,
        };
        for node in 0..setup.nodes {
            world.start(node);
        }
        let are_up = || (0..setup.nodes).all(|node| world.node(node).is_some());
        world.executor().run_until(JOINED_WITHIN, are_up);
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

    /// How well the store is from now on, and the directory of the nodes.
    pub fn weather(&self, rates: Rates) {
        self.weather.set(rates);
        self.cluster.weather(rates);
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

    /// The engine of a node; `None` while that is down, or has not joined the others.
    #[must_use]
    pub fn node(&self, number: usize) -> Option<Im> {
        let node = self.ground.node(number);
        node.filter(|node| node.has_joined).map(|node| node.im)
    }

    /// Begins a node that is down: with nothing in memory, over the same store. Where there are several it is up once it
    /// has joined the others.
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
        let cable = self.cluster.cable(number, &process);
        let im = (self.build)(ports, cable.clone());
        let node = Node {
            number,
            im: im.clone(),
            process: process.clone(),
            cable,
            has_joined: !self.cluster.has_several(),
        };
        drop(self.ground.set_node(number, Some(node)));
        if self.cluster.has_several() {
            let (ground, clock) = (Arc::downgrade(&self.ground), process.clone());
            process.spawn(Box::pin(async move {
                while im.join().await.is_err() {
                    clock.sleep(JOIN_AGAIN).await;
                }
                if let Some(ground) = ground.upgrade() {
                    ground.has_joined(number);
                }
            }));
        }
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
        self.cluster.died(number);
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

    /// Parts a node from bus and directory: what it tells others and what they tell it is lost.
    pub fn part(&self, number: usize) {
        if let Some(node) = self.ground.node(number) {
            node.cable.cut();
        }
    }

    /// Ends what [`World::part`] began. The node is told that it missed something.
    pub fn rejoin(&self, number: usize) {
        if let Some(node) = self.ground.node(number) {
            node.cable.mend();
        }
    }

    /// The directory of the nodes loses all that it has. Nodes notice.
    pub fn flush(&self) {
        self.cluster.forget();
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

    /// Cuts all links of devices.
    pub fn cut_all(&self) {
        for link in self.ground.links(|_| true) {
            self.ground.cut(&link);
        }
    }

    /// Nothing fails any more, and every node is up or about to be.
    pub fn heal(&self) {
        self.weather(Rates::default());
        self.ground.network.heal();
        for node in 0..self.nodes {
            self.rejoin(node);
            self.start(node);
        }
    }
}

impl Drop for World {
    /// Everything holds everything else.
    fn drop(&mut self) {
        self.ground.executor.end();
        self.cluster.clear();
        self.ground.clear();
    }
}
