//! What a node counts of what it says to others, and hears.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{super::lock, Nodes};
use crate::{NodeId, StoreError, figures::Figure};

/// What was said and heard since the start.
#[derive(Default)]
pub(super) struct Counts {
    sent: AtomicU64,
    heard: AtomicU64,
    /// Letters that were not sent, or not looked at, because too many waited.
    dropped: AtomicU64,
    repairs: AtomicU64,
    directory_errors: AtomicU64,
    /// When each of the other nodes was last heard.
    last: Mutex<HashMap<NodeId, Duration>>,
}

impl Counts {
    pub(super) fn sent(&self) {
        raise(&self.sent);
    }

    pub(super) fn heard(&self) {
        raise(&self.heard);
    }

    pub(super) fn dropped(&self) {
        raise(&self.dropped);
    }

    pub(super) fn repaired(&self) {
        raise(&self.repairs);
    }

    /// An answer of the directory.
    pub(super) fn answered<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if answer.is_err() {
            raise(&self.directory_errors);
        }
        answer
    }

    /// A node is there.
    pub(super) fn came(&self, node: NodeId, now: Duration) {
        lock(&self.last).insert(node, now);
    }

    /// A node has said how much it said. The last word of one that is gone does not make it come again.
    pub(super) fn spoke(&self, node: NodeId, now: Duration) {
        if let Some(last) = lock(&self.last).get_mut(&node) {
            *last = now;
        }
    }

    /// A node is gone.
    pub(super) fn is_gone(&self, node: NodeId) {
        lock(&self.last).remove(&node);
    }

    /// How long the one that was silent longest has been.
    fn silence(&self, now: Duration) -> Duration {
        let last = lock(&self.last);
        let first = last.values().min();
        first.map_or(Duration::ZERO, |first| now.saturating_sub(*first))
    }
}

fn raise(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

impl Nodes {
    /// What is shown of a node among others, also where there are none.
    pub(in crate::engine) fn figures(&self, now: Duration) -> Vec<Figure> {
        let (counts, bus) = (&self.counts, self.bus.condition());
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let there = lock(&self.there).len().max(1);
        let is_connected = !self.has_others || bus.is_connected && self.is_reached();
        vec![
            Figure::level(
                "im_nodes",
                "Nodes that are there, as far as this one knows; itself among them.",
                there as u64,
            ),
            Figure::level(
                "im_bus_connected",
                "0 while this node is cut off from the others, and 1 otherwise; always 1 for a server that is alone.",
                is_connected.into(),
            ),
            Figure::span(
                "im_bus_lag_seconds",
                "How long the last letter waited until the bus had taken it, or longer: how long the oldest waits now.",
                bus.lag,
            ),
            Figure::level(
                "im_bus_waiting_letters",
                "Letters that wait until the bus takes them.",
                bus.waiting,
            ),
            Figure::count(
                "im_letters_sent_total",
                "Letters to other nodes that the bus was given.",
                read(&counts.sent),
            ),
            Figure::count(
                "im_letters_heard_total",
                "Letters of other nodes.",
                read(&counts.heard),
            ),
            Figure::counts(
                "im_letters_lost_total",
                "Letters that this node lost: the bus could not send them (bus), or too many waited (queue).",
                "cause",
                [("bus", bus.lost), ("queue", read(&counts.dropped))],
            ),
            Figure::count(
                "im_node_repairs_total",
                "How often this node looked at everything, because it may have missed a letter.",
                read(&counts.repairs),
            ),
            Figure::span(
                "im_node_silence_seconds",
                "How long the node that was silent longest has said nothing; each speaks once a second.",
                counts.silence(now),
            ),
            Figure::count(
                "im_directory_errors_total",
                "Questions that the directory of nodes did not answer.",
                read(&counts.directory_errors),
            ),
        ]
    }
}
