//! What can go wrong between a store and a file.

use std::io;

use crate::{ConversationId, Rejection, StoreError};

/// Why something was not exported or imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file cannot be written or read.
    #[error("the file cannot be written or read")]
    Io(#[from] io::Error),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The user may not see it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// There is no such conversation.
    #[error("there is no conversation {0}")]
    NotFound(ConversationId),
    /// Somebody wrote while it was exported.
    #[error(
        "somebody wrote to conversation {0} meanwhile; export it again, or stop the server first"
    )]
    Changed(ConversationId),
    /// A newer build wrote an entry.
    #[error(
        "conversation {0} holds an entry that this build does not know; export it with the build that wrote it"
    )]
    Unknown(ConversationId),
    /// There is such a conversation already.
    #[error("conversation {0} is in this store already; nothing is imported over it")]
    Exists(ConversationId),
    /// Nothing that is imported adds up to what was exported.
    #[error("conversation {0} does not come out as it was exported; do not use this store")]
    Different(ConversationId),
    /// The file is not as it was written.
    #[error("line {line}: {what}")]
    Malformed {
        /// Which line, from 1 on.
        line: u64,
        /// What is wrong, and what to do.
        what: String,
    },
}
