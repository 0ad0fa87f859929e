//! Devices of users.

use async_trait::async_trait;

use crate::{Device, DeviceId, StoreError, Timestamp, UserId};

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

/// Installations of users' clients.
#[async_trait]
pub trait DeviceStore: Send + Sync + 'static {
    /// Stores the device unless it is known (then only a changed class is written), and returns what is stored.
    /// Writes nothing for a device that stands as given.
    async fn remember(&self, device: Device) -> Result<Device, StoreError>;

    /// Notes the ends of sessions; `last_seen_ms` never goes backwards, unknown devices are skipped.
    async fn seen(&self, seen: Vec<Seen>) -> Result<(), StoreError>;

    /// The devices of a user, by id.
    async fn devices(&self, user: &UserId) -> Result<Vec<Device>, StoreError>;
}
