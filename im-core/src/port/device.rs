//! Devices of users.

use async_trait::async_trait;

use crate::{Device, DeviceId, Room, StoreError, Timestamp, UserId};

/// A device's last session ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seen {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub device: DeviceId,
    /// When.
    pub at_ms: Timestamp,
}

/// What became of a device that is to be remembered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Remembered {
    /// There is no room for it. Nothing was changed.
    Full,
    /// It is known.
    Stored {
        /// What is stored.
        device: Device,
        /// Which others were forgotten for it.
        forgotten: Vec<DeviceId>,
    },
}

/// Installations of users' clients.
///
/// # Contract
/// - A device that is not known comes in as [`Room::for_another`] says; who has to go for it goes in the same moment.
/// - So there are no more than the room has. Where several come at the same moment through different processes there may
///   be a few more, until the next one comes.
/// - One that is known needs no room.
#[async_trait]
pub trait DeviceStore: Send + Sync + 'static {
    /// Stores the device unless it is known (then only a changed class is written), and returns what is stored.
    /// Writes nothing for a device that stands as given.
    async fn remember(&self, device: Device, room: &Room) -> Result<Remembered, StoreError>;

    /// Forgets a device. `false` when it was not known.
    async fn forget(&self, user: &UserId, device: &DeviceId) -> Result<bool, StoreError>;

    /// Notes the ends of sessions; `last_seen_ms` never goes backwards, unknown devices are skipped.
    async fn seen(&self, seen: Vec<Seen>) -> Result<(), StoreError>;

    /// The devices of a user, by id.
    async fn devices(&self, user: &UserId) -> Result<Vec<Device>, StoreError>;
}
