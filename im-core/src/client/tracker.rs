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
    match &entry.body {
        Body::Created { members, .. } | Body::MembersAdded { members } => members.contains(me),
        Body::Joined => entry.sender == *me,
        Body::Edited { .. }
        | Body::InfoChanged { .. }
        | Body::Kicked { .. }
        | Body::Left
        | Body::Message { .. }
        | Body::Recalled { .. }
        | Body::RecalledMessage { .. }
        | Body::RoleChanged { .. }
        | Body::Unknown => false,
    }
}
