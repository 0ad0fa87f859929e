//! Finding messages.

use serde::{Deserialize, Serialize};

use crate::{ConversationId, ConversationView, Entry, SearchCursor, Timestamp, UserId};

/// Looks for messages that the actor may see, by what they say now: newest first, page by page. At least one of `text`,
/// `sender` and `kind` is given.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SearchMessages {
    /// Part of what they say; neither case nor width matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Only here. When absent: everywhere that the actor is a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Uuid))]
    pub conversation: Option<ConversationId>,
    /// Only of this sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub sender: Option<UserId>,
    /// Only contents of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only from this moment on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<Timestamp>,
    /// Only before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_ms: Option<Timestamp>,
    /// Where to go on: `next_cursor` of the page before, with all else the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub cursor: Option<SearchCursor>,
    /// At most so many; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A page of messages.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SearchPage {
    /// Newest first. Can be fewer than asked for, or none, although there are more: only `done` says that there are not.
    pub items: Vec<Entry>,
    /// The conversations that they are in, each once.
    pub conversations: Vec<ConversationView>,
    /// Where the next page begins: pass it as `cursor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub next_cursor: Option<SearchCursor>,
    /// Whether this is the last page.
    pub done: bool,
}
