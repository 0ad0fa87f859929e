//! The whole system on one thread, in virtual time, as a seed says: engines on several nodes over one store, devices with
//! the real client core, links that break, a store that fails, nodes that die. And a checker of what came of it.
//!
//! [`run`] lets the simulation's own users live in a world, and returns its history; [`check`] says what is wrong with
//! that. A host that wants its own programs in it builds a [`World`], gives each the connector of a
//! [device](World::device), lets things go wrong, and asserts what it likes.
//!
//! The same seed gives the same history, byte by byte. What is in the order of the engine's maps, or under an id that the
//! engine draws itself, is in no history and decides nothing.

mod bugs;
mod checker;
mod cluster;
mod device;
mod executor;
mod ground;
mod history;
mod link;
mod network;
mod store;
mod users;
mod weather;
mod world;

pub use bugs::Bug;
pub use checker::{Finding, Ill, check};
pub use executor::{Executor, Process};
pub use history::{Answer, Event, History, Recorder, Seen, Sight, Wish};
pub use network::{Network, Place};
pub use weather::Rates;
pub use world::{Build, Setup, World};

use super::Chance;
use crate::Store;

/// Lets the simulation's own users live in a world over this store, as `seed` says, until everything has come to rest.
#[must_use]
pub fn run(seed: u64, store: impl Store, setup: &Setup) -> History {
    let world = World::new(seed, store, setup);
    // Another sequence than the world's own: so that what users do is the same whatever goes wrong.
    let users = users::Users::new(world, Chance::new(!seed));
    users.live(setup).recorder().history()
}
