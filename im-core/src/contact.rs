//! Relations between users. So far: blocks.

use serde::{Deserialize, Serialize};

use crate::UserId;

/// One user's decision not to hear from another.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Block {
    /// Who is blocked.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
    /// Whether the block stands: a lifted one is kept so that devices that were away learn of it.
    pub blocked: bool,
}
