//! Reading a log in pages that are bounded in entries and in bytes, whatever stands in the entries.

use std::io;

use super::Engine;
use crate::{ConversationId, Entry, Limits, StoreError, port::Range};

/// How many times the bytes of a page one read of the store may bring at worst. With fewer, pages of small entries, which
/// are nearly all, would take more reads.
const AT_WORST: usize = 7;

/// What still fits into a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) entries: usize,
    /// The entry that uses up the last of them is the last one: so there is always at least one entry.
    pub(super) bytes: usize,
}

impl Room {
    /// How many entries to read where one weighs so much, as far as that is known, and no more than `most`.
    fn to_read(self, weight: usize, most: usize) -> usize {
        let fitting = self.bytes.checked_div(weight).map_or(most, |all| all + 1);
        fitting.min(most).min(self.entries)
    }
}

/// Entries of one conversation, in order.
#[derive(Default)]
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    /// What they weigh together.
    pub(super) bytes: usize,
    /// Whether the room ended it, so that there may be more.
    pub(super) full: bool,
}

impl Engine {
    /// What fits into the page of a request for `asked` entries.
    pub(super) fn room(&self, asked: Option<u32>) -> Room {
        Room {
            entries: self.limits().page_of(asked),
            bytes: self.limits().page_bytes.max(1),
        }
    }

    /// Reads what is nearest to the beginning of `range`, as far as there is room.
    pub(super) async fn page(
        &self,
        id: ConversationId,
        mut range: Range,
        room: Room,
    ) -> Result<Page, StoreError> {
        let mut page = Page::default();
        loop {
            page.full = page.entries.len() >= room.entries || page.bytes >= room.bytes;
            if page.full {
                return Ok(page);
            }
            let left = Room {
                entries: room.entries - page.entries.len(),
                bytes: room.bytes - page.bytes,
            };
            let ask = left.to_read(self.weights.of(id), at_once(&self.limits()));
            let read = self.ports.log.read(id, range, ask).await?;
            let is_end = read.len() < ask;
            let before = (page.bytes, page.entries.len());
            let is_whole = page.take(range, read, room.bytes);
            let (bytes, taken) = (page.bytes - before.0, page.entries.len() - before.1);
            // Of this read alone: after large entries may come small ones.
            if let Some(mean) = bytes.checked_div(taken) {
                self.weights.note(id, mean);
            }
            if is_end && is_whole {
                return Ok(page);
            }
            range = page.rest_of(range);
        }
    }
}

/// Entries to read at once, so that even the largest ones are not too much.
pub(super) fn at_once(limits: &Limits) -> usize {
    let bytes = limits.page_bytes.saturating_mul(AT_WORST);
    (bytes / limits.content_bytes.max(1)).max(1)
}

impl Page {
    /// Takes in what was read, until the bytes are used up. Whether that was all of it.
    fn take(&mut self, range: Range, mut read: Vec<Entry>, bytes: usize) -> bool {
        let count = read.len();
        match range {
            Range::After(_) => {
                read.truncate(self.fitting(read.iter(), bytes));
                let is_whole = read.len() == count;
                self.entries.append(&mut read);
                is_whole
            }
            Range::Before(_) => {
                let fitting = self.fitting(read.iter().rev(), bytes);
                read.drain(..count - fitting);
                read.append(&mut self.entries);
                self.entries = read;
                fitting == count
            }
        }
    }

    /// How many of `entries` fit, which are weighed in.
    fn fitting<'e>(&mut self, entries: impl Iterator<Item = &'e Entry>, bytes: usize) -> usize {
        let mut count = 0;
        for entry in entries {
            if self.bytes >= bytes {
                break;
            }
            self.bytes += weight(entry);
            count += 1;
        }
        count
    }

    /// What is left of the range that this page was read from.
    fn rest_of(&self, range: Range) -> Range {
        match (range, self.entries.first(), self.entries.last()) {
            (Range::After(_), _, Some(last)) => Range::After(last.seq),
            (Range::Before(_), Some(first), _) => Range::Before(first.seq),
            _ => range,
        }
    }
}

/// Bytes of an entry's body as JSON: what of it has no small bound.
pub(super) fn weight(entry: &Entry) -> usize {
    bytes_of(&entry.body)
}

/// Bytes of a value as JSON.
pub(super) fn bytes_of(value: &impl serde::Serialize) -> usize {
    let mut counter = Counter(0);
    // Counting does not fail, and values have string keys. If it did, the value would fill a page alone.
    match serde_json::to_writer(&mut counter, value) {
        Ok(()) => counter.0,
        Err(_) => usize::MAX / 2,
    }
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Body, ClientId, Seq, Timestamp, UserId};

    fn said(seq: u64, text: &str) -> Entry {
        let sender = UserId::new("alice").unwrap();
        Entry {
            conversation: ConversationId::direct(&sender, &UserId::new("bob").unwrap()),
            seq: Seq(seq),
            sender,
            client_id: ClientId::new(format!("k{seq}")).unwrap(),
            at_ms: Timestamp(0),
            ordinal: seq,
            body: Body::says(text),
        }
    }

    fn seqs(page: &Page) -> Vec<u64> {
        page.entries.iter().map(|entry| entry.seq.0).collect()
    }

    #[test]
    fn the_entry_that_uses_up_the_bytes_is_the_last() {
        let one = weight(&said(1, "hello"));
        for (range, taken) in [
            (Range::After(Seq(0)), [1, 2, 3]),
            (Range::Before(Seq(10)), [7, 8, 9]),
        ] {
            for (bytes, count) in [(1, 1), (one, 1), (one + 1, 2), (one * 3, 3)] {
                let mut page = Page::default();
                let read = (1..10).map(|seq| said(seq, "hello")).collect();

                let is_whole = page.take(range, read, bytes);

                let mut expected = taken.to_vec();
                match range {
                    Range::After(_) => expected.truncate(count),
                    Range::Before(_) => drop(expected.drain(..3 - count)),
                }
                assert_eq!((seqs(&page), is_whole), (expected, false));
                assert_eq!(page.bytes, one * count);
            }
        }
    }

    #[test]
    fn pages_grow_away_from_where_they_begin() {
        let mut forwards = Page::default();
        let mut backwards = Page::default();
        for seq in [1, 2, 3] {
            let range = forwards.rest_of(Range::After(Seq(0)));
            assert!(forwards.take(range, vec![said(seq, "hello")], 10_000));
            let range = backwards.rest_of(Range::Before(Seq(4)));
            assert!(backwards.take(range, vec![said(4 - seq, "hello")], 10_000));
        }

        assert_eq!(seqs(&forwards), [1, 2, 3]);
        assert_eq!(seqs(&backwards), [1, 2, 3]);
        assert_eq!(forwards.rest_of(Range::After(Seq(0))), Range::After(Seq(3)));
        assert_eq!(
            backwards.rest_of(Range::Before(Seq(4))),
            Range::Before(Seq(1))
        );
    }

    #[test]
    fn a_read_brings_what_fits_where_it_is_known_how_much_that_is() {
        let room = Room {
            entries: 50,
            bytes: 512 * 1024,
        };

        assert_eq!(room.to_read(0, 56), 50);
        assert_eq!(room.to_read(300, 56), 50);
        assert_eq!(room.to_read(60 * 1024, 56), 9);
        assert_eq!(room.to_read(usize::MAX, 56), 1);
        assert_eq!(room.to_read(0, 20), 20);
    }

    #[test]
    fn a_read_brings_no_more_than_seven_times_a_page() {
        let limits = Limits::default();
        assert_eq!(at_once(&limits), 56);
        assert!(at_once(&limits) * limits.content_bytes <= 7 * limits.page_bytes);
        let tiny = Limits {
            page_bytes: 1,
            content_bytes: usize::MAX,
            ..limits
        };
        assert_eq!(at_once(&tiny), 1);
    }
}
