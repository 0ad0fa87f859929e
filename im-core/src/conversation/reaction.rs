//! What members attach to messages: reactions, and their choices in polls.

use serde::{Deserialize, Serialize};

use crate::{Seq, UserId};

/// Somebody reacts to a message, or takes that back.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reaction {
    /// To which message.
    pub target: Seq,
    /// Who.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
    /// With what: an emoji, or a short name that the application knows; 1 to 32 bytes.
    pub emoji: String,
    /// Whether it stands; otherwise it is taken back.
    pub on: bool,
}

/// Somebody chooses in a poll.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Vote {
    /// In which poll.
    pub target: Seq,
    /// Who.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
    /// Places of all that it chooses now, the first option is 0; none to take the vote back.
    pub options: Vec<u32>,
}
