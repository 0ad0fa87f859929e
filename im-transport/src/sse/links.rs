//! The links of a server, by what they are posted to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use im_core::{Code, Rejection};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::link::EventsLink;
use crate::figures;

/// Bytes of randomness in the name of a link: nobody guesses it.
const RANDOM: usize = 24;

/// The name of a link: who knows it, and is its user, may post to it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct LinkId(Box<str>);

impl LinkId {
    /// # Errors
    /// `unavailable` when the system has no randomness.
    pub(super) fn random() -> Result<Self, Rejection> {
        let mut bytes = [0; RANDOM];
        SystemRandom::new().fill(&mut bytes).map_err(|_| {
            let detail = "the server cannot name a link; try again";
            Rejection::new(Code::Unavailable, detail)
        })?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes).into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Those whose stream is there.
#[derive(Default)]
pub(super) struct Links(Mutex<HashMap<Box<str>, Arc<EventsLink>>>);

impl Links {
    /// Adds a link, which is there until the guard is dropped.
    pub(super) fn add(self: &Arc<Self>, id: LinkId, link: Arc<EventsLink>) -> Listed {
        self.lock().insert(id.0.clone(), link);
        Listed {
            id,
            links: Arc::downgrade(self),
        }
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<EventsLink>> {
        let link = self.lock().get(id).cloned();
        link.filter(|link| !link.is_over())
    }

    pub(super) fn all(&self) -> Vec<Arc<EventsLink>> {
        self.lock().values().cloned().collect()
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    /// What is to be said of them all. Each has a session from its beginning.
    pub(super) fn counted(&self) -> figures::Links {
        let links = self.all();
        let waiting = links.iter().map(|link| link.outlet.queued());
        let waiting = waiting.filter(|bytes| *bytes > 0);
        figures::Links {
            connections: links.len(),
            sessions: links.len(),
            behind: waiting.clone().count(),
            waiting_bytes: waiting.sum(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<EventsLink>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the link off the list when it is dropped.
pub(super) struct Listed {
    id: LinkId,
    links: Weak<Links>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        if let Some(links) = self.links.upgrade() {
            links.lock().remove(self.id.as_str());
        }
    }
}
