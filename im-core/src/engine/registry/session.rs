//! A session, as this node has it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64},
};

use uuid::Uuid;

use super::super::places::Taking;
use crate::{
    Actor, ConversationId, DeviceClass, DeviceId, SessionId, Timestamp, UserId,
    port::{Broadcast, Outlet},
    state::DeliveryState,
};

/// One device's live attachment.
pub(crate) struct SessionEntry {
    pub(in crate::engine) id: SessionId,
    pub(in crate::engine) actor: Actor,
    pub(in crate::engine) device: DeviceId,
    pub(in crate::engine) class: DeviceClass,
    /// When it must end; `None` for never.
    pub(in crate::engine) expires_at_ms: Option<Timestamp>,
    /// Where its token came from.
    pub(in crate::engine) sign_in: Option<Uuid>,
    pub(in crate::engine) outlet: Arc<dyn Outlet>,
    pub(in crate::engine) delivery: Mutex<DeliveryState>,
    /// In whose audience it is; `None` once it is over.
    pub(in crate::engine) listens: Mutex<Option<Vec<ConversationId>>>,
    /// Since when it knows what its user is a member of, as [`Registry`] counts what was taken from the store.
    pub(in crate::engine) read_at: AtomicU64,
    /// Whom it watches.
    pub(in crate::engine) watches: Mutex<Vec<UserId>>,
    /// Whether it is told when what is unread changes.
    pub(in crate::engine) counts_unread: AtomicBool,
    /// At which version of its user's whereabouts the other nodes could know of it; 0 before that.
    pub(in crate::engine) announced_at: AtomicU64,
    /// At which version it took the place of sessions on other nodes; 0 when it did not.
    pub(in crate::engine) took_place_at: AtomicU64,
    /// Whether it asked for anything yet.
    pub(in crate::engine) is_used: AtomicBool,
    /// What it does to others when it asks for the first time.
    pub(in crate::engine) taking: Mutex<Taking>,
}

impl SessionEntry {
    /// A session that has just begun, without an end.
    pub(in crate::engine) fn new(
        id: SessionId,
        actor: Actor,
        device: DeviceId,
        outlet: Arc<dyn Outlet>,
    ) -> Self {
        Self {
            id,
            actor,
            device,
            class: DeviceClass::default(),
            expires_at_ms: None,
            sign_in: None,
            outlet,
            delivery: Mutex::default(),
            listens: Mutex::new(Some(Vec::new())),
            read_at: 0.into(),
            watches: Mutex::default(),
            counts_unread: false.into(),
            announced_at: 0.into(),
            took_place_at: 0.into(),
            is_used: false.into(),
            taking: Mutex::default(),
        }
    }

    /// Offers something that can be lost: when there is no room, it is.
    pub(in crate::engine) fn tell(&self, broadcast: &Broadcast) {
        // What cannot be queued here is learned by asking or by the next sync.
        let _ = self.outlet.offer(broadcast);
    }
}
