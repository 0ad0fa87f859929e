//! Devices: installations of a user's client.

mod policy;
mod room;

use serde::{Deserialize, Serialize};

pub(crate) use policy::Meeting;
pub use policy::{Admission, LoginPolicy};
pub use room::Room;

use crate::{DeviceId, Timestamp, UserId};

/// What kind of thing a device is.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DeviceClass {
    /// Android.
    Android,
    /// A program.
    Bot,
    /// A desktop program.
    Desktop,
    /// iOS.
    Ios,
    /// A tablet.
    Tablet,
    /// A browser.
    Web,
    /// Something else.
    #[default]
    #[serde(other)]
    Other,
}

/// One installation of a user's client; durable.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    /// Whose.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
    /// Which.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: DeviceId,
    /// What kind of thing it is.
    pub class: DeviceClass,
    /// First seen.
    pub created_at_ms: Timestamp,
    /// When its last session ended; `created_at_ms` until one did.
    pub last_seen_ms: Timestamp,
}
