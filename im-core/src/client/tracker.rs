//! What a device has: which entries are next, which are old, and where one is missing.

use crate::{Body, ConversationId, Cursor, Entry, Positions, Seq, UserId};

/// What to do with an entry that arrived.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Arrival {
    /// It is next: hand it out.
    Next,
    /// The device has it.
    Old,
    /// Something is missing before it: fetch.
    Gap,
}

/// How far a device has come in each conversation.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracker {
    cursor: Cursor,
    /// How far the device came where it is out: pages say nothing more of it, but pushes may be under way.
    left: Positions,
}

impl Tracker {
    pub(super) const fn new(cursor: Cursor) -> Self {
        Self {
            cursor,
            left: Positions::new(),
        }
    }

    pub(super) const fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Forgets where in the middle of looking through everything it was.
    pub(super) fn begin_again(&mut self) {
        self.cursor.page = None;
    }

    /// Takes over the cursor of a page, but keeps what came further by pushes.
    pub(super) fn turn_page(&mut self, page: Cursor, reset: bool) {
        let before = std::mem::replace(&mut self.cursor, page);
        if !reset {
            for (conversation, seq) in before.positions {
                if let Some(held) = self.cursor.positions.get_mut(&conversation) {
                    *held = seq.max(*held);
                } else {
                    self.left.insert(conversation, seq);
                }
            }
        }
    }

    /// What to do with an entry that was pushed.
    pub(super) fn arrival(&self, entry: &Entry, me: &UserId) -> Arrival {
        let Some(held) = self.position(entry.conversation) else {
            // The first that we hear of this conversation. Unless it says that it is our beginning, there is more.
            return if begins(entry, me) {
                Arrival::Next
            } else {
                Arrival::Gap
            };
        };
        if entry.seq <= held {
            Arrival::Old
        } else if entry.seq == held.next() || begins(entry, me) {
            Arrival::Next
        } else {
            Arrival::Gap
        }
    }

    /// How far the device has come in a conversation.
    pub(super) fn held(&self, conversation: ConversationId) -> Seq {
        self.position(conversation).unwrap_or_default()
    }

    fn position(&self, conversation: ConversationId) -> Option<Seq> {
        let held = self.cursor.positions.get(&conversation);
        held.or_else(|| self.left.get(&conversation)).copied()
    }

    /// Notes that an entry was taken in. `false` when the device had it.
    pub(super) fn take(&mut self, entry: &Entry) -> bool {
        let held = self.held(entry.conversation);
        let is_new = entry.seq > held;
        if is_new {
            self.cursor.positions.insert(entry.conversation, entry.seq);
        }
        is_new
    }
}

/// Whether the entry brought the user in: what was before is not for them.
fn begins(entry: &Entry, me: &UserId) -> bool {
    if let Body::Created { members, .. } | Body::MembersAdded { members, .. } = &entry.body {
        return members.contains(me);
    }
    matches!(entry.body, Body::Joined { .. }) && entry.sender == *me
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClientId, Epoch, Timestamp};

    fn me() -> UserId {
        UserId::new("me").unwrap()
    }

    fn there() -> ConversationId {
        ConversationId::direct(&me(), &UserId::new("you").unwrap())
    }

    fn entry(seq: u64, body: Body) -> Entry {
        Entry {
            conversation: there(),
            seq: Seq(seq),
            sender: UserId::new("you").unwrap(),
            client_id: ClientId::new(format!("k{seq}")).unwrap(),
            at_ms: Timestamp(0),
            ordinal: 0,
            body,
        }
    }

    fn said(seq: u64) -> Entry {
        entry(seq, Body::says("hello"))
    }

    fn added(seq: u64) -> Entry {
        let members = vec![me()];
        entry(
            seq,
            Body::MembersAdded {
                members,
                since: None,
            },
        )
    }

    fn cursor(held: Option<u64>) -> Cursor {
        Cursor {
            epoch: Epoch(1),
            positions: held.map(|seq| (there(), Seq(seq))).into_iter().collect(),
            ..Cursor::default()
        }
    }

    #[test]
    fn the_next_is_taken_the_old_is_not_and_a_gap_is_seen() {
        let mut tracker = Tracker::new(cursor(Some(3)));
        let arrivals = [3, 4, 5].map(|seq| tracker.arrival(&said(seq), &me()));
        assert_eq!(arrivals, [Arrival::Old, Arrival::Next, Arrival::Gap]);

        assert!(tracker.take(&said(4)));
        assert!(!tracker.take(&said(4)));
        assert!(!tracker.take(&said(3)));
        assert_eq!(tracker.held(there()), Seq(4));
    }

    #[test]
    fn what_is_not_known_begins_with_ones_own_coming_or_has_a_gap() {
        let tracker = Tracker::new(cursor(None));
        assert_eq!(tracker.arrival(&said(7), &me()), Arrival::Gap);
        assert_eq!(tracker.arrival(&added(7), &me()), Arrival::Next);
    }

    #[test]
    fn who_was_away_goes_on_where_it_came_back() {
        let tracker = Tracker::new(cursor(Some(3)));
        assert_eq!(tracker.arrival(&added(9), &me()), Arrival::Next);
        assert_eq!(tracker.arrival(&added(2), &me()), Arrival::Old);
    }

    #[test]
    fn a_page_does_not_take_back_what_pushes_brought() {
        let mut tracker = Tracker::new(cursor(Some(3)));
        tracker.take(&said(4));
        tracker.turn_page(cursor(Some(3)), false);
        assert_eq!(tracker.held(there()), Seq(4));
        tracker.turn_page(cursor(Some(2)), true);
        assert_eq!(tracker.held(there()), Seq(2));
    }

    #[test]
    fn where_it_is_out_it_remembers_how_far_it_came() {
        let mut tracker = Tracker::new(cursor(Some(3)));
        tracker.turn_page(cursor(None), false);
        assert_eq!(tracker.arrival(&said(3), &me()), Arrival::Old);
        assert!(tracker.cursor().positions.is_empty());
    }
}
