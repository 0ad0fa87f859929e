//! The open messages that this node holds: what they say so far, and who may see it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{lane::interrupted, lock};
use crate::{
    Content, ConversationId, Limits, Rejection, Seq, SessionId, UserId,
    state::{StreamState, ended},
};

/// Where a message stands.
pub(super) type Place = (ConversationId, Seq);

/// The open messages of this node.
#[derive(Default)]
pub(super) struct Streams {
    open: Mutex<HashMap<Place, Arc<Open>>>,
    /// How many there are, for those who only ask whether there are any.
    count: AtomicUsize,
}

/// An open message.
pub(super) struct Open {
    pub(super) place: Place,
    pub(super) sender: UserId,
    /// Held while its text is pushed, so that nothing of it is once it has ended.
    pub(super) inner: Mutex<Inner>,
}

#[derive(Default)]
pub(super) struct Inner {
    /// What it says; `None` until that was read, and once it has ended.
    pub(super) text: Option<StreamState>,
    pub(super) has_ended: bool,
    /// When it ends at the latest, as the runtime counts.
    pub(super) until: Duration,
    /// Over which session the last of it came.
    pub(super) session: Option<SessionId>,
    /// Whether somebody sees to what is to be pushed.
    pub(super) is_pushing: bool,
    /// The newest session of this node when it was taken up here; none when that was not known.
    pub(super) newest: SessionId,
    pub(super) sight: Sight,
}

/// Who of those who listen may see the message: not who came after it was begun and sees only what comes from then on.
#[derive(Default)]
pub(super) struct Sight {
    /// As of which entry, and which loading of the state.
    pub(super) as_of: (Seq, u64),
    pub(super) judged: HashMap<UserId, bool>,
}

impl Streams {
    pub(super) fn is_any(&self) -> bool {
        // What ends a message is stored before this is read, and who takes one up counts it before it reads the log.
        self.count.load(Ordering::SeqCst) > 0
    }

    pub(super) fn find(&self, place: Place) -> Option<Arc<Open>> {
        if !self.is_any() {
            return None;
        }
        lock(&self.open).get(&place).cloned()
    }

    pub(super) fn of(&self, user: &UserId) -> Vec<Arc<Open>> {
        if !self.is_any() {
            return Vec::new();
        }
        let open = lock(&self.open);
        let own = open.values().filter(|open| open.sender == *user);
        own.cloned().collect()
    }

    /// Waits until nothing of the messages in a conversation is being pushed.
    pub(super) fn pause(&self, conversation: ConversationId) {
        let here = |open: &&Arc<Open>| open.place.0 == conversation;
        let here: Vec<_> = lock(&self.open).values().filter(here).cloned().collect();
        for open in here {
            drop(lock(&open.inner));
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<Open>> {
        lock(&self.open).values().cloned().collect()
    }

    /// Takes a message up; `None` when it is held already.
    pub(super) fn begin(&self, place: Place, sender: &UserId, inner: Inner) -> Option<Arc<Open>> {
        let mut all = lock(&self.open);
        if all.contains_key(&place) {
            return None;
        }
        let open = Arc::new(Open {
            place,
            sender: sender.clone(),
            inner: Mutex::new(inner),
        });
        all.insert(place, open.clone());
        self.count.store(all.len(), Ordering::SeqCst);
        Some(open)
    }

    /// Nothing of it is pushed any more, and its text is wiped. What it said; `None` when somebody else was faster.
    pub(super) fn end(&self, open: &Arc<Open>) -> Option<Content> {
        let text = {
            let mut inner = lock(&open.inner);
            inner.has_ended = true;
            inner.text.take()
        };
        let mut all = lock(&self.open);
        if all
            .get(&open.place)
            .is_some_and(|held| Arc::ptr_eq(held, open))
        {
            all.remove(&open.place);
        }
        self.count.store(all.len(), Ordering::SeqCst);
        text.map(|text| text.content())
    }
}

impl Open {
    /// What it says so far.
    pub(super) fn content(&self) -> Option<Content> {
        let inner = lock(&self.inner);
        inner.text.as_ref().map(StreamState::content)
    }

    /// Has the text grow; returns how long it is then.
    pub(super) fn add(
        &self,
        (offset, text): (u64, &str),
        session: Option<SessionId>,
        limits: &Limits,
        now: Duration,
    ) -> Result<u64, Rejection> {
        let mut inner = lock(&self.inner);
        if inner.has_ended {
            return Err(ended());
        }
        // Somebody is reading what it began with.
        let state = inner.text.as_mut().ok_or_else(interrupted)?;
        state.add(offset, text, limits, now)?;
        let length = state.length();
        inner.session = session;
        Ok(length)
    }

    /// When it ends by itself, unless more comes; `None` when it has ended.
    pub(super) fn ends_at(&self, limits: &Limits) -> Option<Duration> {
        let inner = lock(&self.inner);
        if inner.has_ended {
            return None;
        }
        let silent = inner.text.as_ref().map(|text| text.silent_at(limits));
        Some(silent.map_or(inner.until, |silent| silent.min(inner.until)))
    }
}
