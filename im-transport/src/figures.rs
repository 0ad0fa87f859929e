//! What every kind of link counts, under the same names.

use im_core::figures::Figure;

/// The links of one kind, as they are at this moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Links {
    /// Those that are there, with and without a session.
    pub(crate) connections: usize,
    /// Those that have had a session, until their last words are written.
    pub(crate) sessions: usize,
    /// Those whose peer does not take what is written.
    pub(crate) behind: usize,
    /// Bytes that wait for such peers.
    pub(crate) waiting_bytes: usize,
}

impl Links {
    /// The figures of links of a kind, which `link` names.
    pub(crate) fn figures(self, link: &'static str) -> Vec<Figure> {
        let levels = [
            (
                "im_link_connections",
                "Connections that are open, with and without a session.",
                self.connections,
            ),
            (
                "im_link_sessions",
                "Connections with a session, until their last words are written.",
                self.sessions,
            ),
            (
                "im_link_behind",
                "Connections whose peer does not take what is written, a moment ago.",
                self.behind,
            ),
            (
                "im_link_outbox_bytes",
                "Bytes that wait for such peers, a moment ago; what many wait for counts for each.",
                self.waiting_bytes,
            ),
        ];
        let figures = levels
            .into_iter()
            .map(|(name, help, value)| Figure::level(name, help, value as u64));
        figures
            .map(|figure| figure.labelled(("link", link)))
            .collect()
    }
}
