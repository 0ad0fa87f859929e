//! Where the next page of a search begins: opaque on the wire.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::{ConversationId, Entry, Seq, Timestamp};

/// A place in all that a user sees, in the order of time: what comes before it is still to be found. Entries of the same
/// millisecond stand by conversation and seq, so that there is one order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct SearchCursor {
    /// When.
    pub at_ms: Timestamp,
    /// In which conversation.
    pub conversation: ConversationId,
    /// Where in it.
    pub seq: Seq,
}

impl SearchCursor {
    /// The place of an entry.
    #[must_use]
    pub const fn of(entry: &Entry) -> Self {
        Self {
            at_ms: entry.at_ms,
            conversation: entry.conversation,
            seq: entry.seq,
        }
    }

    /// The first place of a millisecond.
    #[must_use]
    pub const fn beginning(at_ms: Timestamp) -> Self {
        Self {
            at_ms,
            conversation: ConversationId::from_uuid(Uuid::nil()),
            seq: Seq::ZERO,
        }
    }
}

const FORMAT: u8 = 1;
const BYTES: usize = 33;

impl fmt::Display for SearchCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(FORMAT);
        bytes.extend_from_slice(&self.at_ms.0.to_be_bytes());
        bytes.extend_from_slice(self.conversation.as_uuid().as_bytes());
        bytes.extend_from_slice(&self.seq.0.to_be_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// A text that is no cursor of a search.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("cursor is not one that a search of this server gave; leave it out to begin anew")]
pub struct InvalidSearchCursor;

impl FromStr for SearchCursor {
    type Err = InvalidSearchCursor;

    fn from_str(text: &str) -> Result<Self, InvalidSearchCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text);
        let bytes = bytes.map_err(|_| InvalidSearchCursor)?;
        let bytes: [u8; BYTES] = bytes.try_into().map_err(|_| InvalidSearchCursor)?;
        let number = |from: usize| {
            let bytes = bytes[from..from + 8].try_into();
            bytes.map_or(0, u64::from_be_bytes)
        };
        let conversation = Uuid::from_slice(&bytes[9..25]).map_err(|_| InvalidSearchCursor)?;
        if bytes[0] != FORMAT {
            return Err(InvalidSearchCursor);
        }
        Ok(Self {
            at_ms: Timestamp(number(1).cast_signed()),
            conversation: ConversationId::from_uuid(conversation),
            seq: Seq(number(25)),
        })
    }
}

impl Serialize for SearchCursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SearchCursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_and_nothing_else_is_one() {
        let cursor = SearchCursor {
            at_ms: Timestamp(-5),
            conversation: ConversationId::from_uuid(Uuid::from_u128(7)),
            seq: Seq(1 << 40),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "AQ", "////", "not base64!", &cursor.to_string()[1..]] {
            assert_eq!(bad.parse::<SearchCursor>(), Err(InvalidSearchCursor));
        }
    }
}
