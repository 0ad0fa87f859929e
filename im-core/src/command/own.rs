//! What lists of a user's own rows answer.

use serde::{Deserialize, Serialize};

use crate::{OwnRow, RowKey};

/// A page of rows of the user's own.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnPage {
    /// By key.
    pub items: Vec<OwnRow>,
    /// Where the next page begins: pass it as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub next_cursor: Option<RowKey>,
    /// Whether this is the last page.
    pub done: bool,
}

/// The actor's rows that a command was about, as they are now. One that was removed by it has no value.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnRows {
    /// At most a few.
    pub items: Vec<OwnRow>,
}
