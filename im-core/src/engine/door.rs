//! How one gets in, and how one is kept out: requests, invite links, bans.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tokio::sync::oneshot;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    Engine,
    caller::Caller,
    lane::interrupted,
    nodes::{Letter, To},
};
use crate::{
    Actor, ApproveRequests, BannedUser, Bans, Changed, Code, ConversationId, CreateInvite, Done,
    Info, Invite, InvitePreview, Invites, JoinByInvite, JoinGroup, JoinRequest, Joining, ListBans,
    ListInvites, ListRequests, Member, Permission, PreviewInvite, Push, RejectRequests, Rejection,
    RequestJoin, RequestPage, RevokeInvite, Timestamp, UserId, WithdrawRequest,
    state::{Ask, ConversationState, Enter, check_text},
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

    pub(super) async fn create_invite(
        &self,
        actor: &Actor,
        ask: CreateInvite,
    ) -> Result<Invite, Rejection> {
        let id = ask.conversation;
        self.allowed(actor, id, Permission::Admit).await?;
        let now = self.ports.runtime.now();
        if ask.uses == Some(0) || ask.expires_at_ms.is_some_and(|end| end <= now) {
            let detail = "a link lets in at least one, and ends in the future";
            return Err(Rejection::new(Code::InvalidRequest, detail));
        }
        let most = self.limits().invites;
        let standing = self.ports.invites.invites(id, most).await?;
        if standing.len() >= most {
            // Those that are over make room.
            let over = standing.iter().find(|invite| !is_good(invite, now));
            let Some(over) = over else {
                let detail = format!("a group has at most {most} links; revoke one first");
                return Err(Rejection::new(Code::TooMany, detail));
            };
            self.ports.invites.remove(id, &over.code).await?;
        }
        let invite = Invite {
            // 122 random bits.
            code: URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes()),
            conversation: id,
            by: actor.user.clone(),
            created_at_ms: now,
            expires_at_ms: ask.expires_at_ms,
            uses_left: ask.uses,
        };
        self.ports.invites.put(invite.clone()).await?;
        Ok(invite)
    }

    pub(super) async fn invites(
        &self,
        actor: &Actor,
        ask: ListInvites,
    ) -> Result<Invites, Rejection> {
        let id = ask.conversation;
        self.allowed(actor, id, Permission::Admit).await?;
        let most = self.limits().invites;
        let items = self.ports.invites.invites(id, most).await?;
        Ok(Invites { items })
    }

    pub(super) async fn revoke_invite(
        &self,
        actor: &Actor,
        ask: RevokeInvite,
    ) -> Result<Done, Rejection> {
        let id = ask.conversation;
        self.allowed(actor, id, Permission::Admit).await?;
        self.ports.invites.remove(id, &ask.code).await?;
        Ok(Done {})
    }

    pub(super) async fn preview_invite(
        &self,
        ask: PreviewInvite,
    ) -> Result<InvitePreview, Rejection> {
        let (invite, info) = self.good_invite(&ask.code).await?;
        Ok(InvitePreview {
            conversation: invite.conversation,
            name: info.name,
            avatar: info.avatar,
            member_count: info.member_count,
        })
    }

    pub(super) async fn join_by_invite(
        self: Arc<Self>,
        actor: Caller,
        ask: JoinByInvite,
    ) -> Result<Changed, Rejection> {
        // Also one that is used up: who came in by it may ask again.
        let invite = self.ports.invites.invite(&ask.code).await?;
        let invite = invite.ok_or_else(useless)?;
        let (reply, answer) = oneshot::channel();
        let engine = self.clone();
        // Also when nobody waits any more: what was spent is given back, or lets in.
        let work = async move {
            let entered = engine.enter_by(actor, invite.conversation, ask).await;
            let _ = reply.send(entered);
        };
        self.ports.runtime.spawn(Box::pin(work.in_current_span()));
        answer.await.unwrap_or_else(|_| Err(interrupted()))
    }

    /// Spends a use and lets in. It is spent before, so that a link never lets in too many, and given back when nobody came
    /// in by it. Only where the store does not say what became of the entry it stays spent: it may let in yet.
    async fn enter_by(
        self: Arc<Self>,
        actor: Caller,
        id: ConversationId,
        ask: JoinByInvite,
    ) -> Result<Changed, Rejection> {
        let user = actor.user.clone();
        // A request that is repeated while the first is under way finds the user to be a member.
        let _turn = self.positions.turn(id, &user).await;
        let is_member = !self
            .ports
            .members
            .members(id, std::slice::from_ref(&user))
            .await?
            .is_empty();
        let key = (user, ask.client_id.clone());
        let is_known = !self.ports.log.find(id, &[key]).await?.is_empty();
        // Whoever is in spends nothing, nor does a retry, which lets nobody in.
        let spends = !is_member && !is_known;
        if spends {
            self.good_invite(&ask.code).await?;
            let now = self.ports.runtime.now();
            if !self.ports.invites.spend(&ask.code, now).await? {
                return Err(useless());
            }
        }
        let join = JoinGroup {
            conversation: id,
            client_id: ask.client_id,
        };
        let enter = Enter {
            join,
            invited: true,
        };
        let entered = self.clone().change(actor, id, Ask::Join(enter)).await;
        let is_outside = |rejection: &Rejection| rejection.code != Code::Unavailable;
        if spends
            && entered.as_ref().is_err_and(is_outside)
            && let Err(error) = self.ports.invites.give_back(&ask.code).await
        {
            // Logged by the conversion. What was asked is answered all the same.
            let _ = Rejection::from(error);
        }
        entered
    }

    async fn good_invite(&self, code: &str) -> Result<(Invite, Info), Rejection> {
        let now = self.ports.runtime.now();
        let invite = self.ports.invites.invite(code).await?;
        let invite = invite.filter(|invite| is_good(invite, now));
        let invite = invite.ok_or_else(useless)?;
        let snapshot = self.ports.log.load(invite.conversation).await?;
        let snapshot = snapshot.filter(|snapshot| !snapshot.info.dismissed);
        let info = snapshot.ok_or_else(useless)?.info;
        Ok((invite, info))
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

fn is_good(invite: &Invite, now: Timestamp) -> bool {
    invite.expires_at_ms.is_none_or(|end| end > now) && invite.uses_left != Some(0)
}

fn useless() -> Rejection {
    Rejection::new(
        Code::NotFound,
        "this link lets nobody in, or not any more; ask for another",
    )
}
