//! How one gets in, and how one is kept out: requests and bans. Links are in `invites`.

use std::sync::Arc;

use super::{
    Engine,
    caller::Caller,
    nodes::{Letter, To},
};
use crate::{
    Actor, ApproveRequests, BannedUser, Bans, Changed, Code, ConversationId, Done, Info,
    JoinRequest, Joining, ListBans, ListRequests, Member, Permission, Push, RejectRequests,
    Rejection, RequestJoin, RequestPage, UserId, WithdrawRequest,
    state::{Ask, ConversationState, check_text},
};

/// Characters of a greeting.
const GREETING: usize = 200;
/// Users who listen to a group and are asked whether they may let others in, when somebody asks to be.
const ADMITTERS: usize = 5_000;
/// Users in one question to the store.
const AT_ONCE: usize = 500;

impl Engine {
    pub(super) async fn request_join(
        &self,
        actor: &Actor,
        ask: RequestJoin,
    ) -> Result<Done, Rejection> {
        check_text("greeting", ask.greeting.as_ref(), GREETING)?;
        let id = ask.conversation;
        let hidden = || Rejection::not_found("conversation");
        let snapshot = self.ports.log.load(id).await?.ok_or_else(hidden)?;
        let info = snapshot.info;
        if info.joining != Joining::Approval || !info.kind.has_roster() || info.dismissed {
            return Err(hidden());
        }
        let me = std::slice::from_ref(&actor.user);
        if !self.ports.members.members(id, me).await?.is_empty() {
            return Err(Rejection::new(Code::Conflict, "you are a member already"));
        }
        let now = self.ports.runtime.now();
        if !self.ports.doors.banned(id, me, now).await?.is_empty() {
            let detail = "you were removed from here and cannot come back yet";
            return Err(Rejection::new(Code::Banned, detail));
        }
        let most = self.limits().join_requests;
        if self.ports.doors.requested(id, me).await?.is_empty()
            && self.ports.doors.count_requests(id, most).await? >= most
        {
            let detail = "too many wait to be let in; try again later";
            return Err(Rejection::new(Code::TooMany, detail));
        }
        let request = JoinRequest {
            conversation: id,
            user: actor.user.clone(),
            greeting: ask.greeting.filter(|text| !text.is_empty()),
            at_ms: now,
        };
        self.ports.doors.put_request(request.clone()).await?;
        // Among all members those who admit are few: where they are is not looked up for that.
        self.write_to(To::All, &Letter::JoinRequested(request.clone()));
        self.tell_admitters(id, &info, &Push::JoinRequested(request))
            .await;
        Ok(Done {})
    }

    /// Tells those of this node of a request that came by another.
    pub(super) async fn tell_of_request(&self, request: JoinRequest) {
        let id = request.conversation;
        if let Ok(Some(snapshot)) = self.ports.log.load(id).await {
            let push = Push::JoinRequested(request);
            self.tell_admitters(id, &snapshot.info, &push).await;
        }
    }

    /// Tells those who listen here and may let others in; at most of the first [`ADMITTERS`] who listen.
    async fn tell_admitters(&self, id: ConversationId, info: &Info, push: &Push) {
        let Some(slot) = self.slots.find(id) else {
            return;
        };
        let audience = slot.lock().audience.clone();
        let mut users: Vec<UserId> = audience
            .iter()
            .map(|session| session.actor.user.clone())
            .collect();
        users.sort_unstable();
        users.dedup();
        users.truncate(ADMITTERS);
        for users in users.chunks(AT_ONCE) {
            let Ok(members) = self.ports.members.members(id, users).await else {
                // A request is found in the list as well.
                return;
            };
            let admits = |member: &Member| {
                let may = info.permissions_of(member.role);
                may.allow(Permission::Admit)
            };
            for member in members.into_iter().filter(admits) {
                self.tell_user_here(&member.user, None, push.clone());
            }
        }
    }

    pub(super) async fn withdraw_request(
        &self,
        actor: &Actor,
        ask: WithdrawRequest,
    ) -> Result<Done, Rejection> {
        let me = std::slice::from_ref(&actor.user);
        self.ports
            .doors
            .remove_requests(ask.conversation, me)
            .await?;
        Ok(Done {})
    }

    pub(super) async fn requests(
        &self,
        actor: &Actor,
        ask: ListRequests,
    ) -> Result<RequestPage, Rejection> {
        let id = ask.conversation;
        self.allowed(actor, id, Permission::Admit).await?;
        let limit = self.limits().page_of(ask.limit);
        let items = self
            .ports
            .doors
            .requests(id, ask.after.as_ref(), limit)
            .await?;
        let done = items.len() < limit;
        Ok(RequestPage {
            next_cursor: items
                .last()
                .filter(|_| !done)
                .map(|request| request.user.clone()),
            items,
            done,
        })
    }

    pub(super) async fn approve(
        self: Arc<Self>,
        actor: Caller,
        ask: ApproveRequests,
    ) -> Result<Changed, Rejection> {
        self.check_users(&ask.users)?;
        let (id, users) = (ask.conversation, ask.users.clone());
        let changed = self.clone().change(actor, id, Ask::Approve(ask)).await?;
        // They are in: what is left of their requests when this fails lets nobody in again.
        self.ports.doors.remove_requests(id, &users).await?;
        Ok(changed)
    }

    pub(super) async fn reject(
        &self,
        actor: &Actor,
        ask: RejectRequests,
    ) -> Result<Done, Rejection> {
        self.check_users(&ask.users)?;
        self.allowed(actor, ask.conversation, Permission::Admit)
            .await?;
        self.ports
            .doors
            .remove_requests(ask.conversation, &ask.users)
            .await?;
        Ok(Done {})
    }

    pub(super) async fn bans(&self, actor: &Actor, ask: ListBans) -> Result<Bans, Rejection> {
        let id = ask.conversation;
        self.allowed(actor, id, Permission::RemoveMembers).await?;
        let limit = self.limits().page_of(ask.limit);
        let now = self.ports.runtime.now();
        let rows = self
            .ports
            .doors
            .bans(id, ask.after.as_ref(), limit, now)
            .await?;
        let done = rows.len() < limit;
        let items: Vec<_> = rows
            .into_iter()
            .map(|row| BannedUser {
                user: row.user,
                until_ms: row.until_ms,
            })
            .collect();
        Ok(Bans {
            next_cursor: items
                .last()
                .filter(|_| !done)
                .map(|banned| banned.user.clone()),
            items,
            done,
        })
    }

    /// A present member with a permission, and the facts.
    pub(super) async fn allowed(
        &self,
        actor: &Actor,
        id: ConversationId,
        permission: Permission,
    ) -> Result<(Member, Info), Rejection> {
        let (member, snapshot) = self.member(id, &actor.user).await?;
        let info = snapshot.info.clone();
        ConversationState::new(id, snapshot).check_allowed(&member, permission)?;
        Ok((member, info))
    }
}
