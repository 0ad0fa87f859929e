//! What is left of an entry when a user is erased.

use super::{Body, Entry};
use crate::{
    Seq, UserId,
    state::{MarkKind, Trace},
};

impl Entry {
    /// Takes out what a user said: its message stands as recalled, by itself; its edit or reason has no text any more; how
    /// it was called, what it reacted with and chose is gone. Who was in the conversation stays, and so do the names and
    /// texts of a group, which are the group's.
    ///
    /// Returns what that leaves in the indexes; `None` when the entry is as it was.
    pub fn erase(&mut self, user: &UserId) -> Option<Vec<Trace>> {
        let is_own = self.sender == *user;
        let unmark = |target: Seq, kind| Trace::Unmark {
            target,
            user: user.clone(),
            kind,
        };
        match &mut self.body {
            body @ Body::Message(_) if is_own => {
                *body = Body::RecalledMessage { by: self.seq };
                Some(vec![Trace::Gone(self.seq)])
            }
            Body::Edited { content, .. } if is_own => content.take().map(|_| Vec::new()),
            Body::Kicked { reason, .. } if is_own => reason.take().map(|_| Vec::new()),
            Body::MemberRenamed { member, nickname } if member == user => {
                nickname.take().map(|_| Vec::new())
            }
            Body::Reacted { changes } => {
                let own = changes.extract_if(.., |change| change.user == *user);
                let traces: Vec<_> = own
                    .map(|change| unmark(change.target, MarkKind::Reaction))
                    .collect();
                (!traces.is_empty()).then_some(traces)
            }
            Body::Voted { changes } => {
                let own = changes.extract_if(.., |change| change.user == *user);
                let traces: Vec<_> = own
                    .map(|change| unmark(change.target, MarkKind::Vote))
                    .collect();
                (!traces.is_empty()).then_some(traces)
            }
            Body::Created { .. }
            | Body::Dismissed
            | Body::Edited { .. }
            | Body::Expired { .. }
            | Body::ExpiredMessage { .. }
            | Body::InfoChanged { .. }
            | Body::Joined { .. }
            | Body::Kicked { .. }
            | Body::Left
            | Body::MemberRenamed { .. }
            | Body::MembersAdded { .. }
            | Body::Message(_)
            | Body::Muted { .. }
            | Body::PermissionsChanged { .. }
            | Body::Pinned { .. }
            | Body::Recalled { .. }
            | Body::RecalledMessage { .. }
            | Body::RoleChanged { .. }
            | Body::Unbanned { .. }
            | Body::Unmuted { .. }
            | Body::Unpinned { .. }
            | Body::Unknown => None,
        }
    }
}
