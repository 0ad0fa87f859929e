//! How often a user may ask: one allowance for what is written, one for the text of open messages, one for everything else.
//!
//! Each node counts by itself, so that nobody waits for others. Who asks one node for more than its share is told to the others
//! with the next beat, and owes it there.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::Mutex,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Engine, lock};
use crate::{Actor, Allowance, Authority, Code, Command, Rejection, UserId, state::RateState};

/// Parts of a table, each with a lock of its own, so that users do not wait for each other.
const SHARDS: usize = 32;
/// Users in one part before those who are quiet are forgotten. All together about 100,000.
const KEPT: usize = 100_000 / SHARDS;
/// Users of one part and allowance that others are told of at once, at most. The rest waits for the next time.
const TOLD: usize = 64;

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
    by_user: HashMap<UserId, Used>,
    /// At how many users those who are quiet are forgotten; not before [`KEPT`].
    sweep_at: usize,
}

/// What a user has used of an allowance here.
struct Used {
    rate: RateState,
    /// How often since the others were last told.
    lately: u32,
}

/// What users have used of their allowances on one node.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Spent {
    deltas: Vec<(UserId, u32)>,
    sends: Vec<(UserId, u32)>,
    requests: Vec<(UserId, u32)>,
}

impl Spent {
    pub(super) fn is_nothing(&self) -> bool {
        self.deltas.is_empty() && self.sends.is_empty() && self.requests.is_empty()
    }
}

impl Engine {
    /// What users have used here since the last call, of whom one of so many nodes was asked for more than its share.
    pub(super) fn spent(&self, nodes: usize) -> Spent {
        let limits = self.limits();
        let of = |table: &Table, limit: Option<u32>| {
            limit.map_or_else(Vec::new, |per_second| table.spent(per_second, nodes))
        };
        Spent {
            deltas: of(&self.rates.deltas, limits.deltas_per_second),
            sends: of(&self.rates.sends, limits.sends_per_second),
            requests: of(&self.rates.requests, limits.requests_per_second),
        }
    }

    /// Another node says what users have used there.
    pub(super) fn owe(&self, spent: Spent) {
        let (limits, now) = (self.limits(), self.ports.runtime.monotonic());
        for (table, limit, spent) in [
            (&self.rates.deltas, limits.deltas_per_second, spent.deltas),
            (&self.rates.sends, limits.sends_per_second, spent.sends),
            (
                &self.rates.requests,
                limits.requests_per_second,
                spent.requests,
            ),
        ] {
            let Some(per_second) = limit else { continue };
            for (user, times) in spent {
                table.with(&user, per_second, now, |used| {
                    used.rate.owe(times, per_second, now);
                });
            }
        }
    }

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
        self.with(user, per_second, now, |used| {
            used.rate.take(per_second, now)?;
            used.lately = used.lately.saturating_add(1);
            Ok(())
        })
    }

    fn with<T>(
        &self,
        user: &UserId,
        per_second: u32,
        now: Duration,
        work: impl FnOnce(&mut Used) -> T,
    ) -> T {
        let shard = self.hasher.hash_one(user) as usize % SHARDS;
        let mut shard = lock(&self.shards[shard]);
        if let Some(used) = shard.by_user.get_mut(user) {
            return work(used);
        }
        if shard.by_user.len() >= shard.sweep_at.max(KEPT) {
            shard
                .by_user
                .retain(|_, used| !used.rate.is_full(per_second, now));
            // Where more than that ask at once, not again for each of them.
            shard.sweep_at = shard.by_user.len() * 2;
        }
        let mut used = Used {
            rate: RateState::new(per_second, now),
            lately: 0,
        };
        let done = work(&mut used);
        shard.by_user.insert(user.clone(), used);
        done
    }

    /// Who has used more than one of so many nodes has to give, and how much. The others cannot have more than there is.
    fn spent(&self, per_second: u32, nodes: usize) -> Vec<(UserId, u32)> {
        let share = per_second / u32::try_from(nodes).unwrap_or(u32::MAX).max(1);
        let mut all = Vec::new();
        for shard in &self.shards {
            let mut told = 0;
            for (user, used) in &mut lock(shard).by_user {
                if used.lately <= share {
                    used.lately = 0;
                } else if told < TOLD {
                    told += 1;
                    all.push((user.clone(), std::mem::take(&mut used.lately)));
                } else {
                    // Told later, and no more of it than was asked lately.
                    used.lately = used.lately.min(per_second.saturating_mul(2));
                }
            }
        }
        all
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
    fn what_was_asked_while_nobody_was_there_is_told_to_nobody() {
        let table = Table::default();
        for second in 0..3_600 {
            let now = Duration::from_secs(second);
            table.take(&user(1), 10, now).unwrap();
            table.spent(10, 1);
        }
        assert_eq!(table.spent(10, 2), []);
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

    #[test]
    fn others_are_told_once_of_who_uses_more_than_a_share() {
        let table = Table::default();
        let take = |n, times| {
            for _ in 0..times {
                table.take(&user(n), 10, Duration::ZERO).unwrap();
            }
        };
        take(1, 5);
        take(2, 6);

        assert_eq!(table.spent(10, 2), [(user(2), 6)]);
        take(1, 5);
        take(2, 1);
        assert_eq!(table.spent(10, 2), [], "nor is what was little kept");
    }

    #[test]
    fn what_is_refused_was_not_used() {
        let table = Table::default();
        for _ in 0..100 {
            let _ = table.take(&user(1), 10, Duration::ZERO);
        }

        assert_eq!(table.spent(10, 2), [(user(1), 20)]);
    }
}
