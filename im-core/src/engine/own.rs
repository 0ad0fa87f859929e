//! Rows of users' own: written, listed page by page, and told to the devices of whom they belong to.

use std::sync::Arc;

use super::{
    Engine,
    page::{at_once, bytes_of},
    registry::SessionEntry,
};
use crate::{
    Actor, Code, Done, OwnKey, OwnKind, OwnPage, OwnRow, Push, Rejection, RowKey, StoreError,
    UserId,
    port::{OwnWrite, Written},
};

impl Engine {
    /// Writes rows and tells their users' devices, but not `session`. `None` when a row is not as it was expected: read
    /// again and decide again.
    pub(super) async fn write_own(
        &self,
        session: Option<&Arc<SessionEntry>>,
        writes: Vec<OwnWrite>,
    ) -> Result<Option<Vec<OwnRow>>, Rejection> {
        let versions = match self.ports.own.write(writes.clone()).await? {
            Written::Stored(versions) => versions,
            Written::Conflict => return Ok(None),
        };
        if writes.iter().any(|write| write.due_ms.is_some()) {
            self.keep_house();
        }
        let mut rows = Vec::with_capacity(writes.len());
        for (write, version) in writes.into_iter().zip(versions) {
            let user = write.user.clone();
            let row = write.row(version);
            if row.kind.is_synced() {
                self.tell_user(&user, session, Push::OwnChanged(Box::new(row.clone())));
            }
            rows.push(row);
        }
        Ok(Some(rows))
    }

    /// Writes one row in place of whatever stands, and tells its user's devices, but not `session`.
    pub(super) async fn write_one(
        &self,
        session: Option<&Arc<SessionEntry>>,
        write: OwnWrite,
    ) -> Result<OwnRow, Rejection> {
        let written = self.write_own(session, vec![write]).await?;
        written
            .and_then(|mut rows| rows.pop())
            .ok_or_else(contended)
    }

    /// Removes a row of the actor's, when there is one, and tells its other devices.
    pub(super) async fn remove_one(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        key: OwnKey,
    ) -> Result<Done, Rejection> {
        if self.own_row(&actor.user, key.clone()).await?.is_some() {
            let write = OwnWrite::remove(actor.user.clone(), key);
            self.write_one(session, write).await?;
        }
        Ok(Done {})
    }

    /// The row that stands under a key.
    pub(super) async fn own_row(
        &self,
        user: &UserId,
        key: OwnKey,
    ) -> Result<Option<OwnRow>, StoreError> {
        let rows = self.ports.own.read(&[(user.clone(), key)]).await?;
        let mut rows = rows.into_iter().map(|(_, row)| row);
        Ok(rows.find(|row| row.value.is_some()))
    }

    /// A page of what stands, bounded in rows and in bytes.
    pub(super) async fn own_page(
        &self,
        user: &UserId,
        kind: OwnKind,
        mut after: Option<RowKey>,
        limit: Option<u32>,
    ) -> Result<OwnPage, Rejection> {
        let room = self.room(limit);
        let (mut items, mut bytes) = (Vec::new(), 0);
        loop {
            let ask = at_once(&self.limits()).min(room.entries - items.len());
            let rows = self.ports.own.list(user, kind, after.as_ref(), ask).await?;
            let last = rows.len() < ask;
            for row in rows {
                let is_full = items.len() >= room.entries || bytes >= room.bytes;
                if is_full {
                    return Ok(page_to(items, after));
                }
                bytes += bytes_of(&row.value);
                after = Some(row.key.clone());
                items.push(row);
            }
            if last {
                return Ok(page_to(items, None));
            }
            if items.len() >= room.entries || bytes >= room.bytes {
                return Ok(page_to(items, after));
            }
        }
    }

    /// Rows that changed after `after` and up to `version`, as many as there is room for: with what they weigh, and up to
    /// which version that is all.
    pub(super) async fn changed_own(
        &self,
        user: &UserId,
        mut after: u64,
        version: u64,
        bytes: usize,
    ) -> Result<Changes, Rejection> {
        let mut changes = Changes::default();
        while after < version {
            let ask = at_once(&self.limits()).min(self.limits().page.max(1));
            let rows = self.ports.own.changed(user, after, ask).await?;
            let last = rows.len() < ask;
            for row in rows {
                if row.version > version {
                    // Told with what comes after it.
                    changes.reached = version;
                    return Ok(changes);
                }
                if changes.rows.len() >= self.limits().page || changes.bytes >= bytes {
                    changes.reached = after;
                    return Ok(changes);
                }
                changes.bytes += bytes_of(&row.value);
                after = row.version;
                changes.rows.push(row);
            }
            if last {
                break;
            }
        }
        changes.reached = version.max(after);
        Ok(changes)
    }
}

/// A part of what changed.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) rows: Vec<OwnRow>,
    /// What they weigh together.
    pub(super) bytes: usize,
    /// Up to which version that is all.
    pub(super) reached: u64,
}

/// Others were always faster.
pub(super) fn contended() -> Rejection {
    Rejection::new(
        Code::Overloaded,
        "others change the same thing at this moment; try again",
    )
}

fn page_to(items: Vec<OwnRow>, next_cursor: Option<RowKey>) -> OwnPage {
    OwnPage {
        items,
        done: next_cursor.is_none(),
        next_cursor,
    }
}
