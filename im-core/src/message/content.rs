//! The kinds of content.

use serde::{Deserialize, Serialize};

use super::{CallRecord, FileRef, ForwardedItem, Gift, Location, Poll, Sticker};
use crate::UserId;

/// What a message says. The list is open: a kind that this build does not know reads as [`Content::Unknown`].
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Content {
    /// A call that is over.
    Call(CallRecord),
    /// A contact card.
    Card {
        /// Whose.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        user: UserId,
        /// How they are called there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Something that the application defines.
    Custom {
        /// What it is, as the application names it; 1 to 64 printable characters.
        name: String,
        /// Any JSON. Bytes travel as base64 text.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        data: serde_json::Value,
    },
    /// A file.
    File {
        /// Which.
        file: Box<FileRef>,
        /// A few words with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caption: Option<String>,
    },
    /// Several messages that were said elsewhere.
    Forwarded {
        /// What they are about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// The messages, in order.
        #[cfg_attr(feature = "openapi", schema(no_recursion))]
        items: Vec<ForwardedItem>,
    },
    /// A gift.
    Gift(Box<Gift>),
    /// A picture.
    Image {
        /// Its bytes.
        file: Box<FileRef>,
        /// In pixels.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        width: Option<u32>,
        /// In pixels.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        height: Option<u32>,
        /// A smaller one to show first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thumbnail: Option<Box<FileRef>>,
        /// A few words with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caption: Option<String>,
    },
    /// A place.
    Location(Box<Location>),
    /// A question with answers to choose from.
    Poll(Box<Poll>),
    /// Text in the Markdown subset of `docs/protocol.md`. Kept as it was written; who shows it makes it safe.
    RichText {
        /// At least one character, at most [`Limits::text_chars`](crate::Limits::text_chars).
        markdown: String,
    },
    /// A sticker or large emoji.
    Sticker(Box<Sticker>),
    /// Plain text.
    Text {
        /// At least one character, at most [`Limits::text_chars`](crate::Limits::text_chars).
        text: String,
    },
    /// A moving picture.
    Video {
        /// Its bytes.
        file: Box<FileRef>,
        /// How long, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration_ms: Option<u64>,
        /// In pixels.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        width: Option<u32>,
        /// In pixels.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        height: Option<u32>,
        /// A picture to show first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thumbnail: Option<Box<FileRef>>,
        /// A few words with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caption: Option<String>,
    },
    /// Something spoken.
    Voice {
        /// Its bytes.
        file: Box<FileRef>,
        /// How long, in milliseconds.
        duration_ms: u64,
        /// How loud it is over its length, 0 to 255; at most 128 values.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        waveform: Vec<u8>,
        /// What is said, in writing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transcript: Option<String>,
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
        if let Self::Text { text } = self {
            Some(text)
        } else {
            None
        }
    }

    /// The name of its kind on the wire.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Call(_) => "call",
            Self::Card { .. } => "card",
            Self::Custom { .. } => "custom",
            Self::File { .. } => "file",
            Self::Forwarded { .. } => "forwarded",
            Self::Gift(_) => "gift",
            Self::Image { .. } => "image",
            Self::Location(_) => "location",
            Self::Poll(_) => "poll",
            Self::RichText { .. } => "rich_text",
            Self::Sticker(_) => "sticker",
            Self::Text { .. } => "text",
            Self::Video { .. } => "video",
            Self::Voice { .. } => "voice",
            Self::Unknown => "unknown",
        }
    }

    /// The texts that people read in it, to be searched and filtered. Not those of custom content, whose meaning is the
    /// application's.
    pub fn texts(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = Vec::new();
        match self {
            Self::Text { text } => texts.push(text),
            Self::RichText { markdown } => texts.push(markdown),
            Self::File { file, caption } => {
                texts.extend(file.name.as_deref());
                texts.extend(caption.as_deref());
            }
            Self::Image { caption, .. } | Self::Video { caption, .. } => {
                texts.extend(caption.as_deref());
            }
            Self::Voice { transcript, .. } => texts.extend(transcript.as_deref()),
            Self::Location(location) => {
                texts.extend(location.title.as_deref());
                texts.extend(location.address.as_deref());
            }
            Self::Card { name, .. } => texts.extend(name.as_deref()),
            Self::Gift(gift) => texts.extend(gift.note.as_deref()),
            Self::Poll(poll) => {
                texts.push(&poll.question);
                texts.extend(poll.options.iter().map(String::as_str));
            }
            Self::Forwarded { title, items } => {
                texts.extend(title.as_deref());
                texts.extend(items.iter().flat_map(|item| item.content.texts()));
            }
            Self::Call(_) | Self::Custom { .. } | Self::Sticker(_) | Self::Unknown => {}
        }
        texts
    }

    /// As [`Content::texts`], to be changed in place.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        let mut texts: Vec<&mut String> = Vec::new();
        match self {
            Self::Text { text } => texts.push(text),
            Self::RichText { markdown } => texts.push(markdown),
            Self::File { file, caption } => {
                texts.extend(file.name.as_mut());
                texts.extend(caption.as_mut());
            }
            Self::Image { caption, .. } | Self::Video { caption, .. } => {
                texts.extend(caption.as_mut());
            }
            Self::Voice { transcript, .. } => texts.extend(transcript.as_mut()),
            Self::Location(location) => {
                texts.extend(location.title.as_mut());
                texts.extend(location.address.as_mut());
            }
            Self::Card { name, .. } => texts.extend(name.as_mut()),
            Self::Gift(gift) => texts.extend(gift.note.as_mut()),
            Self::Poll(poll) => {
                texts.push(&mut poll.question);
                texts.extend(poll.options.iter_mut());
            }
            Self::Forwarded { title, items } => {
                texts.extend(title.as_mut());
                texts.extend(items.iter_mut().flat_map(|item| item.content.texts_mut()));
            }
            Self::Call(_) | Self::Custom { .. } | Self::Sticker(_) | Self::Unknown => {}
        }
        texts
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
