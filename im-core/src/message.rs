//! What people say: content, and what became of it.

use serde::{Deserialize, Serialize};

/// What a message says. The list is open: a kind that this build does not know reads as [`Content::Unknown`].
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Content {
    /// Something that the application defines.
    Custom {
        /// What it is, as the application names it; 1 to 64 printable characters.
        name: String,
        /// Any JSON. Bytes travel as base64 text.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        data: serde_json::Value,
    },
    /// Plain text.
    Text {
        /// At least one character, at most [`Limits::text_chars`](crate::Limits::text_chars).
        text: String,
    },
    /// A kind of a newer peer. Cannot be sent.
    #[serde(other)]
    Unknown,
}

impl Content {
    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// The text of a text message.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text { text } => Some(text),
            Self::Custom { .. } | Self::Unknown => None,
        }
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}
