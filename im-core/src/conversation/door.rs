//! How one gets into a group: requests and invite links.

use serde::{Deserialize, Serialize};

use crate::{ConversationId, Timestamp, UserId};

/// Somebody asks to be let in.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JoinRequest {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Who.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
    /// A few words with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
    /// When.
    pub at_ms: Timestamp,
}

/// A link that lets users in.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invite {
    /// What its holder shows; 22 characters that nobody can guess.
    pub code: String,
    /// Where it lets in.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Who made it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub by: UserId,
    /// When.
    pub created_at_ms: Timestamp,
    /// When it ends; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<Timestamp>,
    /// How many more it lets in; absent for any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses_left: Option<u32>,
}
