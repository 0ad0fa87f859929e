//! A history with an order to it: what each log holds, who was in it when, and what was asked.

use std::collections::{BTreeMap, BTreeSet};

use super::super::history::{Answer, Event, History, Seen, Sight, Wish, name};
use crate::{ConversationId, UserId};

/// From the first to the last entry that somebody may see.
type Window = (u64, Option<u64>);

/// One log, folded.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) entries: BTreeMap<u64, Sight>,
    windows: BTreeMap<UserId, Vec<Window>>,
    /// Messages that were taken back.
    pub(super) gone: BTreeSet<u64>,
}

impl Log {
    fn of(entries: &[Sight]) -> Self {
        let mut log = Self::default();
        for entry in entries {
            match &entry.what {
                Seen::Came(users) => {
                    for user in users {
                        let windows = log.windows.entry(user.clone()).or_default();
                        windows.push((entry.seq, None));
                    }
                }
                Seen::Went(users) => {
                    for user in users {
                        let last = log.windows.get_mut(user).and_then(|all| all.last_mut());
                        if let Some((_, end @ None)) = last {
                            *end = Some(entry.seq);
                        }
                    }
                }
                Seen::Recalled(target) => {
                    log.gone.insert(*target);
                }
                Seen::Said(_) | Seen::Gone | Seen::Edited(..) | Seen::Other => {}
            }
            log.entries.insert(entry.seq, entry.clone());
        }
        log
    }

    pub(super) fn head(&self) -> u64 {
        self.entries.keys().next_back().copied().unwrap_or(0)
    }

    /// Whether a user was a member when this was stored, or went by it.
    pub(super) fn shows(&self, user: &UserId, seq: u64) -> bool {
        let windows = self.windows.get(user).into_iter().flatten();
        let mut windows = windows.copied();
        windows.any(|(since, left)| since <= seq && left.is_none_or(|left| seq <= left))
    }

    /// Whether a user was a member when this was stored, and went.
    fn was_left(&self, user: &UserId, seq: u64) -> bool {
        let mut windows = self.windows.get(user).into_iter().flatten();
        windows.any(|(since, left)| *since <= seq && left.is_some_and(|left| seq <= left))
    }

    /// Whether a user came in by this entry.
    pub(super) fn begins(&self, user: &UserId, seq: u64) -> bool {
        let mut windows = self.windows.get(user).into_iter().flatten();
        windows.any(|(since, _)| *since == seq)
    }

    /// The first entry that a present member sees; `None` for whoever is out.
    pub(super) fn since(&self, user: &UserId) -> Option<u64> {
        let (since, left) = *self.windows.get(user)?.last()?;
        left.is_none().then_some(since)
    }

    /// Messages after a seq that are still there.
    pub(super) fn unread_after(&self, seq: u64) -> u64 {
        let later = self.entries.range(seq + 1..);
        later.filter(|(_, entry)| entry.name().is_some()).count() as u64
    }

    /// Whether somebody can have been shown this in the place where the log has something.
    pub(super) fn agrees(&self, user: &UserId, sight: &Sight) -> bool {
        let Some(stored) = self.entries.get(&sight.seq) else {
            return false;
        };
        if stored.sender != sight.sender {
            return false;
        }
        match (&stored.what, &sight.what) {
            (Seen::Said(_), Seen::Said(_)) => stored.name() == sight.name(),
            (Seen::Gone, Seen::Said(_)) => true,
            (Seen::Edited(of, _), Seen::Edited(target, _)) => of == target,
            // What was edited since is nothing to whoever left.
            (Seen::Said(_) | Seen::Gone | Seen::Edited(..), Seen::Other) => {
                self.was_left(user, sight.seq)
            }
            (one, other) => one == other,
        }
    }
}

/// One request.
pub(super) struct Ask<'a> {
    pub(super) number: usize,
    /// Which event it was.
    pub(super) at: usize,
    pub(super) device: usize,
    pub(super) wish: &'a Wish,
    /// Which event the answer was, and what it said.
    pub(super) answer: Option<(usize, &'a Answer)>,
    pub(super) is_forgotten: bool,
}

pub(super) struct Facts<'a> {
    pub(super) history: &'a History,
    pub(super) logs: BTreeMap<ConversationId, Log>,
    pub(super) asks: BTreeMap<usize, Ask<'a>>,
    /// Which event it was that all came to rest.
    pub(super) rested: usize,
    /// Where each message stands, by its name.
    pub(super) places: BTreeMap<&'a str, BTreeSet<(ConversationId, u64)>>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(history: &'a History) -> Self {
        let mut facts = Self {
            history,
            logs: BTreeMap::new(),
            asks: BTreeMap::new(),
            rested: usize::MAX,
            places: BTreeMap::new(),
        };
        for (at, event) in history.events.iter().enumerate() {
            facts.take(at, event);
        }
        facts
    }

    fn take(&mut self, at: usize, event: &'a Event) {
        match event {
            Event::Asked { ask, device, wish } => {
                let asked = Ask {
                    number: *ask,
                    at,
                    device: *device,
                    wish,
                    answer: None,
                    is_forgotten: false,
                };
                self.asks.entry(*ask).or_insert(asked);
            }
            Event::Answered { ask, answer } => {
                if let Some(ask) = self.asks.get_mut(ask) {
                    ask.answer.get_or_insert((at, answer));
                }
            }
            Event::Forgotten { ask } => {
                if let Some(ask) = self.asks.get_mut(ask) {
                    ask.is_forgotten = true;
                }
            }
            Event::Rested => self.rested = at,
            Event::Log {
                conversation,
                entries,
            } => {
                self.logs.insert(*conversation, Log::of(entries));
                for entry in entries {
                    if let Seen::Said(text) = &entry.what {
                        let places = self.places.entry(name(text)).or_default();
                        places.insert((*conversation, entry.seq));
                    }
                }
            }
            Event::Died { .. }
            | Event::Hinted { .. }
            | Event::Opened { .. }
            | Event::Over { .. }
            | Event::Paged { .. }
            | Event::Pushed { .. }
            | Event::Receipt { .. }
            | Event::Restarted { .. }
            | Event::Shown { .. } => {}
        }
    }

    /// The log of a conversation; an empty one when the store has none.
    pub(super) fn log(&self, conversation: ConversationId) -> &Log {
        static NONE: std::sync::OnceLock<Log> = std::sync::OnceLock::new();
        let none = NONE.get_or_init(Log::default);
        self.logs.get(&conversation).unwrap_or(none)
    }

    pub(super) fn user(&self, device: usize) -> &UserId {
        &self.history.devices[device]
    }
}
