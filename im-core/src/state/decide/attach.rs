//! Reactions and votes, several at once.

use super::{Decided, Decision, message_of};
use crate::{
    Body, Code, Content, Entry, Permission, Poll, Reaction, Rejection, Timestamp, UserId, Vote,
    state::{ConversationState, Facts, Lookup, Marks},
};

impl ConversationState {
    /// Takes in those reactions that may be. Alone, what may not be is refused; in company it is left out.
    pub(super) fn react(&self, ask: &Marks<Reaction>, facts: &Facts, now: Timestamp) -> Decided {
        let check = |change: &Reaction| {
            self.attaching(facts, &change.user, change.target, now)
                .map(drop)
        };
        let changes = passing(&ask.changes, check)?;
        Ok(if changes.is_empty() {
            Decision::Nothing
        } else {
            Decision::Append(Body::Reacted { changes })
        })
    }

    /// As [`ConversationState::react`], with votes.
    pub(super) fn vote(&self, ask: &Marks<Vote>, facts: &Facts, now: Timestamp) -> Decided {
        let check = |vote: &Vote| {
            let target = self.attaching(facts, &vote.user, vote.target, now)?;
            check_vote(target, vote, now)
        };
        let changes = passing(&ask.changes, check)?;
        Ok(if changes.is_empty() {
            Decision::Nothing
        } else {
            Decision::Append(Body::Voted { changes })
        })
    }

    /// The message that a user attaches something to, when it may.
    fn attaching<'a>(
        &self,
        facts: &'a Facts,
        user: &UserId,
        target: crate::Seq,
        now: Timestamp,
    ) -> Result<&'a Entry, Rejection> {
        let Lookup::Member(member) = self.lookup(user) else {
            return Err(Rejection::not_found("conversation"));
        };
        if self.info().dismissed {
            return Err(super::dismissed());
        }
        self.check_allowed(member, Permission::React)?;
        if member.silent_until_ms.is_some_and(|until| until > now) {
            let detail = "you were silenced here; wait until that ends, or ask an admin";
            return Err(Rejection::new(Code::Muted, detail));
        }
        message_of(facts, member, target)
    }
}

fn passing<T: Clone>(
    changes: &[T],
    check: impl Fn(&T) -> Result<(), Rejection>,
) -> Result<Vec<T>, Rejection> {
    if let [only] = changes {
        check(only)?;
    }
    let passing = changes.iter().filter(|change| check(change).is_ok());
    Ok(passing.cloned().collect())
}

/// Refuses a vote that the poll does not take.
pub(crate) fn check_vote(target: &Entry, vote: &Vote, now: Timestamp) -> Result<(), Rejection> {
    let Some(Content::Poll(poll)) = target.body.as_message().map(|message| &message.content) else {
        return Err(Rejection::new(
            Code::InvalidRequest,
            "this message is no poll",
        ));
    };
    let Poll {
        options,
        multiple,
        closes_at_ms,
        ..
    } = &**poll;
    if closes_at_ms.is_some_and(|end| end <= now) {
        return Err(Rejection::new(Code::Expired, "the poll is closed"));
    }
    let is_option = |place: &u32| (*place as usize) < options.len();
    let mut chosen = vote.options.clone();
    chosen.sort_unstable();
    chosen.dedup();
    if chosen.len() != vote.options.len() || !chosen.iter().all(is_option) {
        let detail = format!(
            "options are places from 0 to {}, each once",
            options.len().saturating_sub(1)
        );
        return Err(Rejection::new(Code::InvalidRequest, detail));
    }
    if chosen.len() > 1 && !multiple {
        return Err(Rejection::new(
            Code::InvalidRequest,
            "this poll takes one option",
        ));
    }
    Ok(())
}
