//! What is wrong with a history. A pure function: it knows neither engine nor store, and no rule of theirs.

mod answers;
mod devices;
mod facts;
mod links;
mod logs;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fmt};

use super::history::History;
use crate::ConversationId;
use facts::Facts;

/// What can be wrong.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Ill {
    /// Two devices have something else in the same place, or not what the store has.
    Diverged,
    /// Something came twice.
    Duplicated,
    /// Something was answered that is not so.
    FalseAck,
    /// Something is missing in the middle.
    Gap,
    /// Something that was stored is not there, or did not reach a device.
    Lost,
    /// Somebody saw what is not for it.
    NotTheirs,
    /// What was taken back was seen again.
    RecalledSeen,
    /// Something came before what stands before it.
    Reordered,
    /// Somebody waits for ever, or was sent away for good.
    Stuck,
    /// The count of what is unread is wrong.
    UnreadWrong,
    /// A position went back.
    WentBack,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Finding {
    /// What.
    pub ill: Ill,
    /// Where, and how it shows.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.ill, self.detail)
    }
}

/// Everything that is wrong with a history; nothing when it is good.
#[must_use]
pub fn check(history: &History) -> Vec<Finding> {
    let facts = Facts::of(history);
    let mut findings = Findings::default();
    logs::check(&facts, &mut findings);
    links::check(&facts, &mut findings);
    devices::check(&facts, &mut findings);
    answers::check(&facts, &mut findings);
    findings.found.into_iter().collect()
}

#[derive(Default)]
struct Findings {
    found: BTreeSet<Finding>,
}

impl Findings {
    fn add(&mut self, ill: Ill, detail: String) {
        self.found.insert(Finding { ill, detail });
    }
}

/// How a sequence of seqs goes on, in the eyes of one who gets each once and in order.
#[derive(Clone, Debug, Default)]
struct Track {
    last: Option<u64>,
    had: BTreeSet<u64>,
}

impl Track {
    /// Takes the next one. `may_skip`: whether one may be missing before it.
    fn take(
        &mut self,
        seq: u64,
        may_skip: bool,
        findings: &mut Findings,
        who: impl Fn() -> String,
    ) {
        if !self.had.insert(seq) {
            findings.add(Ill::Duplicated, format!("{} got {seq} twice", who()));
            return;
        }
        if let Some(last) = self.last {
            if seq < last {
                findings.add(Ill::Reordered, format!("{} got {seq} after {last}", who()));
                return;
            }
            if seq > last + 1 && !may_skip {
                findings.add(Ill::Gap, format!("{} got {seq} after {last}", who()));
            }
        }
        self.last = Some(seq);
    }
}

/// A conversation, short.
fn short(conversation: ConversationId) -> String {
    conversation.to_string().chars().take(8).collect()
}
