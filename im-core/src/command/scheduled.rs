//! Messages that are sent later.

use serde::{Deserialize, Serialize};

use crate::{ClientId, RowKey, SendMessage, Timestamp};

/// Has a message sent at a later time, in the actor's name and under its client id, whether the actor is there then or
/// not. In the past means now. Whether the actor may send it is decided when it is sent.
///
/// The same again is a retry. One that failed may be scheduled anew under its client id.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScheduleMessage {
    /// What is sent.
    #[serde(flatten)]
    pub message: SendMessage,
    /// When; at most [`Limits::schedule_ahead_ms`](crate::Limits::schedule_ahead_ms) from now.
    pub at_ms: Timestamp,
}

/// What the actor has scheduled, by client id, page by page.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListScheduled {
    /// The last of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub after: Option<RowKey>,
    /// At most so many; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Has a scheduled message not be sent. When it is being sent at this very moment it may be too late.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnscheduleMessage {
    /// Which.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_id: ClientId,
}
