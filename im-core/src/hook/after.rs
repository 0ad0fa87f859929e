//! Told of what happened.

use std::time::Duration;

use async_trait::async_trait;

use crate::{Actor, Entry};

/// An entry that was stored, and for whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// On whose behalf, and with what authority.
    pub actor: Actor,
    /// What was stored, as the hooks before had made it.
    pub entry: Entry,
}

/// Told of every entry that this engine stored, after it was offered to those who listen.
///
/// # Contract
/// - Entries of one conversation come one after the other, in the order of their seqs; those of different conversations
///   side by side.
/// - At most once. An entry is missed when more than [`AfterOptions::waiting`] wait, when the process ends, and when it
///   was only found out later that it was stored. Entries that another process stored are told there. What must not be
///   missed reads the log.
/// - Nobody waits for a hook. One that panics or is late is logged, and goes on with the next entry.
#[async_trait]
pub trait After: Send + Sync + 'static {
    /// Takes note.
    async fn after(&self, happened: &Happened);
}

/// How an [`After`] hook is run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AfterOptions {
    /// How long it may take for one entry. Default 10 s: a call to another machine, with its own time-out before that.
    pub deadline: Duration,
    /// Entries that may wait for it. Default 10,000: ten seconds of a busy server, about 10 MB. More are not told, counted
    /// in [`Im::untold_hooks`](crate::Im::untold_hooks), and logged.
    pub waiting: usize,
}

impl Default for AfterOptions {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            waiting: 10_000,
        }
    }
}
