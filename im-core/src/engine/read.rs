//! Looking at conversations: facts, lists, members. Everything that a membership allows, and nothing else. The log itself
//! is read in `history` and `sync`.

use std::sync::Arc;

use super::{Engine, positions::with_position, registry::SessionEntry, slot::Work};
use crate::{
    Actor, Body, ChangeSettings, Code, ConversationId, ConversationPage, ConversationView, Entry,
    Info, ListConversations, ListMembers, Member, MemberPage, Membership, Permission, Push,
    Rejection, Seq, UserId, Which,
    port::Snapshot,
    state::{Lookup, check_text},
};

/// Beyond every seq: what a JavaScript number holds exactly.
pub(super) const LAST: Seq = Seq((1 << 53) - 1);

/// Memberships that one read looks through at most, where not all of them are listed.
const ROWS: usize = 200;

impl Engine {
    /// A present member and the conversation's facts; `not_found` for everybody else.
    pub(super) async fn member(
        &self,
        id: ConversationId,
        user: &UserId,
    ) -> Result<(Member, Snapshot), Rejection> {
        let slot = self.slots.at(id);
        let is_beginning = {
            let inner = slot.lock();
            inner.doubt && inner.state.is_none()
        };
        if is_beginning {
            return self.stored_member(id, user).await;
        }
        if !self.learn(&slot, std::slice::from_ref(user)).await? {
            return Err(Rejection::not_found("conversation"));
        }
        {
            let inner = slot.lock();
            if let Some(state) = &inner.state
                && let Lookup::Member(member) = state.lookup(user)
            {
                let snapshot = Snapshot {
                    info: state.info().clone(),
                    head: state.head(),
                    last_at_ms: crate::Timestamp(0),
                };
                return Ok((member.clone(), snapshot));
            }
        }
        // Another process may have let it in.
        self.stored_member(id, user).await
    }

    /// As [`Engine::member`], from the store alone: where the lane has not taken in how the conversation begins, or who
    /// came.
    async fn stored_member(
        &self,
        id: ConversationId,
        user: &UserId,
    ) -> Result<(Member, Snapshot), Rejection> {
        let users = std::slice::from_ref(user);
        let member = self.ports.members.members(id, users).await?.pop();
        let snapshot = self.ports.log.load(id).await?;
        member
            .zip(snapshot)
            .ok_or_else(|| Rejection::not_found("conversation"))
    }

    /// A present or former member's row, with the position that is true now.
    pub(super) async fn membership(
        &self,
        id: ConversationId,
        user: &UserId,
    ) -> Result<Membership, Rejection> {
        let kept = self.positions.kept(user);
        let row = self.ports.members.membership(user, id).await?;
        row.map(|row| with_position(row, &kept))
            .ok_or_else(|| Rejection::not_found("conversation"))
    }

    pub(super) async fn view(
        &self,
        id: ConversationId,
        user: &UserId,
    ) -> Result<ConversationView, Rejection> {
        let mut view = view_of(self.membership(id, user).await?, user);
        let views = std::slice::from_mut(&mut view);
        self.add_last(user, views).await?;
        self.count_unread(user, views).await?;
        Ok(view)
    }

    pub(super) async fn list(
        &self,
        actor: &Actor,
        ask: ListConversations,
    ) -> Result<ConversationPage, Rejection> {
        let room = self.room(ask.limit);
        let which = ask.which.unwrap_or_default();
        let user = &actor.user;
        let (mut items, mut after) = (Vec::new(), ask.after);
        let (mut bytes, mut done, mut limit) = (0, false, room.entries);
        while !done && items.len() < room.entries && bytes < room.bytes {
            let kept = self.positions.kept(user);
            let rows = self.ports.members.memberships(user, after, limit).await?;
            done = rows.len() < limit;
            let mut views = Vec::new();
            for row in rows {
                if items.len() + views.len() == room.entries {
                    done = false;
                    break;
                }
                after = Some(row.conversation);
                if row.left.is_none() && is_listed(&row, which) {
                    views.push(view_of(with_position(row, &kept), user));
                }
            }
            let count = views.len();
            bytes += self.fill(user, &mut views, room.bytes - bytes).await?;
            if views.len() < count {
                done = false;
                after = views.last().map(|view| view.conversation);
            }
            items.append(&mut views);
            // Where many are not listed, few reads are enough to find the others.
            limit = (limit * 2).min(ROWS.max(room.entries));
        }
        self.count_unread(user, &mut items).await?;
        Ok(ConversationPage {
            items,
            next_cursor: after.filter(|_| !done),
            done,
        })
    }

    pub(super) async fn members(
        &self,
        actor: &Actor,
        ask: ListMembers,
    ) -> Result<MemberPage, Rejection> {
        let limit = self.limits().page_of(ask.limit);
        let items = self
            .ports
            .members
            .roster(ask.conversation, ask.after.as_ref(), limit)
            .await?;
        // The row after the page, and from the store: another process may have removed who asks.
        let row = self.membership(ask.conversation, &actor.user).await?;
        if row.left.is_some() {
            return Err(Rejection::not_found("conversation"));
        }
        let may = row.info.permissions_of(row.member.role);
        if !may.allow(Permission::ListMembers) {
            let detail = "your role cannot see who is in here";
            return Err(Rejection::new(Code::Forbidden, detail));
        }
        let done = items.len() < limit;
        let next_cursor = if done {
            None
        } else {
            items.last().map(|member| member.user.clone())
        };
        Ok(MemberPage {
            items,
            next_cursor,
            done,
        })
    }

    pub(super) async fn settings(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        ask: ChangeSettings,
    ) -> Result<ConversationView, Rejection> {
        let kept = self.positions.kept(&actor.user);
        let (now, mut changes) = (self.ports.runtime.now(), ask.changes);
        check_text("remark", changes.remark.as_ref(), self.limits().name_chars)?;
        if let Some(cleared) = changes.cleared {
            // Only what is there can be cleared away: what comes later is for the user.
            let row = self.membership(ask.conversation, &actor.user).await?;
            changes.cleared = Some(cleared.min(row.visible_head()));
        }
        let row = self
            .ports
            .members
            .change_settings(&actor.user, ask.conversation, changes, now)
            .await?;
        let row = row.ok_or_else(|| Rejection::not_found("conversation"))?;
        let mut view = view_of(with_position(row, &kept), &actor.user);
        self.count_unread(&actor.user, std::slice::from_mut(&mut view))
            .await?;
        self.unread_changes(&actor.user);
        self.tell_user(
            &actor.user,
            session,
            Push::ConversationChanged(Box::new(view.clone())),
        );
        Ok(view)
    }

    /// A session has fetched a conversation up to `seq`. When it was behind and that is the head, entries are pushed to it
    /// again.
    ///
    /// `false` when it was behind and the log went on meanwhile: it must fetch once more. A session that was not behind
    /// listened before it fetched, so what it did not find is pushed: it need not run after a log that never rests.
    pub(super) fn caught_up(
        self: &Arc<Self>,
        session: &SessionEntry,
        id: ConversationId,
        seq: Seq,
    ) -> bool {
        let slot = self.slots.at(id);
        let inner = slot.lock();
        // Under the lock of the slot: an entry that is applied after this is pushed, one applied before is seen here.
        let head = inner.state.as_ref().map_or(seq, |state| state.head().seq);
        let keeps_up = {
            let mut delivery = super::lock(&session.delivery);
            if head <= seq {
                delivery.caught_up(id);
            }
            delivery.is_live(id)
        };
        drop(inner);
        if head < seq {
            // Another process appended, and we have not heard of it.
            let engine = self.clone();
            let catch_up = async move { engine.enqueue(&slot, Work::CatchUp).await };
            self.ports.runtime.spawn(Box::pin(catch_up));
        }
        keeps_up
    }
}

/// Whether a conversation is among those that are asked for.
fn is_listed(row: &Membership, which: Which) -> bool {
    let settings = &row.settings;
    let is_hidden = settings.hidden_at.is_some_and(|at| at >= row.head.seq);
    match which {
        Which::All => true,
        Which::Archived => settings.archived && !is_hidden,
        Which::Hidden => is_hidden,
        Which::Shown => !settings.archived && !is_hidden,
    }
}

/// What `user` sees of its membership. Who is no member any more does not see what became of the conversation since.
pub(super) fn view_of(membership: Membership, user: &UserId) -> ConversationView {
    let mut view = ConversationView::of(membership, user);
    if view.left.is_some() {
        view.info = Info {
            name: None,
            avatar: None,
            announcement: None,
            description: None,
            owner: None,
            member_count: 0,
            permissions: None,
            pins: Vec::new(),
            spoke: Vec::new(),
            ..view.info
        };
        // Not the present one, which tells how much is said. What is known for certain is what was read.
        view.head.ordinal = view.position.read_ordinal;
    }
    view
}

/// Whether entries tell of what happened after `seq`.
pub(super) fn is_newer(entries: &[Entry], seq: Seq) -> bool {
    let last_told = |entry: &Entry| entry.seq.max(entry.body.changed_by().unwrap_or_default());
    entries.iter().any(|entry| last_told(entry) > seq)
}

/// Hides what became of entries after `left`, the last that the reader may see: their present content is not for it, and
/// the log holds no other.
pub(super) fn hide_later(entries: &mut [Entry], left: Seq) {
    for entry in entries {
        if entry.body.changed_by().is_some_and(|by| by > left) {
            entry.body = Body::Unknown;
        }
    }
}
