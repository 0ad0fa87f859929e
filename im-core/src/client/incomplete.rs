//! Messages whose text comes piece by piece: for who reads messages only, until they are complete.

use std::collections::BTreeSet;

use crate::{Body, ConversationId, Entry, Seq};

/// Where a message stands.
pub(super) type Place = (ConversationId, Seq);

/// Messages of which a session keeps track. More than are open at a time: those whose end was a recall stay.
const KEPT: usize = 1_000;

/// Messages that were passed over because they were not complete.
#[derive(Default)]
pub(super) struct Incomplete {
    open: BTreeSet<Place>,
    /// One that is complete by now and is to be fetched.
    completed: Option<Place>,
}

impl Incomplete {
    /// Whether an entry is a message that is not complete. Notes when it completes one.
    pub(super) fn passes_over(&mut self, entry: &Entry) -> bool {
        if let Body::Edited {
            target,
            ending: Some(_),
            ..
        } = entry.body
        {
            let place = (entry.conversation, target);
            self.completed = self.open.remove(&place).then_some(place);
            return true;
        }
        let message = entry.body.as_message();
        let is_open = message.is_some_and(|message| message.open_until().is_some());
        if is_open {
            if self.open.len() == KEPT {
                self.open.pop_first();
            }
            self.open.insert((entry.conversation, entry.seq));
        }
        is_open
    }

    /// A message that is to be fetched, until it was.
    pub(super) const fn completed(&self) -> Option<Place> {
        self.completed
    }

    pub(super) const fn fetched(&mut self) {
        self.completed = None;
    }
}
