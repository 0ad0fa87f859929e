//! What an entry does to earlier ones.

use crate::{Content, Ending, Seq};

/// What an entry does to an earlier one, in the same transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum Revision {
    /// The message gets this content.
    Edit {
        /// The message.
        target: Seq,
        /// Its new content.
        content: Content,
        /// The edit's own seq.
        by: Seq,
    },
    /// The message's stream ends, and this is what it says.
    End {
        /// The message.
        target: Seq,
        /// Its complete content.
        content: Content,
        /// The seq of the entry that ends it.
        by: Seq,
        /// How it ended.
        ending: Ending,
    },
    /// The message and all its edits lose their content.
    Wipe {
        /// The message.
        target: Seq,
        /// The seq of the entry that says so.
        by: Seq,
        /// Why.
        why: Wipe,
    },
}

impl Revision {
    /// The message.
    #[must_use]
    pub const fn target(&self) -> Seq {
        match self {
            Self::Edit { target, .. } | Self::End { target, .. } | Self::Wipe { target, .. } => {
                *target
            }
        }
    }
}

/// Why a content is gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wipe {
    /// Its time was over.
    Expired,
    /// It was taken back.
    Recalled,
}
