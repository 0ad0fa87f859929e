//! What was stored here lately, so that a retry is told from what is new while nothing new is taken.

use std::sync::atomic::{AtomicU32, Ordering};

/// Requests that are remembered, about: some seconds of the busiest node. 256 KiB.
const PLACES: usize = 1 << 16;

/// The fingerprints of requests that were stored lately. A place is overwritten by the next request that falls on it.
pub(super) struct Lately {
    places: Box<[AtomicU32]>,
}

impl Default for Lately {
    fn default() -> Self {
        Self {
            places: (0..PLACES).map(|_| AtomicU32::new(0)).collect(),
        }
    }
}

impl Lately {
    pub(super) fn note(&self, fingerprint: i64) {
        let (place, mark) = self.place(fingerprint);
        place.store(mark, Ordering::Relaxed);
    }

    /// Whether a request was stored, as far as is remembered. Only the log knows for certain, and of whom.
    pub(super) fn has(&self, fingerprint: i64) -> bool {
        let (place, mark) = self.place(fingerprint);
        place.load(Ordering::Relaxed) == mark
    }

    /// A fingerprint is a hash: one half of it says where, the other what.
    fn place(&self, fingerprint: i64) -> (&AtomicU32, u32) {
        let halves = fingerprint.to_le_bytes();
        let [a, b, c, d, e, f, ..] = halves;
        let place = usize::from(u16::from_le_bytes([a, b]));
        (&self.places[place], u32::from_le_bytes([c, d, e, f]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_lately_is_known_and_nothing_else() {
        let lately = Lately::default();

        lately.note(7);
        lately.note(-7);

        assert!(lately.has(7) && lately.has(-7));
        assert!(!lately.has(8 << 16));
    }

    #[test]
    fn what_falls_on_the_same_place_pushes_out_what_was_there() {
        let lately = Lately::default();
        let other = 7 + (1 << 16);
        lately.note(7);

        lately.note(other);

        assert!(lately.has(other));
        assert!(!lately.has(7));
    }
}
