//! Who is there, for those who may know; and who is typing.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;

use super::{
    Engine, lock,
    nodes::{Letter, to_readers_of},
    registry::SessionEntry,
};
use crate::{
    Actor, Attention, Circle, Code, ConversationId, Done, LastSeen, OwnKey, OwnKind, Presence,
    Presences, Push, Rejection, RowKey, TypingChanged, UserId,
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

/// Whom somebody may see, and how.
type Visible = HashMap<UserId, LastSeen>;

/// Users who have something in common with somebody.
struct Acquainted {
    all: Vec<UserId>,
    contacts: HashSet<UserId>,
}

/// Who sees whom, as far as it is about one user.
#[derive(Default)]
struct Sight {
    sees: HashSet<UserId>,
    seen_by: HashSet<UserId>,
}

const fn is_within(circle: Circle, is_contact: bool) -> bool {
    match circle {
        Circle::Contacts => is_contact,
        Circle::Everyone => true,
        Circle::Nobody => false,
    }
}

impl Engine {
    fn check_count(&self, users: &[UserId]) -> Result<(), Rejection> {
        if users.len() > self.limits().users_per_request {
            let detail = format!(
                "at most {} users in one request",
                self.limits().users_per_request
            );
            return Err(Rejection::new(Code::TooMany, detail));
        }
        Ok(())
    }

    /// Refuses a list of users that is too long.
    pub(super) fn check_users(&self, users: &[UserId]) -> Result<(), Rejection> {
        self.check_count(users)
    }

    /// Those of `users` whom somebody may see, and how: who share a conversation with it or are its contacts, without a
    /// block between them, and as far as they let themselves be seen.
    async fn visible(&self, viewer: &UserId, users: &[UserId]) -> Result<Visible, Rejection> {
        self.check_count(users)?;
        let mut visible = Visible::new();
        let acquainted = self.acquainted(viewer, users).await?;
        let preferences = self.preferences_of(&acquainted.all).await?;
        for user in acquainted.all {
            let preferences = preferences.get(&user).cloned().unwrap_or_default();
            let is_shown = is_within(preferences.presence, acquainted.contacts.contains(&user));
            if is_shown && !self.is_blocked(viewer, &user).await? {
                visible.insert(user, preferences.last_seen);
            }
        }
        if users.contains(viewer) {
            visible.insert(viewer.clone(), LastSeen::Exact);
        }
        Ok(visible)
    }

    /// Those of `users` who share a conversation with somebody or are its contacts.
    async fn acquainted(&self, with: &UserId, users: &[UserId]) -> Result<Acquainted, Rejection> {
        let keys: Vec<_> = users
            .iter()
            .map(|user| (with.clone(), OwnKey::new(OwnKind::Contact, user.into())))
            .collect();
        let rows = self.ports.own.read(&keys).await?;
        let stands = rows.into_iter().filter(|(_, row)| row.value.is_some());
        let stands: HashSet<RowKey> = stands.map(|(_, row)| row.key).collect();
        let is_contact = |user: &&UserId| stands.contains(&RowKey::from(*user));
        let contacts: HashSet<UserId> = users.iter().filter(is_contact).cloned().collect();
        let mut all: HashSet<UserId> = contacts.clone();
        all.extend(self.ports.members.sharing(with, users).await?);
        all.remove(with);
        Ok(Acquainted {
            all: all.into_iter().collect(),
            contacts,
        })
    }

    async fn presences(&self, users: Vec<UserId>, visible: &Visible) -> Presences {
        let mut shown = HashMap::with_capacity(visible.len());
        let mut asked = Vec::new();
        for (user, last_seen) in visible {
            match self.registry.presence_if_followed(user) {
                Some(presence) => drop(shown.insert(user, presence.shown(*last_seen))),
                None => asked.push(user.clone()),
            }
        }
        let (found, now) = (self.find(&asked).await, self.ports.runtime.now());
        for (user, elsewhere) in asked.iter().zip(&found) {
            if let Some((user, last_seen)) = visible.get_key_value(user) {
                let presence = self.registry.presence_with(user, elsewhere, now);
                shown.insert(user, presence.shown(*last_seen));
            }
        }
        let mut one = |user: UserId| {
            let known = shown.get(&user).cloned();
            known.unwrap_or_else(|| Presence::unknown(user))
        };
        Presences {
            items: users.into_iter().map(&mut one).collect(),
        }
    }

    pub(super) async fn presence_of(
        &self,
        actor: &Actor,
        users: Vec<UserId>,
    ) -> Result<Presences, Rejection> {
        let visible = self.visible(&actor.user, &users).await?;
        Ok(self.presences(users, &visible).await)
    }

    pub(super) async fn watch(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        users: Vec<UserId>,
    ) -> Result<Presences, Rejection> {
        let session = session.ok_or_else(needs_session)?;
        let visible = self.visible(&actor.user, &users).await?;
        if super::lock(&session.watches).len() + visible.len()
            > self.limits().presence_subscriptions
        {
            let detail = format!(
                "a session watches at most {} users",
                self.limits().presence_subscriptions
            );
            return Err(Rejection::new(Code::TooMany, detail));
        }
        // Watch first, look after: a change in between is told twice rather than never.
        for (user, last_seen) in &visible {
            self.registry.watch(session, user);
            self.registry.show(user, *last_seen);
        }
        // Who parted or blocked since the first question, and may have done so before there was a watch to end.
        let watched: Vec<UserId> = visible.into_keys().collect();
        let still = self.visible(&actor.user, &watched).await;
        let still = still.unwrap_or_default();
        for user in watched.iter().filter(|user| !still.contains_key(*user)) {
            self.registry.unwatch(session, user);
        }
        // Where they are on other nodes is known once they are announced.
        join_all(still.keys().map(|user| self.announced(user))).await;
        Ok(self.presences(users, &still).await)
    }

    /// Ends the watches between `user` and those with whom it has nothing more in common, or who may not see it any more.
    pub(super) async fn stop_watching(&self, user: &UserId) {
        let others = self.registry.watched_with(user);
        if others.is_empty() {
            return;
        }
        // Rather too many than too few, when the store fails: a device may ask again. Logged by the conversion.
        let Sight { sees, seen_by } = self.mutual_sight(user, &others).await.unwrap_or_default();
        for other in &others {
            if !seen_by.contains(other) {
                self.registry.hide(user, other);
            }
            if !sees.contains(other) {
                self.registry.hide(other, user);
            }
        }
    }

    /// Whom of `others` somebody may see, and who may see it. The store is asked once for both.
    async fn mutual_sight(&self, user: &UserId, others: &[UserId]) -> Result<Sight, Rejection> {
        let Acquainted { all, contacts } = self.acquainted(user, others).await?;
        let own = self.preferences(user).await?.presence;
        let preferences = self.preferences_of(&all).await?;
        let mut sight = Sight::default();
        for other in all {
            let is_contact = contacts.contains(&other);
            let theirs = preferences.get(&other).map(|it| it.presence);
            if is_within(theirs.unwrap_or_default(), is_contact) {
                sight.sees.insert(other.clone());
            }
            if is_within(own, is_contact) {
                sight.seen_by.insert(other);
            }
        }
        Ok(sight)
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

    /// A session says whether somebody is at it.
    pub(super) fn attend(
        &self,
        session: Option<&Arc<SessionEntry>>,
        attention: Attention,
    ) -> Result<Done, Rejection> {
        let session = session.ok_or_else(needs_session)?;
        self.registry.attend(session, attention);
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
            expires_in_ms: self.limits().typing_ms,
        };
        let letter = Letter::Typing(typing.clone());
        self.write_to(to_readers_of(&self.slots.at(id)), &letter);
        let broadcast = Broadcast::new(Urgency::Ephemeral, vec![Push::Typing(typing)]);
        self.tell_audience(id, |user| *user != actor.user, &broadcast)
            .await;
        Ok(Done {})
    }

    /// Whether others have not just been told that the user writes there.
    fn is_news(&self, user: &UserId, conversation: ConversationId) -> bool {
        let now = self.ports.runtime.monotonic();
        // A repeat must come before what was told has run out.
        let span = REPEAT.min(Duration::from_millis(self.limits().typing_ms / 2));
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
