//! Pages of a log, as far as a membership reaches.

use std::sync::Arc;

use super::{
    Engine,
    page::{Page, Room},
    read::{LAST, hide_later, view_of},
    registry::SessionEntry,
};
use crate::{
    Actor, Code, ConversationId, Head, History, HistoryPage, Landmark, Membership, Rejection, Seq,
    Timestamp, UserId, port::Range,
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
    fn range_of(&self, from: Begin) -> Range {
        match from {
            Begin::After(after) => Range::After(after.max(self.since.previous()).min(LAST)),
            Begin::Before(before) => {
                let end = self.left.map_or(LAST, Seq::next);
                Range::Before(before.min(end))
            }
            Begin::Around(seq) => Range::After(seq.min(self.head.seq).max(self.since).previous()),
        }
    }
}

/// Where a page begins.
#[derive(Clone, Copy)]
enum Begin {
    After(Seq),
    Around(Seq),
    Before(Seq),
}

impl Engine {
    pub(super) async fn history(
        self: &Arc<Self>,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        ask: History,
    ) -> Result<HistoryPage, Rejection> {
        check_begin(&ask)?;
        let room = self.room(ask.limit);
        let mut sight = self.sight(ask.conversation, &actor.user).await?;
        let begin = self.begin_of(actor, &ask, &sight).await?;
        // Who jumps to a place does not have what is before it, and has caught up with nothing.
        let session = session.filter(|_| ask.after_seq.is_some());
        let (range, page, row) = loop {
            let range = sight.range_of(begin);
            let page = match begin {
                Begin::Around(_) => self.page_around(ask.conversation, range, room).await?,
                Begin::After(_) | Begin::Before(_) => {
                    self.page(ask.conversation, range, room).await?
                }
            };
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

    async fn begin_of(
        &self,
        actor: &Actor,
        ask: &History,
        sight: &Sight,
    ) -> Result<Begin, Rejection> {
        if let Some(seq) = ask.around_seq {
            return Ok(Begin::Around(seq));
        }
        if let Some(at) = ask.at_ms {
            let (id, end) = (ask.conversation, sight.head.seq.next());
            let before = Timestamp(at.0.saturating_sub(1));
            let first = self.first_after(id, sight.since, end, before).await?;
            return Ok(Begin::After(first.previous()));
        }
        if let Some(Landmark::FirstUnread) = ask.from {
            let row = self.membership(ask.conversation, &actor.user).await?;
            return Ok(Begin::After(row.position.read));
        }
        Ok(match ask.after_seq {
            Some(after) => Begin::After(after),
            None => Begin::Before(ask.before_seq.unwrap_or(LAST)),
        })
    }

    /// Reads as much before the beginning of a range as from there on.
    async fn page_around(
        &self,
        id: ConversationId,
        range: Range,
        room: Room,
    ) -> Result<Page, Rejection> {
        let (Range::After(last) | Range::Before(last)) = range;
        let half = Room {
            entries: room.entries / 2,
            bytes: room.bytes / 2,
        };
        let mut before = Page::default();
        if half.entries > 0 {
            before = self.page(id, Range::Before(last.next()), half).await?;
        }
        let rest = Room {
            entries: room.entries - half.entries,
            bytes: room.bytes - half.bytes,
        };
        let mut page = self.page(id, range, rest).await?;
        before.entries.append(&mut page.entries);
        page.entries = before.entries;
        Ok(page)
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

/// Refuses more than one place to begin at.
fn check_begin(ask: &History) -> Result<(), Rejection> {
    let given = [
        ask.after_seq.is_some(),
        ask.before_seq.is_some(),
        ask.around_seq.is_some(),
        ask.at_ms.is_some(),
        ask.from.is_some(),
    ];
    if given.into_iter().filter(|given| *given).count() > 1 {
        return Err(Rejection::new(
            Code::InvalidRequest,
            "give one of after_seq, before_seq, around_seq, at_ms and from",
        ));
    }
    Ok(())
}
