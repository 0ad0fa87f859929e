//! What belongs to a user rather than to a conversation: versioned rows, the same on all its devices.
//!
//! One file per kind of row. Positions and settings of conversations are rows of the membership, and blocks have a table
//! of their own; everything else that is a user's own is here.

mod contact;
mod draft;
mod favourite;
mod kind;
mod notice;
mod preferences;
mod scheduled;

use serde::{Deserialize, Serialize};

pub use contact::{Contact, Direction, Follow, Request};
pub use draft::Draft;
pub use favourite::Favourite;
pub use kind::OwnKind;
pub use notice::{Notice, NoticeSent, NoticeTemplate, NoticeText, NoticeTexts};
pub use preferences::{
    Circle, LastSeen, Notifications, NotificationsPatch, Preferences, PreferencesPatch, QuietHours,
    Writers,
};
pub use scheduled::Scheduled;

use crate::{RowKey, Timestamp};

/// What a row says. The list is open: a kind that this build does not know reads as [`Own::Unknown`].
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Own {
    /// One of the user's contacts; the key is the other.
    Contact(Contact),
    /// What the user was about to say; the key is the conversation.
    Draft(Draft),
    /// A message that the user wants to find again; the key is its conversation and seq.
    Favourite(Favourite),
    /// Whom the user follows; the key is the other.
    Follow(Follow),
    /// Who follows the user; the key is the other.
    Follower(Follow),
    /// Something that the host says to the user; the key puts the latest first.
    Notice(Notice),
    /// That the user, or a back end in its name, sent a notice; the key is the client id.
    NoticeSent(NoticeSent),
    /// What the user wants the server to do and not to do; the key is the user.
    Preferences(Preferences),
    /// Who asked whom to be a contact; the key is the other.
    Request(Request),
    /// A message that is to be sent later; the key is its client id.
    Scheduled(Box<Scheduled>),
    /// A kind of a newer peer.
    #[serde(other)]
    Unknown,
}

impl Own {
    /// Which kind of row this is.
    #[must_use]
    pub const fn kind(&self) -> OwnKind {
        match self {
            Self::Contact(_) => OwnKind::Contact,
            Self::Draft(_) => OwnKind::Draft,
            Self::Favourite(_) => OwnKind::Favourite,
            Self::Follow(_) => OwnKind::Follow,
            Self::Follower(_) => OwnKind::Follower,
            Self::Notice(_) => OwnKind::Notice,
            Self::NoticeSent(_) => OwnKind::NoticeSent,
            Self::Preferences(_) => OwnKind::Preferences,
            Self::Request(_) => OwnKind::Request,
            Self::Scheduled(_) => OwnKind::Scheduled,
            Self::Unknown => OwnKind::Unknown,
        }
    }
}

/// Where a row stands among those of its user.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OwnKey {
    /// Among which.
    pub kind: OwnKind,
    /// Under which key.
    pub key: RowKey,
}

impl OwnKey {
    /// The place of a row.
    #[must_use]
    pub const fn new(kind: OwnKind, key: RowKey) -> Self {
        Self { kind, key }
    }
}

/// One row of a user's own.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnRow {
    /// What kind of row.
    pub kind: OwnKind,
    /// Under which key: what a key is depends on the kind.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub key: RowKey,
    /// What it says; absent when it was removed, so that devices that were away learn of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Own>,
    /// Its version among the rows of its user: of two states of a row the one with the greater version is the newer.
    pub version: u64,
    /// When something is to happen to it by itself: it is sent, or it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<Timestamp>,
}
