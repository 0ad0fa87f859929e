//! Messages: send, change, take back, look back.

use serde::{Deserialize, Serialize};

use crate::{
    ClientId, Content, ConversationId, Entry, Head, Mentions, Seq, Timestamp, UserId,
    message::is_false,
};

/// Says something.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SendMessage {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Idempotency key: a retry with the same one gets the first answer, for ever.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_id: ClientId,
    /// What.
    pub content: Content,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Seq>,
    /// The message whose thread it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Seq>,
    /// Whom it calls. Users who are no members are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mentions: Option<Mentions>,
    /// How long its content stays, in milliseconds; at most what the conversation allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// How long its content stays once the other side has read it, in milliseconds; only in direct conversations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burn_ms: Option<u64>,
    /// When it was sent by the clock of the device. Kept beside the server's time, and believed for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at_ms: Option<Timestamp>,
    /// Whether its text comes piece by piece, by `message.delta` until `message.finish`. Its content is text or Markdown,
    /// and can be empty.
    #[serde(default, skip_serializing_if = "is_false")]
    pub streaming: bool,
}

impl SendMessage {
    /// Says this and refers to nothing.
    pub fn new(
        conversation: ConversationId,
        client_id: ClientId,
        content: impl Into<Content>,
    ) -> Self {
        Self {
            conversation,
            client_id,
            content: content.into(),
            reply_to: None,
            thread: None,
            mentions: None,
            ttl_ms: None,
            burn_ms: None,
            sent_at_ms: None,
            streaming: false,
        }
    }
}

/// Gives one's own message another content, within [`Limits::edit_ms`](crate::Limits::edit_ms).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EditMessage {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Idempotency key: a retry with the same one gets the first answer, for ever.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_id: ClientId,
    /// Which message.
    pub target: Seq,
    /// What it says now.
    pub content: Content,
}

/// Takes a message back: the sender within [`Limits::recall_ms`](crate::Limits::recall_ms), admins and the owner of a group any time.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecallMessage {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Idempotency key: a retry with the same one gets the first answer, for ever.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_id: ClientId,
    /// Which message.
    pub target: Seq,
}

/// The entry is stored: it has survived a crash of the server from now on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sent {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Idempotency key: a retry with the same one gets the first answer, for ever.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_id: ClientId,
    /// Where it stands.
    pub seq: Seq,
    /// When the server accepted it.
    pub at_ms: Timestamp,
}

/// Entries of a conversation, in seq order. At most one place is given to begin at; without one: the latest.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct History {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Only later ones, from there on forwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_seq: Option<Seq>,
    /// Only earlier ones, from there on backwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_seq: Option<Seq>,
    /// Half of them before this one, it and the others from there on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub around_seq: Option<Seq>,
    /// From the first one on that was accepted at this moment or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<Timestamp>,
    /// From a place on that the server knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Landmark>,
    /// At most so many; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl History {
    /// The latest entries of a conversation.
    #[must_use]
    pub const fn of(conversation: ConversationId) -> Self {
        Self {
            conversation,
            after_seq: None,
            before_seq: None,
            around_seq: None,
            at_ms: None,
            from: None,
            limit: None,
        }
    }
}

/// A place in a conversation that the server knows.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Landmark {
    /// The first entry that the actor has not read.
    FirstUnread,
}

/// A page of entries.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryPage {
    /// In seq order.
    pub items: Vec<Entry>,
    /// The end of what the actor sees.
    pub head: Head,
    /// Whether there is nothing further in the direction asked; that is forwards unless `before_seq` or nothing was given.
    pub done: bool,
}

/// Who has read a message, by user id, page by page. Left out is its sender, and who keeps to itself how far it has read.
/// Who keeps that to itself may not ask.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListReaders {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Which message.
    pub seq: Seq,
    /// `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub after: Option<UserId>,
    /// At most so many; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A page of readers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReaderPage {
    /// By user id. Can be fewer than there is room for: only `done` says that there are no more.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub items: Vec<UserId>,
    /// How many there are in all. Absent in groups with more than [`Limits::counted_readers`](crate::Limits::counted_readers)
    /// members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Where the next page begins: pass it as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub next_cursor: Option<UserId>,
    /// Whether this is the last page.
    pub done: bool,
}
