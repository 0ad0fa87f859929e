//! When members last said something, as far as a slow mode asks.

use std::collections::HashMap;

use crate::{Entry, Timestamp, UserId};

/// Who has spoken a moment ago. Empty where there is no slow mode: it holds from the first message after it began.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    said: HashMap<UserId, Timestamp>,
    /// At how many members those whose time is over are forgotten.
    sweep_at: usize,
}

impl Pace {
    /// Takes in what was said before the state began.
    pub(super) fn recall(&mut self, user: UserId, at: Timestamp) {
        let said = self.said.entry(user).or_insert(at);
        *said = at.max(*said);
    }

    /// Takes in the next entry.
    pub(super) fn note(&mut self, entry: &Entry, span_ms: Option<u64>) {
        let Some(span_ms) = span_ms else {
            if !self.said.is_empty() {
                *self = Self::default();
            }
            return;
        };
        if !entry.body.is_countable() {
            return;
        }
        if self.said.len() >= self.sweep_at.max(1_000) {
            let now = entry.at_ms;
            self.said.retain(|_, said| after(*said, span_ms) > now);
            self.sweep_at = self.said.len() * 2;
        }
        self.said.insert(entry.sender.clone(), entry.at_ms);
    }

    /// Until when a user waits; `None` when it need not.
    pub(super) fn waits_until(
        &self,
        user: &UserId,
        span_ms: u64,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let until = after(*self.said.get(user)?, span_ms);
        (until > now).then_some(until)
    }
}

fn after(said: Timestamp, span_ms: u64) -> Timestamp {
    said.plus(std::time::Duration::from_millis(span_ms))
}
