//! Who is there. Derived from sessions, never stored as such.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, UserId};

/// Whether somebody can be reached now.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Availability {
    /// Has sessions; each of them says that its user is not looking.
    Away,
    /// Has no session.
    #[default]
    Offline,
    /// Has a session.
    Online,
}

/// A user's availability as others may see it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Presence {
    /// Whose.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
    /// Now.
    pub availability: Availability,
    /// When the last session ended; absent while there is one, or when it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_ms: Option<Timestamp>,
}
