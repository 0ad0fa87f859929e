//! Notices: what the host says to users, and how they keep it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ClientId, NoticeTemplate, NoticeTexts, OwnRow, RowKey, Timestamp, UserId};

/// Says something to users, or to everybody. Needs the authority of a service.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SendNotice {
    /// Idempotency key: a retry with the same one gets the first answer, for ever.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_id: ClientId,
    /// To whom; to nobody else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub users: Vec<UserId>,
    /// Instead: to everybody there is and will be, while it is shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everyone: bool,
    /// What it is about; that of the template, or `system`, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// What it says, by language.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, crate::NoticeText>))]
    pub texts: NoticeTexts,
    /// Instead: the template that says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub template: Option<RowKey>,
    /// What to put into the places of the template, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// Whatever else the application wants to know, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub data: Option<serde_json::Value>,
    /// For how long it is shown, in milliseconds; [`Limits::notice_ms`](crate::Limits::notice_ms) when absent, and at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
}

/// A notice is stored.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SentNotice {
    /// Its key among the notices of each who got it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub notice: RowKey,
    /// When it was sent.
    pub at_ms: Timestamp,
}

/// Makes a template, or replaces the one of this name. Needs the authority of a service.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PutTemplate {
    /// The template.
    #[serde(flatten)]
    pub template: NoticeTemplate,
}

/// Deletes a template. What was sent by it stays. Needs the authority of a service. Idempotent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeleteTemplate {
    /// Which.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: RowKey,
}

/// The templates, by name, page by page. Needs the authority of a service.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListTemplates {
    /// The last of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub after: Option<RowKey>,
    /// At most so many; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A page of templates.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TemplatePage {
    /// By name.
    pub items: Vec<NoticeTemplate>,
    /// Where the next page begins: pass it as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub next_cursor: Option<RowKey>,
    /// Whether this is the last page.
    pub done: bool,
}

/// The actor's notices, also those to everybody; the latest first, page by page.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListNotices {
    /// The last of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub after: Option<RowKey>,
    /// At most so many; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only those that the actor has not read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unread: bool,
}

/// A page of notices.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoticePage {
    /// The latest first. One to everybody that the actor has not touched has version 0.
    pub items: Vec<OwnRow>,
    /// How many the actor has not read, in all. On the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<u32>,
    /// Where the next page begins: pass it as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub next_cursor: Option<RowKey>,
    /// Whether this is the last page.
    pub done: bool,
}

/// Says that notices were read. What is no notice of the actor's is passed over. Idempotent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReadNotices {
    /// Which, by their keys.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub notices: Vec<RowKey>,
}

/// Says that all notices were read. Idempotent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReadAllNotices {}

/// Deletes a notice, for the actor alone. Idempotent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeleteNotice {
    /// Which, by its key.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub notice: RowKey,
}
