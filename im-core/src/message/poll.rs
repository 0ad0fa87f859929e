//! A question with answers to choose from.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A question with answers to choose from. Who chose what is known to all members.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Poll {
    /// What is asked.
    pub question: String,
    /// What can be chosen: 2 to [`Limits::poll_options`](crate::Limits::poll_options), each once.
    pub options: Vec<String>,
    /// Whether one may choose several.
    #[serde(default)]
    pub multiple: bool,
    /// When it ends; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_at_ms: Option<Timestamp>,
}
