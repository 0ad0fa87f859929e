//! What a user has said to be sent later.

use serde::{Deserialize, Serialize};

use crate::{Rejection, SendMessage, Timestamp};

/// A message that is to be sent in the user's name, under its own client id.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Scheduled {
    /// What is sent.
    #[serde(flatten)]
    pub message: SendMessage,
    /// When.
    pub at_ms: Timestamp,
    /// Why it could not be sent when the time had come. It is not tried again: schedule it again, or forget it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub failed: Option<Rejection>,
}
