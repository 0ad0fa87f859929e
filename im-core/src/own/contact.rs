//! Relations between two users, as one of them keeps them: contacts, requests, follows.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Somebody whom the user has among its contacts. The two have each other, always; how each keeps the other is its own.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Contact {
    /// The user's own name for the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Under what the user sorts it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Since when.
    pub since_ms: Timestamp,
}

/// On which side of a request its row is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Direction {
    /// The other asked, and waits for the user.
    Incoming,
    /// The user asked.
    Outgoing,
}

/// Somebody asked somebody to be its contact. Both have a row, which is due when the request expires.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Request {
    /// Who asked whom.
    pub direction: Direction,
    /// What the one who asked said with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
    /// When.
    pub at_ms: Timestamp,
    /// Whether the other said no. Only the one who asked still has the row then.
    #[serde(default)]
    pub rejected: bool,
}

/// One user follows another, who need not agree.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Follow {
    /// Since when.
    pub since_ms: Timestamp,
}
