//! Whether somebody is at a session: kept over its links, so that it is said again on the next one.

use std::sync::{Arc, Weak};

use super::Connection;
use crate::{Attention, Command};

/// What the program said last, and what the far end of the present link knows of it.
#[derive(Default)]
pub(super) struct SaidAttention {
    said: Attention,
    known: Option<(Weak<dyn Connection>, Attention)>,
}

impl SaidAttention {
    /// The program is about to ask this. Returns what it says, if that is what it asks.
    pub(super) fn asking(&mut self, command: &Command) -> Option<Attention> {
        let Command::SetPresence(set) = command else {
            return None;
        };
        self.said = set.availability;
        Some(self.said)
    }

    /// The far end knows this now.
    pub(super) fn known(&mut self, link: &Arc<dyn Connection>, attention: Attention) {
        self.known = Some((Arc::downgrade(link), attention));
    }

    /// What the far end does not know. A session begins with somebody there.
    pub(super) fn news(&self, link: &Arc<dyn Connection>) -> Option<Attention> {
        let known = self.known.as_ref().filter(|(known, _)| {
            let known = known.upgrade();
            known.is_some_and(|known| Arc::ptr_eq(&known, link))
        });
        let known = known.map_or(Attention::Online, |(_, attention)| *attention);
        (known != self.said).then_some(self.said)
    }
}
