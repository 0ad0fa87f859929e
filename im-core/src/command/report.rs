//! Reporting users and messages, and reviewing what was reported.

use serde::{Deserialize, Serialize};

use crate::{
    ClientId, EarlierContent, Entry, Report, ReportAbout, ReportReason, ReportState, RowKey, Seq,
    Timestamp,
};

/// Asks those who run the server to look at a user or at messages.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileReport {
    /// The idempotency key.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_id: ClientId,
    /// What it is about. Messages are those that the caller may see.
    pub about: ReportAbout,
    /// Why. `words` is the word filter's own.
    pub reason: ReportReason,
    /// What to say to whoever looks at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// That a report was filed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportFiled {
    /// Names it: the notice that it was looked at says which.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub report: RowKey,
    /// When.
    pub at_ms: Timestamp,
}

/// Reports, the oldest first, page by page.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListReports {
    /// Those that have come this far; those that are open when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ReportState>,
    /// The last of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub after: Option<RowKey>,
    /// At most so many; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A report with the messages that it is about.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportItem {
    /// The report.
    pub report: Report,
    /// The messages as they are now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Entry>,
    /// Which of them were edited since the moment at which the report was filed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u64>))]
    pub edited_since: Vec<Seq>,
}

/// A page of reports.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportPage {
    /// The oldest first.
    pub items: Vec<ReportItem>,
    /// Where the next page begins: pass it as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub next_cursor: Option<RowKey>,
    /// Whether this is the last page.
    pub done: bool,
}

/// Looks at one report.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GetReport {
    /// Which.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub report: RowKey,
}

/// What a reported message said before its edits.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EarlierMessage {
    /// Which message.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub seq: Seq,
    /// What it said, the earliest first; nothing once it was recalled.
    pub items: Vec<EarlierContent>,
}

/// A report with everything that there is to look at.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportDetails {
    /// The report and its messages.
    #[serde(flatten)]
    pub item: ReportItem,
    /// What those said before that were edited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierMessage>,
    /// Whether there is more of that than one page holds: see [`Limits::page_bytes`](crate::Limits::page_bytes).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
}

/// How a report is settled.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReportOutcome {
    /// There was nothing to be done.
    Dismissed,
    /// Something was done.
    Acted,
}

/// Settles a report. Its reporter is told that it was looked at, once.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettleReport {
    /// Which.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub report: RowKey,
    /// How.
    pub outcome: ReportOutcome,
    /// Why, for others who review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The version that was looked at.
    pub version: u64,
}
