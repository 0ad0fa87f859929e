//! What a block of entries may hold, in few bytes: a Bloom filter over the pieces of its texts, its senders and kinds.
//!
//! Pieces are all runs of one to four characters of the normal form, so that a part of a word is found in any script.
//! A signature never denies what is there; sometimes it admits what is not, and then the block is read in vain.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hasher},
};

use im_core::{Entry, Needle, SEARCH_FORMAT, normalized, searchable_text};

/// The longest piece. Longer ones tell blocks apart better, and make signatures larger.
const LONGEST: usize = 4;

/// Bits for each piece that is set; two of them are set for it. One in twelve pieces that are not there is admitted.
const BITS: usize = 6;

/// Pieces that were met lately and are not looked up once more: what people say repeats itself.
const LATELY: usize = 4_096;

/// Characters of a block beyond which nothing is denied: it holds documents, and is read as quickly as its signature.
const MOST: usize = 65_536;

/// What a block may hold. As bytes: the format, and the bits; no bits deny nothing.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Signature(Vec<u8>);

/// The pieces that a block must hold for a needle to be found in it.
pub(super) struct Wanted(Vec<u64>);

/// Pieces are hashes already: hashing them once more would cost most of the time, while appends wait for it.
type Pieces = HashSet<u64, BuildHasherDefault<AsItIs>>;

#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes
            .iter()
            .fold(self.0, |hash, byte| mix(hash, u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

impl Signature {
    pub(super) fn of(entries: &[Entry]) -> Self {
        let mut pieces = Pieces::default();
        let mut lately = [0; LATELY];
        let mut chars = 0;
        for entry in entries {
            let Some(message) = entry.body.as_message() else {
                continue;
            };
            let content = &message.content;
            pieces.insert(named("sender", entry.sender.as_str()));
            pieces.insert(named("kind", content.kind()));
            let Some(text) = searchable_text(content) else {
                continue;
            };
            let text: Vec<char> = normalized(&text).chars().collect();
            chars += text.len();
            if chars > MOST {
                return Self(vec![SEARCH_FORMAT]);
            }
            for from in 0..text.len() {
                let mut hash = 0;
                for c in &text[from..text.len().min(from + LONGEST)] {
                    hash = mix(hash, u64::from(*c));
                    let seen = &mut lately[hash as usize % LATELY];
                    if *seen != hash {
                        *seen = hash;
                        pieces.insert(hash);
                    }
                }
            }
        }
        let mut bytes = vec![0; 1 + (pieces.len() * BITS).div_ceil(8).max(1)];
        bytes[0] = SEARCH_FORMAT;
        let count = bytes.len() - 1;
        for bit in pieces.into_iter().flat_map(|piece| places(piece, count)) {
            bytes[1 + bit / 8] |= 1 << (bit % 8);
        }
        Self(bytes)
    }

    /// A signature that was stored; `None` for one that other rules made.
    pub(super) fn read(bytes: Vec<u8>) -> Option<Self> {
        (bytes.first() == Some(&SEARCH_FORMAT)).then_some(Self(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the block may hold all of it.
    pub(super) fn admits(&self, wanted: &Wanted) -> bool {
        let bits = &self.0[1..];
        let is_set = |bit: usize| bits[bit / 8] & (1 << (bit % 8)) != 0;
        bits.is_empty()
            || wanted
                .0
                .iter()
                .all(|piece| places(*piece, bits.len()).into_iter().all(is_set))
    }
}

impl Wanted {
    pub(super) fn of(needle: &Needle) -> Self {
        let mut pieces = Vec::new();
        let text: Vec<char> = needle.normal_text().unwrap_or_default().chars().collect();
        let hash = |piece: &[char]| piece.iter().fold(0, |hash, c| mix(hash, u64::from(*c)));
        // The shorter ones too, though the longest imply them: each is one more that must be admitted by mistake.
        for length in (1..=LONGEST).rev() {
            pieces.extend(text.windows(length).map(hash));
        }
        pieces.extend(needle.sender().map(|user| named("sender", user.as_str())));
        pieces.extend(needle.kind().map(|kind| named("kind", kind)));
        Self(pieces)
    }
}

/// Two bits of so many bytes.
fn places(piece: u64, bytes: usize) -> [usize; 2] {
    let bits = bytes as u64 * 8;
    [piece % bits, piece.rotate_left(32) % bits].map(|bit| bit as usize)
}

fn named(what: &str, name: &str) -> u64 {
    let bytes = what.bytes().chain([0]).chain(name.bytes());
    bytes.fold(u64::MAX, |hash, byte| mix(hash, u64::from(byte)))
}

/// The finisher of SplitMix64: the same on every machine and for ever.
const fn mix(hash: u64, value: u64) -> u64 {
    let mut z = (hash.rotate_left(23) ^ value).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use im_core::testing::{Draft, Log, said, user};

    use super::*;

    fn block(texts: &[String]) -> Vec<Entry> {
        let mut log = Log::new();
        let drafts = texts.iter().map(|text| Draft::new("alice", said(text)));
        drafts.map(|draft| log.entry(draft).entry).collect()
    }

    /// A text of a script that begins at a character, of so many different ones.
    fn text(n: u32, first: u32, different: u32) -> String {
        let chars = (0..15).map(|i| {
            let next = mix(u64::from(n), i) % u64::from(different);
            char::from_u32(first + next as u32).unwrap()
        });
        chars.collect()
    }

    #[test]
    fn nothing_that_is_there_is_denied() {
        for (first, different) in [(0x4e00, 3_000), (0x61, 26), (0x3041, 80), (0xac00, 2_000)] {
            let texts: Vec<_> = (0..128).map(|n| text(n, first, different)).collect();
            let signature = Signature::of(&block(&texts));
            for text in &texts {
                let chars: Vec<char> = text.chars().collect();
                for length in 1..=chars.len() {
                    for part in chars.windows(length) {
                        let part: String = part.iter().collect();
                        assert!(
                            signature.admits(&Wanted::of(&Needle::text(&part))),
                            "{part}"
                        );
                    }
                }
            }
            let mine = Needle::default().of_sender(Some(user("alice")));
            assert!(signature.admits(&Wanted::of(&mine)));
        }
    }

    #[test]
    fn most_of_what_is_not_there_is_denied_in_a_few_bytes_per_message() {
        let texts: Vec<_> = (0..128).map(|n| text(n, 0x4e00, 3_000)).collect();
        let signature = Signature::of(&block(&texts));
        let others = (1_000..2_000).map(|n| text(n, 0x4e00, 3_000));
        let pairs = others.map(|text| text.chars().take(2).collect::<String>());
        let pairs: Vec<_> = pairs
            .filter(|pair| !texts.iter().any(|text| text.contains(pair)))
            .collect();

        let admitted = pairs
            .iter()
            .filter(|pair| signature.admits(&Wanted::of(&Needle::text(pair))));

        let share = admitted.count() * 100 / pairs.len();
        assert!(share < 15, "{share} %");
        assert!(
            signature.bytes().len() < 128 * 45,
            "{}",
            signature.bytes().len()
        );
        let of_bob = Needle::default().of_sender(Some(user("bob")));
        let of_a_kind = Needle::default().of_kind(Some("image".into()));
        assert!(
            !signature.admits(&Wanted::of(&of_bob)) || !signature.admits(&Wanted::of(&of_a_kind))
        );
    }

    #[test]
    fn a_block_of_documents_denies_nothing_and_other_rules_are_not_read() {
        let texts: Vec<_> = (0..128).map(|_| "x".repeat(10_000)).collect();
        let signature = Signature::of(&block(&texts));
        assert_eq!(signature.bytes().len(), 1);
        assert!(signature.admits(&Wanted::of(&Needle::text("anything"))));
        assert_eq!(Signature::read(vec![SEARCH_FORMAT + 1, 0]), None);
        assert_eq!(Signature::read(vec![]), None);
    }
}
