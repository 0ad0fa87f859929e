//! Who asks, once the hooks have judged it.

use std::ops::Deref;

use crate::Actor;

/// An actor whose command was judged.
pub(super) struct Caller {
    pub(super) actor: Actor,
    /// The fingerprint of what it asked, where hooks have made something else of it: a retry is recognised by that.
    pub(super) asked: Option<i64>,
}

impl From<Actor> for Caller {
    fn from(actor: Actor) -> Self {
        Self { actor, asked: None }
    }
}

impl Deref for Caller {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.actor
    }
}
