//! What a message must have to be found.

use super::{normalized, searchable_text};
use crate::{Entry, UserId};

/// What a message must have to be found: all that is set here. A text is found by any part of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Needle {
    text: Option<String>,
    sender: Option<UserId>,
    kind: Option<String>,
}

impl Needle {
    /// Any message whose text holds `text`, however it is written: see [`normalized`]. Blanks around it do not matter.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let text = normalized(text.trim()).into_owned();
        Self {
            text: Some(text).filter(|text| !text.is_empty()),
            ..Self::default()
        }
    }

    /// Only of this sender.
    #[must_use]
    pub fn of_sender(self, sender: Option<UserId>) -> Self {
        Self { sender, ..self }
    }

    /// Only contents of this kind, by [its name](crate::Content::kind).
    #[must_use]
    pub fn of_kind(self, kind: Option<String>) -> Self {
        Self { kind, ..self }
    }

    /// The text in its normal form.
    #[must_use]
    pub fn normal_text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The sender.
    #[must_use]
    pub const fn sender(&self) -> Option<&UserId> {
        self.sender.as_ref()
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// Whether nothing is asked of a message, so that each one would be found.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.text.is_none() && self.sender.is_none() && self.kind.is_none()
    }

    /// Whether this entry is a message that is found, by what it says now.
    #[must_use]
    pub fn matches(&self, entry: &Entry) -> bool {
        let Some(message) = entry.body.as_message() else {
            return false;
        };
        let content = &message.content;
        self.sender.as_ref().is_none_or(|it| *it == entry.sender)
            && self.kind.as_ref().is_none_or(|it| it == content.kind())
            && self.text.as_ref().is_none_or(|text| {
                searchable_text(content).is_some_and(|said| normalized(&said).contains(text))
            })
    }
}
