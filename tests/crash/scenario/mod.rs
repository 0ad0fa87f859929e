//! Which plugs are pulled, and what must hold then.

mod clock;
mod database;
mod databases;
mod disk;
mod embedded;
mod nodes;
mod power;
mod redis;
mod rolling;

use std::{env, fmt, io, path::PathBuf, time::Duration};

use clap::ValueEnum;
use tests::random::Random;

use crate::Violation;

/// A plug to pull.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Scenario {
    /// A server on SQLite is killed with SIGKILL, and started again
    Embedded,
    /// One of three nodes is killed with SIGKILL, over PostgreSQL and then over MariaDB, with a Redis
    Nodes,
    /// Two nodes are stopped in order and started again, one after the other, under load
    Rolling,
    /// The database of two nodes is killed with all its processes, PostgreSQL and then MariaDB, and started again
    Database,
    /// The Redis of two nodes is killed and comes back empty, or is silent for a while
    Redis,
    /// The disk of a server on SQLite fills up, and one becomes read-only
    Disk,
    /// A server on SQLite is killed, and its disk forgets whatever was not synced, as when the power fails
    Power,
    /// The clock of a server on SQLite steps by an hour, forwards and back
    Clock,
}

/// Within this everybody has everything, once what was away is back.
const CONVERGES_WITHIN: Duration = Duration::from_secs(2);

/// Where a scenario runs, and how.
#[derive(Debug)]
pub(crate) struct Place {
    /// For everything that its servers keep.
    pub(crate) folder: PathBuf,
    pub(crate) seed: u64,
    /// How often the plug is pulled, when that was said.
    pub(crate) cycles: Option<u32>,
}

/// Why a scenario does not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// This machine lacks what it needs.
    Skipped(String),
    Wrong(Violation),
}

impl Scenario {
    /// Returns what was seen.
    pub(crate) async fn run(self, place: &Place) -> Result<String, Failure> {
        match self {
            Self::Embedded => embedded::run(place).await,
            Self::Nodes => nodes::run(place).await,
            Self::Rolling => rolling::run(place).await,
            Self::Database => database::run(place).await,
            Self::Redis => redis::run(place).await,
            Self::Disk => disk::run(place).await,
            Self::Power => power::run(place).await,
            Self::Clock => clock::run(place).await,
        }
    }

    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

impl Place {
    pub(crate) fn random(&self) -> Random {
        Random::new(self.seed)
    }
}

impl Failure {
    /// The same, with the cycle in which it was seen.
    pub(crate) fn in_cycle(self, cycle: u32) -> Self {
        match self {
            Self::Wrong(violation) => Self::Wrong(format!("in cycle {}: {violation}", cycle + 1)),
            skipped @ Self::Skipped(_) => skipped,
        }
    }

    /// The same, with what it was seen on.
    pub(crate) fn on(self, what: impl fmt::Display) -> Self {
        match self {
            Self::Wrong(violation) => Self::Wrong(format!("on {what}: {violation}")),
            skipped @ Self::Skipped(_) => skipped,
        }
    }

    /// Something is not installed: a failure where everything has to be.
    pub(crate) fn missing(what: impl fmt::Display) -> Self {
        let reason = format!("{what} is not installed");
        if env::var("IM_TEST_REQUIRE_SERVERS").as_deref() == Ok("1") {
            Self::Wrong(reason)
        } else {
            Self::Skipped(reason)
        }
    }
}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Self {
        Self::Wrong(violation)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Wrong(error.to_string())
    }
}
