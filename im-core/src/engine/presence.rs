//! Who is there, for those who may know; and who is typing.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{Engine, lock, registry::SessionEntry};
use crate::{
    Actor, Availability, Code, ConversationId, Done, Presence, Presences, Push, Rejection,
    TypingChanged, UserId,
    port::{Broadcast, Urgency},
    state::TypingState,
};

/// How soon nobody is told again that a user writes somewhere.
const REPEAT: Duration = Duration::from_secs(2);

/// Users who write whom we keep before those who have stopped are forgotten.
const TYPISTS: usize = 10_000;

/// Where users were said to be writing a moment ago.
#[derive(Default)]
pub(super) struct Typists {
    by_user: HashMap<UserId, TypingState>,
    /// At how many users those who have stopped are forgotten; not before [`TYPISTS`].
    sweep_at: usize,
}

impl Engine {
    fn check_count(&self, users: &[UserId]) -> Result<(), Rejection> {
        if users.len() > self.limits.users_per_request {
            let detail = format!(
                "at most {} users in one request",
                self.limits.users_per_request
            );
            return Err(Rejection::new(Code::TooMany, detail));
        }
        Ok(())
    }

    /// Refuses a list of users that is too long.
    pub(super) fn check_users(&self, users: &[UserId]) -> Result<(), Rejection> {
        self.check_count(users)
    }

    /// Those of `users` whom the actor may watch: who share a conversation, without a block between them.
    async fn visible(&self, actor: &Actor, users: &[UserId]) -> Result<Vec<UserId>, Rejection> {
        self.check_count(users)?;
        let mut visible = Vec::new();
        for user in self.ports.members.sharing(&actor.user, users).await? {
            if !self.is_blocked(&actor.user, &user).await? {
                visible.push(user);
            }
        }
        if users.contains(&actor.user) {
            visible.push(actor.user.clone());
        }
        Ok(visible)
    }

    fn presences(&self, users: Vec<UserId>, visible: &[UserId]) -> Presences {
        let one = |user: UserId| {
            if visible.contains(&user) {
                self.registry.presence(&user)
            } else {
                Presence {
                    user,
                    availability: Availability::Offline,
                    last_seen_ms: None,
                }
            }
        };
        Presences {
            items: users.into_iter().map(one).collect(),
        }
    }

    pub(super) async fn presence_of(
        &self,
        actor: &Actor,
        users: Vec<UserId>,
    ) -> Result<Presences, Rejection> {
        let visible = self.visible(actor, &users).await?;
        Ok(self.presences(users, &visible))
    }

    pub(super) async fn watch(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        users: Vec<UserId>,
    ) -> Result<Presences, Rejection> {
        let session = session.ok_or_else(needs_session)?;
        let visible = self.visible(actor, &users).await?;
        if super::lock(&session.watches).len() + visible.len() > self.limits.presence_subscriptions
        {
            let detail = format!(
                "a session watches at most {} users",
                self.limits.presence_subscriptions
            );
            return Err(Rejection::new(Code::TooMany, detail));
        }
        // Watch first, look after: a change in between is told twice rather than never.
        for user in &visible {
            self.registry.watch(session, user);
        }
        // Who parted or blocked since the first question, and may have done so before there was a watch to end.
        let still = self.visible(actor, &visible).await;
        let still = still.as_deref().unwrap_or_default();
        for user in visible.iter().filter(|user| !still.contains(user)) {
            self.registry.unwatch(session, user);
        }
        Ok(self.presences(users, still))
    }

    /// Ends the watches between `user`, who has just left a conversation, and those with whom it shares no other.
    pub(super) async fn stop_watching(&self, user: &UserId) {
        let others = self.registry.watched_with(user);
        if others.is_empty() {
            return;
        }
        let sharing = match self.ports.members.sharing(user, &others).await {
            Ok(sharing) => sharing,
            Err(error) => {
                // Rather too many than too few: a device may ask again. Logged by the conversion.
                let _ = Rejection::from(error);
                Vec::new()
            }
        };
        for other in others.iter().filter(|other| !sharing.contains(other)) {
            self.registry.hide(user, other);
            self.registry.hide(other, user);
        }
    }

    pub(super) fn unwatch(
        &self,
        session: Option<&Arc<SessionEntry>>,
        users: &[UserId],
    ) -> Result<Done, Rejection> {
        let session = session.ok_or_else(needs_session)?;
        self.check_count(users)?;
        for user in users {
            self.registry.unwatch(session, user);
        }
        Ok(Done {})
    }

    pub(super) async fn typing(
        &self,
        actor: &Actor,
        id: ConversationId,
    ) -> Result<Done, Rejection> {
        let (_, state) = self.member(id, &actor.user).await?;
        if let Some(peer) = state.info.peer_of(&actor.user)
            && self.is_blocked(&actor.user, peer).await?
        {
            return Ok(Done {});
        }
        if !self.is_news(&actor.user, id) {
            return Ok(Done {});
        }
        let typing = TypingChanged {
            conversation: id,
            user: actor.user.clone(),
            expires_in_ms: self.limits.typing_ms,
        };
        let broadcast = Broadcast::new(Urgency::Ephemeral, vec![Push::Typing(typing)]);
        self.tell_audience(id, Some(&actor.user), &broadcast).await;
        Ok(Done {})
    }

    /// Whether others have not just been told that the user writes there.
    fn is_news(&self, user: &UserId, conversation: ConversationId) -> bool {
        let now = self.ports.runtime.monotonic();
        // A repeat must come before what was told has run out.
        let span = REPEAT.min(Duration::from_millis(self.limits.typing_ms / 2));
        let mut typists = lock(&self.typists);
        if typists.by_user.len() >= typists.sweep_at.max(TYPISTS) {
            typists.by_user.retain(|_, typing| !typing.is_over(now));
            // Where more than that write at once, not again for each of them.
            typists.sweep_at = typists.by_user.len() * 2;
        }
        match typists.by_user.get_mut(user) {
            Some(typing) => typing.tell(conversation, span, now),
            None => {
                let mut typing = TypingState::default();
                let is_news = typing.tell(conversation, span, now);
                typists.by_user.insert(user.clone(), typing);
                is_news
            }
        }
    }
}

fn needs_session() -> Rejection {
    Rejection::new(
        Code::InvalidRequest,
        "this needs a session; open a link and call it there",
    )
}
