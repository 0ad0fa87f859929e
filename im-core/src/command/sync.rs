//! Catching up: exact, or an explicit reset.

use serde::{Deserialize, Serialize};

use crate::{Block, ConversationView, Cursor, Entry, OwnRow, Positions, Seq};

/// What the device lacks. Repeat with the cursor of each page until `done`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncPull {
    /// What the last page returned. Absent on a new device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub cursor: Option<Cursor>,
    /// Seqs that the device got by pushes since that cursor.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, u64>))]
    pub have: Positions,
    /// At most so many entries; 50 when absent. 0: none and no rows of the user's own, the device only wants what comes from
    /// now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A part of what the device lacks.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncPage {
    /// Where the device is once it has taken this page in.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub cursor: Cursor,
    /// The history is another one than the cursor speaks of: forget everything, this is page one of a new one.
    pub reset: bool,
    /// Conversations with something new.
    pub items: Vec<SyncItem>,
    /// Blocks that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
    /// Rows of the user's own that changed, in the order of their versions. Those that were removed have no value; a new
    /// device is not told of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own: Vec<OwnRow>,
    /// Whether the device is up to date.
    pub done: bool,
}

/// What is new in one conversation.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncItem {
    /// The conversation as it is now.
    pub view: ConversationView,
    /// Consecutive entries after what the device has. On a new device: the latest ones.
    pub entries: Vec<Entry>,
    /// Entries that the user deleted for itself since the cursor; at most 1,000, the latest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u64>))]
    pub deleted: Vec<Seq>,
    /// Whether further entries follow on the next page.
    pub more: bool,
}
