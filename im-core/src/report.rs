//! Reports: what users, and the word filter, want somebody to look at.

use serde::{Deserialize, Serialize};

use crate::{ConversationId, RowKey, Seq, Timestamp, UserId};

/// Why something is reported.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReportReason {
    /// Advertising, or the same again and again.
    Spam,
    /// Somebody is pestered, insulted or threatened.
    Harassment,
    /// People are run down for what they are.
    Hate,
    /// Violence, or a call for it.
    Violence,
    /// Sexual content.
    Sexual,
    /// Somebody may harm itself.
    SelfHarm,
    /// Fraud, or an attempt.
    Fraud,
    /// Somebody pretends to be somebody else.
    Impersonation,
    /// Something else that the law forbids.
    Illegal,
    /// None of these: the note says what.
    Other,
    /// Words of the list that are to be looked at. By the word filter alone.
    Words,
}

/// What a report is about. It names messages and copies nothing of them: what is recalled is gone from here too.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ReportAbout {
    /// A user.
    User {
        /// Who.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        user: UserId,
    },
    /// Messages of a conversation.
    Messages {
        /// Where they were said.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        conversation: ConversationId,
        /// Which.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<u64>))]
        seqs: Vec<Seq>,
    },
}

/// How far a report has come.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReportState {
    /// Nobody has settled it.
    #[default]
    Open,
    /// It was looked at, and there was nothing to be done.
    Dismissed,
    /// It was looked at, and something was done.
    Acted,
}

/// What somebody who reviews made of a report.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Settlement {
    /// Who.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub by: UserId,
    /// When.
    pub at_ms: Timestamp,
    /// Why, for others who review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Something that somebody is to look at.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Report {
    /// Names it, and grows with time.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: RowKey,
    /// When it was filed.
    pub at_ms: Timestamp,
    /// Who filed it. Absent: the word filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub by: Option<UserId>,
    /// What it is about.
    pub about: ReportAbout,
    /// Why.
    pub reason: ReportReason,
    /// What the reporter says; of the word filter, which words. Gone once the reporter was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How far it has come.
    pub state: ReportState,
    /// What became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settlement>,
    /// Grows with each change, from 1: who settles it says which one was looked at.
    pub version: u64,
}
