//! Messages whose text comes piece by piece: for who reads messages only, until they are complete.

use std::collections::BTreeSet;

use crate::{Body, ConversationId, Entry, Positions, Seq};

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
    /// Up to where an earlier session of the device handed entries out. A message there that ends now was passed over then.
    before: Positions,
}

impl Incomplete {
    /// For a session that goes on where another ended.
    pub(super) fn since(before: Positions) -> Self {
        Self {
            before,
            ..Self::default()
        }
    }

    /// Whether an entry is a message that is not complete. Notes when it completes one.
    pub(super) fn passes_over(&mut self, entry: &Entry) -> bool {
        if let Body::Edited {
            target,
            ending: Some(_),
            ..
        } = entry.body
        {
            let place = (entry.conversation, target);
            let was_there = self
                .before
                .get(&place.0)
                .is_some_and(|held| place.1 <= *held);
            let was_passed_over = self.open.remove(&place) || was_there;
            self.completed = was_passed_over.then_some(place);
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
