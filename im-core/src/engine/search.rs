//! Finding messages in everything that a user may see.
//!
//! Each conversation is looked through from its end, and always that one next whose rest can hold the latest message: so
//! hits come in the order of time, and what is found last is later than all that was not looked at. One page looks once
//! into each conversation at most, and then takes [`Limits::search_steps`](crate::Limits::search_steps) more steps.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use super::{
    Engine,
    page::{at_once, weight},
    read::view_of,
};
use crate::{
    Actor, Code, ConversationId, ConversationView, Entry, Membership, Needle, Rejection,
    SearchCursor, SearchMessages, SearchPage, Seq, Timestamp, UserId,
    port::{Found, Search},
};

/// What is left to look through in a conversation.
struct Place {
    conversation: ConversationId,
    since: Seq,
    /// The last entry that a former member sees.
    left: Option<Seq>,
    /// The entries from here on are dealt with.
    before: Seq,
    /// Nothing that is left comes after this.
    latest: SearchCursor,
    /// Whether entries before `before` may be later than `latest`: then the place is to be found first.
    is_adrift: bool,
}

/// What is asked of every conversation.
struct Quest {
    needle: Needle,
    after: Option<Timestamp>,
    /// Only what comes before this.
    start: Option<SearchCursor>,
    hits: usize,
}

impl Quest {
    fn takes(&self, entry: &Entry) -> bool {
        let start = self.start.as_ref();
        start.is_none_or(|start| SearchCursor::of(entry) < *start)
            && self.after.is_none_or(|after| entry.at_ms >= after)
    }

    fn ends_before(&self, at: Timestamp) -> bool {
        self.after.is_some_and(|after| at < after)
    }
}

impl Place {
    /// What a quest has to look through; `None` when it is nothing.
    fn of(row: &Membership, quest: &Quest) -> Option<Self> {
        let conversation = row.conversation;
        let cleared = row.settings.cleared.unwrap_or_default();
        let since = row.member.since.max(cleared.next());
        let mut before = row.visible_head().next();
        let mut latest = SearchCursor {
            at_ms: row.last_at_ms,
            conversation,
            seq: before.previous(),
        };
        let mut is_adrift = false;
        if let Some(start) = &quest.start
            && latest >= *start
        {
            if conversation == start.conversation {
                before = before.min(start.seq);
            }
            let at = start.at_ms.0;
            // What begins at that millisecond, and belongs after the start, was dealt with.
            let is_over = conversation > start.conversation;
            latest.at_ms = Timestamp(at.saturating_sub(i64::from(is_over)));
            latest.seq = before.previous();
            is_adrift = true;
        }
        let is_nothing = before <= since || quest.ends_before(latest.at_ms);
        (!is_nothing).then_some(Self {
            conversation,
            since,
            left: row.left,
            before,
            latest,
            is_adrift,
        })
    }

    /// Goes on with what a search left; `None` when that is nothing.
    fn after(mut self, found: &Found, quest: &Quest) -> Option<Self> {
        let rest = found.rest?;
        self.before = rest.before;
        self.latest.at_ms = self.latest.at_ms.min(rest.at_ms);
        self.latest.seq = rest.before.previous();
        let is_nothing = rest.before <= self.since || quest.ends_before(self.latest.at_ms);
        (!is_nothing).then_some(self)
    }
}

impl Engine {
    pub(super) async fn search(
        &self,
        actor: &Actor,
        ask: SearchMessages,
    ) -> Result<SearchPage, Rejection> {
        let room = self.room(ask.limit);
        let quest = self.quest(&ask, room.entries)?;
        let mut open = self.places(&actor.user, ask.conversation, &quest).await?;
        let mut steps = open.len().saturating_add(self.limits().search_steps);
        let (mut hits, mut are_all) = (Vec::new(), true);
        while let Some(latest) = open.peek().map(|place| place.latest) {
            let is_settled = |hit: &&Entry| SearchCursor::of(hit) > latest;
            if steps == 0 || hits.iter().filter(is_settled).count() >= room.entries {
                break;
            }
            steps -= 1;
            let Some(place) = open.pop() else { break };
            let (more, rest) = self.look(place, &quest).await?;
            hits.extend(more);
            open.extend(rest);
            if hits.len() > 2 * room.entries {
                are_all &= keep_latest(&mut hits, room.entries);
            }
        }
        are_all &= keep_latest(&mut hits, room.entries);
        let unseen = open.peek().map(|place| place.latest);
        hits.retain(|hit| unseen.is_none_or(|unseen| SearchCursor::of(hit) > unseen));
        let is_full = hits.len() == room.entries && !(are_all && unseen.is_none());
        let next_cursor = if keep_fitting(&mut hits, room.bytes) && !is_full {
            // Just beyond what was not looked at: all from there on was.
            unseen.map(|unseen| SearchCursor {
                seq: unseen.seq.next(),
                ..unseen
            })
        } else {
            hits.last().map(SearchCursor::of)
        };
        let (items, conversations) = self.only_visible(&actor.user, hits).await?;
        Ok(SearchPage {
            items,
            conversations,
            done: next_cursor.is_none(),
            next_cursor,
        })
    }

    fn quest(&self, ask: &SearchMessages, limit: usize) -> Result<Quest, Rejection> {
        let text = ask.text.as_deref().unwrap_or_default();
        let most = self.limits().search_chars;
        if text.len() > most && text.chars().count() > most {
            let detail = format!("text exceeds {most} characters; search for less");
            return Err(Rejection::new(Code::TooLarge, detail));
        }
        let kind = ask.kind.clone().filter(|kind| !kind.is_empty());
        let needle = Needle::text(text)
            .of_sender(ask.sender.clone())
            .of_kind(kind);
        if needle.is_empty() {
            let detail = "give a text, a sender or a kind to search for";
            return Err(Rejection::new(Code::InvalidRequest, detail));
        }
        let before = ask.before_ms.map(SearchCursor::beginning);
        Ok(Quest {
            needle,
            after: ask.after_ms,
            start: ask.cursor.into_iter().chain(before).min(),
            hits: limit.min(at_once(&self.limits())),
        })
    }

    /// Where to look: in the conversation that was named, be the user a present or former member; else wherever it is one.
    async fn places(
        &self,
        user: &UserId,
        named: Option<ConversationId>,
        quest: &Quest,
    ) -> Result<BinaryHeap<Place>, Rejection> {
        if let Some(id) = named {
            let row = self.membership(id, user).await?;
            return Ok(Place::of(&row, quest).into_iter().collect());
        }
        let (mut open, mut after) = (BinaryHeap::new(), None);
        loop {
            let limit = self.limits().page;
            let rows = self.ports.members.memberships(user, after, limit).await?;
            after = rows.last().map(|row| row.conversation);
            let present = rows.iter().filter(|row| row.left.is_none());
            open.extend(present.filter_map(|row| Place::of(row, quest)));
            if rows.len() < limit {
                return Ok(open);
            }
        }
    }

    /// One step: the hits among the latest of what is left in a place, and what is left then.
    async fn look(
        &self,
        mut place: Place,
        quest: &Quest,
    ) -> Result<(Vec<Entry>, Option<Place>), Rejection> {
        let (id, since) = (place.conversation, place.since);
        if place.is_adrift {
            let (to, at) = (place.before, place.latest.at_ms);
            place.before = self.first_after(id, since, to, at).await?;
            place.is_adrift = false;
        }
        let search = Search {
            conversation: id,
            needle: quest.needle.clone(),
            after: since.previous(),
            before: place.before,
            hits: quest.hits,
        };
        if search.before <= since {
            return Ok((Vec::new(), None));
        }
        let mut found = self.ports.search.search(search).await?;
        let mut hits = std::mem::take(&mut found.entries);
        hits.retain(|hit| quest.takes(hit) && is_before_leaving(hit, place.left));
        Ok((hits, place.after(&found, quest)))
    }

    /// Takes away what the user may not see any more, or deleted for itself, by rows that are read after the entries: who
    /// was removed meanwhile, here or by another process, finds no more of it.
    async fn only_visible(
        &self,
        user: &UserId,
        mut hits: Vec<Entry>,
    ) -> Result<(Vec<Entry>, Vec<ConversationView>), Rejection> {
        let mut ids: Vec<_> = hits.iter().map(|hit| hit.conversation).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut views = Vec::with_capacity(ids.len());
        for id in ids {
            let row = match self.membership(id, user).await {
                Err(rejection) if rejection.code == Code::NotFound => None,
                row => Some(row?),
            };
            if let Some(row) = &row {
                for hit in hits.iter_mut().filter(|hit| hit.conversation == id) {
                    let hit = std::slice::from_mut(hit);
                    self.hide_deleted(user, id, &row.settings, hit).await?;
                }
            }
            let sees = |row: &Membership, hit: &Entry| {
                let is_there = hit.seq >= row.member.since && hit.body.as_message().is_some();
                is_there && is_before_leaving(hit, row.left)
            };
            hits.retain(|hit| {
                hit.conversation != id || row.as_ref().is_some_and(|row| sees(row, hit))
            });
            if hits.iter().any(|hit| hit.conversation == id) {
                views.extend(row.map(|row| view_of(row, user)));
            }
        }
        self.count_unread(user, &mut views).await?;
        Ok((hits, views))
    }
}

/// Whether a former member sees the message as it is now: said, and last edited, before the end.
fn is_before_leaving(hit: &Entry, left: Option<Seq>) -> bool {
    let last_told = hit.seq.max(hit.body.changed_by().unwrap_or_default());
    left.is_none_or(|left| last_told <= left)
}

/// Puts hits in their order, and forgets those that are too many. Whether there were none of these.
fn keep_latest(hits: &mut Vec<Entry>, most: usize) -> bool {
    hits.sort_unstable_by_key(|hit| Reverse(SearchCursor::of(hit)));
    let are_all = hits.len() <= most;
    hits.truncate(most);
    are_all
}

/// Keeps hits up to the one that uses up the bytes of a page. Whether these are all.
fn keep_fitting(hits: &mut Vec<Entry>, bytes: usize) -> bool {
    let mut used = 0;
    let fitting = hits.iter().take_while(|hit| {
        let has_room = used < bytes;
        used += weight(hit);
        has_room
    });
    let (fitting, all) = (fitting.count(), hits.len());
    hits.truncate(fitting);
    fitting == all
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        self.latest.cmp(&other.latest)
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Place {}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.latest == other.latest
    }
}
