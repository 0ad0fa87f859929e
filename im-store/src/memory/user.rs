//! What is about users alone, in memory: profiles, blocks, devices.

use async_trait::async_trait;
use im_core::{
    Block, Device, DeviceId, Profile, Room, StoreError, Timestamp, UpdateProfile, UserId,
    port::{ContactStore, DeviceStore, Remembered, Seen, UserStore, VersionedBlock},
};

use super::{MemoryStore, State};
use crate::rows;

#[async_trait]
impl UserStore for MemoryStore {
    async fn put(&self, profile: Profile) -> Result<(), StoreError> {
        let mut state = self.state();
        state.profiles.insert(profile.user.clone(), profile);
        Ok(())
    }

    async fn change(
        &self,
        user: &UserId,
        changes: &UpdateProfile,
        now: Timestamp,
    ) -> Result<Profile, StoreError> {
        let mut state = self.state();
        let stands = state.profiles.remove(user);
        let stands = stands.unwrap_or_else(|| Profile::empty(user.clone(), now));
        let profile = changes.applied_to(stands, now);
        state.profiles.insert(user.clone(), profile.clone());
        Ok(profile)
    }

    async fn profiles(&self, users: &[UserId]) -> Result<Vec<Profile>, StoreError> {
        let state = self.state();
        let found = users.iter().filter_map(|user| state.profiles.get(user));
        Ok(found.cloned().collect())
    }

    async fn version(&self, user: &UserId) -> Result<u64, StoreError> {
        let version = self.state().rows.versions.get(user).copied();
        Ok(version.unwrap_or_default())
    }
}

#[async_trait]
impl ContactStore for MemoryStore {
    async fn set_block(&self, by: &UserId, block: Block) -> Result<bool, StoreError> {
        let mut state = self.state();
        let State { blocks, rows, .. } = &mut *state;
        let key = (by.clone(), block.user.clone());
        let stands = blocks.get(&key).is_some_and(|row| row.block.blocked);
        if stands == block.blocked {
            return Ok(false);
        }
        let version = rows::raise(&mut rows.versions, by);
        blocks.insert(key, VersionedBlock { block, version });
        Ok(true)
    }

    async fn blocks(&self, by: &UserId) -> Result<Vec<VersionedBlock>, StoreError> {
        let state = self.state();
        let from = state.blocks.range((by.clone(), smallest()?)..);
        let own = from.take_while(|((owner, _), _)| owner == by);
        Ok(own.map(|(_, row)| row.clone()).collect())
    }
}

#[async_trait]
impl DeviceStore for MemoryStore {
    async fn remember(&self, device: Device, room: &Room) -> Result<Remembered, StoreError> {
        let mut state = self.state();
        let user = device.user.clone();
        let key = (user.clone(), device.id.clone());
        if let Some(known) = state.devices.get_mut(&key) {
            known.class = device.class;
            let device = known.clone();
            let forgotten = Vec::new();
            return Ok(Remembered::Stored { device, forgotten });
        }
        let Some(forgotten) = room.for_another(&devices_of(&state, &user)?) else {
            return Ok(Remembered::Full);
        };
        for going in &forgotten {
            state.devices.remove(&(user.clone(), going.clone()));
        }
        state.devices.insert(key, device.clone());
        Ok(Remembered::Stored { device, forgotten })
    }

    async fn forget(&self, user: &UserId, device: &DeviceId) -> Result<bool, StoreError> {
        let key = (user.clone(), device.clone());
        Ok(self.state().devices.remove(&key).is_some())
    }

    async fn seen(&self, seen: Vec<Seen>) -> Result<(), StoreError> {
        let mut state = self.state();
        for seen in seen {
            if let Some(device) = state.devices.get_mut(&(seen.user, seen.device)) {
                device.last_seen_ms = device.last_seen_ms.max(seen.at_ms);
            }
        }
        Ok(())
    }

    async fn devices(&self, user: &UserId) -> Result<Vec<Device>, StoreError> {
        devices_of(&self.state(), user)
    }
}

fn devices_of(state: &State, user: &UserId) -> Result<Vec<Device>, StoreError> {
    let first = DeviceId::new("!").map_err(|error| StoreError::new("reading devices", error))?;
    let from = state.devices.range((user.clone(), first)..);
    let own = from.take_while(|((owner, _), _)| owner == user);
    Ok(own.map(|(_, device)| device.clone()).collect())
}

/// No id sorts before "!": it is the smallest printable character that is no space.
fn smallest() -> Result<UserId, StoreError> {
    UserId::new("!").map_err(|error| StoreError::new("reading blocks", error))
}
