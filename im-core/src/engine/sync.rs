//! Catching up: what a device lacks, exactly, page by page; or a reset.

use std::sync::Arc;

use super::{
    Engine,
    page::{Page, Room},
    positions::with_position,
    read::{hide_later, is_newer, view_of},
    registry::SessionEntry,
};
use crate::{
    Actor, Block, Cursor, Membership, OwnRow, Rejection, SyncItem, SyncPage, SyncPoint, SyncPull,
    Visibility, port::Range,
};

/// Conversations in one page, each with a view of about 600 bytes.
const ITEMS: usize = 100;
/// Memberships that one read looks through.
const ROWS: usize = 200;
/// Entries of a conversation that a new device is given to begin with.
const FIRST: usize = 20;
/// The version in a cursor of a device whose first catching up is not over: it has everything new to learn, and nothing
/// that changed. The largest that a cursor's text holds.
const FRESH: u64 = (1 << 63) - 1;

impl Engine {
    pub(super) async fn sync(
        self: &Arc<Self>,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        ask: SyncPull,
    ) -> Result<SyncPage, Rejection> {
        let epoch = self.ports.log.epoch().await?;
        let mut cursor = ask.cursor.unwrap_or_default();
        let fresh = cursor == Cursor::default();
        let reset = !fresh && cursor.epoch != epoch;
        if reset {
            self.counts.resets.add(1);
        }
        if reset || fresh {
            cursor = Cursor {
                epoch,
                version: FRESH,
                ..Cursor::default()
            };
        }
        if !reset {
            for (conversation, seq) in ask.have {
                let held = cursor.positions.entry(conversation).or_default();
                *held = seq.max(*held);
            }
        }
        // The version before the rows: what changes in between is told again rather than never.
        let version = match cursor.page {
            Some(page) => page.version,
            None => self.ports.users.version(&actor.user).await?,
        };
        // Whatever belongs to the user raises the version, so most who come back have no changed block to ask for.
        let may_have_blocks = cursor.page.is_none() && version > 0 && version != cursor.version;
        let blocks = if may_have_blocks {
            self.changed_blocks(actor, cursor.version).await?
        } else {
            Vec::new()
        };
        let mut pull = Pull {
            items: Vec::new(),
            room: self.room(ask.limit),
            skip: ask.limit == Some(0),
        };
        let own = self
            .pull_own(actor, &mut cursor, version, &mut pull)
            .await?;
        let is_through = self.pull(actor, session, &mut cursor, &mut pull).await?;
        let has_own = cursor.page.and_then(|page| page.own) >= Some(version);
        let done = is_through && has_own;
        if done {
            cursor.version = version;
            cursor.page = None;
        }
        Ok(SyncPage {
            cursor,
            reset,
            items: pull.items,
            blocks,
            own,
            done,
        })
    }

    /// The next rows of the user's own. Beside the conversations, so that neither waits for all of the others.
    async fn pull_own(
        &self,
        actor: &Actor,
        cursor: &mut Cursor,
        version: u64,
        pull: &mut Pull,
    ) -> Result<Vec<OwnRow>, Rejection> {
        let page = cursor.page.get_or_insert(SyncPoint {
            after: None,
            version,
            own: None,
        });
        let is_new = cursor.version == FRESH;
        let base = if is_new { 0 } else { cursor.version };
        let after = page.own.unwrap_or(base);
        if pull.skip || after >= version {
            page.own = Some(version);
            return Ok(Vec::new());
        }
        let mut changes = self
            .changed_own(&actor.user, after, version, pull.room.bytes)
            .await?;
        page.own = Some(changes.reached);
        pull.room.bytes = pull.room.bytes.saturating_sub(changes.bytes);
        if is_new {
            // There is nothing that it could forget.
            changes.rows.retain(|row| row.value.is_some());
        }
        Ok(changes.rows)
    }

    async fn changed_blocks(&self, actor: &Actor, version: u64) -> Result<Vec<Block>, Rejection> {
        let version = if version == FRESH { 0 } else { version };
        let rows = self.ports.contacts.blocks(&actor.user).await?;
        // A new device has no lifted blocks to learn of.
        let news = rows
            .into_iter()
            .filter(|row| row.version > version && (row.block.blocked || version > 0));
        Ok(news.map(|row| row.block).collect())
    }

    /// Fills one page. `true` when all conversations were looked at.
    async fn pull(
        self: &Arc<Self>,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        cursor: &mut Cursor,
        pull: &mut Pull,
    ) -> Result<bool, Rejection> {
        loop {
            let after = cursor.page.and_then(|page| page.after);
            let kept = self.positions.kept(&actor.user);
            let rows = self
                .ports
                .members
                .memberships(&actor.user, after, ROWS)
                .await?;
            let last = rows.len() < ROWS;
            for row in rows {
                if pull.is_full() {
                    return Ok(false);
                }
                let id = row.conversation;
                let row = with_position(row, &kept);
                let complete = self.pull_one(actor, session, cursor, row, pull).await?;
                if !complete {
                    return Ok(false);
                }
                if let Some(page) = &mut cursor.page {
                    page.after = Some(id);
                }
            }
            if last {
                return Ok(true);
            }
        }
    }

    /// Adds what is new in one conversation. `false` when the page is full before all of it was added.
    async fn pull_one(
        self: &Arc<Self>,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        cursor: &mut Cursor,
        mut row: Membership,
        pull: &mut Pull,
    ) -> Result<bool, Rejection> {
        let id = row.conversation;
        let mut end = row.visible_head();
        let held = cursor.positions.get(&id).copied();
        if held.is_none() && row.left.is_some() {
            return Ok(true);
        }
        if let Some(session) = session
            && row.left.is_none()
        {
            // Before anything is read: what comes after that is pushed.
            self.begin_to_listen(session, id).await?;
        }
        let changed = row.version > cursor.version;
        if held.is_some_and(|held| held >= end) && !changed {
            return Ok(session
                .is_none_or(|session| row.left.is_some() || self.caught_up(session, id, end)));
        }
        let page = match held {
            _ if pull.skip => Page::default(),
            Some(held) if held >= end => Page::default(),
            // Where the device was before this conversation was: it lacks all of it.
            _ if held.is_some() || (cursor.version != FRESH && begins_by_joining(&row)) => {
                let after = held.unwrap_or_default().max(row.member.since.previous());
                self.page(id, Range::After(after), pull.room).await?
            }
            _ => {
                let room = Room {
                    entries: FIRST.min(pull.room.entries),
                    ..pull.room
                };
                self.page(id, Range::Before(end.next()), room).await?
            }
        };
        pull.room.bytes = pull.room.bytes.saturating_sub(page.bytes);
        let mut entries = page.entries;
        if row.left.is_none() && is_newer(&entries, end) {
            // More was said since the row was read. Whether that is for the user, only a later row can tell.
            let later = self.membership(id, &actor.user).await?;
            if later.member.since != row.member.since {
                // It went meanwhile, and came back: what was read is of a stay that is over.
                return Box::pin(self.pull_one(actor, session, cursor, later, pull)).await;
            }
            row = later;
            end = row.left.unwrap_or(end);
        }
        entries.retain(|entry| entry.seq >= row.member.since);
        if let Some(left) = row.left {
            entries.retain(|entry| entry.seq <= left);
            hide_later(&mut entries, left);
        }
        self.hide_deleted(&actor.user, id, &row.settings, &mut entries)
            .await?;
        let deleted = self
            .deleted_since(&actor.user, &row, cursor.version)
            .await?;
        let reached = entries
            .last()
            .map_or_else(|| end.max(held.unwrap_or_default()), |entry| entry.seq);
        let left = row.left.is_some();
        let complete = reached >= end
            && session.is_none_or(|session| left || self.caught_up(session, id, reached));
        if left && complete {
            cursor.positions.remove(&id);
        } else {
            cursor.positions.insert(id, reached);
        }
        pull.room.entries = pull.room.entries.saturating_sub(entries.len());
        let mut view = view_of(row, &actor.user);
        self.count_unread(&actor.user, std::slice::from_mut(&mut view))
            .await?;
        pull.items.push(SyncItem {
            view,
            entries,
            deleted,
            more: !complete,
        });
        Ok(complete)
    }
}

/// Whether a user sees nothing of what was before it came: else that may be long, and is history to look up.
fn begins_by_joining(row: &Membership) -> bool {
    row.info.history == Visibility::FromJoining
}

/// A page that is being filled.
struct Pull {
    items: Vec<SyncItem>,
    /// What still fits.
    room: Room,
    /// Whether the device wants no entries, only to know where things stand.
    skip: bool,
}

impl Pull {
    fn is_full(&self) -> bool {
        let has_no_room = self.room.entries == 0 || self.room.bytes == 0;
        has_no_room || self.items.len() >= ITEMS
    }
}
