//! Devices that the store is known to have, so that who comes back costs no question about its device.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

use super::{Engine, lock};
use crate::{Device, DeviceClass, DeviceId, Rejection, UserId};

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
}

impl Engine {
    /// Stores a device unless that was done. Where another process gave it another class meanwhile, that one stays until
    /// this device says something new here.
    pub(super) async fn remember(&self, device: Device) -> Result<(), Rejection> {
        if self.devices.knows(&device) {
            return Ok(());
        }
        let stored = self.ports.devices.remember(device).await?;
        self.devices.note(&stored);
        Ok(())
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
