//! Whom a session watches: kept over its links, so that it watches them again on the next one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use super::Connection;
use crate::{Availability, Command, CountUnread, Error, Presence, Reply, UnreadTotals, UserId};

/// Everybody whom the program asked to watch and has not asked to leave alone.
#[derive(Default)]
pub(super) struct Watches {
    users: BTreeMap<UserId, Watch>,
    /// What changed while there was no link, and was not told to the program yet.
    news: Vec<Presence>,
    /// What is unread, where the program asked to be told.
    unread: Option<UnreadWatch>,
}

/// What the program was told last of what is unread; `None` until the first answer.
#[derive(Clone, Copy, Default)]
struct UnreadWatch {
    known: Option<UnreadTotals>,
}

#[derive(Default)]
struct Watch {
    /// What the program was told last; `None` until the first answer.
    known: Option<Presence>,
    /// The link on which the server was asked last.
    link: Option<Weak<dyn Connection>>,
}

impl Watch {
    fn is_on(&self, link: &Arc<dyn Connection>) -> bool {
        let asked = self.link.as_ref().and_then(Weak::upgrade);
        asked.is_some_and(|asked| Arc::ptr_eq(&asked, link))
    }
}

impl Watches {
    /// The program is about to ask this. Returns whom it wants to watch, if that is what it asks.
    pub(super) fn asking(&mut self, command: &Command) -> Option<Vec<UserId>> {
        if let Command::SubscribePresence(watch) = command {
            for user in &watch.users {
                self.users.entry(user.clone()).or_default();
            }
            return Some(watch.users.clone());
        }
        if let Command::CountUnread(CountUnread { watch: true }) = command {
            self.unread.get_or_insert_default();
        }
        if let Command::UnsubscribePresence(unwatch) = command {
            // Before it is sent: then a renewal that goes on meanwhile sees that it came too late.
            self.users.retain(|user, _| !unwatch.users.contains(user));
        }
        None
    }

    /// What became of the program's own request to watch `users`.
    pub(super) fn answered(
        &mut self,
        users: &[UserId],
        answer: &Result<(Reply, Arc<dyn Connection>), Error>,
    ) {
        match answer {
            Ok((Reply::SubscribePresence(presences), link)) => {
                for presence in &presences.items {
                    self.take(link, presence);
                }
            }
            Err(Error::Rejected(_)) => {
                // Those of whom nothing is known were not watched before either.
                self.users
                    .retain(|user, watch| watch.known.is_some() || !users.contains(user));
            }
            Ok(_) | Err(_) => {}
        }
    }

    /// The server watches these again. What the program does not know is [news](Self::take_news).
    pub(super) fn renewed(&mut self, link: &Arc<dyn Connection>, presences: &[Presence]) {
        for presence in presences {
            if self.take(link, presence) {
                self.news.push(presence.clone());
            }
        }
    }

    /// The server does not watch these any more: they look as everybody does of whom one may know nothing.
    pub(super) fn given_up(&mut self, users: &[UserId]) {
        for user in users {
            let watch = self.users.remove(user);
            let known = watch.and_then(|watch| watch.known);
            if known.is_some_and(|known| known.availability != Availability::Offline) {
                self.news.push(Presence::unknown(user.clone()));
            }
        }
    }

    /// The server told of a change.
    pub(super) fn told(&mut self, presence: &Presence) {
        if let Some(watch) = self.users.get_mut(&presence.user) {
            watch.known = Some(presence.clone());
        }
    }

    /// Whether the program is to be told what is unread.
    pub(super) const fn wants_unread(&self) -> bool {
        self.unread.is_some()
    }

    /// What the program was told last of what is unread.
    pub(super) fn known_unread(&self) -> Option<UnreadTotals> {
        self.unread.and_then(|watch| watch.known)
    }

    /// The server says what is unread.
    pub(super) fn unread_told(&mut self, totals: UnreadTotals) {
        if let Some(watch) = &mut self.unread {
            watch.known = Some(totals);
        }
    }

    /// What the program has to be told.
    pub(super) fn take_news(&mut self) -> Vec<Presence> {
        std::mem::take(&mut self.news)
    }

    /// Some of those whom the server does not watch for this link.
    pub(super) fn lapsed(&self, link: &Arc<dyn Connection>, limit: usize) -> Vec<UserId> {
        let lapsed = self.users.iter().filter(|(_, watch)| !watch.is_on(link));
        lapsed.map(|(user, _)| user.clone()).take(limit).collect()
    }

    /// Those of `users` whom the program does not want to watch, after all.
    pub(super) fn unwanted(&self, users: &[UserId]) -> Vec<UserId> {
        let unwanted = users.iter().filter(|user| !self.users.contains_key(*user));
        unwanted.cloned().collect()
    }

    /// Takes in what the server says. Whether that differs from what the program knows.
    fn take(&mut self, link: &Arc<dyn Connection>, presence: &Presence) -> bool {
        let Some(watch) = self.users.get_mut(&presence.user) else {
            return false;
        };
        watch.link = Some(Arc::downgrade(link));
        let known = watch.known.replace(presence.clone());
        // A server that has just begun remembers nobody's last session: that is no news.
        known.is_none_or(|known| {
            presence.availability != known.availability
                || presence.classes != known.classes
                || presence.last_seen_ms > known.last_seen_ms
        })
    }
}
