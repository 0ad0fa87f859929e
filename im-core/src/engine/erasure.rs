//! Erasing users: sessions end, groups are left as anybody leaves them, and then the store forgets.

use std::sync::Arc;

use super::Engine;
use crate::{
    Actor, ChangeRole, ClientId, CloseReason, Code, Command, ConversationId, LeaveGroup, OwnKey,
    OwnKind, Rejection, Role, RowKey, UserId,
    port::{Erasure, OwnWrite, REVOCATIONS_LAST},
};

/// Entries or rows in one step: a transaction of a few milliseconds, in which others wait where one writes at a time.
const STEP: usize = 500;

/// Contacts, requests or follows that end at a time.
const RELATIONS: usize = 100;

/// How often it is tried to leave a group that changes meanwhile.
const ATTEMPTS: u32 = 5;

/// Erasures that are looked up at a time.
const DUE: usize = 16;

impl Engine {
    /// Erases a user. What a session or a token that was not yet known to be over wrote meanwhile, a second round finds
    /// when no token can be left.
    pub(crate) async fn erase(self: &Arc<Self>, user: &UserId) -> Result<(), Rejection> {
        let now = self.ports.runtime.now();
        self.ports.erasures.begin(user, now).await?;
        let erasure = self.ports.erasures.erasure(user).await?;
        match erasure {
            Some(erasure) => self.run_erasure(&erasure).await,
            None => Ok(()),
        }
    }

    /// Goes on with what is due, and says how much was.
    pub(crate) async fn resume_erasures(self: &Arc<Self>) -> Result<usize, Rejection> {
        let mut count = 0;
        loop {
            let now = self.ports.runtime.now();
            let due = self.ports.erasures.due(now, DUE).await?;
            if due.is_empty() {
                return Ok(count);
            }
            for erasure in due {
                self.run_erasure(&erasure).await?;
                count += 1;
            }
        }
    }

    async fn run_erasure(self: &Arc<Self>, erasure: &Erasure) -> Result<(), Rejection> {
        let user = &erasure.user;
        self.disconnect(user, None, CloseReason::Unauthenticated);
        for conversation in self.ports.members.conversations_of(user).await? {
            self.leave_for_good(user, conversation).await?;
        }
        self.part(user).await?;
        while !self.ports.erasures.step(user, STEP).await? {}
        let last_token_ends = erasure.begun_at_ms.plus(REVOCATIONS_LAST);
        let again = last_token_ends > self.ports.runtime.now();
        let due = again.then_some(last_token_ends);
        Ok(self.ports.erasures.end_round(user, due).await?)
    }

    /// Ends what the user has with others on both sides, with what it said in its requests; their devices are told. Its own
    /// rows are the store's to delete.
    async fn part(&self, user: &UserId) -> Result<(), Rejection> {
        for (here, there) in [
            (OwnKind::Contact, OwnKind::Contact),
            (OwnKind::Request, OwnKind::Request),
            (OwnKind::Follow, OwnKind::Follower),
            (OwnKind::Follower, OwnKind::Follow),
        ] {
            loop {
                let rows = self.ports.own.list(user, here, None, RELATIONS).await?;
                if rows.is_empty() {
                    break;
                }
                let both = rows.into_iter().flat_map(|row| {
                    let other = UserId::new(row.key.as_str()).ok();
                    let theirs = OwnKey::new(there, RowKey::from(user));
                    let theirs = other.map(|other| OwnWrite::remove(other, theirs));
                    let own = OwnWrite::remove(user.clone(), OwnKey::new(here, row.key));
                    theirs.into_iter().chain([own])
                });
                self.write_own(None, both.collect()).await?;
            }
        }
        Ok(())
    }

    /// Leaves a group or a channel. A direct conversation has no other end: it stays with the other side, without what was
    /// said.
    ///
    /// Others act at the same moment, another node that erases the same user among them: then one looks again.
    async fn leave_for_good(
        self: &Arc<Self>,
        user: &UserId,
        conversation: ConversationId,
    ) -> Result<(), Rejection> {
        let mut attempt = 1;
        loop {
            let membership = self.ports.members.membership(user, conversation).await?;
            let Some(membership) = membership.filter(|it| it.left.is_none()) else {
                return Ok(());
            };
            if !membership.info.kind.has_roster() {
                return Ok(());
            }
            let is_owner = membership.member.role == Role::Owner && !membership.info.dismissed;
            match self.hand_over_and_leave(user, conversation, is_owner).await {
                Err(rejection) if is_overtaken(&rejection) && attempt < ATTEMPTS => attempt += 1,
                Err(rejection) if is_overtaken(&rejection) => {
                    // What was said is to go all the same; the second round tries again.
                    tracing::warn!(%user, %conversation, %rejection, "an erased user stays a member");
                    return Ok(());
                }
                outcome => return outcome,
            }
        }
    }

    async fn hand_over_and_leave(
        self: &Arc<Self>,
        user: &UserId,
        conversation: ConversationId,
        is_owner: bool,
    ) -> Result<(), Rejection> {
        let actor = Actor::service(user.clone());
        if is_owner && let Some(heir) = self.heir(user, conversation).await? {
            let hand_over = ChangeRole {
                conversation,
                client_id: ClientId::random(),
                user: heir,
                role: Role::Owner,
            };
            let command = Command::ChangeRole(hand_over);
            self.clone().execute(actor.clone(), None, command).await?;
        }
        let leave = LeaveGroup {
            conversation,
            client_id: ClientId::random(),
        };
        let command = Command::LeaveGroup(leave);
        self.clone().execute(actor, None, command).await?;
        Ok(())
    }

    /// Who owns a group after its owner: an admin, or else whoever has been in it for longest. Looks at one page.
    async fn heir(
        &self,
        owner: &UserId,
        conversation: ConversationId,
    ) -> Result<Option<UserId>, Rejection> {
        let roster = self.ports.members.roster(conversation, None, STEP).await?;
        let others = roster.into_iter().filter(|member| member.user != *owner);
        let heir = others.min_by_key(|member| (member.role != Role::Admin, member.since));
        Ok(heir.map(|member| member.user))
    }
}

/// Whether a refusal means that the group is another than it was a moment ago.
fn is_overtaken(rejection: &Rejection) -> bool {
    let codes = [Code::Forbidden, Code::NotFound, Code::OwnerMustTransfer];
    codes.contains(&rejection.code)
}
