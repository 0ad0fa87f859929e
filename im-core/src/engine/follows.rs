//! Who follows whom: one way, without asking.

use std::sync::Arc;

use super::{Engine, registry::SessionEntry};
use crate::{
    Actor, Code, Follow, Own, OwnKey, OwnKind, OwnRows, Rejection, UserId, port::OwnWrite,
};

impl Engine {
    pub(super) async fn follow(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        other: &UserId,
    ) -> Result<OwnRows, Rejection> {
        self.check_other(actor, other)?;
        self.check_exists(other).await?;
        if self.is_blocked(&actor.user, other).await? {
            return Err(Rejection::new(
                Code::Blocked,
                "one of you has blocked the other; lift that first",
            ));
        }
        let key = OwnKey::new(OwnKind::Follow, other.into());
        if let Some(row) = self.own_row(&actor.user, key).await? {
            return Ok(OwnRows { items: vec![row] });
        }
        let most = self.limits().follows_per_user;
        if self.ports.own.count(&actor.user, OwnKind::Follow).await? >= most {
            let detail = format!("one can follow at most {most} users; unfollow another first");
            return Err(Rejection::new(Code::TooMany, detail));
        }
        let follow = Follow {
            since_ms: self.ports.runtime.now(),
        };
        let me = &actor.user;
        let writes = vec![
            OwnWrite::put(me.clone(), other.into(), Own::Follow(follow)),
            OwnWrite::put(other.clone(), me.into(), Own::Follower(follow)),
        ];
        self.write_follow(session, writes).await
    }

    pub(super) async fn unfollow(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        other: &UserId,
    ) -> Result<OwnRows, Rejection> {
        let me = &actor.user;
        let key = OwnKey::new(OwnKind::Follow, other.into());
        if self.own_row(me, key.clone()).await?.is_none() {
            return Ok(OwnRows { items: Vec::new() });
        }
        let theirs = OwnKey::new(OwnKind::Follower, me.into());
        let writes = vec![
            OwnWrite::remove(me.clone(), key),
            OwnWrite::remove(other.clone(), theirs),
        ];
        self.write_follow(session, writes).await
    }

    /// Both rows, always: whoever comes last, the two agree.
    async fn write_follow(
        &self,
        session: Option<&Arc<SessionEntry>>,
        writes: Vec<OwnWrite>,
    ) -> Result<OwnRows, Rejection> {
        let rows = self.write_own(session, writes).await?.unwrap_or_default();
        Ok(OwnRows {
            items: rows.into_iter().take(1).collect(),
        })
    }
}
