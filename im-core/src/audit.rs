//! What is written down of what admins do.

use serde::{Deserialize, Serialize};

use crate::{Authority, RowKey, Timestamp, UserId};

/// Something that a host does for whoever has more than a user's authority, and that is no command: see
/// [`Im::administer`](crate::Im::administer).
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// What the audit log calls it, as a method.
    pub method: &'static str,
    /// The user whom it is about.
    pub about: UserId,
    /// What was asked.
    pub params: serde_json::Value,
}

/// One thing that somebody did with more than a user's authority.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditRecord {
    /// Names it, and grows with time.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: RowKey,
    /// When it was asked.
    pub at_ms: Timestamp,
    /// Who asked.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub actor: UserId,
    /// With which authority.
    pub authority: Authority,
    /// The method.
    pub method: String,
    /// The user whom it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub about: Option<UserId>,
    /// What was asked. Absent where that was more than 8 KiB, where it is the host's daily work, and once the user whom it
    /// is about was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub params: Option<serde_json::Value>,
    /// What became of it: `done`, or the code of the refusal. Absent when the node ended in the middle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}
