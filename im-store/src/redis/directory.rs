//! The directory: a hash for each user, and a sorted set of nodes.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use fred::{types::Value, util::redis_keyslot};
use futures_util::future::try_join_all;
use im_core::{
    Here, NodeId, StoreError, UserId, Whereabouts,
    port::{Beat, Directory},
};
use uuid::Uuid;

use super::{Redis, RedisError, script::Script, text};

/// How long what a node says of a user stands. What nodes said that were killed is gone after it.
const STANDS: Duration = Duration::from_secs(60 * 60);

/// How long a node's word is believed to stand before it is asked to say all of it again: well before it is over.
const RENEWED: Duration = Duration::from_secs(15 * 60);

/// Users in one step. A server does nothing else during one: this many take about 100 µs.
const USERS: usize = 64;

/// Steps that are on their way at once.
const STEPS: usize = 64;

/// Since when it stands what this node announced; `None` when that is in doubt.
#[derive(Default)]
pub(super) struct Standing(Mutex<Option<Instant>>);

/// What is known of what this node announced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Word {
    Stands,
    /// Stands, but not for long.
    GetsOld,
    IsLost,
}

impl Standing {
    /// What was announced may be lost.
    pub(super) fn doubt(&self) {
        *self.since() = None;
    }

    /// Whether it stands, where the register says that it does or not. Where not for long, it is announced again from now on.
    fn confirm(&self, is_registered: bool, now: Instant) -> Word {
        let mut since = self.since();
        match *since {
            Some(since) if is_registered && now.duration_since(since) < RENEWED => Word::Stands,
            before => {
                *since = Some(now);
                if is_registered && before.is_some() {
                    Word::GetsOld
                } else {
                    Word::IsLost
                }
            }
        }
    }

    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Directory for Redis {
    async fn announce(
        &self,
        node: NodeId,
        users: Vec<(UserId, Here)>,
    ) -> Result<Vec<Whereabouts>, StoreError> {
        let during = "announcing users";
        let mut named = Vec::with_capacity(users.len());
        for (user, here) in &users {
            let here = encoded(here).map_err(|error| StoreError::new(during, error))?;
            named.push((self.shared.keys.user(user), Some(here)));
        }
        let newest = self.shared.newest.load(Ordering::Relaxed);
        let first = [
            Value::from(node.to_string()),
            Value::from(STANDS.as_micros().to_string()),
            Value::from(newest.to_string()),
        ];
        let answers = self.ask(&self.shared.scripts.announce, &first, named).await;
        answers.map_err(|error| error.during(during))
    }

    async fn find(&self, users: &[UserId]) -> Result<Vec<Whereabouts>, StoreError> {
        let named = users.iter().map(|user| (self.shared.keys.user(user), None));
        let newest = self.shared.newest.load(Ordering::Relaxed);
        let first = [Value::from(newest.to_string())];
        let answers = self
            .ask(&self.shared.scripts.find, &first, named.collect())
            .await;
        answers.map_err(|error| error.during("finding users"))
    }

    async fn beat(&self, node: NodeId, ttl: Duration) -> Result<Beat, StoreError> {
        let answer = self.beat_as(Some((node, ttl))).await;
        // Whether it did not come there or its answer did not come back: what the register says next time tells nothing.
        let answer = answer.inspect_err(|_| self.shared.standing.doubt());
        let answer = answer.map_err(|error| error.during("saying that a node is there"))?;
        let (first, nodes) = answer.split_first().unzip();
        let is_registered = text(first) == Some("stands");
        let nodes = nodes.unwrap_or_default().iter();
        let word = self.shared.standing.confirm(is_registered, Instant::now());
        Ok(Beat {
            nodes: nodes.filter_map(node_in).collect(),
            stands: word != Word::IsLost,
            gets_old: word == Word::GetsOld,
        })
    }

    async fn leave(&self, node: NodeId) -> Result<(), StoreError> {
        let gone = self.beat_as(Some((node, Duration::ZERO))).await;
        gone.map(drop)
            .map_err(|error| error.during("saying that a node is gone"))
    }
}

impl Redis {
    /// Runs a script on users, each with its argument, in a few steps at once; answers in the order of the users.
    async fn ask(
        &self,
        script: &Script,
        first: &[Value],
        users: Vec<(String, Option<Bytes>)>,
    ) -> Result<Vec<Whereabouts>, RedisError> {
        let mut all = vec![Whereabouts::default(); users.len()];
        let mut steps = self.steps(users).into_iter().peekable();
        while steps.peek().is_some() {
            let asking = steps.by_ref().take(STEPS).map(|step| async {
                let mut arguments = first.to_vec();
                arguments.extend(step.arguments.into_iter().flatten().map(Value::Bytes));
                let answer = self.run(script, step.keys, arguments).await?;
                Ok::<_, RedisError>((step.places, self.answers(answer)?))
            });
            for (places, answers) in try_join_all(asking).await? {
                if places.len() != answers.len() {
                    return Err(self.strange());
                }
                for (place, answer) in places.into_iter().zip(answers) {
                    self.has_seen(answer.version);
                    all[place] = answer;
                }
            }
        }
        Ok(all)
    }

    /// Users that can be asked about together: some of them, and in a Redis Cluster those of one slot.
    fn steps(&self, users: Vec<(String, Option<Bytes>)>) -> Vec<Step> {
        let is_cluster = self.shared.config.server.is_clustered();
        let mut slots = BTreeMap::<u16, Vec<Step>>::new();
        for (place, (key, argument)) in users.into_iter().enumerate() {
            let slot = if is_cluster {
                redis_keyslot(key.as_bytes())
            } else {
                0
            };
            let steps = slots.entry(slot).or_default();
            match steps.last_mut() {
                Some(step) if step.keys.len() < USERS => step.add(place, key, argument),
                _ => {
                    let mut step = Step::default();
                    step.add(place, key, argument);
                    steps.push(step);
                }
            }
        }
        slots.into_values().flatten().collect()
    }

    fn answers(&self, answer: Value) -> Result<Vec<Whereabouts>, RedisError> {
        let Value::Array(answers) = answer else {
            return Err(self.strange());
        };
        let read = answers
            .iter()
            .map(|answer| whereabouts(answer).ok_or_else(|| self.strange()));
        read.collect()
    }
}

/// What is done at once.
#[derive(Default)]
struct Step {
    /// Where the answers belong.
    places: Vec<usize>,
    keys: Vec<String>,
    arguments: Vec<Option<Bytes>>,
}

impl Step {
    fn add(&mut self, place: usize, key: String, argument: Option<Bytes>) {
        self.places.push(place);
        self.keys.push(key);
        self.arguments.push(argument);
    }
}

/// What a node has, as it is kept; empty for nothing.
fn encoded(here: &Here) -> Result<Bytes, rmp_serde::encode::Error> {
    if here.is_nothing() {
        return Ok(Bytes::new());
    }
    rmp_serde::to_vec_named(here).map(Bytes::from)
}

/// Reads a version, and nodes with what each has. What a newer node said and this one does not understand is left out.
fn whereabouts(answer: &Value) -> Option<Whereabouts> {
    let Value::Array(answer) = answer else {
        return None;
    };
    let (version, nodes) = answer.split_first()?;
    let nodes = nodes.chunks_exact(2).filter_map(|pair| {
        let here = rmp_serde::from_slice(pair[1].as_bytes()?).ok()?;
        Some((node_in(&pair[0])?, here))
    });
    Some(Whereabouts {
        version: text(Some(version))?.parse().ok()?,
        nodes: nodes.collect(),
    })
}

fn node_in(value: &Value) -> Option<NodeId> {
    let id = Uuid::try_parse(text(Some(value))?).ok()?;
    Some(NodeId::from_uuid(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_renewed_in_time_and_when_it_is_in_doubt() {
        let (standing, begin) = (Standing::default(), Instant::now());
        assert_eq!(
            standing.confirm(true, begin),
            Word::IsLost,
            "the first time"
        );
        assert_eq!(standing.confirm(true, begin + RENEWED / 2), Word::Stands);
        assert_eq!(standing.confirm(true, begin + RENEWED), Word::GetsOld);
        let later = begin + RENEWED * 3 / 2;
        assert_eq!(standing.confirm(true, later), Word::Stands);

        standing.doubt();
        assert_eq!(standing.confirm(true, later), Word::IsLost);
        assert_eq!(standing.confirm(true, later), Word::Stands);
        assert_eq!(standing.confirm(false, later), Word::IsLost);
    }
}
