//! Contents that are records of something: a place, a sticker, a gift, a call.

use serde::{Deserialize, Serialize};

use crate::UserId;

/// A place.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Location {
    /// Degrees, -90 to 90 (WGS 84).
    pub latitude: f64,
    /// Degrees, -180 to 180 (WGS 84).
    pub longitude: f64,
    /// What the place is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where that is, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// A sticker of a pack, or a large emoji.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sticker {
    /// Which pack; absent for an emoji.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// Which of the pack, or the emoji itself; 1 to 64 characters.
    pub id: String,
    /// Address or key of its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}

/// A gift that was given.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gift {
    /// Which of the catalogue; 1 to 64 characters.
    pub id: String,
    /// How many, at least 1.
    pub count: u32,
    /// To whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub to: Option<UserId>,
    /// A few words with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum CallOutcome {
    /// They talked.
    Answered,
    /// The other side was in another call.
    Busy,
    /// Who called gave up.
    Cancelled,
    /// Nobody answered in time.
    Missed,
    /// The other side said no.
    Rejected,
}

/// A call that is over.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallRecord {
    /// Whether pictures were sent.
    #[serde(default)]
    pub video: bool,
    /// How it ended.
    pub outcome: CallOutcome,
    /// How long they talked, in milliseconds.
    #[serde(default)]
    pub duration_ms: u64,
}
