//! Who is there.

use serde::{Deserialize, Serialize};

use crate::{Attention, Presence, UserId};

/// The presence of users that share a conversation with the actor. Others look offline.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GetPresence {
    /// Of whom.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub users: Vec<UserId>,
}

/// As [`GetPresence`], and pushes every change to this session from now on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubscribePresence {
    /// Of whom.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub users: Vec<UserId>,
}

/// Stops the pushes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnsubscribePresence {
    /// Of whom.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub users: Vec<UserId>,
}

/// Says whether somebody is at this session, which begins with somebody there. A user is away when nobody is at any of its
/// sessions.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetPresence {
    /// `online` or `away`.
    pub availability: Attention,
}

/// Presences in the order asked.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Presences {
    /// One for each user asked.
    pub items: Vec<Presence>,
}
