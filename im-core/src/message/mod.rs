//! What people say: messages, their content, and what became of it.

mod content;
mod file;
mod forwarded;
mod poll;
mod record;
mod stream;

use serde::{Deserialize, Serialize};

pub use content::Content;
pub use file::FileRef;
pub use forwarded::{ForwardedItem, Origin};
pub use poll::Poll;
pub use record::{CallOutcome, CallRecord, Gift, Location, Sticker};
pub use stream::{Ending, Stream};

use crate::{Seq, Timestamp, UserId};

/// What stands in a log where somebody said something: its present content, and what it refers to.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    /// What it says now.
    pub content: Content,
    /// The entry of the last edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Seq>,
    /// The message that it answers. Nothing of that one is copied, so nothing stays when it is recalled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Seq>,
    /// The message whose thread it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Seq>,
    /// Whom it calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mentions: Option<Box<Mentions>>,
    /// Where it was said first, when it was passed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded: Option<Box<Origin>>,
    /// When its content goes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<Timestamp>,
    /// How long its content stays once the other side has read it, in milliseconds; in direct conversations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burn_ms: Option<u64>,
    /// When it was sent by the clock of the sender's device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at_ms: Option<Timestamp>,
    /// Whether it is the first that its sender says in a direct conversation.
    #[serde(default, skip_serializing_if = "is_false")]
    pub first: bool,
    /// How far it is, where it was begun before its text was complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Box<Stream>>,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
pub(crate) const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Whether a value need not be written.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Message {
    /// A message that says this and refers to nothing.
    #[must_use]
    pub const fn new(content: Content) -> Self {
        Self {
            content,
            edited: None,
            reply_to: None,
            thread: None,
            mentions: None,
            forwarded: None,
            expires_at_ms: None,
            burn_ms: None,
            sent_at_ms: None,
            first: false,
            stream: None,
        }
    }
}

impl Message {
    /// Until when text may still be added to it; `None` when it is complete.
    #[must_use]
    pub fn open_until(&self) -> Option<Timestamp> {
        match self.stream.as_deref()? {
            Stream::Open { until_ms } => Some(*until_ms),
            Stream::Finished { .. } | Stream::Interrupted { .. } | Stream::Unknown => None,
        }
    }

    /// The entry that made its text complete, where that came piece by piece.
    #[must_use]
    pub fn ended_by(&self) -> Option<Seq> {
        self.stream.as_deref()?.ended_by()
    }

    /// The entry that last changed its content.
    #[must_use]
    pub fn changed_by(&self) -> Option<Seq> {
        // It cannot be edited before it has ended.
        self.edited.or_else(|| self.ended_by())
    }
}

impl<C: Into<Content>> From<C> for Message {
    fn from(content: C) -> Self {
        Self::new(content.into())
    }
}

/// Whom a message calls.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mentions {
    /// Members who are called by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub users: Vec<UserId>,
    /// Whether everybody is called.
    #[serde(skip_serializing_if = "is_false")]
    pub all: bool,
}

impl Mentions {
    /// Whether nobody is called.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.users.is_empty() && !self.all
    }
}
