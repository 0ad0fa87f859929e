//! Who blocked whom, kept at hand because every direct message asks.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use super::{Engine, lock, registry::SessionEntry};
use crate::{Actor, Block, Blocks, Code, Done, Push, Rejection, UserId};

/// Users whose blocks are kept at hand. Beyond, all are forgotten and read again.
const KEPT: usize = 100_000;

type Blocked = Arc<HashSet<UserId>>;

#[derive(Default)]
pub(super) struct Relations {
    blocks: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    by: HashMap<UserId, Blocked>,
    /// Raised by every change, so that what was read before it is not kept.
    changes: u64,
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
        let changes = {
            let known = lock(&self.relations.blocks);
            if let Some(blocked) = known.by.get(by) {
                return Ok(blocked.clone());
            }
            known.changes
        };
        let rows = self.ports.contacts.blocks(by).await?;
        let blocked = rows
            .into_iter()
            .filter(|row| row.block.blocked)
            .map(|row| row.block.user);
        let blocked: Blocked = Arc::new(blocked.collect());
        let mut known = lock(&self.relations.blocks);
        if known.changes == changes {
            if known.by.len() >= KEPT {
                known.by.clear();
            }
            known.by.insert(by.clone(), blocked.clone());
        }
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
