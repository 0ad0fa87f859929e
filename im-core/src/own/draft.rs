//! What a user was about to say.

use serde::{Deserialize, Serialize};

use crate::{Content, Seq, Timestamp};

/// What a user was about to say in a conversation: one for each, and it follows the user to every device.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Draft {
    /// What is written so far.
    pub content: Content,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>))]
    pub reply_to: Option<Seq>,
    /// When it was written.
    pub at_ms: Timestamp,
}
