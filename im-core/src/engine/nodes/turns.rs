//! Several nodes that write to one conversation. The store takes whoever is first; whoever is not reads what was stored and
//! decides anew, which takes longer, so that it would lose again and again. Instead it asks the others to hold back.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    super::{Engine, lock},
    Letter, To,
};
use crate::{ConversationId, Entry, NodeId};

/// How often a request is tried before its lane asks for a turn.
const PATIENCE: usize = 3;
/// After how many more times it asks again: what it wrote may be lost, or the turn was another's.
const ASK_AGAIN: usize = 4;
/// How long a lane holds back. It goes on as soon as it hears what whoever asked for it stored.
const TURN: Duration = Duration::from_millis(100);
/// How often it looks whether it may.
const LOOK: Duration = Duration::from_millis(2);

/// The conversations in which another node has its turn.
#[derive(Default)]
pub(super) struct Turns {
    /// Whether there may be any.
    are_given: AtomicBool,
    given: Mutex<HashMap<ConversationId, Turn>>,
}

struct Turn {
    to: NodeId,
    /// As the monotonic clock counts.
    until: Duration,
}

impl Turns {
    /// Gives a node its turn, unless another one has it.
    pub(super) fn give(&self, to: NodeId, id: ConversationId, now: Duration) {
        let mut given = lock(&self.given);
        given.retain(|_, turn| now < turn.until);
        let until = now + TURN;
        given.entry(id).or_insert(Turn { to, until });
        self.are_given.store(true, Ordering::Release);
    }

    /// A node has stored something.
    pub(super) fn is_over(&self, of: NodeId, entries: &[Entry]) {
        if self.are_given.load(Ordering::Acquire)
            && let Some(entry) = entries.first()
        {
            let mut given = lock(&self.given);
            if given
                .get(&entry.conversation)
                .is_some_and(|turn| turn.to == of)
            {
                given.remove(&entry.conversation);
            }
            self.are_given.store(!given.is_empty(), Ordering::Release);
        }
    }

    /// Whether it is another node's turn.
    fn is_given(&self, id: ConversationId, now: Duration) -> bool {
        self.are_given.load(Ordering::Acquire)
            && lock(&self.given)
                .get(&id)
                .is_some_and(|turn| now < turn.until)
    }
}

impl Engine {
    /// Before a lane tries to append. The first time it waits while another node has its turn, 100 ms at most; later it asks
    /// for one.
    pub(in crate::engine) async fn take_turns(&self, id: ConversationId, tried: usize) {
        if !self.nodes.are_several() {
            return;
        }
        if tried == 0 {
            let runtime = &self.ports.runtime;
            let end = runtime.monotonic() + TURN;
            loop {
                let now = runtime.monotonic();
                if now >= end || !self.nodes.turns.is_given(id, now) {
                    return;
                }
                runtime.sleep(LOOK).await;
            }
        }
        if tried >= PATIENCE && (tried - PATIENCE).is_multiple_of(ASK_AGAIN) {
            self.write_to(To::All, &Letter::HoldBack(id));
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{Body, ClientId, Seq, Timestamp, UserId};

    const A: NodeId = NodeId::from_uuid(Uuid::from_u128(1));
    const B: NodeId = NodeId::from_uuid(Uuid::from_u128(2));

    fn said(id: ConversationId) -> Vec<Entry> {
        vec![Entry {
            conversation: id,
            seq: Seq(1),
            sender: UserId::new("alice").unwrap(),
            client_id: ClientId::random(),
            at_ms: Timestamp(0),
            ordinal: 1,
            body: Body::says("hello"),
        }]
    }

    #[test]
    fn a_turn_is_over_when_whoever_has_it_stored_something_and_no_sooner() {
        let [here, there] = [7, 8].map(|n| ConversationId::from_uuid(Uuid::from_u128(n)));
        let (turns, now) = (Turns::default(), Duration::from_secs(5));
        turns.give(A, here, now);

        turns.is_over(B, &said(here));
        turns.is_over(A, &said(there));
        assert!(turns.is_given(here, now));
        assert!(!turns.is_given(there, now));

        turns.is_over(A, &said(here));
        assert!(!turns.is_given(here, now));
        assert!(lock(&turns.given).is_empty());
    }

    #[test]
    fn a_turn_ends_by_itself_and_is_not_made_longer_by_others() {
        let id = ConversationId::from_uuid(Uuid::from_u128(7));
        let (turns, now) = (Turns::default(), Duration::from_secs(5));
        turns.give(A, id, now);

        turns.give(B, id, now + TURN / 2);
        turns.is_over(B, &said(id));
        assert!(turns.is_given(id, now + TURN / 2));
        assert!(!turns.is_given(id, now + TURN));

        turns.give(B, id, now + TURN);
        assert!(turns.is_given(id, now + TURN));
    }
}
