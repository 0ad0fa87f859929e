//! The sessions of this node, by user.

mod elsewhere;
mod latest;
mod session;
mod watching;

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

pub(super) use self::elsewhere::{Announced, Changed};
pub(crate) use self::session::SessionEntry;
use super::lock;
use crate::{
    Admission, Attention, Code, DeviceClass, DeviceId, LastSeen, Meeting, Presence, Push,
    Rejection, SessionId, Timestamp, UserId, Whereabouts,
    port::{Broadcast, Urgency},
    state::PresenceState,
};

/// How somebody is, and who is to be told.
type News = (Presence, Vec<Arc<SessionEntry>>);

#[derive(Default)]
struct UserEntry {
    sessions: Vec<Arc<SessionEntry>>,
    presence: PresenceState,
    watchers: Vec<Arc<SessionEntry>>,
    /// How those who watch see when it was last there.
    last_seen: LastSeen,
    /// Raised when the user leaves a conversation, so that a session that is being set up looks again.
    departures: u64,
    /// What other nodes have of it, as far as they said.
    elsewhere: Whereabouts,
}

/// The sessions of this node.
pub(super) struct Registry {
    next: AtomicU64,
    /// How many states of conversations were taken from the store.
    loads: AtomicU64,
    /// In boxes, because a table has room for more than it holds.
    users: Mutex<HashMap<UserId, Box<UserEntry>>>,
    /// Held while those who watch a user are told, so that they are told in order. As many as let different users come and
    /// go side by side.
    telling: Vec<Mutex<()>>,
    /// At how many users those who are gone are forgotten.
    sweep_at: AtomicUsize,
    /// Users of whom this node has something else than it announced.
    pub(super) changed: Arc<Changed>,
}

/// Users whose last session ended are remembered for "last seen", up to this many.
const REMEMBERED: usize = 100_000;

const TELLING: usize = 64;

impl Default for Registry {
    fn default() -> Self {
        Self {
            next: AtomicU64::default(),
            loads: AtomicU64::default(),
            users: Mutex::default(),
            telling: (0..TELLING).map(|_| Mutex::default()).collect(),
            sweep_at: AtomicUsize::new(REMEMBERED),
            changed: Arc::default(),
        }
    }
}

impl Registry {
    /// The newest that was given.
    pub(super) fn newest_id(&self) -> SessionId {
        SessionId(self.next.load(Ordering::Relaxed))
    }

    pub(super) fn next_id(&self) -> SessionId {
        SessionId(self.next.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(super) fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }

    /// Notes that a state was taken from the store: what sessions read until now may be older.
    pub(super) fn next_load(&self) -> u64 {
        self.loads.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Adds a session, if it is admitted; returns those that it displaces: of the same device, or of its class.
    pub(super) fn add(
        &self,
        session: &Arc<SessionEntry>,
        admission: Admission,
    ) -> Result<Vec<Arc<SessionEntry>>, Rejection> {
        let _turn = self.turn(&session.actor.user);
        let mut users = lock(&self.users);
        let user = users.entry(session.actor.user.clone()).or_default();
        user.check_admission(admission, &session.device, session.class)?;
        user.check_latest(session)?;
        let is_displaced = |other: &&Arc<SessionEntry>| {
            let new = (&session.device, session.class);
            admission.meets(new, (&other.device, other.class)) == Meeting::Displaces
        };
        let displaced = user.sessions.iter().filter(is_displaced).cloned().collect();
        user.sessions.push(session.clone());
        self.changed.note(&session.actor.user);
        let news = user
            .presence
            .attached(session.id, session.class)
            .then(|| user.news(&session.actor.user));
        drop(users);
        tell(news);
        Ok(displaced)
    }

    /// Whether a device may open a session now.
    pub(super) fn check_admission(
        &self,
        admission: Admission,
        user: &UserId,
        (device, class): (&DeviceId, DeviceClass),
    ) -> Result<(), Rejection> {
        let users = lock(&self.users);
        let user = users.get(user);
        user.map_or(Ok(()), |user| {
            user.check_admission(admission, device, class)
        })
    }

    /// A session says whether somebody is at it.
    pub(super) fn attend(&self, session: &SessionEntry, attention: Attention) {
        let _turn = self.turn(&session.actor.user);
        let mut users = lock(&self.users);
        let Some(user) = users.get_mut(&session.actor.user) else {
            return;
        };
        let news = user
            .presence
            .attended(session.id, attention)
            .then(|| user.news(&session.actor.user));
        self.changed.note(&session.actor.user);
        drop(users);
        tell(news);
    }

    /// Removes a session. `false` when it was removed before.
    pub(super) fn remove(&self, session: &SessionEntry, now: Timestamp) -> bool {
        let _turn = self.turn(&session.actor.user);
        let mut users = lock(&self.users);
        let Some(user) = users.get_mut(&session.actor.user) else {
            return false;
        };
        let Some(place) = user
            .sessions
            .iter()
            .position(|other| other.id == session.id)
        else {
            return false;
        };
        user.sessions.remove(place);
        self.changed.note(&session.actor.user);
        let news = user
            .presence
            .detached(session.id, now)
            .then(|| user.news(&session.actor.user));
        for watched in lock(&session.watches).drain(..) {
            if let Some(user) = users.get_mut(&watched) {
                user.watchers.retain(|watcher| watcher.id != session.id);
                if user.watchers.is_empty() {
                    self.changed.note(&watched);
                }
            }
        }
        if users.len() > self.sweep_at.load(Ordering::Relaxed) {
            users.retain(|_, user| user.is_of_interest());
            // Where more than that are there, not again for each that goes.
            self.sweep_at
                .store(REMEMBERED.max(users.len() * 2), Ordering::Relaxed);
        }
        drop(users);
        tell(news);
        true
    }

    /// Waits until nobody is being told of this user.
    fn turn(&self, user: &UserId) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        user.hash(&mut hasher);
        let place = hasher.finish() % TELLING as u64;
        lock(&self.telling[place as usize])
    }

    pub(super) fn sessions_of(&self, user: &UserId) -> Vec<Arc<SessionEntry>> {
        lock(&self.users)
            .get(user)
            .map(|user| user.sessions.clone())
            .unwrap_or_default()
    }

    /// The devices of a user that have sessions here.
    pub(super) fn devices_of(&self, user: &UserId) -> Vec<DeviceId> {
        let sessions = self.sessions_of(user).into_iter();
        sessions.map(|session| session.device.clone()).collect()
    }

    pub(super) fn is_here(&self, user: &UserId) -> bool {
        lock(&self.users)
            .get(user)
            .is_some_and(|user| !user.sessions.is_empty())
    }

    /// Users with sessions here, and those who are remembered.
    pub(super) fn user_count(&self) -> usize {
        lock(&self.users).len()
    }

    /// Users with sessions here.
    pub(super) fn users(&self) -> Vec<UserId> {
        let users = lock(&self.users);
        let here = users.iter().filter(|(_, user)| !user.sessions.is_empty());
        here.map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn all(&self) -> Vec<Arc<SessionEntry>> {
        lock(&self.users)
            .values()
            .flat_map(|user| user.sessions.iter().cloned())
            .collect()
    }

    pub(super) fn count(&self) -> usize {
        lock(&self.users)
            .values()
            .map(|user| user.sessions.len())
            .sum()
    }

    /// Notes that the user left a conversation.
    pub(super) fn departed(&self, user: &UserId) {
        if let Some(user) = lock(&self.users).get_mut(user) {
            user.departures += 1;
        }
    }

    pub(super) fn departures(&self, user: &UserId) -> u64 {
        lock(&self.users)
            .get(user)
            .map_or(0, |user| user.departures)
    }
}

impl UserEntry {
    /// A device that has a session already may open another: that one goes.
    fn check_admission(
        &self,
        admission: Admission,
        device: &DeviceId,
        class: DeviceClass,
    ) -> Result<(), Rejection> {
        let mut sessions = self.sessions.iter();
        let is_in_the_way = |other: &Arc<SessionEntry>| {
            admission.meets((device, class), (&other.device, other.class)) == Meeting::Refused
        };
        if sessions.any(is_in_the_way) {
            return Err(device_limit());
        }
        Ok(())
    }

    /// Whether it has sessions here, or somebody here watches it.
    fn is_of_interest(&self) -> bool {
        !self.sessions.is_empty() || !self.watchers.is_empty()
    }

    fn presence_of(&self, user: &UserId) -> Presence {
        shown_by(&self.presence, user)
    }

    fn news(&self, user: &UserId) -> News {
        let presence = self.presence_of(user).shown(self.last_seen);
        (presence, self.watchers.clone())
    }
}

pub(super) fn device_limit() -> Rejection {
    Rejection::new(
        Code::DeviceLimit,
        "another device of this class has a session; end that one first",
    )
}

fn shown_by(state: &PresenceState, user: &UserId) -> Presence {
    Presence {
        user: user.clone(),
        availability: state.availability(),
        classes: state.classes(),
        last_seen_ms: state.last_seen(),
    }
}

/// Tells those who watch. Writes to sockets: not to be called while the users are locked.
fn tell(news: Option<News>) {
    let Some((presence, watchers)) = news.filter(|(_, watchers)| !watchers.is_empty()) else {
        return;
    };
    let broadcast = Broadcast::new(Urgency::Ephemeral, vec![Push::Presence(presence)]);
    for watcher in watchers {
        watcher.tell(&broadcast);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;
    use crate::{
        Actor, CloseReason,
        port::{Offer, Outlet},
    };

    /// Notes whether the users were locked while it was written to.
    #[derive(Default)]
    struct Watching {
        registry: OnceLock<Arc<Registry>>,
        was_locked: Mutex<Vec<bool>>,
    }

    impl Outlet for Watching {
        fn offer(&self, _: &Broadcast) -> Offer {
            let registry = self.registry.get().unwrap();
            let is_locked = registry.users.try_lock().is_err();
            lock(&self.was_locked).push(is_locked);
            Offer::Taken
        }

        fn close(&self, _: CloseReason) {}
    }

    fn session(registry: &Registry, user: &str, outlet: Arc<dyn Outlet>) -> Arc<SessionEntry> {
        let (id, actor) = (registry.next_id(), Actor::user(UserId::new(user).unwrap()));
        let device = DeviceId::new("phone").unwrap();
        let session = Arc::new(SessionEntry::new(id, actor, device, outlet));
        registry.add(&session, Admission::Any).unwrap();
        session
    }

    #[test]
    fn sockets_are_written_to_while_others_come_and_go() {
        let (registry, outlet) = (Arc::new(Registry::default()), Arc::new(Watching::default()));
        outlet.registry.get_or_init(|| registry.clone());
        let watcher = session(&registry, "alice", outlet.clone());
        registry.watch(&watcher, &UserId::new("bob").unwrap());

        let bob = session(&registry, "bob", outlet.clone());
        registry.remove(&bob, Timestamp(1));

        assert_eq!(*lock(&outlet.was_locked), [false, false]);
    }
}
