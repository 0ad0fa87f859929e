//! What this node has of users, for the others; and what the others have of them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{Notify, oneshot};

use super::{super::lock, Registry, SessionEntry, UserEntry, shown_by, tell};
use crate::{
    Attention, DeviceClass, Here, NodeId, Presence, SessionThere, Timestamp, UserId, Whereabouts,
    state::PresenceState,
};

/// Who waits until it is known what other nodes have of a user. Told nothing when that cannot be found out now.
type Waiters = Vec<oneshot::Sender<Whereabouts>>;

/// A user that is to be announced.
pub(in crate::engine) struct Announced {
    pub(in crate::engine) user: UserId,
    pub(in crate::engine) waiting: Waiters,
}

/// Users of whom this node has something else than it announced, each once.
#[derive(Default)]
pub(in crate::engine) struct Changed {
    /// Whether there is anybody to announce it to.
    is_followed: AtomicBool,
    /// In order, so that in a simulation it is the same each time.
    users: Mutex<BTreeMap<UserId, Waiters>>,
    wake: Notify,
}

impl Changed {
    /// From now on changes are noted.
    pub(in crate::engine) fn follow(&self) {
        self.is_followed.store(true, Ordering::Release);
    }

    /// A user has changed.
    pub(in crate::engine) fn note(&self, user: &UserId) {
        if self.is_followed.load(Ordering::Acquire) {
            lock(&self.users).entry(user.clone()).or_default();
            self.wake.notify_one();
        }
    }

    /// As if all of these had changed.
    pub(in crate::engine) fn note_all(&self, users: impl IntoIterator<Item = UserId>) {
        let mut changed = lock(&self.users);
        for user in users {
            changed.entry(user).or_default();
        }
        self.wake.notify_one();
    }

    /// Notes a user, and says where it is once this was announced.
    pub(in crate::engine) fn ask(&self, user: &UserId) -> oneshot::Receiver<Whereabouts> {
        let (reply, answer) = oneshot::channel();
        let mut changed = lock(&self.users);
        changed.entry(user.clone()).or_default().push(reply);
        self.wake.notify_one();
        answer
    }

    /// Takes some of those who changed.
    pub(in crate::engine) fn take(&self, most: usize) -> Vec<Announced> {
        let mut changed = lock(&self.users);
        let some: Vec<UserId> = changed.keys().take(most).cloned().collect();
        let taken = some
            .into_iter()
            .filter_map(|user| changed.remove_entry(&user));
        let taken = taken.map(|(user, waiting)| Announced { user, waiting });
        taken.collect()
    }

    /// Waits for a change.
    pub(in crate::engine) async fn wait(&self) {
        self.wake.notified().await;
    }
}

impl Registry {
    /// What this node has of a user.
    pub(in crate::engine) fn here(&self, user: &UserId) -> Here {
        let users = lock(&self.users);
        let Some(entry) = users.get(user) else {
            return Here::default();
        };
        let there = |session: &Arc<SessionEntry>| SessionThere {
            session: session.id,
            device: session.device.clone(),
            class: session.class,
            attention: entry.presence.attention(session.id),
            took_place_at: Some(session.took_place_at.load(Ordering::Acquire)).filter(|at| *at > 0),
        };
        Here {
            sessions: entry.sessions.iter().map(there).collect(),
            watched: !entry.watchers.is_empty(),
        }
    }

    /// The others can know by now what this node has of a user.
    pub(in crate::engine) fn announced(&self, user: &UserId, here: &Here, version: u64) {
        for session in self.sessions_of(user) {
            if here.sessions.iter().any(|it| it.session == session.id) {
                let at = &session.announced_at;
                // The first time counts.
                let _ = at.compare_exchange(0, version, Ordering::AcqRel, Ordering::Acquire);
            }
        }
    }

    /// Users of whom this node has something.
    pub(in crate::engine) fn known(&self) -> Vec<UserId> {
        let users = lock(&self.users);
        let known = users.iter().filter(|(_, user)| user.is_of_interest());
        known.map(|(id, _)| id.clone()).collect()
    }

    /// A user is on these other nodes by now. Those who watch it are told when it looks otherwise by that.
    pub(in crate::engine) fn is_elsewhere(
        &self,
        user: &UserId,
        whereabouts: Whereabouts,
        now: Timestamp,
    ) {
        let _turn = self.turn(user);
        let mut users = lock(&self.users);
        let Some(entry) = users.get_mut(user).filter(|entry| entry.is_of_interest()) else {
            return;
        };
        if whereabouts.version <= entry.elsewhere.version {
            return;
        }
        let sessions = sessions_in(&whereabouts);
        entry.elsewhere = whereabouts;
        let news = entry
            .presence
            .elsewhere(sessions, now)
            .then(|| entry.news(user));
        drop(users);
        tell(news);
    }

    /// These nodes are gone, with the sessions that users had there.
    pub(in crate::engine) fn are_gone(&self, is_gone: impl Fn(NodeId) -> bool, now: Timestamp) {
        let touched: Vec<UserId> = {
            let users = lock(&self.users);
            let is_there = |user: &UserEntry| {
                let mut nodes = user.elsewhere.nodes.iter();
                nodes.any(|(node, _)| is_gone(*node))
            };
            let there = users.iter().filter(|(_, user)| is_there(user));
            there.map(|(id, _)| id.clone()).collect()
        };
        for user in touched {
            let _turn = self.turn(&user);
            let mut users = lock(&self.users);
            let Some(entry) = users.get_mut(&user) else {
                continue;
            };
            entry.elsewhere.nodes.retain(|(node, _)| !is_gone(*node));
            let sessions = sessions_in(&entry.elsewhere);
            let news = entry
                .presence
                .elsewhere(sessions, now)
                .then(|| entry.news(&user));
            drop(users);
            tell(news);
        }
    }

    /// Nobody here asks about a user any more: what is known of it from others gets old.
    pub(in crate::engine) fn lose_sight(&self, user: &UserId) {
        if let Some(entry) = lock(&self.users)
            .get_mut(user)
            .filter(|entry| !entry.is_of_interest())
        {
            entry.elsewhere = Whereabouts::default();
            entry.presence.lose_sight();
        }
    }

    /// How a user is, if what other nodes have of it is known here.
    pub(in crate::engine) fn presence_if_followed(&self, user: &UserId) -> Option<Presence> {
        let users = lock(&self.users);
        let entry = users.get(user).filter(|entry| entry.is_of_interest())?;
        Some(entry.presence_of(user))
    }

    /// How a user is that is of no interest here otherwise, and is on these other nodes.
    pub(in crate::engine) fn presence_with(
        &self,
        user: &UserId,
        elsewhere: &Whereabouts,
        now: Timestamp,
    ) -> Presence {
        let users = lock(&self.users);
        let entry = users.get(user);
        let mut state = entry.map_or_else(PresenceState::default, |entry| entry.presence.clone());
        state.elsewhere(sessions_in(elsewhere), now);
        shown_by(&state, user)
    }
}

/// The sessions on other nodes, as far as presence asks.
fn sessions_in(whereabouts: &Whereabouts) -> Vec<(DeviceClass, Attention)> {
    let sessions = whereabouts
        .nodes
        .iter()
        .flat_map(|(_, here)| &here.sessions);
    sessions
        .map(|session| (session.class, session.attention))
        .collect()
}
