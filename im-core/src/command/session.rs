//! Sessions: open, keep, close.

use serde::{Deserialize, Serialize};

use crate::{DeviceClass, DeviceId, Epoch, SessionId, Timestamp, UserId};

/// Opens a session on a link: its first frame, unless the link was opened with a token.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenSession {
    /// An access token or a single-use ticket. Absent when the link brought one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Which device of the user this is.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub device: DeviceId,
    /// What kind of thing it is.
    #[serde(default)]
    pub class: DeviceClass,
}

/// The session is open: entries from now on are pushed. What came before is pulled.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionOpened {
    /// Which.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub session: SessionId,
    /// Who the token says that this is.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
    /// The history. When it is not that of your cursor, start over.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub epoch: Epoch,
    /// Now, as the server sees it.
    pub server_time_ms: Timestamp,
    /// Send something at least this often.
    pub heartbeat_ms: u64,
}

/// Keeps the session.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ping {}

/// The session is alive.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pong {
    /// Now, as the server sees it.
    pub server_time_ms: Timestamp,
}

/// Ends the session.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CloseSession {}
