//! How often a user may ask: one allowance for what is written, one for the text of open messages, one for everything else.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::Mutex,
    time::Duration,
};

use super::{Engine, lock};
use crate::{Actor, Allowance, Authority, Code, Command, Rejection, UserId, state::RateState};

/// Parts of a table, each with a lock of its own, so that users do not wait for each other.
const SHARDS: usize = 32;
/// Users in one part before those who are quiet are forgotten. All together about 100,000.
const KEPT: usize = 100_000 / SHARDS;

/// What is left of users' allowances.
#[derive(Default)]
pub(super) struct Rates {
    deltas: Table,
    sends: Table,
    requests: Table,
}

#[derive(Default)]
struct Table {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    by_user: HashMap<UserId, RateState>,
    /// At how many users those who are quiet are forgotten; not before [`KEPT`].
    sweep_at: usize,
}

impl Engine {
    /// Refuses who asks too often.
    pub(super) fn check_rate(&self, actor: &Actor, command: &Command) -> Result<(), Rejection> {
        let (limit, table, advice) = match command.allowance() {
            Allowance::Deltas => (
                self.limits().deltas_per_second,
                &self.rates.deltas,
                "pieces of text per second; wait and send several as one",
            ),
            Allowance::Sends => (
                self.limits().sends_per_second,
                &self.rates.sends,
                "messages and changes per second; wait and try again with the same client id",
            ),
            Allowance::Requests => (
                self.limits().requests_per_second,
                &self.rates.requests,
                "requests per second; wait and ask again",
            ),
            Allowance::Free => return Ok(()),
        };
        let Some(per_second) = limit.filter(|_| actor.authority != Authority::Service) else {
            return Ok(());
        };
        let now = self.ports.runtime.monotonic();
        table.take(&actor.user, per_second, now).map_err(|wait| {
            let detail = format!("at most {per_second} {advice}");
            Rejection::new(Code::RateLimited, detail).retry_after(wait)
        })
    }
}

impl Table {
    /// Takes one permit of a user, or says how long to wait for it.
    fn take(&self, user: &UserId, per_second: u32, now: Duration) -> Result<(), Duration> {
        let shard = self.hasher.hash_one(user) as usize % SHARDS;
        let mut shard = lock(&self.shards[shard]);
        if let Some(rate) = shard.by_user.get_mut(user) {
            return rate.take(per_second, now);
        }
        if shard.by_user.len() >= shard.sweep_at.max(KEPT) {
            shard
                .by_user
                .retain(|_, rate| !rate.is_full(per_second, now));
            // Where more than that ask at once, not again for each of them.
            shard.sweep_at = shard.by_user.len() * 2;
        }
        let mut rate = RateState::new(per_second, now);
        let taken = rate.take(per_second, now);
        shard.by_user.insert(user.clone(), rate);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: usize) -> UserId {
        UserId::new(format!("u{n}")).unwrap()
    }

    fn kept(table: &Table) -> usize {
        let shards = table.shards.iter();
        shards.map(|shard| lock(shard).by_user.len()).sum()
    }

    #[test]
    fn users_have_allowances_of_their_own() {
        let table = Table::default();
        for n in 0..100 {
            assert_eq!(table.take(&user(n), 1, Duration::ZERO), Ok(()));
            assert_eq!(table.take(&user(n), 1, Duration::ZERO), Ok(()));
            let wait = Err(Duration::from_secs(1));
            assert_eq!(table.take(&user(n), 1, Duration::ZERO), wait);
        }
        assert_eq!(kept(&table), 100);
    }

    #[test]
    fn who_is_quiet_is_forgotten_and_who_has_nothing_left_is_not() {
        let table = Table::default();
        let later = Duration::from_secs(3);
        for n in 0..SHARDS * KEPT * 3 / 2 {
            table.take(&user(n), 1, Duration::ZERO).unwrap();
        }
        let greedy = user(usize::MAX);
        while table.take(&greedy, 1, later).is_ok() {}

        for n in SHARDS * KEPT * 3 / 2..SHARDS * KEPT * 4 {
            table.take(&user(n), 1, later).unwrap();
        }

        assert!(kept(&table) < SHARDS * KEPT * 3, "{}", kept(&table));
        assert!(table.take(&greedy, 1, later).is_err());
    }
}
