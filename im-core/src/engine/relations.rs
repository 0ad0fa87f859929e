//! Who blocked whom, kept at hand because every direct message asks.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{Engine, lock, registry::SessionEntry};
use crate::{Actor, Block, Blocks, Code, Done, Push, Rejection, UserId};

/// Users whose blocks are kept at hand. Beyond, all are forgotten and read again.
const KEPT: usize = 100_000;

/// How long they are believed: another process on the same store may have changed them. A change by this process holds at
/// once.
const BELIEVED: Duration = Duration::from_secs(5);
/// When somebody else looks again, should who is looking not come back.
const PATIENCE: Duration = Duration::from_secs(1);

type Blocked = Arc<HashSet<UserId>>;

#[derive(Default)]
pub(super) struct Relations {
    blocks: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    by: HashMap<UserId, Believed>,
    /// Raised by every change, so that what was read before it is not kept.
    changes: u64,
}

/// A user's blocks, and until when nobody asks again.
struct Believed {
    blocked: Blocked,
    until: Duration,
}

/// What is at hand of a user's blocks.
enum AtHand {
    /// To be used as they are.
    Good(Blocked),
    /// To be read again by whoever is told so, while the others use them.
    Old(Blocked),
    /// Nothing, after so many changes.
    Nothing(u64),
}

impl Relations {
    fn at_hand(&self, by: &UserId, now: Duration) -> AtHand {
        let mut known = lock(&self.blocks);
        let changes = known.changes;
        match known.by.get_mut(by) {
            Some(believed) if now < believed.until => AtHand::Good(believed.blocked.clone()),
            Some(believed) => {
                // One reads; nobody else in the meantime.
                believed.until = now + PATIENCE;
                AtHand::Old(believed.blocked.clone())
            }
            None => AtHand::Nothing(changes),
        }
    }

    /// Keeps what was read, unless a change came in between.
    fn keep(&self, by: &UserId, blocked: &Blocked, before: &AtHand, now: Duration) {
        let mut known = lock(&self.blocks);
        let is_unchanged = match before {
            AtHand::Good(old) | AtHand::Old(old) => known
                .by
                .get(by)
                .is_some_and(|believed| Arc::ptr_eq(&believed.blocked, old)),
            AtHand::Nothing(changes) => known.changes == *changes,
        };
        if !is_unchanged {
            return;
        }
        if known.by.len() >= KEPT {
            known.by.clear();
        }
        let (blocked, until) = (blocked.clone(), now + BELIEVED);
        known.by.insert(by.clone(), Believed { blocked, until });
    }
}

/// Forgets a user's blocks when it goes out of scope: also when the store failed, or nobody waited for it, and it is not
/// known what is stored.
struct Forget<'a> {
    relations: &'a Relations,
    by: &'a UserId,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let mut known = lock(&self.relations.blocks);
        known.changes += 1;
        known.by.remove(self.by);
    }
}

impl Engine {
    /// Whether one of the two blocked the other.
    pub(super) async fn is_blocked(&self, a: &UserId, b: &UserId) -> Result<bool, Rejection> {
        Ok(self.blocked_by(a).await?.contains(b) || self.blocked_by(b).await?.contains(a))
    }

    async fn blocked_by(&self, by: &UserId) -> Result<Blocked, Rejection> {
        // Before the rows, so that they are never believed for too long.
        let now = self.ports.runtime.monotonic();
        let at_hand = self.relations.at_hand(by, now);
        if let AtHand::Good(blocked) = at_hand {
            return Ok(blocked);
        }
        let rows = self.ports.contacts.blocks(by).await?;
        let blocked = rows
            .into_iter()
            .filter(|row| row.block.blocked)
            .map(|row| row.block.user);
        let blocked: Blocked = Arc::new(blocked.collect());
        self.relations.keep(by, &blocked, &at_hand, now);
        Ok(blocked)
    }

    pub(super) async fn set_block(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        block: Block,
    ) -> Result<Done, Rejection> {
        if block.user == actor.user {
            return Err(Rejection::new(
                Code::InvalidRequest,
                "nobody can block oneself",
            ));
        }
        let blocked = self.blocked_by(&actor.user).await?;
        if block.blocked
            && !blocked.contains(&block.user)
            && blocked.len() >= self.limits.blocks_per_user
        {
            let detail = format!(
                "one can block at most {} users; lift another block first",
                self.limits.blocks_per_user
            );
            return Err(Rejection::new(Code::TooMany, detail));
        }
        let changed = {
            let _forget = Forget {
                relations: &self.relations,
                by: &actor.user,
            };
            self.ports
                .contacts
                .set_block(&actor.user, block.clone())
                .await?
        };
        if changed {
            if block.blocked {
                self.registry.hide(&actor.user, &block.user);
                self.registry.hide(&block.user, &actor.user);
            }
            self.tell_user(&actor.user, session, Push::BlockChanged(block));
        }
        Ok(Done {})
    }

    pub(super) async fn blocks(&self, actor: &Actor) -> Result<Blocks, Rejection> {
        let rows = self.ports.contacts.blocks(&actor.user).await?;
        Ok(Blocks {
            items: rows
                .into_iter()
                .map(|row| row.block)
                .filter(|block| block.blocked)
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> UserId {
        UserId::new(id).unwrap()
    }

    fn set(ids: &[&str]) -> Blocked {
        Arc::new(ids.iter().map(|id| user(id)).collect())
    }

    #[test]
    fn of_all_who_ask_one_reads_again() {
        let (relations, me, now) = (Relations::default(), user("alice"), Duration::ZERO);
        let nothing = relations.at_hand(&me, now);
        relations.keep(&me, &set(&[]), &nothing, now);
        let is_good = |now| matches!(relations.at_hand(&me, now), AtHand::Good(_));
        assert!(is_good(BELIEVED - Duration::from_millis(1)));

        let old = relations.at_hand(&me, BELIEVED);

        assert!(matches!(old, AtHand::Old(_)));
        assert!(is_good(BELIEVED));
        relations.keep(&me, &set(&["bob"]), &old, BELIEVED);
        let AtHand::Good(blocked) = relations.at_hand(&me, BELIEVED + PATIENCE) else {
            panic!("it was just read")
        };
        assert!(blocked.contains(&user("bob")));
    }

    #[test]
    fn who_never_comes_back_is_stood_in_for() {
        let (relations, me) = (Relations::default(), user("alice"));
        let nothing = relations.at_hand(&me, Duration::ZERO);
        relations.keep(&me, &set(&[]), &nothing, Duration::ZERO);
        assert!(matches!(relations.at_hand(&me, BELIEVED), AtHand::Old(_)));

        let later = relations.at_hand(&me, BELIEVED + PATIENCE);

        assert!(matches!(later, AtHand::Old(_)));
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept() {
        let (relations, me) = (Relations::default(), user("alice"));
        let nothing = relations.at_hand(&me, Duration::ZERO);
        relations.keep(&me, &set(&[]), &nothing, Duration::ZERO);
        let old = relations.at_hand(&me, BELIEVED);
        drop(Forget {
            relations: &relations,
            by: &me,
        });

        relations.keep(&me, &set(&["bob"]), &old, BELIEVED);

        let now = relations.at_hand(&me, BELIEVED);
        assert!(matches!(now, AtHand::Nothing(_)));
    }
}
