//! Letters to one address that go in one message, each behind its length: four bytes, big endian. Nothing else is in a message,
//! so a single letter is a bundle too.

use std::collections::HashMap;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use im_core::{NodeId, port::Address};

/// Bytes beyond which no letter is put into a bundle: enough that what a message costs is shared by hundreds, and little beside
/// what Redis keeps for a node that is slow to read.
const FULL: usize = 64 * 1024;

const LENGTH: usize = size_of::<u32>();

/// Puts letters into bundles, and keeps the order in which each node hears them: what is for all does not change places with
/// what is for one.
#[derive(Default)]
pub(super) struct Bundling {
    bundles: Vec<(Address, BytesMut)>,
    /// The places of those that still take letters.
    open: HashMap<NodeId, usize>,
}

impl Bundling {
    pub(super) fn put(&mut self, to: Address, letter: &Bytes) {
        let place = self.place(to);
        let bundle = &mut self.bundles[place].1;
        // One of four gigabytes would be lost: it fits into no message of a Redis either.
        let Ok(length) = u32::try_from(letter.len()) else {
            return;
        };
        bundle.reserve(LENGTH + letter.len());
        bundle.put_u32(length);
        bundle.put_slice(letter);
    }

    /// Where a letter goes.
    fn place(&mut self, to: Address) -> usize {
        let open = match to {
            // Only behind others to all.
            Address::All => {
                self.open.clear();
                let last = self.bundles.len().checked_sub(1);
                last.filter(|last| self.bundles[*last].0 == Address::All)
            }
            Address::Node(node) => self.open.get(&node).copied(),
        };
        if let Some(place) = open.filter(|place| self.bundles[*place].1.len() < FULL) {
            return place;
        }
        let place = self.bundles.len();
        self.bundles.push((to, BytesMut::new()));
        if let Address::Node(node) = to {
            self.open.insert(node, place);
        }
        place
    }

    /// In the order in which they are to be sent.
    pub(super) fn into_bundles(self) -> impl Iterator<Item = (Address, Bytes)> {
        let bundles = self.bundles.into_iter();
        bundles.map(|(to, bundle)| (to, bundle.freeze()))
    }
}

/// The letters of a bundle, which share its memory. `None` when it is none.
pub(super) fn letters(mut bundle: Bytes) -> Option<Vec<Bytes>> {
    let mut letters = Vec::new();
    while !bundle.is_empty() {
        let length = bundle.try_get_u32().ok()?;
        let length = usize::try_from(length).ok()?;
        if length > bundle.len() {
            return None;
        }
        letters.push(bundle.split_to(length));
    }
    Some(letters)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn node(n: u128) -> Address {
        Address::Node(NodeId::from_uuid(Uuid::from_u128(n)))
    }

    fn bundled(sent: &[(Address, &str)]) -> Vec<(Address, Vec<String>)> {
        let mut bundling = Bundling::default();
        for (to, text) in sent {
            bundling.put(*to, &Bytes::copy_from_slice(text.as_bytes()));
        }
        let text = |letter: Bytes| String::from_utf8(letter.to_vec()).unwrap();
        let open = |bundle| letters(bundle).unwrap().into_iter().map(text).collect();
        let bundles = bundling.into_bundles();
        bundles.map(|(to, bundle)| (to, open(bundle))).collect()
    }

    #[test]
    fn letters_to_one_node_go_together_and_in_order() {
        let sent = [
            (node(1), "a"),
            (node(2), "b"),
            (node(1), ""),
            (node(1), "c"),
        ];

        let [first, second] = &bundled(&sent)[..] else {
            panic!("one for each")
        };

        assert_eq!(first.0, node(1));
        assert_eq!(first.1, ["a", "", "c"]);
        assert_eq!(second.0, node(2));
        assert_eq!(second.1, ["b"]);
    }

    #[test]
    fn what_is_for_all_changes_places_with_nothing() {
        let sent = [
            (node(1), "1"),
            (Address::All, "2"),
            (Address::All, "3"),
            (node(1), "4"),
            (node(2), "5"),
            (node(1), "6"),
            (Address::All, "7"),
        ];

        let order: Vec<_> = bundled(&sent);

        let texts: Vec<_> = order.iter().map(|(_, texts)| texts.concat()).collect();
        assert_eq!(texts, ["1", "23", "46", "5", "7"]);
    }

    #[test]
    fn a_bundle_that_is_full_takes_no_more() {
        let letter = "x".repeat(FULL / 2);
        let sent = [(node(1), letter.as_str()); 5];

        let sizes: Vec<_> = bundled(&sent)
            .iter()
            .map(|(_, letters)| letters.len())
            .collect();

        assert_eq!(sizes, [2, 2, 1]);
    }

    #[test]
    fn what_is_no_bundle_is_noticed() {
        let mut bundling = Bundling::default();
        bundling.put(node(1), &Bytes::from_static(b"abc"));
        let (_, good) = bundling.into_bundles().next().unwrap();

        for length in 1..good.len() {
            assert_eq!(letters(good.slice(..length)), None, "{length}");
        }
        let mut more = good.to_vec();
        more.push(0);
        assert_eq!(letters(more.into()), None);
    }
}
