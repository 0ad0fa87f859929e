//! The lines of a file.

use serde::{Deserialize, Serialize};

use crate::{
    Block, Content, ConversationId, ConversationView, Entry, Epoch, Head, Info, Member, OwnRow,
    Position, Profile, Seq, Settings, Timestamp, UserId,
};

/// The format that this build writes and reads.
pub(super) const VERSION: u32 = 1;

/// What a file holds.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    /// A whole conversation: can be imported.
    Conversation(ConversationId),
    /// What a user sees: for the user.
    User(UserId),
}

/// One line.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(
    clippy::large_enum_variant,
    reason = "one line at a time is in memory, and most are entries"
)]
pub(super) enum Line {
    /// The first line.
    ImExport {
        version: u32,
        epoch: Epoch,
        exported_at_ms: Timestamp,
        scope: Scope,
    },
    /// A conversation begins, whose entries and members follow.
    Conversation {
        conversation: ConversationId,
        info: Info,
        head: Head,
    },
    /// A conversation as a user sees it, whose entries follow.
    View { view: ConversationView },
    /// An entry, and what identifies the request behind it where the file is for import.
    Entry {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fingerprint: Option<i64>,
        /// What a message said before its first edit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was: Option<Content>,
        entry: Entry,
    },
    /// A present or former member of the conversation.
    Member(Row),
    /// Entries that a member deleted for itself.
    Deleted { user: UserId, seqs: Vec<Seq> },
    /// The user's profile.
    Profile { profile: Profile },
    /// A row of the user's own: a contact, a draft, a favourite …
    Own { row: OwnRow },
    /// Whom the user has blocked.
    Block { block: Block },
    /// The last line.
    End(Counts),
}

/// What a member has in a conversation.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Row {
    #[serde(flatten)]
    pub(super) member: Member,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) left: Option<Seq>,
    pub(super) position: Position,
    pub(super) settings: Settings,
}

/// How much there is in a file.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Counts {
    /// Conversations.
    pub conversations: u64,
    /// Entries of all of them.
    pub entries: u64,
    /// Members of all of them, also former ones.
    pub members: u64,
}
