//! Paths and queries that several resources share.

use im_core::{ConversationId, Role, RowKey, Seq, UserId};
use serde::Deserialize;
use utoipa::IntoParams;

/// Which page of users.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct UserPage {
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    pub(super) cursor: Option<UserId>,
    /// At most so many; 50 when absent.
    pub(super) limit: Option<u32>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ConversationPath {
    /// Which conversation.
    #[param(value_type = String, format = Uuid)]
    pub(super) id: ConversationId,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct MemberPath {
    /// Which conversation.
    #[param(value_type = String, format = Uuid)]
    pub(super) id: ConversationId,
    /// Which member.
    #[param(value_type = String)]
    pub(super) user: UserId,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct MessagePath {
    /// Which conversation.
    #[param(value_type = String, format = Uuid)]
    pub(super) id: ConversationId,
    /// Which message.
    #[param(value_type = u64)]
    pub(super) seq: Seq,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ReactionPath {
    /// Which conversation.
    #[param(value_type = String, format = Uuid)]
    pub(super) id: ConversationId,
    /// Which message.
    #[param(value_type = u64)]
    pub(super) seq: Seq,
    /// With what; 1 to 32 bytes without spaces.
    pub(super) emoji: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct RolePath {
    /// Which conversation.
    #[param(value_type = String, format = Uuid)]
    pub(super) id: ConversationId,
    /// Which role.
    #[param(inline)]
    pub(super) role: Role,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ConversationInvitePath {
    /// Which conversation.
    #[param(value_type = String, format = Uuid)]
    pub(super) id: ConversationId,
    /// Which link.
    pub(super) code: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct InvitePath {
    /// Which link.
    pub(super) code: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct UserPath {
    /// Which user.
    #[param(value_type = String)]
    pub(super) user: UserId,
}

/// Which page of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RowPage {
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    pub(super) cursor: Option<RowKey>,
    /// At most so many; 50 when absent.
    pub(super) limit: Option<u32>,
}
