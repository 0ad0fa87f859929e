//! Asked before anything is written.

use std::time::Duration;

use async_trait::async_trait;

use crate::{Actor, Command, Rejection};

/// What a hook says to a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It goes on to the next hook, and then to the engine.
    Allow,
    /// This goes on in its place. It must be the same method, in the same conversation, under the same client id; anything
    /// else counts as a failure of the hook.
    Change(Command),
    /// The actor gets this answer.
    Refuse(Rejection),
}

/// Asked before anything is written, by whatever door it came: in process, over a link, by REST.
///
/// It sees every command that stores something: messages, edits and recalls, changes of groups, conversations that
/// begin, settings, receipts, blocks, profiles. It does not see what only reads, typing, presence and sessions. What it
/// allows the engine may still refuse: the rules come after it.
///
/// # Contract
/// - A hook is asked ahead of the conversation's lane, never inside of it: a slow one delays the request that it judges
///   and no other. Two requests of one device that are under way together may therefore be stored in the other order;
///   those that the hook answers without waiting keep theirs.
/// - A retry with the same client id is the same request, whatever the hook makes of it this time: what was stored first
///   is the answer, also when the hook would change it to something else or refuse it now. A hook may be asked more than
///   once for one request.
/// - A hook that panics, is late, or changes a command to one that it must not, has failed, and [`OnFailure`] says what
///   that means. The future of a late one is dropped. Code that blocks its thread cannot be interrupted.
#[async_trait]
pub trait Before: Send + Sync + 'static {
    /// Judges what an actor asks.
    async fn before(&self, actor: &Actor, command: &Command) -> Verdict;
}

/// What it means that a hook failed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnFailure {
    /// The request is refused as `unavailable`, to be asked again: nothing passes unjudged.
    #[default]
    Refuse,
    /// The request goes on, as if the hook had allowed it.
    Allow,
}

/// How a [`Before`] hook is run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BeforeOptions {
    /// How long it may take. Default 1 s: a person who sends still believes that it works.
    pub deadline: Duration,
    /// What a failure means. Default: [`OnFailure::Refuse`].
    pub on_failure: OnFailure,
}

impl Default for BeforeOptions {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(1),
            on_failure: OnFailure::Refuse,
        }
    }
}
