//! Bodies: what is left of a command when its path and its idempotency key are taken away. Where a type of im-core is
//! exactly that (`InfoPatch`, `SettingsPatch`, `UpdateProfile`, `SyncPull`), it is used as it is.

use im_core::{Content, Joining, Role, Seq, Timestamp, UserId};
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

/// Something to say.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewMessage {
    /// What.
    pub(super) content: Content,
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
    pub(super) content: Content,
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
