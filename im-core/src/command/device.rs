//! The user's own devices.

use serde::{Deserialize, Serialize};

use crate::{DeviceClass, DeviceId, Timestamp};

/// The actor's devices: those that had a session and were not forgotten.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListDevices {
    /// Which of them asks; that of the session when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub asking: Option<DeviceId>,
}

/// A device as its user sees it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceView {
    /// Which.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: DeviceId,
    /// What kind of thing it is.
    pub class: DeviceClass,
    /// First seen.
    pub created_at_ms: Timestamp,
    /// When its last session ended; `created_at_ms` until one did.
    pub last_seen_ms: Timestamp,
    /// Whether it has a session here now.
    pub connected: bool,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A user's devices.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Devices {
    /// By id; at most [`Limits::devices_per_user`](crate::Limits::devices_per_user).
    pub items: Vec<DeviceView>,
}

/// Logs a device of the actor out and forgets it: its sessions end, what it signed in with is good no longer. It may sign in
/// again and is a new device then. Idempotent. A device that forgets itself is logged out, and may see its session end
/// before it sees the reply.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForgetDevice {
    /// Which.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub device: DeviceId,
}
