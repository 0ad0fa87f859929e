//! Who was just told where a user writes, so that telling it again is left out.

use std::time::Duration;

use crate::ConversationId;

/// Conversations in which one user can be heard writing at a time: more than a person writes in.
const CONVERSATIONS: usize = 8;

/// Where a user was said to be writing a moment ago.
#[derive(Clone, Debug, Default)]
pub struct TypingState {
    /// Until when that need not be said again.
    told: Vec<(ConversationId, Duration)>,
}

impl TypingState {
    /// Whether it is to be told that the user writes in `conversation`: not again within `span`, and not in more than a
    /// handful of conversations. `now` is monotonic time.
    pub fn tell(&mut self, conversation: ConversationId, span: Duration, now: Duration) -> bool {
        self.told.retain(|(_, until)| *until > now);
        let is_told = self.told.iter().any(|(other, _)| *other == conversation);
        if is_told || self.told.len() >= CONVERSATIONS {
            return false;
        }
        self.told.push((conversation, now.saturating_add(span)));
        true
    }

    /// Whether nothing was told lately, so that the state can be forgotten.
    #[must_use]
    pub fn is_over(&self, now: Duration) -> bool {
        self.told.iter().all(|(_, until)| *until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserId;

    const SPAN: Duration = Duration::from_secs(2);

    fn conversation(n: usize) -> ConversationId {
        let user = |name: String| UserId::new(name).unwrap();
        ConversationId::direct(&user("alice".to_owned()), &user(format!("user-{n}")))
    }

    #[test]
    fn a_repeat_is_told_when_its_span_is_over() {
        let mut typing = TypingState::default();
        let ms = Duration::from_millis;

        assert!(typing.tell(conversation(1), SPAN, ms(0)));
        assert!(!typing.tell(conversation(1), SPAN, ms(1_999)));
        assert!(typing.tell(conversation(2), SPAN, ms(1_999)));
        assert!(typing.tell(conversation(1), SPAN, ms(2_000)));
    }

    #[test]
    fn nobody_is_heard_everywhere_at_once_and_little_is_remembered() {
        let mut typing = TypingState::default();

        let told = (0..1_000).filter(|n| typing.tell(conversation(*n), SPAN, Duration::ZERO));

        assert_eq!(told.count(), CONVERSATIONS);
        assert_eq!(typing.told.len(), CONVERSATIONS);
        assert!(!typing.is_over(Duration::ZERO));
        assert!(typing.is_over(SPAN));
    }
}
