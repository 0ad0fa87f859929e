//! Conversations: begin, list, keep, and how far one has come.

use serde::{Deserialize, Serialize};

use crate::{
    ClientId, ConversationId, ConversationView, Joining, Member, Preset, Seq, SettingsPatch,
    UserId, Visibility,
    message::{is_default, is_false},
};

/// The direct conversation with somebody; begins it when there is none yet. With oneself: one's own notes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenDirect {
    /// The other side.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
}

/// Begins a group or channel that the actor owns.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateConversation {
    /// Idempotency key: a retry with the same one gets the first answer, for ever.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_id: ClientId,
    /// Shown name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The other members. The actor is always one.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    #[serde(default)]
    pub members: Vec<UserId>,
    /// How others get in.
    #[serde(default)]
    pub joining: Joining,
    /// What newcomers see of what was before.
    #[serde(default, skip_serializing_if = "is_default")]
    pub history: Visibility,
    /// What its roles may do; [`Preset::WorkGroup`] when absent. [`Preset::Channel`] makes it a channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
}

impl CreateConversation {
    /// A group of the actor and these members, that one enters by being added.
    pub fn group(client_id: ClientId, members: impl IntoIterator<Item = UserId>) -> Self {
        Self {
            client_id,
            name: None,
            members: members.into_iter().collect(),
            joining: Joining::default(),
            history: Visibility::default(),
            preset: None,
        }
    }
}

/// One conversation as the actor sees it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GetConversation {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
}

/// The conversations of the actor, by id, page by page. Former ones are not listed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListConversations {
    /// The last of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub after: Option<ConversationId>,
    /// At most so many; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Which of them; those that are neither archived nor hidden when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub which: Option<Which>,
}

/// Which conversations to list.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Which {
    /// All.
    All,
    /// Those that the user archived.
    Archived,
    /// Those that the user hid, and in which nothing came since.
    Hidden,
    /// The others.
    #[default]
    Shown,
}

/// A page of conversations.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConversationPage {
    /// By id.
    pub items: Vec<ConversationView>,
    /// Where the next page begins: pass it as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub next_cursor: Option<ConversationId>,
    /// Whether this is the last page.
    pub done: bool,
}

/// The members of a conversation, by user id, page by page.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListMembers {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// The last of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub after: Option<UserId>,
    /// At most so many; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A page of members.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemberPage {
    /// By user id.
    pub items: Vec<Member>,
    /// Where the next page begins: pass it as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub next_cursor: Option<UserId>,
    /// Whether this is the last page.
    pub done: bool,
}

/// Changes how the actor keeps a conversation, on all its devices.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeSettings {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// What changes.
    #[serde(flatten)]
    pub changes: SettingsPatch,
}

/// Says that everything up to a seq reached a device. A seq beyond the head counts as the head.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarkDelivered {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Up to here.
    pub seq: Seq,
}

/// Says that everything up to a seq was read. A seq beyond the head counts as the head.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarkRead {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
    /// Up to here.
    pub seq: Seq,
}

/// Says that the actor is writing. Never stored; ends by itself. Repeat it while it lasts.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Typing {
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub conversation: ConversationId,
}

/// What is unread in all conversations of the actor.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CountUnread {
    /// Whether the session is told from now on, until it ends, when that changes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub watch: bool,
}

/// What is unread in all conversations of a user.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnreadTotals {
    /// Messages in conversations that are not muted.
    pub unread: u64,
    /// Messages in muted conversations.
    pub muted: u64,
    /// Messages among both that call the user.
    pub mentions: u64,
    /// Conversations with something unread, or marked so.
    pub conversations: u64,
}
