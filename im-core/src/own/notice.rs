//! What the host says to users: notices, and the templates that some are made from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{RowKey, Timestamp};

/// What a notice says, in one language.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoticeText {
    /// A line above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text.
    pub text: String,
}

/// Texts by language, as BCP 47 names it: `en`, `zh`, `pt-BR`. Whoever shows one takes the language that fits best.
pub type NoticeTexts = BTreeMap<String, NoticeText>;

/// Something that the host says to a user.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Notice {
    /// What it is about, as the host sorts it; `system` where it does not.
    pub category: String,
    /// What it says.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, NoticeText>))]
    pub texts: NoticeTexts,
    /// Whatever else the application wants to know, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub data: Option<serde_json::Value>,
    /// When it was sent.
    pub at_ms: Timestamp,
    /// Whether the user has read it.
    #[serde(default)]
    pub read: bool,
}

/// Texts with places to be filled, as `{name}`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoticeTemplate {
    /// By which it is called.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: RowKey,
    /// What its notices are about.
    pub category: String,
    /// What they say.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, NoticeText>))]
    pub texts: NoticeTexts,
}

/// That a notice was sent, so that a retry is recognised. Nobody is told of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoticeSent {
    /// Under which key its recipients have it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub notice: RowKey,
    /// Hash of what was asked.
    pub fingerprint: String,
    /// When.
    pub at_ms: Timestamp,
}

/// Later than any moment that a notice is sent at, in milliseconds: the year 2527.
const END_MS: i64 = 1 << 44;

impl Notice {
    /// Where a notice stands among those of its user: the latest first. `id` tells notices of one moment apart.
    #[must_use]
    pub fn key(at: Timestamp, id: i64) -> RowKey {
        let before_end = END_MS.saturating_sub(at.0).clamp(0, END_MS);
        RowKey::new(format!("{before_end:012x}-{id:016x}"))
            .expect("two numbers in hexadecimal are printable")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_notice_comes_first() {
        let at = |ms| Notice::key(Timestamp(ms), -1);
        assert!(at(1_785_000_000_001) < at(1_785_000_000_000));
        assert!(at(1_785_000_000_000) < at(0));
        assert_eq!(at(i64::MAX), at(END_MS));
        assert_eq!(at(i64::MIN), at(0));
    }
}
