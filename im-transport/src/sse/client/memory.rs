//! Which way to a server works, as far as one device has seen.

use std::time::Duration;

/// How long events are used before a WebSocket is tried again: who is in a bad network now may be in another by then.
const TRY_AGAIN: Duration = Duration::from_secs(300);

/// Failures in a row of what has worked before, until the other way is tried: mostly the server is away then, and whoever
/// comes back first by the other way would stay there.
const PATIENCE: u32 = 3;

/// A way to open a link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    Events,
    WebSocket,
}

/// What has worked and what has not. Moments are since some beginning.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Events have worked where a WebSocket has not, and are used until then.
    events_until: Option<Duration>,
    /// Whether a WebSocket has ever worked.
    has_had_websocket: bool,
    /// Failures of WebSockets in a row.
    misses: u32,
}

impl Memory {
    /// What to try first.
    pub(super) fn first(&self, now: Duration) -> Way {
        match self.events_until {
            Some(until) if now < until => Way::Events,
            _ => Way::WebSocket,
        }
    }

    pub(super) fn websocket_worked(&mut self) {
        *self = Self {
            has_had_websocket: true,
            ..Self::default()
        };
    }

    /// A WebSocket could not be opened; returns whether to try events.
    pub(super) fn websocket_failed(&mut self) -> bool {
        self.misses += 1;
        !self.has_had_websocket || self.misses >= PATIENCE
    }

    pub(super) fn events_worked(&mut self, now: Duration) {
        // Not put off by each link: a WebSocket is tried again however short they are.
        if self.first(now) == Way::WebSocket {
            self.events_until = Some(now + TRY_AGAIN);
        }
    }

    pub(super) fn events_failed(&mut self) {
        self.events_until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(7);

    #[test]
    fn what_worked_is_tried_first_for_a_while() {
        let mut memory = Memory::default();
        assert_eq!(memory.first(NOW), Way::WebSocket);

        assert!(memory.websocket_failed());
        memory.events_worked(NOW);

        assert_eq!(memory.first(NOW + TRY_AGAIN / 2), Way::Events);
        memory.events_worked(NOW + TRY_AGAIN / 2);
        assert_eq!(memory.first(NOW + TRY_AGAIN), Way::WebSocket);
    }

    #[test]
    fn events_that_fail_are_not_held_on_to() {
        let mut memory = Memory::default();
        memory.websocket_failed();
        memory.events_worked(NOW);

        memory.events_failed();

        assert_eq!(memory.first(NOW), Way::WebSocket);
    }

    #[test]
    fn a_server_that_is_away_for_a_moment_is_no_bad_network() {
        let mut memory = Memory::default();
        memory.websocket_worked();

        assert!(!memory.websocket_failed());
        assert!(!memory.websocket_failed());
        assert!(memory.websocket_failed());
        memory.websocket_worked();
        assert!(!memory.websocket_failed());
    }
}
