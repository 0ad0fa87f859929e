//! Where a device is: opaque on the wire, exact or reset.

use std::{collections::BTreeMap, fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::{ConversationId, Seq};

/// Identity of one history. A store that was restored from a backup gets another, and clients start over.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Epoch(pub u64);

impl Epoch {
    /// An identity that no history has had. Below 2^63, so that any database can keep it as a number.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4().as_u64_pair().0 >> 1)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Epoch {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// Seqs that a device holds, by conversation: "everything up to here".
pub type Positions = BTreeMap<ConversationId, Seq>;

/// Resume position of a device over everything that it sees.
///
/// The text form is base64url of: one format byte (1, or 3 between pages), epoch (8 bytes), version (varint), between
/// pages the conversation (16 bytes, zeros for none), version and own (varints) of the page, and for each conversation its
/// 16 bytes and seq (varint). Format 2, of earlier builds, is 3 without own. 200 conversations are about 5 KB of text. The
/// server keeps no copy: resuming writes nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Cursor {
    /// The history that the positions speak of.
    pub epoch: Epoch,
    /// Version of the user's own rows (positions, settings, blocks, drafts and the like) that the device has.
    pub version: u64,
    /// What the device has of each conversation.
    pub positions: Positions,
    /// Set between the pages of one catching up.
    pub page: Option<SyncPoint>,
}

/// How far a catching up in several pages has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SyncPoint {
    /// The last conversation that is dealt with, in the order of ids.
    pub after: Option<ConversationId>,
    /// The version that the device has once the last page is taken in.
    pub version: u64,
    /// The version up to which rows of the user's own are dealt with; `None` when none is.
    pub own: Option<u64>,
}

const FORMAT: u8 = 1;
const FORMAT_WITH_PAGE: u8 = 2;
const FORMAT_WITH_OWN: u8 = 3;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(20 + self.positions.len() * 20);
        bytes.push(if self.page.is_some() {
            FORMAT_WITH_OWN
        } else {
            FORMAT
        });
        bytes.extend_from_slice(&self.epoch.0.to_be_bytes());
        put_varint(&mut bytes, self.version);
        if let Some(page) = &self.page {
            let after = page.after.map_or(Uuid::nil(), |after| *after.as_uuid());
            bytes.extend_from_slice(after.as_bytes());
            put_varint(&mut bytes, page.version);
            // One more than it is, so that none is 0.
            put_varint(&mut bytes, page.own.map_or(0, |own| own + 1));
        }
        for (conversation, seq) in &self.positions {
            bytes.extend_from_slice(conversation.as_uuid().as_bytes());
            put_varint(&mut bytes, seq.0);
        }
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// A text that is no cursor of this server.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("cursor is not one that this server gave; leave it out to start over")]
pub struct InvalidCursor;

impl FromStr for Cursor {
    type Err = InvalidCursor;
    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let (head, mut rest) = bytes.split_at_checked(9).ok_or(InvalidCursor)?;
        let format = head[0];
        let epoch = Epoch(u64::from_be_bytes(
            head[1..9].try_into().map_err(|_| InvalidCursor)?,
        ));
        let version = take_varint(&mut rest).ok_or(InvalidCursor)?;
        let page = match format {
            FORMAT => None,
            FORMAT_WITH_PAGE | FORMAT_WITH_OWN => {
                let (after, version) = take_pair(&mut rest).ok_or(InvalidCursor)?;
                let own = match format {
                    FORMAT_WITH_OWN => take_varint(&mut rest).ok_or(InvalidCursor)?,
                    _ => 0,
                };
                Some(SyncPoint {
                    after: Some(after).filter(|after| !after.as_uuid().is_nil()),
                    version,
                    own: own.checked_sub(1),
                })
            }
            _ => return Err(InvalidCursor),
        };
        let mut positions = Positions::new();
        while !rest.is_empty() {
            let (id, seq) = take_pair(&mut rest).ok_or(InvalidCursor)?;
            positions.insert(id, Seq(seq));
        }
        Ok(Self {
            epoch,
            version,
            positions,
            page,
        })
    }
}

fn take_pair(bytes: &mut &[u8]) -> Option<(ConversationId, u64)> {
    let (id, rest) = bytes.split_at_checked(16)?;
    *bytes = rest;
    let id = ConversationId::from_uuid(Uuid::from_slice(id).ok()?);
    Some((id, take_varint(bytes)?))
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value as u8) | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text() {
        let positions = (1..300u128).map(|n| {
            (
                ConversationId::from_uuid(Uuid::from_u128(n)),
                Seq(n as u64 * 997),
            )
        });
        let positions = positions.collect();
        let mut cursor = Cursor {
            epoch: Epoch(7),
            version: 1 << 40,
            positions,
            page: None,
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor.clone()));
        let somewhere = ConversationId::from_uuid(Uuid::from_u128(9));
        for (after, own) in [
            (Some(somewhere), None),
            (None, Some(0)),
            (Some(somewhere), Some(2)),
        ] {
            cursor.page = Some(SyncPoint {
                after,
                version: 3,
                own,
            });
            assert_eq!(cursor.to_string().parse(), Ok(cursor.clone()));
        }
    }

    #[test]
    fn a_cursor_of_an_earlier_build_is_read() {
        let mut bytes = vec![FORMAT_WITH_PAGE, 0, 0, 0, 0, 0, 0, 0, 7, 4];
        bytes.extend([9; 16]);
        bytes.push(5);
        bytes.extend([8; 16]);
        bytes.push(6);

        let cursor: Cursor = URL_SAFE_NO_PAD.encode(bytes).parse().unwrap();

        let id = |byte| ConversationId::from_uuid(Uuid::from_bytes([byte; 16]));
        let page = SyncPoint {
            after: Some(id(9)),
            version: 5,
            own: None,
        };
        assert_eq!((cursor.epoch, cursor.version), (Epoch(7), 4));
        assert_eq!(cursor.page, Some(page));
        assert_eq!(cursor.positions, [(id(8), Seq(6))].into_iter().collect());
    }

    #[test]
    fn a_text_that_is_no_cursor_is_refused() {
        for bad in [
            "",
            "AQ",
            "////",
            "not base64!",
            &Cursor::default().to_string()[1..],
        ] {
            assert_eq!(bad.parse::<Cursor>(), Err(InvalidCursor), "{bad:?}");
        }
    }
}
