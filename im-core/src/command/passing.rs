//! What is done with messages beside saying them: passing on, pinning, deleting for oneself, looking at some.

use serde::{Deserialize, Serialize};

use crate::{ClientId, Content, ConversationId, Entry, Seq, Timestamp, UserId};

/// Says again what was said elsewhere, as it is now: each message for itself, or all as one. Answers where the last one
/// stands.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForwardMessages {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Idempotency key: a retry with the same one gets the first answer, for ever.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_id: ClientId,
    /// From where. The actor must see it.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub from: ConversationId,
    /// Which messages, in the order in which they are to come; at most [`Limits::messages_per_request`](crate::Limits::messages_per_request).
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u64>))]
    pub seqs: Vec<Seq>,
    /// All as one message of the kind `forwarded`.
    #[serde(default)]
    pub merged: bool,
    /// What a merged message is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// Pins a message. What is pinned already stays in its place.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PinMessage {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Idempotency key: a retry with the same one gets the first answer, for ever.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_id: ClientId,
    /// Which message.
    pub target: Seq,
}

/// Unpins a message.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnpinMessage {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Idempotency key: a retry with the same one gets the first answer, for ever.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_id: ClientId,
    /// Which message.
    pub target: Seq,
}

/// Deletes messages for the actor alone, on all its devices. Others keep them. Idempotent. Entries that are no messages
/// stay.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeleteMessages {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Which entries; at most [`Limits::messages_per_request`](crate::Limits::messages_per_request).
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u64>))]
    pub seqs: Vec<Seq>,
}

/// Some entries, as they are now.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GetMessages {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Which; at most [`Limits::messages_per_request`](crate::Limits::messages_per_request).
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u64>))]
    pub seqs: Vec<Seq>,
}

/// Some entries.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Messages {
    /// Those that the actor sees, in seq order.
    pub items: Vec<Entry>,
}

/// What a message said before each of its edits. For its sender, and for who may recall it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListEdits {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Which message.
    pub target: Seq,
}

/// What a message said before.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Edits {
    /// Oldest first; at most 100, the latest.
    pub items: Vec<EarlierContent>,
}

/// What a message said until an edit.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EarlierContent {
    /// The entry of that edit.
    pub until: Seq,
    /// What it said.
    pub content: Content,
}

/// The messages of a thread, page by page.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListThread {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// The message that it began with.
    pub root: Seq,
    /// The last of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_seq: Option<Seq>,
    /// At most so many; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A page of a thread.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ThreadPage {
    /// In seq order.
    pub items: Vec<Entry>,
    /// Whether there is nothing further.
    #[serde(default)]
    pub done: bool,
}

/// Says something to those who are there, once at most: it is never stored, and nobody gets it later.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SayNow {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// What.
    pub content: Content,
}

/// Something was said that is not stored.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SaidNow {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Who.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub sender: UserId,
    /// What.
    pub content: Content,
    /// When.
    pub at_ms: Timestamp,
}
