//! Messages whose text comes piece by piece.

use serde::{Deserialize, Serialize};

use crate::{ClientId, Content, ConversationId, Seq};

/// Adds text to an open message of one's own. It is stored only when the message ends; until then it is pushed to those
/// who are there.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddText {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Which message.
    pub seq: Seq,
    /// How many characters (Unicode code points) of the message stand before it. What stands there already is passed over,
    /// so that repeating is safe.
    pub offset: u64,
    /// What comes next. Can be empty: that only keeps the message open.
    pub text: String,
}

/// How far an open message has come.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TextAdded {
    /// Characters that it has.
    pub length: u64,
}

/// Ends an open message of one's own: what it says now is stored, and it does not count as edited.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FinishMessage {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Idempotency key: a retry with the same one gets the first answer, for ever.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_id: ClientId,
    /// Which message.
    pub seq: Seq,
    /// What it says in the end, text or Markdown. When absent: the text that the server got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
}

/// Text was added to an open message. What is lost of these is in the entry that ends the message.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TextGrew {
    /// Where.
    pub conversation: ConversationId,
    /// Which message.
    pub seq: Seq,
    /// How many characters (Unicode code points) of the message stand before it. More than the device has: it missed
    /// some, and gets them by `message.get`.
    pub offset: u64,
    /// What comes next.
    pub text: String,
}
