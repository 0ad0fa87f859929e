//! What is unread, exactly: messages beyond the read position, without those whose content is gone or that the user deleted
//! or cleared away for itself.

use super::{Engine, positions::with_position, read::view_of};
use crate::{ConversationView, Rejection, Seq, Timestamp, UnreadTotals, UserId, port::Span};

/// Memberships in one read, and spans in one count.
const PAGE: usize = 200;

/// What is unread, and until when that holds by itself.
pub(super) struct Counted {
    pub(super) totals: UnreadTotals,
    /// When the first of the conversations that are muted is not any more.
    pub(super) until: Option<Timestamp>,
}

impl Engine {
    /// Makes the counts of views exact. Asks the store only for those with something unread.
    pub(super) async fn count_unread(
        &self,
        user: &UserId,
        views: &mut [ConversationView],
    ) -> Result<(), Rejection> {
        for view in views.iter_mut() {
            let Some(cleared) = cleared_unread(view) else {
                continue;
            };
            let ordinal = self.ordinal_at(view.conversation, cleared).await?;
            let later = view.head.ordinal.saturating_sub(ordinal);
            view.unread = view.unread.min(later);
        }
        let spans: Vec<Span> = views.iter().filter_map(unread_of).collect();
        if spans.is_empty() {
            return Ok(());
        }
        let tallies = self.ports.tallies.tallies(user, &spans).await?;
        let mut tallies = tallies.into_iter();
        for view in views.iter_mut().filter(|view| unread_of(view).is_some()) {
            let Some(tally) = tallies.next() else { break };
            view.unread = view.unread.saturating_sub(tally.gone);
            view.mentions = tally.mentions;
        }
        Ok(())
    }

    /// What is unread in all conversations of a user. Those that it muted are counted apart, those that it archived or hid
    /// as all others.
    /// And when the first of those that are muted are not any more.
    pub(super) async fn unread_totals(&self, user: &UserId) -> Result<Counted, Rejection> {
        let now = self.ports.runtime.now();
        let (mut totals, mut after, mut until) = (UnreadTotals::default(), None, None);
        loop {
            let kept = self.positions.kept(user);
            let rows = self.ports.members.memberships(user, after, PAGE).await?;
            let is_last = rows.len() < PAGE;
            after = rows.last().map(|row| row.conversation);
            let present = rows.into_iter().filter(|row| row.left.is_none());
            let mut views: Vec<_> = present
                .map(|row| view_of(with_position(row, &kept), user))
                .collect();
            self.count_unread(user, &mut views).await?;
            for view in views {
                let muted = view.settings.muted_until_ms.filter(|until| *until > now);
                if view.unread == 0 && !view.settings.marked_unread {
                    continue;
                }
                totals.conversations += 1;
                totals.mentions += view.mentions;
                if let Some(end) = muted {
                    totals.muted += view.unread;
                    until = Some(until.map_or(end, |until: Timestamp| until.min(end)));
                } else {
                    totals.unread += view.unread;
                }
            }
            if is_last {
                return Ok(Counted { totals, until });
            }
        }
    }
}

/// Up to where a user cleared away what it had not read: nobody reads that any more.
fn cleared_unread(view: &ConversationView) -> Option<Seq> {
    let cleared = view.settings.cleared?;
    let is_beyond = cleared > view.position.read && view.unread > 0;
    is_beyond.then_some(cleared)
}

/// The part of a log that a view counts as unread; `None` when that is nothing.
fn unread_of(view: &ConversationView) -> Option<Span> {
    let cleared = view.settings.cleared.unwrap_or_default();
    let read = view.position.read.max(cleared);
    let after = read.max(view.since.previous());
    let is_some = view.unread > 0 && view.left.is_none() && view.head.seq > Seq::ZERO;
    is_some.then_some(Span {
        conversation: view.conversation,
        after,
        end: view.head.seq,
    })
}
