//! Who spoke a moment ago, where a slow mode asks: read when a conversation is loaded, so that nobody gains a message by
//! a restart or on another node.

use std::time::Duration;

use super::{Engine, page::at_once};
use crate::{
    Body, ConversationId, Entry, Rejection, Timestamp, UserId,
    port::{Range, Snapshot},
};

/// Entries that are looked through at most. In a slow mode members who hold to it say less than that; where those who need
/// not hold to it say more, who spoke before that may speak once more after a restart.
const MOST: usize = 1_000;

impl Engine {
    /// Who has said something within the span of the slow mode, and when; nobody where there is none.
    pub(super) async fn said_lately(
        &self,
        id: ConversationId,
        snapshot: &Snapshot,
    ) -> Result<Vec<(UserId, Timestamp)>, Rejection> {
        let mut said = Vec::new();
        let Some(span_ms) = snapshot.info.slow_mode_ms else {
            return Ok(said);
        };
        let (span, now) = (Duration::from_millis(span_ms), self.ports.runtime.now());
        let (limit, mut looked) = (at_once(&self.limits()), 0);
        let mut before = snapshot.head.seq.next();
        while looked < MOST {
            let page = self
                .ports
                .log
                .read(id, Range::Before(before), limit)
                .await?;
            let Some(first) = page.first() else { break };
            before = first.seq;
            looked += page.len();
            // What was said before it began does not count.
            let begun = page.iter().rposition(begins);
            let is_enough = begun.is_some() || page.len() < limit || first.at_ms.plus(span) <= now;
            let since = page.into_iter().skip(begun.map_or(0, |place| place + 1));
            let messages = since.filter(|entry| entry.body.is_countable());
            said.extend(messages.map(|entry| (entry.sender, entry.at_ms)));
            if is_enough {
                break;
            }
        }
        Ok(said)
    }
}

/// Whether a slow mode begins with an entry.
fn begins(entry: &Entry) -> bool {
    if let Body::InfoChanged { changes, was } = &entry.body {
        let is_on = |span: Option<u64>| span.is_some_and(|span| span > 0);
        is_on(changes.slow_mode_ms) && !is_on(was.slow_mode_ms)
    } else {
        false
    }
}
