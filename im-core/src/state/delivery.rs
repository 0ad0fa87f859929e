//! What one session was given of each conversation: everything in order, or a hint to come and get it.

use std::collections::BTreeSet;

use crate::ConversationId;

/// The conversations in which a session fell behind. Empty, and without memory of its own, as long as it keeps up.
#[derive(Clone, Debug, Default)]
pub struct DeliveryState {
    behind: BTreeSet<ConversationId>,
    is_opening: bool,
}

impl DeliveryState {
    /// Of a session that is being opened. It may have to be put in its place more than once, and what is stored in between
    /// would be missing between two pushes. So nothing is pushed yet: it is told to fetch, as it does anyway once it is open.
    #[must_use]
    pub const fn opening() -> Self {
        Self {
            behind: BTreeSet::new(),
            is_opening: true,
        }
    }

    /// The session is open: from now on it misses nothing.
    pub const fn opened(&mut self) {
        self.is_opening = false;
    }

    /// Whether anything is pushed.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !self.is_opening
    }

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

    #[test]
    fn a_session_that_is_open_is_still_behind_where_something_was_stored_before() {
        let id = ConversationId::from_uuid(uuid::Uuid::from_u128(1));
        let mut state = DeliveryState::opening();
        assert!(!state.is_open());
        assert!(state.fell_behind(id));

        state.opened();

        assert!(state.is_open());
        assert!(!state.is_live(id));
    }
}
