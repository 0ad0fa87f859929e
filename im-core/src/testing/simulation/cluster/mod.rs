//! What is between the nodes of a world: a bus whose letters are late or lost, a directory that forgets, and for each node a
//! cable to both that can be cut.

mod bus;
mod directory;

pub(super) use bus::Way;

use std::sync::Arc;

use super::{
    super::{Cable, Chance},
    bugs::Bugs,
    executor::Process,
    network::Network,
    weather::{Rates, Weather},
};
use crate::port::{NoBus, NoDirectory};

/// The bus and the directory that all nodes of a world share.
pub(super) struct Cluster {
    bus: Arc<bus::Exchange>,
    directory: Arc<directory::Table>,
    weather: Arc<Weather>,
    /// Whether there is more than one node.
    is_one: bool,
}

impl Cluster {
    pub(super) fn new(
        mut chance: Chance,
        nodes: usize,
        network: Arc<Network>,
        bugs: &Bugs,
        outside: Process,
    ) -> Self {
        Self {
            bus: Arc::new(bus::Exchange::new(network, bugs.clone(), chance.number())),
            directory: Arc::new(directory::Table::new(outside.clone(), bugs.clone())),
            weather: Weather::new(chance.fork(), outside),
            is_one: nodes == 1,
        }
    }

    /// Whether nodes have to join before they hear of each other.
    pub(super) const fn has_several(&self) -> bool {
        !self.is_one
    }

    /// How a node that begins reaches the others. Where there is none it reaches nobody.
    pub(super) fn cable(&self, node: usize, process: &Process) -> Cable {
        if self.is_one {
            return Cable::new(Arc::new(NoBus), Arc::new(NoDirectory));
        }
        let bus = self.bus.end(node, process);
        let directory = directory::Desk::new(&self.directory, &self.weather);
        Cable::new(Arc::new(bus), Arc::new(directory))
    }

    /// A node has ended without a word.
    pub(super) fn died(&self, node: usize) {
        self.bus.died(node);
    }

    /// How well the directory answers from now on.
    pub(super) fn weather(&self, rates: Rates) {
        self.weather.set(rates);
    }

    /// The directory loses everything.
    pub(super) fn forget(&self) {
        self.directory.forget();
    }

    /// Lets go of everything.
    pub(super) fn clear(&self) {
        self.bus.clear();
    }
}
