//! How well the store is: when its calls fail, before they do something or after, and how long they take.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{super::Chance, executor::Process};
use crate::{StoreError, port::Runtime};

/// What can go wrong with a store call. Each number is one in so many; 0 is never.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Rates {
    /// Calls that fail, and did nothing.
    pub fails_before: usize,
    /// Calls that did it, and say that they failed.
    pub fails_after: usize,
    /// Appends that say that they failed, and are stored seconds later.
    pub lands_late: usize,
    /// Calls that take long.
    pub slow: usize,
}

impl Rates {
    /// A bad day.
    pub const STORM: Self = Self {
        fails_before: 12,
        fails_after: 12,
        lands_late: 24,
        slow: 20,
    };

    /// Nothing fails, and some calls take long.
    pub const FAIR: Self = Self {
        fails_before: 0,
        fails_after: 0,
        lands_late: 0,
        slow: 40,
    };
}

/// How long a slow call takes at most on each of its ways.
const SLOW: Duration = Duration::from_millis(300);
/// How long any other call takes at most.
const QUICK: Duration = Duration::from_millis(2);
/// After how long an append can still be stored that was given up.
const LATE: Duration = Duration::from_secs(10);

/// The state of one store, for all who use it.
pub(super) struct Weather {
    state: Mutex<State>,
    /// What the store does goes on when a node that asked for it ends.
    process: Process,
}

struct State {
    chance: Chance,
    rates: Rates,
}

impl Weather {
    pub(super) fn new(chance: Chance, process: Process) -> Arc<Self> {
        let state = State {
            chance,
            rates: Rates::default(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            process,
        })
    }

    pub(super) fn set(&self, rates: Rates) {
        self.lock().rates = rates;
    }

    pub(super) const fn process(&self) -> &Process {
        &self.process
    }

    /// The way to the store.
    pub(super) async fn there(&self) -> Result<(), StoreError> {
        let (way, fails) = {
            let mut state = self.lock();
            let rates = state.rates;
            (state.way(), state.chance.one_in(rates.fails_before))
        };
        self.travel(way).await;
        outcome(fails)
    }

    /// The way back.
    pub(super) async fn back(&self) -> Result<(), StoreError> {
        let (way, fails) = {
            let mut state = self.lock();
            let rates = state.rates;
            (state.way(), state.chance.one_in(rates.fails_after))
        };
        self.travel(way).await;
        outcome(fails)
    }

    /// After how long an append is stored that is given up now; `None` when it is not given up.
    pub(super) fn lands_late(&self) -> Option<Duration> {
        let mut state = self.lock();
        let rates = state.rates;
        let late = state.chance.one_in(rates.lands_late);
        late.then(|| state.chance.span(LATE))
    }

    async fn travel(&self, way: Duration) {
        if !way.is_zero() {
            self.process.sleep(way).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn way(&mut self) -> Duration {
        let rates = self.rates;
        if self.chance.one_in(rates.slow) {
            return self.chance.span(SLOW);
        }
        // Some calls are answered from what is at hand.
        if self.chance.one_in(3) {
            return Duration::ZERO;
        }
        self.chance.span(QUICK)
    }
}

fn outcome(fails: bool) -> Result<(), StoreError> {
    if fails {
        return Err(StoreError::new("a simulated call", "injected"));
    }
    Ok(())
}
