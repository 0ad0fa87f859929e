//! What was said last in conversations: for a page of them in as many reads as for one.

use std::collections::HashMap;

use super::{
    Engine,
    page::{at_once, weight},
    read::{hide_later, is_newer, view_of},
};
use crate::{ConversationView, Entry, Rejection, UserId, port::Span};

/// Entries among which the last message is looked for.
const FEW: u64 = 20;

impl Engine {
    /// Adds what was said last, until that uses up `bytes`: the views after the one that does are taken away. Returns how
    /// many bytes it was.
    pub(super) async fn fill(
        &self,
        user: &UserId,
        views: &mut Vec<ConversationView>,
        bytes: usize,
    ) -> Result<usize, Rejection> {
        let (mut filled, mut used) = (0, 0);
        while filled < views.len() && used < bytes {
            let end = views.len().min(filled + at_once(&self.limits()));
            self.add_last(user, &mut views[filled..end]).await?;
            while filled < end && used < bytes {
                used += views[filled].last.as_ref().map_or(0, weight);
                filled += 1;
            }
        }
        views.truncate(filled);
        Ok(used)
    }

    /// Adds to each view what was said last there, as far as the user may see it.
    pub(super) async fn add_last(
        &self,
        user: &UserId,
        views: &mut [ConversationView],
    ) -> Result<(), Rejection> {
        let spans: Vec<Span> = views.iter().filter_map(end_of).collect();
        if spans.is_empty() {
            return Ok(());
        }
        let found = self.ports.tallies.latest(&spans).await?;
        let by_conversation = found.into_iter().map(|entry| (entry.conversation, entry));
        let mut found: HashMap<_, Entry> = by_conversation.collect();
        for view in &mut *views {
            let mut last = found.remove(&view.conversation);
            if view.left.is_none() && is_newer(last.as_slice(), view.head.seq) {
                // It was edited since the row was read, and maybe not for the user any more.
                let now = view_of(self.membership(view.conversation, user).await?, user);
                if (now.since, now.left) != (view.since, view.left) {
                    last = last.filter(|one| one.seq >= now.since && one.seq <= now.head.seq);
                    *view = now;
                }
            }
            if let Some(left) = view.left {
                hide_later(last.as_mut_slice(), left);
                view.head.ordinal = last.as_ref().map_or(0, |entry| entry.ordinal);
            }
            view.last = last;
        }
        self.hide_deleted_last(user, views).await
    }
}

/// Where what was said last is looked for. What was said tells more than who reacted to it since; who has left sees how
/// that came about.
fn end_of(view: &ConversationView) -> Option<Span> {
    let end = view.head.seq;
    let few = if view.left.is_some() { 1 } else { FEW };
    let from = end.0.saturating_sub(few);
    (end >= view.since).then(|| Span {
        conversation: view.conversation,
        after: view.since.previous().max(crate::Seq(from)),
        end,
    })
}
