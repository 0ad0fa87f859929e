//! What admins do about users. That they are admins was checked, and is written down.

use std::sync::Arc;

use super::{Engine, own::contended};
use crate::{
    Actor, Authority, CloseReason, Code, Done, InspectedUser, LiftRestriction, ListStandings,
    Rejection, RestrictUser, Restriction, RestrictionKind, Standing, StandingPage, Timestamp,
    UserId, UserStanding,
    port::{SignOut, StandingWrite, StandingWritten, VersionedStanding},
    state::check_text,
};

/// How often a change is made anew because another admin was faster.
const ATTEMPTS: usize = 16;

/// Characters of a reason, as of a reason in a group.
const REASON_CHARS: usize = 200;

impl Engine {
    pub(super) async fn inspect_user(&self, user: UserId) -> Result<InspectedUser, Rejection> {
        self.check_exists(&user).await?;
        let now = self.ports.runtime.now();
        let users = std::slice::from_ref(&user);
        let profile = self.ports.users.profiles(users).await?.pop();
        let stands = self.ports.standings.standing(&user).await?;
        let standing = stands.map(|stands| stands.standing).unwrap_or_default();
        Ok(InspectedUser {
            profile: profile.map(|profile| profile.at(now)),
            standing: standing.at(now),
            devices: self.ports.devices.devices(&user).await?,
            user,
        })
    }

    pub(super) async fn standings(&self, ask: ListStandings) -> Result<StandingPage, Rejection> {
        let limit = self.limits().page_of(ask.limit);
        let now = self.ports.runtime.now();
        let listing = self.ports.standings.list(ask.after.as_ref(), limit);
        let rows = listing.await?;
        let done = rows.len() < limit;
        let next_cursor = rows.last().filter(|_| !done).map(|last| last.user.clone());
        let items = rows.into_iter().map(|row| UserStanding {
            user: row.user,
            standing: row.standing.at(now),
        });
        Ok(StandingPage {
            items: items.filter(|one| !one.standing.is_plain()).collect(),
            next_cursor,
            done,
        })
    }

    pub(super) async fn restrict(
        self: &Arc<Self>,
        ask: RestrictUser,
    ) -> Result<UserStanding, Rejection> {
        let now = self.ports.runtime.now();
        let until_ms = self.end_of(ask.until_ms, now)?;
        check_text("reason", ask.reason.as_ref(), REASON_CHARS)?;
        if ask.kind == RestrictionKind::Disabled && ask.reason.is_some() {
            let detail = "an account is switched off without a reason; ban it to give one";
            return Err(Rejection::new(Code::InvalidRequest, detail));
        }
        self.check_exists(&ask.user).await?;
        let restriction = Restriction {
            kind: ask.kind,
            since_ms: now,
            until_ms,
            reason: ask.reason.filter(|reason| !reason.is_empty()),
        };
        let decide = |standing: &mut Standing| {
            if standing.admin {
                let detail = "an admin cannot be restricted; demote it first (admin.demote)";
                return Err(Rejection::new(Code::Forbidden, detail));
            }
            standing.restrict(restriction.clone());
            Ok(())
        };
        let changed = self
            .change_standing(&ask.user, Authority::Service, decide)
            .await?;
        if ask.kind.bars() {
            self.end_sign_ins(&ask.user, CloseReason::Banned).await?;
        }
        Ok(changed)
    }

    pub(super) async fn lift(
        self: &Arc<Self>,
        ask: LiftRestriction,
    ) -> Result<UserStanding, Rejection> {
        self.check_exists(&ask.user).await?;
        let decide = |standing: &mut Standing| {
            standing.lift(ask.kind);
            Ok(())
        };
        self.change_standing(&ask.user, Authority::Service, decide)
            .await
    }

    pub(super) async fn promote(self: &Arc<Self>, user: UserId) -> Result<UserStanding, Rejection> {
        self.check_exists(&user).await?;
        let decide = |standing: &mut Standing| {
            if !standing.restrictions.is_empty() {
                let detail = "a restricted user cannot be an admin; lift that first (admin.lift)";
                return Err(Rejection::new(Code::Forbidden, detail));
            }
            standing.admin = true;
            Ok(())
        };
        self.change_standing(&user, Authority::Service, decide)
            .await
    }

    pub(super) async fn demote(
        self: &Arc<Self>,
        actor: &Actor,
        user: UserId,
    ) -> Result<UserStanding, Rejection> {
        self.check_exists(&user).await?;
        let decide = |standing: &mut Standing| {
            standing.admin = false;
            Ok(())
        };
        self.change_standing(&user, actor.authority, decide).await
    }

    pub(super) async fn sign_out_user(self: &Arc<Self>, user: &UserId) -> Result<Done, Rejection> {
        self.check_exists(user).await?;
        self.end_sign_ins(user, CloseReason::Unauthenticated)
            .await?;
        Ok(Done {})
    }

    /// Ends whatever a user has signed in with, and its sessions here.
    pub(crate) async fn end_sign_ins(
        self: &Arc<Self>,
        user: &UserId,
        reason: CloseReason,
    ) -> Result<(), Rejection> {
        self.authenticator
            .sign_out(user, SignOut::Everywhere)
            .await?;
        self.disconnect(user, None, reason);
        Ok(())
    }

    /// Refuses that an admin is erased with no more than a user's authority.
    pub(crate) async fn check_erasable(
        &self,
        actor: &Actor,
        user: &UserId,
    ) -> Result<(), Rejection> {
        if actor.authority == Authority::Service {
            return Ok(());
        }
        let stands = self.ports.standings.standing(user).await?;
        if stands.is_some_and(|stands| stands.standing.admin) {
            let detail = "an admin is not erased; demote it first (admin.demote)";
            return Err(Rejection::new(Code::Forbidden, detail));
        }
        Ok(())
    }

    /// Changes what stands, and makes it hold here at once. Only a service takes the place of the last admin.
    async fn change_standing(
        self: &Arc<Self>,
        user: &UserId,
        authority: Authority,
        decide: impl Fn(&mut Standing) -> Result<(), Rejection>,
    ) -> Result<UserStanding, Rejection> {
        for _ in 0..ATTEMPTS {
            let stands = self.ports.standings.standing(user).await?;
            let expected = stands.as_ref().map_or(0, |stands| stands.version);
            let before = stands.map(|stands| stands.standing).unwrap_or_default();
            let mut standing = before.clone().at(self.ports.runtime.now());
            decide(&mut standing)?;
            let told = UserStanding {
                user: user.clone(),
                standing: standing.clone(),
            };
            if standing == before {
                return Ok(told);
            }
            let write = StandingWrite {
                user: user.clone(),
                standing: standing.clone(),
                expected,
                keeps_an_admin: before.admin && authority == Authority::User,
            };
            let version = match self.ports.standings.put(write).await? {
                StandingWritten::Stored(version) => version,
                StandingWritten::Conflict => continue,
                StandingWritten::LastAdmin => return Err(last_admin()),
            };
            let stored = VersionedStanding {
                user: user.clone(),
                standing,
                version,
            };
            self.decided(&stored).await;
            return Ok(told);
        }
        Err(contended())
    }

    fn end_of(&self, until_ms: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Rejection> {
        let until = until_ms.unwrap_or(Timestamp::FOREVER);
        let is_bounded = until == Timestamp::FOREVER
            || until.since(now).as_millis() <= u128::from(self.limits().span_ms);
        if until <= now || !is_bounded {
            let detail = format!(
                "until_ms must lie in the future, at most {} ms away, or be absent for ever",
                self.limits().span_ms
            );
            return Err(Rejection::new(Code::InvalidRequest, detail));
        }
        Ok(until)
    }
}

fn last_admin() -> Rejection {
    let detail = "nobody else is an admin; promote another first (admin.promote), or let the operator do this";
    Rejection::new(Code::Forbidden, detail)
}
