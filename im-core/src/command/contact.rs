//! Who is whose contact, and who may not reach whom.

use serde::{Deserialize, Serialize};

use crate::{Block, RowKey, UserId};

/// Stops direct messages from and to somebody, and hides presence from them. Idempotent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockUser {
    /// Whom.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
}

/// Lifts a block. Idempotent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnblockUser {
    /// Whom.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
}

/// Whom the actor has blocked.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListBlocks {}

/// Whom the actor has blocked.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Blocks {
    /// Standing blocks, by user id.
    pub items: Vec<Block>,
}

/// Asks somebody to be a contact. When the other has asked too, the two are contacts at once. Idempotent while the request
/// is open.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestContact {
    /// Whom.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
    /// What to say with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
}

/// Accepts somebody's request: the two are contacts. Idempotent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AcceptContact {
    /// Whom.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
}

/// Refuses somebody's request, who sees that. Idempotent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RejectContact {
    /// Whom.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
}

/// Takes one's own request back, or clears away one that was refused. Idempotent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WithdrawContact {
    /// Whom.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
}

/// Ends being contacts, for both. Idempotent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeleteContact {
    /// Whom.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
}

/// Keeps a contact under another name or other labels. Absent means unchanged.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeContact {
    /// Whom.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
    /// The actor's own name for it; an empty text clears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Under what the actor sorts it; these in place of those that stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
}

/// The actor's contacts, by user id, page by page.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListContacts {
    /// The last of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub after: Option<RowKey>,
    /// At most so many; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Requests to and from the actor that are open, and those of the actor's own that were refused; by user id, page by page.
/// A page can hold fewer than it was asked for: only `done` says that there are no more.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListContactRequests {
    /// The last of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub after: Option<RowKey>,
    /// At most so many; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Follows somebody, who need not agree. Idempotent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FollowUser {
    /// Whom.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
}

/// Stops following. Idempotent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnfollowUser {
    /// Whom.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
}

/// Whom the actor follows, by user id, page by page.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListFollows {
    /// The last of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub after: Option<RowKey>,
    /// At most so many; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Who follows the actor, by user id, page by page.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListFollowers {
    /// The last of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub after: Option<RowKey>,
    /// At most so many; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}
