//! Bodies: what is left of a command when its path and its idempotency key are taken away. Where a type of im-core is
//! exactly that (`InfoPatch`, `SettingsPatch`, `UpdateProfile`, `SyncPull`), it is used as it is.

use im_core::{
    ClientId, Content, ConversationId, Joining, Mentions, Permissions, Preset, Role, SendMessage,
    Seq, Timestamp, UserId, Visibility,
};
use serde::Deserialize;
use utoipa::ToSchema;

/// A group to begin.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewGroup {
    /// Shown name.
    #[serde(default)]
    pub(super) name: Option<String>,
    /// The other members. The caller is always one.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub(super) members: Vec<UserId>,
    /// How others get in.
    #[serde(default)]
    pub(super) joining: Joining,
    /// What newcomers see of what was before.
    #[serde(default)]
    pub(super) history: Visibility,
    /// What its roles may do; `work_group` when absent. `channel` makes it a channel.
    #[serde(default)]
    pub(super) preset: Option<Preset>,
}

/// Users to add.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewMembers {
    /// Whom.
    #[schema(value_type = Vec<String>)]
    pub(super) users: Vec<UserId>,
}

/// A role to give.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewRole {
    /// Which. `owner` hands the group over.
    pub(super) role: Role,
}

/// A content.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewContent {
    /// What.
    pub(super) content: Content,
}

/// Something to say.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewMessage {
    /// What.
    pub(super) content: Content,
    /// The message that it answers.
    #[serde(default)]
    pub(super) reply_to: Option<Seq>,
    /// The message whose thread it belongs to.
    #[serde(default)]
    pub(super) thread: Option<Seq>,
    /// Whom it calls. Users who are no members are left out.
    #[serde(default)]
    pub(super) mentions: Option<Mentions>,
    /// How long its content stays, in milliseconds.
    #[serde(default)]
    pub(super) ttl_ms: Option<u64>,
    /// How long its content stays once the other side has read it, in milliseconds; only in direct conversations.
    #[serde(default)]
    pub(super) burn_ms: Option<u64>,
    /// When it was sent by the clock of the device.
    #[serde(default)]
    pub(super) sent_at_ms: Option<Timestamp>,
    /// Whether its text comes piece by piece: its content is text or Markdown, and can be empty.
    #[serde(default)]
    pub(super) streaming: bool,
}

impl NewMessage {
    /// As it is asked of the engine.
    pub(super) fn to(self, conversation: ConversationId, client_id: ClientId) -> SendMessage {
        SendMessage {
            conversation,
            client_id,
            content: self.content,
            reply_to: self.reply_to,
            thread: self.thread,
            mentions: self.mentions,
            ttl_ms: self.ttl_ms,
            burn_ms: self.burn_ms,
            sent_at_ms: self.sent_at_ms,
            streaming: self.streaming,
        }
    }
}

/// Messages to say again here.
#[derive(Deserialize, ToSchema)]
pub(super) struct Forwarding {
    /// From where.
    #[schema(value_type = String, format = Uuid)]
    pub(super) from: ConversationId,
    /// Which messages, in the order in which they are to come.
    #[schema(value_type = Vec<u64>)]
    pub(super) seqs: Vec<Seq>,
    /// All as one message of the kind `forwarded`.
    #[serde(default)]
    pub(super) merged: bool,
    /// What a merged message is about.
    #[serde(default)]
    pub(super) title: Option<String>,
}

/// Some messages.
#[derive(Deserialize, ToSchema)]
pub(super) struct SomeMessages {
    /// Which.
    #[schema(value_type = Vec<u64>)]
    pub(super) seqs: Vec<Seq>,
}

/// A choice in a poll.
#[derive(Deserialize, ToSchema)]
pub(super) struct Choice {
    /// Places of the options; the first is 0. None takes the vote back.
    pub(super) options: Vec<u32>,
}

/// Members to silence.
#[derive(Deserialize, ToSchema)]
pub(super) struct Silence {
    /// Whom.
    #[schema(value_type = Vec<String>)]
    pub(super) users: Vec<UserId>,
    /// Until when; absent for ever.
    #[serde(default)]
    pub(super) until_ms: Option<Timestamp>,
}

/// A name to give.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewNickname {
    /// How; absent or empty as everywhere else.
    #[serde(default)]
    pub(super) nickname: Option<String>,
}

/// What a role may do.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewPermissions {
    /// All that it may do from now on.
    pub(super) permissions: Permissions,
}

/// A request to be let in.
#[derive(Deserialize, ToSchema)]
pub(super) struct Asking {
    /// A few words to those who decide.
    #[serde(default)]
    pub(super) greeting: Option<String>,
}

/// A link to make.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewInvite {
    /// When it ends; absent for never.
    #[serde(default)]
    pub(super) expires_at_ms: Option<Timestamp>,
    /// How many it lets in; absent for any number.
    #[serde(default)]
    pub(super) uses: Option<u32>,
}

/// How far somebody has come.
#[derive(Deserialize, ToSchema)]
pub(super) struct UpTo {
    /// Up to here. A seq beyond the head counts as the head.
    pub(super) seq: Seq,
}

/// What somebody is about to say.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewDraft {
    /// What is written so far.
    pub(super) content: Content,
    /// The message that it answers.
    #[serde(default)]
    pub(super) reply_to: Option<Seq>,
}

/// What is to be sent later.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewScheduled {
    /// What.
    #[serde(flatten)]
    pub(super) message: NewMessage,
    /// When, in milliseconds; in the past means now.
    pub(super) at_ms: Timestamp,
}

/// What to say with a request to be contacts.
#[derive(Deserialize, ToSchema)]
pub(super) struct Greeting {
    /// A few words.
    #[serde(default)]
    pub(super) greeting: Option<String>,
}

/// How to keep a contact. Absent means unchanged.
#[derive(Deserialize, ToSchema)]
pub(super) struct ContactChanges {
    /// The caller's own name for it; an empty text clears.
    #[serde(default)]
    pub(super) remark: Option<String>,
    /// Under what the caller sorts it; these in place of those that stand.
    #[serde(default)]
    pub(super) labels: Option<Vec<String>>,
}
