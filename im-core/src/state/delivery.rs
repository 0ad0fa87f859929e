//! What one session was given of each conversation: everything in order, or a hint to come and get it.

use std::collections::BTreeSet;

use crate::ConversationId;

/// The conversations in which a session fell behind. Empty, and without memory of its own, as long as it keeps up.
#[derive(Clone, Debug, Default)]
pub struct DeliveryState {
    behind: BTreeSet<ConversationId>,
}

impl DeliveryState {
    /// Whether entries of this conversation are pushed. Not while the session is behind: a push after a gap would be of
    /// no use, and the session was told to fetch.
    #[must_use]
    pub fn is_live(&self, conversation: ConversationId) -> bool {
        self.behind.is_empty() || !self.behind.contains(&conversation)
    }

    /// There was no room for a push. `true` when the session must be told, which is once per gap.
    pub fn fell_behind(&mut self, conversation: ConversationId) -> bool {
        self.behind.insert(conversation)
    }

    /// The session fetched up to the head.
    pub fn caught_up(&mut self, conversation: ConversationId) {
        self.behind.remove(&conversation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_told_once_and_ends_when_it_is_fetched() {
        let one = ConversationId::from_uuid(uuid::Uuid::from_u128(1));
        let other = ConversationId::from_uuid(uuid::Uuid::from_u128(2));
        let mut state = DeliveryState::default();
        assert!(state.is_live(one));

        assert!(state.fell_behind(one));
        assert!(!state.fell_behind(one));
        assert!(!state.is_live(one));
        assert!(state.is_live(other));

        state.caught_up(one);
        assert!(state.is_live(one));
        assert!(state.fell_behind(one));
    }
}
