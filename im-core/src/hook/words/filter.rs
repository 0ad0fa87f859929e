//! The words as a hook.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;

use super::Words;
use crate::{
    Actor, ClientId, Code, Command, ConversationId, Rejection,
    engine::place,
    hook::{Before, Verdict},
};

/// A command with words that somebody is to look at. It is not stored yet, and the engine may still refuse it.
#[derive(Clone, Debug, PartialEq)]
pub struct Flagged {
    /// Who asks.
    pub actor: Actor,
    /// What, as it goes on: words to be replaced are.
    pub command: Command,
    /// Which words, as they are in the list; sorted, each once.
    pub words: Vec<String>,
}

impl Flagged {
    /// Where it is to be said, where that is a conversation.
    #[must_use]
    pub fn conversation(&self) -> Option<ConversationId> {
        place(&self.command, &self.actor.user).1
    }

    /// Under which client id the log will have it.
    #[must_use]
    pub fn client_id(&self) -> Option<ClientId> {
        place(&self.command, &self.actor.user).2
    }
}

/// Hears of what was flagged.
///
/// # Contract
/// `flag` returns at once: who has more to do starts a task. It may hear of one request more than once, because a retry is
/// judged again.
pub trait FlagSink: Send + Sync + 'static {
    /// Takes note.
    fn flag(&self, flagged: Flagged);
}

/// Forgets what was flagged.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFlags;

impl FlagSink for NoFlags {
    fn flag(&self, _: Flagged) {}
}

/// A [`Before`] hook that looks for words in all texts of a command: messages, edits, names, announcements, profiles; see
/// [`Command::for_each_text`]. What an application defines itself, custom contents and `extra`, it does not read.
///
/// Clone it to keep a hand on it: all clones are one, and [`WordFilter::change`] gives them another list while the engine
/// runs. It never waits, so requests keep their order.
#[derive(Clone)]
pub struct WordFilter {
    words: Arc<RwLock<Arc<Words>>>,
    flags: Arc<dyn FlagSink>,
}

impl WordFilter {
    /// A filter for these words.
    pub fn new(words: Words, flags: impl FlagSink) -> Self {
        Self {
            words: Arc::new(RwLock::new(Arc::new(words))),
            flags: Arc::new(flags),
        }
    }

    /// Looks for other words from now on.
    pub fn change(&self, words: Words) {
        *self.words.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(words);
    }

    /// How many words it looks for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words().len()
    }

    /// Whether it looks for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words().is_empty()
    }

    fn words(&self) -> Arc<Words> {
        let words = self.words.read().unwrap_or_else(PoisonError::into_inner);
        words.clone()
    }
}

#[async_trait]
impl Before for WordFilter {
    async fn before(&self, actor: &Actor, command: &Command) -> Verdict {
        let words = self.words();
        if words.is_empty() {
            return Verdict::Allow;
        }
        let mut command = command.clone();
        let (mut flagged, mut rejected, mut changed) = (BTreeSet::new(), false, false);
        command.for_each_text(&mut |text| {
            let findings = words.find(text);
            flagged.extend(findings.flagged);
            rejected |= findings.rejected;
            if let Some(replaced) = findings.replaced {
                changed = true;
                *text = replaced;
            }
        });
        if rejected {
            let detail = "the text holds words that are not allowed here; change it";
            return Verdict::Refuse(Rejection::new(Code::ContentRejected, detail));
        }
        if !flagged.is_empty() {
            self.flags.flag(Flagged {
                actor: actor.clone(),
                command: command.clone(),
                words: flagged.into_iter().map(str::to_owned).collect(),
            });
        }
        if changed {
            Verdict::Change(command)
        } else {
            Verdict::Allow
        }
    }
}
