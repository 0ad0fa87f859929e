//! How long what one place sends to another is under way, and whether it arrives.
//!
//! Links ask here, and so does whatever else carries something between places: the bus of the nodes hands each letter to
//! [`Network::carry`], and delivers it after that time, or never.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::super::Chance;

/// How long something that is sent without a link takes at most.
const STALL: Duration = Duration::from_secs(3);

/// Somebody who sends or receives.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Place {
    /// A device.
    Device(usize),
    /// A node.
    Node(usize),
}

/// Everything between places.
pub struct Network {
    state: Mutex<State>,
}

struct State {
    longest: Duration,
    /// One in so many is lost, of what may be.
    loses: usize,
    /// One in so many takes much longer, of what may be lost.
    stalls: usize,
    apart: BTreeSet<(Place, Place)>,
}

impl Network {
    pub(super) fn new(longest: Duration) -> Self {
        let state = State {
            longest,
            loses: 0,
            stalls: 0,
            apart: BTreeSet::new(),
        };
        Self {
            state: Mutex::new(state),
        }
    }

    /// Lets one in so many of what is sent without a link be lost; 0 for none.
    pub fn lose(&self, one_in: usize) {
        self.lock().loses = one_in;
    }

    /// Lets one in so many of what is sent without a link take up to seconds; 0 for none.
    pub fn stall(&self, one_in: usize) {
        self.lock().stalls = one_in;
    }

    /// Nothing passes between these two any more, in neither direction.
    pub fn part(&self, one: Place, other: Place) {
        self.lock().apart.insert(pair(one, other));
    }

    /// Everything passes again.
    pub fn heal(&self) {
        let mut state = self.lock();
        state.apart.clear();
        state.loses = 0;
        state.stalls = 0;
    }

    /// Whether one reaches the other.
    #[must_use]
    pub fn connects(&self, one: Place, other: Place) -> bool {
        !self.lock().apart.contains(&pair(one, other))
    }

    /// What becomes of something that is sent without a link: it arrives after this time, or is lost.
    pub fn carry(&self, chance: &mut Chance, from: Place, to: Place) -> Option<Duration> {
        let state = self.lock();
        if state.apart.contains(&pair(from, to)) || chance.one_in(state.loses) {
            return None;
        }
        if chance.one_in(state.stalls) {
            return Some(chance.span(STALL));
        }
        Some(chance.span(state.longest))
    }

    /// How long something on a link is under way.
    pub(super) fn delay(&self, chance: &mut Chance) -> Duration {
        chance.span(self.lock().longest)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pair(one: Place, other: Place) -> (Place, Place) {
    (one.min(other), one.max(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_passes_between_those_who_are_apart_until_it_is_mended() {
        let network = Network::new(Duration::from_millis(10));
        let (one, other, third) = (Place::Node(0), Place::Node(1), Place::Device(0));
        let mut chance = Chance::new(1);

        network.part(other, one);

        assert_eq!(network.carry(&mut chance, one, other), None);
        assert!(network.carry(&mut chance, one, third).is_some());
        network.heal();
        assert!(network.carry(&mut chance, one, other).is_some());
    }

    #[test]
    fn one_in_so_many_is_lost() {
        let network = Network::new(Duration::from_millis(10));
        let (mut chance, from, to) = (Chance::new(1), Place::Node(0), Place::Node(1));

        network.lose(4);

        let carried = (0..400).filter(|_| network.carry(&mut chance, from, to).is_some());
        assert!((250..350).contains(&carried.count()));
    }
}
