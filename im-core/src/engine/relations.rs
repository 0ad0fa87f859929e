//! Who blocked whom, and who is whose contact; kept at hand because every direct message asks.

use std::{collections::HashSet, sync::Arc};

use super::{
    Engine,
    beliefs::{AtHand, Beliefs},
    nodes::{Changed, Letter, To},
    registry::SessionEntry,
};
use crate::{Actor, Block, Blocks, Code, Done, OwnKey, OwnKind, Push, Rejection, UserId};

type Blocked = Arc<HashSet<UserId>>;

/// Two users, the lesser one first.
pub(super) type PairOf = (UserId, UserId);

#[derive(Default)]
pub(super) struct Relations {
    blocks: Beliefs<UserId, HashSet<UserId>>,
    pub(super) contacts: Beliefs<PairOf, bool>,
}

pub(super) fn pair_of(a: &UserId, b: &UserId) -> PairOf {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    (low.clone(), high.clone())
}

impl Relations {
    /// Something may have changed, and it is not known what.
    pub(super) fn forget(&self) {
        self.blocks.forget();
        self.contacts.forget();
    }

    /// Other nodes may have changed whom a user blocks.
    pub(super) fn forget_blocks(&self, by: &UserId) {
        drop(self.blocks.changing(by));
    }

    /// Other nodes may have changed whether two are contacts.
    pub(super) fn forget_contact(&self, a: &UserId, b: &UserId) {
        drop(self.contacts.changing(&pair_of(a, b)));
    }
}

impl Engine {
    /// Whether one of the two blocked the other.
    pub(super) async fn is_blocked(&self, a: &UserId, b: &UserId) -> Result<bool, Rejection> {
        Ok(self.blocked_by(a).await?.contains(b) || self.blocked_by(b).await?.contains(a))
    }

    /// Whether the two are contacts.
    pub(super) async fn are_contacts(&self, a: &UserId, b: &UserId) -> Result<bool, Rejection> {
        let pair = pair_of(a, b);
        let now = self.ports.runtime.monotonic();
        let at_hand = self.relations.contacts.at_hand(&pair, now);
        if let AtHand::Good(are) = at_hand {
            return Ok(*are);
        }
        // Both have each other, so one row tells.
        let key = OwnKey::new(OwnKind::Contact, b.into());
        let are = Arc::new(self.own_row(a, key).await?.is_some());
        self.relations.contacts.keep(&pair, &are, &at_hand, now);
        Ok(*are)
    }

    async fn blocked_by(&self, by: &UserId) -> Result<Blocked, Rejection> {
        let now = self.ports.runtime.monotonic();
        let at_hand = self.relations.blocks.at_hand(by, now);
        if let AtHand::Good(blocked) = at_hand {
            return Ok(blocked);
        }
        let rows = self.ports.contacts.blocks(by).await?;
        let blocked = rows
            .into_iter()
            .filter(|row| row.block.blocked)
            .map(|row| row.block.user);
        let blocked: Blocked = Arc::new(blocked.collect());
        self.relations.blocks.keep(by, &blocked, &at_hand, now);
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
            && blocked.len() >= self.limits().blocks_per_user
        {
            let detail = format!(
                "one can block at most {} users; lift another block first",
                self.limits().blocks_per_user
            );
            return Err(Rejection::new(Code::TooMany, detail));
        }
        let changed = {
            let _forget = self.relations.blocks.changing(&actor.user);
            self.ports
                .contacts
                .set_block(&actor.user, block.clone())
                .await?
        };
        if changed {
            let letter = Changed::Block(actor.user.clone(), block.clone());
            self.write_to(To::All, &Letter::Changed(letter));
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
