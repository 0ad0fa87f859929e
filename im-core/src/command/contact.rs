//! Who may not reach whom.

use serde::{Deserialize, Serialize};

use crate::{Block, UserId};

/// Stops direct messages from and to somebody, and hides presence from them. Idempotent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockUser {
    /// Whom.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
}

/// Lifts a block. Idempotent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnblockUser {
    /// Whom.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
}

/// Whom the actor has blocked.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListBlocks {}

/// Whom the actor has blocked.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Blocks {
    /// Standing blocks, by user id.
    pub items: Vec<Block>,
}
