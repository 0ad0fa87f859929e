//! What a node counts, and how it is shown.

use super::Engine;
use crate::{
    Code,
    figures::{Counter, Figure, Refusals},
};

/// What a node has done since its start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Entries that it stored.
    pub(super) stored: Counter,
    /// Entries that links took.
    pub(super) delivered: Counter,
    /// Sessions whose link did not take what was pushed.
    pub(super) behind: Counter,
    /// Devices that were told to start over.
    pub(super) resets: Counter,
    /// Sessions that were opened.
    pub(super) opened: Counter,
    refusals: Refusals,
}

impl Engine {
    /// Counts that somebody was refused.
    pub(crate) fn count_refusal(&self, code: Code) {
        self.counts.refusals.add(code);
    }

    pub(crate) fn figures(&self) -> Vec<Figure> {
        let counts = &self.counts;
        let resyncs = [
            ("behind", counts.behind.total()),
            ("reset", counts.resets.total()),
        ];
        let now = self.ports.runtime.monotonic();
        let mut figures = self.nodes.figures(now);
        figures.extend([
            Figure::level(
                "im_sessions",
                "Sessions that are open on this node, on whatever link.",
                self.session_count() as u64,
            ),
            Figure::count(
                "im_sessions_opened_total",
                "Sessions that were opened.",
                counts.opened.total(),
            ),
            Figure::count(
                "im_entries_stored_total",
                "Entries that this node stored: messages, and whatever else happened in conversations.",
                counts.stored.total(),
            ),
            Figure::count(
                "im_deliveries_total",
                "Entries that sessions were pushed: one for each entry and session.",
                counts.delivered.total(),
            ),
            Figure::counts(
                "im_resyncs_total",
                "Sessions that have to fetch: the link did not take a push (behind), or the device starts over (reset).",
                "cause",
                resyncs,
            ),
            Figure::counts(
                "im_refusals_total",
                "Requests that were refused, on links, by routes that are commands, and in process; by code.",
                "code",
                counts.refusals.by_code(),
            ),
            Figure::count(
                "im_hooks_untold_total",
                "How often a hook was not told of an entry, because too many waited for it.",
                self.untold_hooks(),
            ),
            Figure::level(
                "im_requests_under_way",
                "Requests that wait until they are stored.",
                self.admission.under_way() as u64,
            ),
            Figure::level(
                "im_conversations",
                "Conversations that are kept in memory.",
                self.slots.count() as u64,
            ),
        ]);
        figures
    }
}
