//! What was said elsewhere and passed on.

use serde::{Deserialize, Serialize};

use super::Content;
use crate::{Timestamp, UserId};

/// Who said something first. Not where: whoever it is passed on to need not be a member there.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Origin {
    /// Who said it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub sender: UserId,
    /// When.
    pub at_ms: Timestamp,
}

/// One of several messages that were passed on as one.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForwardedItem {
    /// Who said it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub sender: UserId,
    /// When.
    pub at_ms: Timestamp,
    /// What, as it was when it was passed on.
    #[cfg_attr(feature = "openapi", schema(no_recursion))]
    pub content: Content,
}
