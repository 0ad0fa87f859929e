//! Identities: newtypes that can only hold what the dictionary allows.
//!
//! Parsing happens once, at the edge; whoever holds an id may trust it. On every wire ids are strings.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// The longest text id, in characters.
const MAX_ID_CHARS: usize = 64;

/// Why a text is not an id.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{what} must be 1 to {MAX_ID_CHARS} printable characters without spaces")]
pub struct InvalidId {
    what: &'static str,
}

fn is_id(text: &str) -> bool {
    // Spaces are refused because SQL databases differ in how they compare them at the end of a key.
    !text.is_empty()
        && text.len() <= MAX_ID_CHARS * 4
        && text.chars().count() <= MAX_ID_CHARS
        && !text
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || is_unseen(c))
}

/// Characters that nobody sees: with them two ids look the same, or one reads backwards. Unicode's property
/// Default_Ignorable_Code_Point (DerivedCoreProperties.txt, 17.0), the other format characters (category Cf), and the
/// noncharacters. Sorted.
const UNSEEN: &[(u32, u32)] = &[
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x0600, 0x0605),
    (0x061C, 0x061C),
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x0890, 0x0891),
    (0x08E2, 0x08E2),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFDD0, 0xFDEF),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
];

pub(crate) fn is_unseen(c: char) -> bool {
    let c = u32::from(c);
    let is_last_of_plane = c & 0xFFFE == 0xFFFE;
    let next = UNSEEN.partition_point(|(_, last)| *last < c);
    is_last_of_plane || UNSEEN.get(next).is_some_and(|(first, _)| *first <= c)
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            /// [`InvalidId`] unless it is 1 to 64 printable characters without spaces.
            pub fn new(text: impl Into<Arc<str>>) -> Result<Self, InvalidId> {
                let text = text.into();
                if is_id(&text) { Ok(Self(text)) } else { Err(InvalidId { what: $what }) }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidId;
            fn try_from(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl TryFrom<&$name> for $name {
            type Error = InvalidId;
            fn try_from(id: &$name) -> Result<Self, InvalidId> {
                Ok(id.clone())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl de::Visitor<'_> for Visitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        write!(f, "{}: 1 to {MAX_ID_CHARS} printable characters without spaces", $what)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::new(text).map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Visitor)
            }
        }
    };
}

text_id! {
    /// An account, or an id that the host application owns.
    UserId, "user id"
}
text_id! {
    /// One installation of a user's client; unique for its user.
    DeviceId, "device id"
}
text_id! {
    /// The idempotency key that a device chose for one write; unique for its user and conversation, for ever.
    ClientId, "client id"
}

text_id! {
    /// Where a row of a user's own stands among those of its kind.
    RowKey, "key"
}

impl From<&UserId> for RowKey {
    fn from(user: &UserId) -> Self {
        Self(user.0.clone())
    }
}

impl From<&ClientId> for RowKey {
    fn from(id: &ClientId) -> Self {
        Self(id.0.clone())
    }
}

impl From<ConversationId> for RowKey {
    fn from(conversation: ConversationId) -> Self {
        Self(conversation.to_string().into())
    }
}

impl ClientId {
    /// A fresh one: a UUID that grows with time (version 7), so that a store finds the ids of a moment side by side.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::now_v7().to_string().into())
    }
}

/// Names a conversation: 16 bytes, a UUID on every wire.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConversationId(Uuid);

/// The namespace of conversation ids that are derived from names (RFC 9562, version 5).
const NAMESPACE: Uuid = Uuid::from_u128(0x6d1f_0c52_8a43_4f7e_9b5c_1d2e_3f40_5162);

impl ConversationId {
    /// Wraps a UUID that names a conversation.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The direct conversation of two users: both sides name the same one, so that creating it cannot race.
    #[must_use]
    pub fn direct(a: &UserId, b: &UserId) -> Self {
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        // A user id holds no control character, so the separator is unambiguous.
        Self(Uuid::new_v5(
            &NAMESPACE,
            format!("direct\n{low}\n{high}").as_bytes(),
        ))
    }

    /// The conversation that `creator` asked for under `client_id`: a retry names the same one (ADR 0002).
    #[must_use]
    pub fn created_by(creator: &UserId, client_id: &ClientId) -> Self {
        Self(Uuid::new_v5(
            &NAMESPACE,
            format!("created\n{creator}\n{client_id}").as_bytes(),
        ))
    }

    /// The UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Debug for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for ConversationId {
    type Err = InvalidConversationId;
    fn from_str(text: &str) -> Result<Self, InvalidConversationId> {
        text.parse().map(Self).map_err(|_| InvalidConversationId)
    }
}

/// A text that is not a UUID.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("conversation id must be a UUID")]
pub struct InvalidConversationId;

impl Serialize for ConversationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

impl<'de> Deserialize<'de> for ConversationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = ConversationId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a conversation id (UUID)")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<ConversationId, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// Names a session on its node. Increases with every session that the node opens.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
pub struct SessionId(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_name_the_same_direct_conversation() {
        let (a, b) = (UserId::new("alice").unwrap(), UserId::new("bob").unwrap());
        assert_eq!(
            ConversationId::direct(&a, &b),
            ConversationId::direct(&b, &a)
        );
        assert_ne!(
            ConversationId::direct(&a, &b),
            ConversationId::direct(&a, &a)
        );
    }

    #[test]
    fn an_id_holds_nothing_that_nobody_sees() {
        for unseen in [
            '\u{ad}',
            '\u{200b}',
            '\u{202e}',
            '\u{2066}',
            '\u{3164}',
            '\u{fdd0}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{fffe}',
            '\u{1d173}',
            '\u{e0041}',
            '\u{10ffff}',
        ] {
            assert!(UserId::new(format!("al{unseen}ice")).is_err(), "{unseen:?}");
        }
        for seen in ["e\u{301}", "\u{fffd}", "\u{1f600}", "\u{2010}", "\u{1d172}"] {
            assert!(UserId::new(seen).is_ok(), "{seen:?}");
        }
        let ends: Vec<_> = UNSEEN.iter().flat_map(|(a, b)| [*a, *b]).collect();
        assert!(ends.is_sorted(), "it is searched by halves");
    }

    #[test]
    fn an_id_is_bounded_printable_and_without_spaces() {
        for bad in ["", " ", "a b", "a\n", "\u{7f}", &"x".repeat(65)] {
            assert!(UserId::new(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "alice@example.org", "小明", &"界".repeat(64)] {
            assert!(UserId::new(good).is_ok(), "{good:?}");
        }
    }
}
