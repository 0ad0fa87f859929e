//! What waits for a socket that does not take more: pieces of bytes, in order, within bounds.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf as _, Bytes};
use im_core::port::Urgency;

/// The order is that of the calls, and memory is held only while something waits.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    parts: VecDeque<Part>,
    bytes: usize,
    pushes: usize,
    push_bytes: usize,
}

#[derive(Debug)]
struct Part {
    bytes: Bytes,
    /// Whether some of it was written already: nothing may come before the rest.
    is_begun: bool,
    kind: Kind,
}

impl Part {
    fn new(bytes: Bytes, kind: Kind) -> Self {
        Self {
            bytes,
            is_begun: false,
            kind,
        }
    }
}

/// Who put a piece there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// The engine: bounded by refusing it.
    Push,
    /// The peer's own requests: bounded by not reading them.
    Reply,
}

impl Queue {
    pub(crate) fn push(&mut self, bytes: Bytes, kind: Kind) {
        self.count(&bytes, kind);
        self.parts.push_back(Part::new(bytes, kind));
    }

    /// Puts a reply before everything that was pushed, but for what the peer has half of already.
    pub(crate) fn insert_before_pushes(&mut self, bytes: Bytes) {
        self.count(&bytes, Kind::Reply);
        let is_whole_push = |part: &Part| part.kind == Kind::Push && !part.is_begun;
        let at = self.parts.iter().position(is_whole_push);
        let at = at.unwrap_or(self.parts.len());
        self.parts.insert(at, Part::new(bytes, Kind::Reply));
    }

    /// Forgets the first `written` bytes and gives the memory back with the last of them.
    pub(crate) fn advance(&mut self, mut written: usize) {
        self.bytes -= written;
        while let Some(part) = self.parts.front_mut() {
            let taken = written.min(part.bytes.len());
            part.bytes.advance(taken);
            part.is_begun |= taken > 0;
            written -= taken;
            let is_push = part.kind == Kind::Push;
            if is_push {
                self.push_bytes -= taken;
            }
            if !part.bytes.is_empty() {
                return;
            }
            self.pushes -= usize::from(is_push);
            self.parts.pop_front();
        }
        self.parts = VecDeque::new();
    }

    /// Takes the first piece out.
    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        let bytes = self.parts.front()?.bytes.clone();
        self.advance(bytes.len());
        Some(bytes)
    }

    /// Fills `slices` from the front and tells how many it took.
    pub(crate) fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut count = 0;
        for (slice, part) in slices.iter_mut().zip(&self.parts) {
            *slice = IoSlice::new(&part.bytes);
            count += 1;
        }
        count
    }

    /// Whether there is room for `len` bytes that the engine pushes.
    ///
    /// A single push always fits, whatever its size: its bytes are shared with the other sessions.
    pub(crate) fn admits(&self, urgency: Urgency, len: usize, bytes: usize, pushes: usize) -> bool {
        let (bytes, pushes) = match urgency {
            Urgency::Ephemeral => (bytes / 2, pushes / 2),
            Urgency::Live => (bytes, pushes),
            Urgency::Control => (bytes + bytes / 4, pushes + pushes / 4),
        };
        self.pushes == 0 || (self.pushes < pushes && self.push_bytes + len <= bytes)
    }

    /// Bytes that wait, of either kind.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number of pieces that wait.
    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(crate) fn has_pushes(&self) -> bool {
        self.pushes > 0
    }

    fn count(&mut self, bytes: &Bytes, kind: Kind) {
        debug_assert!(!bytes.is_empty(), "an empty piece would never be written");
        self.bytes += bytes.len();
        if kind == Kind::Push {
            self.pushes += 1;
            self.push_bytes += bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(queue: &Queue) -> String {
        let mut slices = [IoSlice::new(&[]); 8];
        let count = queue.slices(&mut slices);
        let parts = slices[..count]
            .iter()
            .map(|part| String::from_utf8_lossy(part));
        parts.collect::<Vec<_>>().join("|")
    }

    #[test]
    fn what_is_written_is_forgotten_wherever_it_ends() {
        let mut queue = Queue::default();
        for part in ["abc", "de", "f"] {
            queue.push(part.into(), Kind::Push);
        }

        queue.advance(4);

        assert_eq!(text(&queue), "e|f");
        assert_eq!((queue.bytes(), queue.pushes, queue.push_bytes), (2, 2, 2));
    }

    #[test]
    fn pieces_can_be_taken_whole() {
        let mut queue = Queue::default();
        queue.push("abc".into(), Kind::Push);
        queue.push("de".into(), Kind::Reply);

        assert_eq!(queue.pop().as_deref(), Some(&b"abc"[..]));
        assert_eq!((queue.bytes(), queue.has_pushes()), (2, false));
        assert_eq!(queue.pop().as_deref(), Some(&b"de"[..]));
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn an_empty_queue_owns_nothing() {
        let mut queue = Queue::default();
        queue.push("abc".into(), Kind::Reply);

        queue.advance(3);

        assert!(queue.is_empty());
        assert_eq!(queue.parts.capacity(), 0);
    }

    #[test]
    fn the_reply_that_opens_a_session_goes_before_its_pushes() {
        let mut queue = Queue::default();
        queue.push("half of an old reply".into(), Kind::Reply);
        queue.push("push".into(), Kind::Push);

        queue.insert_before_pushes("opened".into());

        assert_eq!(text(&queue), "half of an old reply|opened|push");
    }

    #[test]
    fn nothing_goes_into_the_middle_of_a_push() {
        let mut queue = Queue::default();
        for part in ["half of a push", "push"] {
            queue.push(part.into(), Kind::Push);
        }
        queue.advance(4);

        queue.insert_before_pushes("opened".into());

        assert_eq!(text(&queue), " of a push|opened|push");
    }

    #[test]
    fn room_goes_first_to_what_matters_most() {
        let mut queue = Queue::default();
        queue.push(vec![0; 60].into(), Kind::Push);
        let admits = |urgency, len| queue.admits(urgency, len, 100, 10);

        assert!(!admits(Urgency::Ephemeral, 1));
        assert!(admits(Urgency::Live, 40));
        assert!(!admits(Urgency::Live, 41));
        assert!(admits(Urgency::Control, 65));
        assert!(!admits(Urgency::Control, 66));
        assert!(Queue::default().admits(Urgency::Ephemeral, 1_000, 100, 10));
    }
}
