//! What is left of an entry when its sender is erased.

use super::{Body, Entry};

impl Entry {
    /// Takes out what the sender said: a message stands as recalled, by itself; an edit or a reason has no text any more.
    /// Who was in the conversation stays, and so do the names and texts of a group, which are the group's. `true` when
    /// the entry changed.
    pub fn erase(&mut self) -> bool {
        match &mut self.body {
            body @ Body::Message { .. } => {
                *body = Body::RecalledMessage { by: self.seq };
                true
            }
            Body::Edited { content, .. } => content.take().is_some(),
            Body::Kicked { reason, .. } => reason.take().is_some(),
            Body::Created { .. }
            | Body::InfoChanged { .. }
            | Body::Joined
            | Body::Left
            | Body::MembersAdded { .. }
            | Body::Recalled { .. }
            | Body::RecalledMessage { .. }
            | Body::RoleChanged { .. }
            | Body::Unknown => false,
        }
    }
}
