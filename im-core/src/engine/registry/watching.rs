//! Who is told when a user comes or goes.

use std::sync::Arc;

use super::{super::lock, Registry, SessionEntry};
use crate::{LastSeen, UserId};

impl Registry {
    /// From now on `watcher` is told when `user` comes or goes.
    pub(in crate::engine) fn watch(&self, watcher: &Arc<SessionEntry>, user: &UserId) {
        let mut users = lock(&self.users);
        let is_over = users
            .get(&watcher.actor.user)
            .is_none_or(|own| own.sessions.iter().all(|other| other.id != watcher.id));
        if is_over {
            return;
        }
        let entry = users.entry(user.clone()).or_default();
        if !entry.watchers.iter().any(|other| other.id == watcher.id) {
            if entry.watchers.is_empty() {
                self.changed.note(user);
            }
            entry.watchers.push(watcher.clone());
            lock(&watcher.watches).push(user.clone());
        }
    }

    /// From now on those who watch `user` see like this when it was last there.
    pub(in crate::engine) fn show(&self, user: &UserId, last_seen: LastSeen) {
        if let Some(entry) = lock(&self.users).get_mut(user) {
            entry.last_seen = last_seen;
        }
    }

    /// Sessions that are told when `user` comes or goes.
    pub(in crate::engine) fn watchers_of(&self, user: &UserId) -> Vec<Arc<SessionEntry>> {
        lock(&self.users)
            .get(user)
            .map(|entry| entry.watchers.clone())
            .unwrap_or_default()
    }

    pub(in crate::engine) fn unwatch(&self, watcher: &SessionEntry, user: &UserId) {
        lock(&watcher.watches).retain(|watched| watched != user);
        if let Some(entry) = lock(&self.users).get_mut(user) {
            let before = entry.watchers.len();
            entry.watchers.retain(|other| other.id != watcher.id);
            if before > 0 && entry.watchers.is_empty() {
                self.changed.note(user);
            }
        }
    }

    /// Whom the sessions of `user` watch, and who watches `user`; each once.
    pub(in crate::engine) fn watched_with(&self, user: &UserId) -> Vec<UserId> {
        let users = lock(&self.users);
        let Some(entry) = users.get(user) else {
            return Vec::new();
        };
        let mut others: Vec<_> = entry
            .watchers
            .iter()
            .map(|watcher| watcher.actor.user.clone())
            .collect();
        for session in &entry.sessions {
            others.extend(lock(&session.watches).iter().cloned());
        }
        others.retain(|other| other != user);
        others.sort();
        others.dedup();
        others
    }

    /// All sessions of `from` stop watching `user`.
    pub(in crate::engine) fn hide(&self, user: &UserId, from: &UserId) {
        for session in self.sessions_of(from) {
            self.unwatch(&session, user);
        }
    }
}
