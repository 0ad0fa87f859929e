//! What members attach to messages: reactions, and their choices in polls.

use serde::{Deserialize, Serialize};

use crate::{ConversationId, Seq, UserId};

/// Reacts to a message, or takes that back. Needs no client id: what is so already is done. In a large conversation it
/// takes effect together with those of others, [`Limits::reaction_wait_ms`](crate::Limits::reaction_wait_ms) later at most.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct React {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Which message.
    pub target: Seq,
    /// With what; 1 to 32 bytes without spaces.
    pub emoji: String,
    /// Whether it is to stand.
    #[serde(default)]
    pub on: bool,
}

/// Chooses in a poll. Replaces what the actor chose before; no option takes it back.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CastVote {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Which message.
    pub target: Seq,
    /// Places of the options; the first is 0.
    pub options: Vec<u32>,
}

/// What is attached to messages: reactions, votes, threads.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListAnnotations {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Which messages; at most [`Limits::messages_per_request`](crate::Limits::messages_per_request).
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u64>))]
    pub seqs: Vec<Seq>,
}

/// What is attached to messages. Those with nothing are left out.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Annotations {
    /// By seq.
    pub items: Vec<Annotation>,
}

/// What is attached to a message.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Annotation {
    /// Which message.
    pub seq: Seq,
    /// Most often first.
    pub reactions: Vec<ReactionCount>,
    /// By option.
    pub votes: Vec<VoteCount>,
    /// Its thread, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadSummary>,
}

/// How often members reacted with something.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReactionCount {
    /// With what.
    pub emoji: String,
    /// How many.
    pub count: u64,
    /// Whether the actor is among them.
    #[serde(default)]
    pub mine: bool,
}

/// How often an option was chosen.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VoteCount {
    /// Which, the first is 0.
    pub option: u32,
    /// How many.
    pub count: u64,
    /// Whether the actor is among them.
    #[serde(default)]
    pub mine: bool,
}

/// A thread, counted.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ThreadSummary {
    /// Messages in it, beside the one that it began with.
    pub count: u64,
    /// The last of them.
    pub last: Seq,
}

/// Who reacted with something, or chose an option, page by page.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListMarkers {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Which message.
    pub target: Seq,
    /// With what; or name an option.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// Which option.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option: Option<u32>,
    /// The last of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub after: Option<UserId>,
    /// At most so many; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A page of users.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarkerPage {
    /// By user id.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub items: Vec<UserId>,
    /// Where the next page begins: pass it as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub next_cursor: Option<UserId>,
    /// Whether this is the last page.
    #[serde(default)]
    pub done: bool,
}
