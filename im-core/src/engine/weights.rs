//! How much the entries of a conversation weigh, as last seen, so that a read brings what a page holds and little more.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::ConversationId;

/// Conversations that are remembered, about. 16 KiB.
const PLACES: usize = 1 << 12;

/// Bytes of an entry on average, by conversation. A place is overwritten by the next conversation that falls on it: then a
/// read brings too much once, or takes another one.
pub(super) struct Weights {
    places: Box<[AtomicU32]>,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            places: (0..PLACES).map(|_| AtomicU32::new(0)).collect(),
        }
    }
}

impl Weights {
    /// 0 where nothing was seen.
    pub(super) fn of(&self, id: ConversationId) -> usize {
        self.place(id).load(Ordering::Relaxed) as usize
    }

    pub(super) fn note(&self, id: ConversationId, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.place(id).store(bytes, Ordering::Relaxed);
    }

    /// The last bytes of an id are by chance, whatever its version.
    fn place(&self, id: ConversationId) -> &AtomicU32 {
        let [.., a, b] = *id.as_uuid().as_bytes();
        &self.places[usize::from(u16::from_be_bytes([a, b])) % PLACES]
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_was_seen_last_is_remembered() {
        let weights = Weights::default();
        let [one, other] = [1, 2].map(|n| ConversationId::from_uuid(Uuid::from_u128(n)));

        weights.note(one, 7);
        weights.note(one, 60_000);

        assert_eq!((weights.of(one), weights.of(other)), (60_000, 0));
        weights.note(other, usize::MAX);
        assert_eq!(weights.of(other), u32::MAX as usize);
    }
}
