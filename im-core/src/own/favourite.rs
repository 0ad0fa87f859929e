//! Messages that a user wants to find again.

use serde::{Deserialize, Serialize};

use crate::{ConversationId, RowKey, Seq, Timestamp};

/// Points at a message that the user wants to find again. Holds no copy: what is recalled is gone here too.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Favourite {
    /// In which conversation.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Which message.
    pub seq: Seq,
    /// When the user picked it.
    pub at_ms: Timestamp,
}

impl Favourite {
    /// Where the row of a message stands: by conversation, and there by seq.
    #[must_use]
    pub fn key(conversation: ConversationId, seq: Seq) -> RowKey {
        RowKey::new(format!("{conversation}:{:016}", seq.0))
            .expect("a UUID and a number of at most 20 digits are printable")
    }
}
