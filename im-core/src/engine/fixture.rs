//! What the tests of this folder begin with.

use std::sync::Arc;

use super::registry::SessionEntry;
use crate::{
    Actor, CloseReason, DeviceId, SessionId, UserId,
    port::{Broadcast, Offer, Outlet},
};

/// Where everything finds room, and nobody reads it.
struct Nowhere;

impl Outlet for Nowhere {
    fn offer(&self, _: &Broadcast) -> Offer {
        Offer::Taken
    }

    fn close(&self, _: CloseReason) {}
}

/// A session of somebody's phone.
pub(super) fn session(user: &str) -> SessionEntry {
    let actor = Actor::user(UserId::new(user).unwrap());
    let device = DeviceId::new("phone").unwrap();
    SessionEntry::new(SessionId(1), actor, device, Arc::new(Nowhere))
}
