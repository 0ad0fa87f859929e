//! Pages of a log, as far as a membership reaches.

use std::sync::Arc;

use super::{
    Engine,
    page::Page,
    read::{LAST, hide_later, view_of},
    registry::SessionEntry,
};
use crate::{
    Actor, Code, ConversationId, Head, History, HistoryPage, Membership, Rejection, Seq, UserId,
    port::Range,
};

/// What a user may see of a conversation.
pub(super) struct Sight {
    pub(super) since: Seq,
    pub(super) left: Option<Seq>,
    head: Head,
}

impl Sight {
    fn of(row: Membership, user: &UserId) -> Self {
        let (since, left) = (row.member.since, row.left);
        Self {
            since,
            left,
            head: view_of(row, user).head,
        }
    }

    /// Where to read what is asked for, as far as it may be seen.
    fn range_of(&self, ask: &History) -> Range {
        match ask.after_seq {
            Some(after) => Range::After(after.max(self.since.previous()).min(LAST)),
            None => {
                let end = self.left.map_or(LAST, Seq::next);
                Range::Before(ask.before_seq.unwrap_or(LAST).min(end))
            }
        }
    }
}

impl Engine {
    pub(super) async fn history(
        self: &Arc<Self>,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        ask: History,
    ) -> Result<HistoryPage, Rejection> {
        if ask.after_seq.is_some() && ask.before_seq.is_some() {
            return Err(Rejection::new(
                Code::InvalidRequest,
                "give after_seq or before_seq, not both",
            ));
        }
        let room = self.room(ask.limit);
        let mut sight = self.sight(ask.conversation, &actor.user).await?;
        let (range, page, row) = loop {
            let range = sight.range_of(&ask);
            let page = self.page(ask.conversation, range, room).await?;
            // The row after the entries: who was removed meanwhile, here or by another process, reads no further.
            let row = self.membership(ask.conversation, &actor.user).await?;
            let after = Sight::of(row.clone(), &actor.user);
            let before = std::mem::replace(&mut sight, after);
            if (before.since, before.left) == (sight.since, sight.left) {
                break (range, page, row);
            }
        };
        let Sight {
            since,
            left,
            mut head,
        } = sight;
        let Page {
            entries: mut items,
            full,
            ..
        } = page;
        let end = left.map_or(LAST, Seq::next);
        // Judged before what is beyond the end is taken away: what was read reaches as far.
        let past_end = items
            .last()
            .is_some_and(|entry| entry.seq >= end.previous());
        items.retain(|entry| entry.seq >= since && entry.seq < end);
        if let Some(left) = left {
            hide_later(&mut items, left);
        }
        self.hide_deleted(&actor.user, row.conversation, &row.settings, &mut items)
            .await?;
        let done = match range {
            Range::After(after) => {
                let reached = items.last().map_or(after, |entry| entry.seq);
                let live = session.filter(|_| left.is_none());
                (!full || left.is_some() && past_end)
                    && live.is_none_or(|session| self.caught_up(session, ask.conversation, reached))
            }
            Range::Before(_) => !full || items.first().is_none_or(|entry| entry.seq <= since),
        };
        if let Some(last) = items.last().filter(|last| last.seq >= head.seq) {
            head = Head {
                seq: last.seq,
                ordinal: last.ordinal,
            };
        }
        Ok(HistoryPage { items, head, done })
    }

    /// What the user may see of a conversation, as a present or former member.
    pub(super) async fn sight(
        &self,
        id: ConversationId,
        user: &UserId,
    ) -> Result<Sight, Rejection> {
        match self.member(id, user).await {
            Ok((member, state)) => Ok(Sight {
                since: member.since,
                left: None,
                head: state.head,
            }),
            Err(rejection) if rejection.code == Code::NotFound => {
                Ok(Sight::of(self.membership(id, user).await?, user))
            }
            Err(rejection) => Err(rejection),
        }
    }
}
