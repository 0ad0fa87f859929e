//! Receipts: how far a member has received and read. Positions, monotone, one pair per member.

use serde::{Deserialize, Serialize};

use crate::{ConversationId, Seq, UserId};

/// "Delivered up to", "read up to". Always `read <= delivered <= head`, never backwards.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Position {
    /// Everything up to here reached a device of the user.
    pub delivered: Seq,
    /// Everything up to here was read.
    pub read: Seq,
    /// Countable messages up to `read`: unread is the head's ordinal less this.
    pub read_ordinal: u64,
}

impl Position {
    /// The position further along in both respects. Commutative, associative, idempotent: replays cannot hurt.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let read = if other.read > self.read {
            &other
        } else {
            &self
        };
        let (read, read_ordinal) = (read.read, read.read_ordinal);
        Self {
            delivered: self.delivered.max(other.delivered).max(read),
            read,
            read_ordinal,
        }
    }
}

/// A member's position in a conversation, as others see it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Who.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
    /// How far.
    #[serde(flatten)]
    pub position: Position,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_never_goes_backwards() {
        let read = Position {
            delivered: Seq(5),
            read: Seq(5),
            read_ordinal: 3,
        };
        let delivered = Position {
            delivered: Seq(9),
            read: Seq(2),
            read_ordinal: 1,
        };
        let merged = Position {
            delivered: Seq(9),
            read: Seq(5),
            read_ordinal: 3,
        };
        assert_eq!(read.merge(delivered), merged);
        assert_eq!(delivered.merge(read), merged);
        assert_eq!(merged.merge(read), merged);
    }
}
