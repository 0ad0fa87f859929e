//! The devices of users: remembered when they come, listed, forgotten.
//!
//! Those that the store is known to have are kept at hand, so that who comes back costs no question about its device.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::{
    Engine,
    lane::interrupted,
    lock,
    nodes::{Changed, Letter, To},
    registry::SessionEntry,
};
use crate::{
    Actor, CloseReason, Code, Device, DeviceClass, DeviceId, DeviceView, Devices as DeviceList,
    Done, ListDevices, Rejection, Room, UserId,
    port::{Remembered, SignOut},
};

/// Users whose devices are kept at hand, about 300 bytes each. Beyond, all are forgotten and asked for again.
const KEPT: usize = 100_000;

type Classes = Vec<(DeviceId, DeviceClass)>;

#[derive(Default)]
pub(super) struct Devices {
    by_user: Mutex<HashMap<UserId, Classes>>,
}

impl Devices {
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Classes>> {
        lock(&self.by_user)
    }

    fn knows(&self, device: &Device) -> bool {
        self.lock()
            .get(&device.user)
            .is_some_and(|classes| classes.contains(&(device.id.clone(), device.class)))
    }

    fn note(&self, device: &Device) {
        let mut by_user = self.lock();
        if by_user.len() >= KEPT && !by_user.contains_key(&device.user) {
            by_user.clear();
        }
        let classes = by_user.entry(device.user.clone()).or_default();
        classes.retain(|(id, _)| *id != device.id);
        classes.push((device.id.clone(), device.class));
    }

    pub(super) fn forget(&self, user: &UserId, device: &DeviceId) {
        if let Some(classes) = self.lock().get_mut(user) {
            classes.retain(|(id, _)| id != device);
        }
    }
}

impl Engine {
    /// Stores a device unless that was done. Where another process gave it another class meanwhile, that one stays until
    /// this device says something new here; where one forgot it, it is not listed until then.
    pub(super) async fn remember(&self, device: Device) -> Result<(), Rejection> {
        if self.devices.knows(&device) {
            return Ok(());
        }
        let user = device.user.clone();
        let room = Room {
            most: self.limits().devices_per_user,
            staying: self.connected(&user).await,
        };
        match self.ports.devices.remember(device, &room).await? {
            Remembered::Stored { device, forgotten } => {
                for other in forgotten {
                    self.devices.forget(&user, &other);
                }
                self.devices.note(&device);
                Ok(())
            }
            Remembered::Full => Err(Rejection::new(
                Code::DeviceLimit,
                format!("{} devices have sessions; end one first", room.most),
            )),
        }
    }

    /// The devices of a user that have sessions, on whatever node.
    async fn connected(&self, user: &UserId) -> Vec<DeviceId> {
        let mut devices = self.registry.devices_of(user);
        for elsewhere in self.find(std::slice::from_ref(user)).await {
            let sessions = elsewhere
                .nodes
                .into_iter()
                .flat_map(|(_, here)| here.sessions);
            devices.extend(sessions.map(|session| session.device));
        }
        devices
    }

    /// The devices of the actor.
    pub(super) async fn list_devices(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        ask: ListDevices,
    ) -> Result<DeviceList, Rejection> {
        let asking = ask
            .asking
            .or_else(|| session.map(|session| session.device.clone()));
        let devices = self.ports.devices.devices(&actor.user).await?;
        let connected = self.connected(&actor.user).await;
        let view = |device: Device| DeviceView {
            connected: connected.contains(&device.id),
            current: asking.as_ref() == Some(&device.id),
            id: device.id,
            class: device.class,
            created_at_ms: device.created_at_ms,
            last_seen_ms: device.last_seen_ms,
        };
        Ok(DeviceList {
            items: devices.into_iter().map(view).collect(),
        })
    }

    /// Logs a device of the actor out and forgets it. Goes on to its end when nobody waits any more: the device that asks may
    /// be the one that goes.
    pub(super) async fn forget_device(
        self: &Arc<Self>,
        actor: &Actor,
        device: DeviceId,
    ) -> Result<Done, Rejection> {
        let (reply, answer) = oneshot::channel();
        let (engine, user) = (self.clone(), actor.user.clone());
        self.ports.runtime.spawn(Box::pin(async move {
            let outcome = engine.log_device_out(&user, &device).await;
            // Nobody may wait for it.
            let _ = reply.send(outcome);
        }));
        answer.await.unwrap_or_else(|_| Err(interrupted()))
    }

    async fn log_device_out(
        self: &Arc<Self>,
        user: &UserId,
        device: &DeviceId,
    ) -> Result<Done, Rejection> {
        // First of all, or it could come back with what it has. A token does not bind the device (ADR 0007).
        let sessions = self.registry.sessions_of(user).into_iter();
        let its = sessions.filter(|session| session.device == *device);
        let used: Vec<Uuid> = its.filter_map(|session| session.sign_in).collect();
        let what = SignOut::Device(device, &used);
        let signing_out = self.authenticator.sign_out(user, what);
        let sign_ins = signing_out.await?;
        let forgetting = self.ports.devices.forget(user, device).await;
        // Also when the outcome is not known.
        self.devices.forget(user, device);
        let letter = Changed::Device(user.clone(), device.clone());
        self.write_to(To::All, &Letter::Changed(letter));
        self.disconnect(user, Some(device), CloseReason::Unauthenticated);
        // It may have called itself otherwise when it opened one.
        for sign_in in sign_ins {
            self.sign_out(user, sign_in);
        }
        forgetting?;
        Ok(Done {})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn device(user: &str, class: DeviceClass) -> Device {
        Device {
            user: UserId::new(user).unwrap(),
            id: DeviceId::new("phone").unwrap(),
            class,
            created_at_ms: Timestamp(0),
            last_seen_ms: Timestamp(0),
        }
    }

    #[test]
    fn a_device_is_known_as_what_it_was_noted() {
        let devices = Devices::default();
        devices.note(&device("alice", DeviceClass::Web));

        assert!(devices.knows(&device("alice", DeviceClass::Web)));
        assert!(!devices.knows(&device("alice", DeviceClass::Ios)));
        assert!(!devices.knows(&device("bob", DeviceClass::Web)));

        devices.note(&device("alice", DeviceClass::Ios));
        assert!(!devices.knows(&device("alice", DeviceClass::Web)));
    }

    #[test]
    fn what_is_kept_at_hand_is_bounded() {
        let devices = Devices::default();
        for n in 0..=KEPT {
            devices.note(&device(&format!("u{n}"), DeviceClass::Web));
        }

        assert!(devices.lock().len() <= KEPT);
        assert!(devices.knows(&device(&format!("u{KEPT}"), DeviceClass::Web)));
    }
}
