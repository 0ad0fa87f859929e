//! Links that let in: made, shown, revoked, and spent.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tokio::sync::oneshot;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{Engine, caller::Caller, lane::interrupted, lock};
use crate::{
    Actor, Changed, ClientId, Code, ConversationId, CreateInvite, Done, Info, Invite,
    InvitePreview, Invites, JoinByInvite, JoinGroup, ListInvites, Permission, PreviewInvite,
    Rejection, RevokeInvite, Timestamp, UserId,
    state::{Ask, Enter},
};

/// Uses that are held at most.
const HELD: usize = 10_000;

/// Which request spends a use of which link.
#[derive(Eq, Hash, PartialEq)]
struct UseOf {
    code: String,
    by: (UserId, ClientId),
}

/// Uses that were spent on requests of which nobody knows whether they let in. When such a request comes again, and nothing
/// is stored under its client id, its use serves it.
///
/// Held in memory, by this node: when the request comes again by another node or after a start, it spends another use, and
/// the first stays spent. A link may then let in one less, and never one more. That the store counted a use together with
/// the entry would need the link in the entry, which all members read.
#[derive(Default)]
pub(super) struct HeldUses(Mutex<HashSet<UseOf>>);

impl HeldUses {
    fn hold(&self, use_of: UseOf) {
        let mut held = lock(&self.0);
        if held.len() >= HELD {
            // Whoever comes back after so many others spends again.
            held.clear();
        }
        held.insert(use_of);
    }

    fn take(&self, use_of: &UseOf) -> bool {
        lock(&self.0).remove(use_of)
    }
}

impl Engine {
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
    /// in by it. Where the store does not say what became of the entry it stays spent, because it may let in yet, and is
    /// [held](HeldUses) for the same request when it comes again.
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
        let known = self.ports.log.find(id, std::slice::from_ref(&key));
        let is_known = !known.await?.is_empty();
        let use_of = UseOf {
            code: ask.code,
            by: key,
        };
        let is_held = self.held_uses.take(&use_of) && !is_known;
        // Whoever is in spends nothing, nor does a retry, which lets nobody in.
        let spends = !is_member && !is_known && !is_held;
        if spends {
            self.good_invite(&use_of.code).await?;
            let now = self.ports.runtime.now();
            if !self.ports.invites.spend(&use_of.code, now).await? {
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
        if spends || is_held {
            match &entered {
                Ok(_) if !is_member => {}
                Err(rejection) if rejection.code == Code::Unavailable => {
                    self.held_uses.hold(use_of);
                }
                Ok(_) | Err(_) => self.give_back(&use_of.code).await,
            }
        }
        entered
    }

    async fn give_back(&self, code: &str) {
        if let Err(error) = self.ports.invites.give_back(code).await {
            // Logged by the conversion. What was asked is answered all the same.
            let _ = Rejection::from(error);
        }
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
