//! What a decision needs to know beside the conversation's state, asked of the stores.

use super::{
    Engine,
    read::LAST,
    slot::{Slot, Waiting},
};
use crate::{
    Rejection, Seq, UserId,
    port::Range,
    state::{Ask, Facts, Lookup},
};

impl Engine {
    /// What decisions on all that wait need to know.
    pub(super) async fn facts(&self, slot: &Slot, waiting: &[Waiting]) -> Result<Facts, Rejection> {
        let mut facts = Facts::default();
        // Only sends come in company. They have neither target nor invitations, and a block holds both ways.
        let [one, ..] = waiting else { return Ok(facts) };
        let pair = match &slot.lock().state {
            Some(state) => state.info().pair.clone(),
            None => Vec::new(),
        };
        // Not up to our head, which others may have passed; but no further than a store can count.
        let may_be = |target: &Seq| (Seq(1)..=LAST).contains(target);
        for target in one.ask.targets().into_iter().filter(may_be) {
            let found = self
                .ports
                .log
                .read(slot.id, Range::After(target.previous()), 1)
                .await?;
            let found = found.into_iter().find(|entry| entry.seq == target);
            facts.targets.extend(found);
        }
        self.learn_at_the_door(slot, one, &mut facts).await?;
        if !one.ask.invites().is_empty() {
            facts.unknown = self.authenticator.unknown(one.ask.invites()).await?;
        }
        facts.full = self.full(slot, one).await?;
        // Of the two whose conversation it is, whoever asks: the answer holds for all who came together.
        let pair = match (&one.ask, &pair[..]) {
            (Ask::Direct(peer), _) => Some((&one.actor.user, peer)),
            (Ask::Edit(_) | Ask::Finish(_) | Ask::Forward(_) | Ask::Send(_), [a, b]) => {
                Some((a, b))
            }
            _ => None,
        };
        if let Some((a, b)) = pair {
            facts.blocked = self.is_blocked(a, b).await?;
            facts.contacts_only = self.contacts_only(a, b).await?;
            // Looked up only where it matters.
            let matters = self.limits().strangers_send_one || !facts.contacts_only.is_empty();
            facts.is_contact = matters && self.are_contacts(a, b).await?;
        }
        Ok(facts)
    }

    /// Who is banned, and who asked to be let in, of those whom a request is about.
    async fn learn_at_the_door(
        &self,
        slot: &Slot,
        one: &Waiting,
        facts: &mut Facts,
    ) -> Result<(), Rejection> {
        let doors = &self.ports.doors;
        let users: Vec<UserId> = if let Ask::Unban(ask) = &one.ask {
            ask.users.clone()
        } else if matches!(one.ask, Ask::Add(_) | Ask::Approve(_) | Ask::Join(_)) {
            let entering = one.ask.entering(&one.actor.user);
            entering.into_iter().cloned().collect()
        } else {
            return Ok(());
        };
        let banned = doors
            .banned(slot.id, &users, self.ports.runtime.now())
            .await?;
        facts.banned = banned.into_iter().map(|banned| banned.user).collect();
        if let Ask::Join(_) = &one.ask {
            let row = self
                .ports
                .members
                .membership(&one.actor.user, slot.id)
                .await?;
            let until = row.and_then(|row| row.member.silent_until_ms);
            facts.silent_until = until.filter(|until| *until > self.ports.runtime.now());
        }
        if let Ask::Approve(_) = &one.ask {
            let asked = doors.requested(slot.id, &users).await?;
            facts.requested = asked;
        }
        Ok(())
    }

    /// Of those whom a request would bring in, who is in as many conversations as one can be. Nothing is asked of the
    /// store for a request that brings nobody in.
    async fn full(&self, slot: &Slot, one: &Waiting) -> Result<Vec<UserId>, Rejection> {
        let mut entering = one.ask.entering(&one.actor.user);
        if let Some(state) = &slot.lock().state {
            entering.retain(|user| !matches!(state.lookup(user), Lookup::Member(_)));
        }
        if entering.is_empty() {
            return Ok(Vec::new());
        }
        let entering: Vec<UserId> = entering.into_iter().cloned().collect();
        let most = self.limits().conversations_per_user.max(1);
        Ok(self
            .ports
            .membership_count
            .in_at_least(most, &entering)
            .await?)
    }
}
