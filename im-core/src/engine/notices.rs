//! Notices as users have them: their own, and among them those to everybody, which are put in when they are read.

use std::{ops::ControlFlow, sync::Arc};

use super::{
    Engine,
    own::contended,
    page::{at_once, bytes_of},
    registry::SessionEntry,
    telling::untouched,
};
use crate::{
    Actor, Code, DeleteNotice, Done, ListNotices, Notice, NoticePage, Own, OwnKey, OwnKind, OwnRow,
    Rejection, RowKey, UserId, port::OwnWrite,
};

/// How often marking is begun anew because another device was faster.
const ATTEMPTS: usize = 16;

/// Notices that are marked in one write.
const MARKS: usize = 100;

const fn notice_in(row: &OwnRow) -> Option<&Notice> {
    match &row.value {
        Some(Own::Notice(notice)) => Some(notice),
        _ => None,
    }
}

fn is_unread(row: &OwnRow) -> bool {
    notice_in(row).is_some_and(|notice| !notice.read)
}

impl Engine {
    pub(super) async fn notices(
        &self,
        actor: &Actor,
        ask: ListNotices,
    ) -> Result<NoticePage, Rejection> {
        let room = self.room(ask.limit);
        let unread = match ask.after {
            Some(_) => None,
            None => Some(self.unread_notices(&actor.user).await?),
        };
        let (mut items, mut bytes, mut done) = (Vec::<OwnRow>::new(), 0, true);
        let take = |row: OwnRow| {
            if ask.unread && !is_unread(&row) {
                return ControlFlow::Continue(());
            }
            if items.len() >= room.entries || bytes >= room.bytes {
                done = false;
                return ControlFlow::Break(());
            }
            bytes += bytes_of(&row.value);
            items.push(row);
            ControlFlow::Continue(())
        };
        self.each_notice(&actor.user, ask.after, take).await?;
        Ok(NoticePage {
            next_cursor: items.last().filter(|_| !done).map(|row| row.key.clone()),
            items,
            unread,
            done,
        })
    }

    async fn unread_notices(&self, user: &UserId) -> Result<u32, Rejection> {
        let mut count = 0;
        self.each_notice(user, None, |row| {
            count += u32::from(is_unread(&row));
            ControlFlow::Continue(())
        })
        .await?;
        Ok(count)
    }

    /// Visits a user's notices, the latest first. There are only so many: see `notices_per_user` and `notices_to_all`.
    async fn each_notice(
        &self,
        user: &UserId,
        mut after: Option<RowKey>,
        mut visit: impl FnMut(OwnRow) -> ControlFlow<()> + Send,
    ) -> Result<(), Rejection> {
        let now = self.ports.runtime.now();
        let mut to_all = self.shown_to_all(user).await?;
        to_all.retain(|row| after.as_ref().is_none_or(|after| row.key > *after));
        loop {
            let ask = at_once(&self.limits());
            let rows = self
                .ports
                .own
                .list(user, OwnKind::Notice, after.as_ref(), ask)
                .await?;
            let is_last = rows.len() < ask;
            after = rows.last().map(|row| row.key.clone());
            let is_near =
                |row: &OwnRow| is_last || after.as_ref().is_none_or(|after| row.key <= *after);
            let near = to_all.partition_point(is_near);
            let mut merged: Vec<OwnRow> = to_all.drain(..near).collect();
            merged.extend(rows);
            merged.retain(|row| row.due_ms.is_none_or(|until| until > now));
            merged.sort_by(|a, b| a.key.cmp(&b.key));
            for row in merged {
                if visit(row).is_break() {
                    return Ok(());
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// What is for everybody and somebody has neither read nor deleted, the latest first.
    async fn shown_to_all(&self, user: &UserId) -> Result<Vec<OwnRow>, Rejection> {
        let most = self.limits().notices_to_all;
        let rows = self.ports.notices.to_all(None, most).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = rows
            .iter()
            .map(|row| (user.clone(), OwnKey::new(OwnKind::Notice, row.key.clone())))
            .collect();
        let touched = self.ports.own.read(&keys).await?;
        let is_touched = |key: &RowKey| touched.iter().any(|(_, row)| row.key == *key);
        let untouched = rows
            .into_iter()
            .filter(|row| !is_touched(&row.key))
            .map(|row| untouched(row.key, row.notice, row.until_ms));
        Ok(untouched.collect())
    }

    /// Marks notices as read: these, or all.
    pub(super) async fn read_notices(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        keys: Option<Vec<RowKey>>,
    ) -> Result<Done, Rejection> {
        if keys.as_ref().map_or(0, Vec::len) > self.limits().page {
            let detail = format!("at most {} notices in one request", self.limits().page);
            return Err(Rejection::new(Code::TooMany, detail));
        }
        for _ in 0..ATTEMPTS {
            let mut unread = Vec::new();
            let take = |row: OwnRow| {
                let is_meant = keys.as_ref().is_none_or(|keys| keys.contains(&row.key));
                if is_meant && is_unread(&row) {
                    unread.push(row);
                }
                ControlFlow::Continue(())
            };
            self.each_notice(&actor.user, None, take).await?;
            if self.mark_read(actor, session, &unread).await? {
                return Ok(Done {});
            }
        }
        Err(contended())
    }

    /// `false` when one of them changed meanwhile.
    async fn mark_read(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        unread: &[OwnRow],
    ) -> Result<bool, Rejection> {
        for rows in unread.chunks(MARKS) {
            let writes = rows.iter().filter_map(|row| {
                let read = Own::Notice(Notice {
                    read: true,
                    ..notice_in(row)?.clone()
                });
                let mut write = OwnWrite::put(actor.user.clone(), row.key.clone(), read);
                write.due_ms = row.due_ms;
                Some(write.if_still(row.version))
            });
            if self.write_own(session, writes.collect()).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) async fn delete_notice(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        ask: DeleteNotice,
    ) -> Result<Done, Rejection> {
        let to_all = self.shown_to_all(&actor.user).await?;
        let key = OwnKey::new(OwnKind::Notice, ask.notice);
        if to_all.iter().any(|row| row.key == key.key) {
            // A removed row of the user's own: so this one does not see it any more.
            let write = OwnWrite::remove(actor.user.clone(), key);
            self.write_one(session, write).await?;
            return Ok(Done {});
        }
        self.remove_one(actor, session, key).await
    }
}
