//! The hooks of the host, as the engine holds them.

use std::sync::Arc;

use super::{Engine, aftermath::Line, judge::Judge, slot::Waiting};
use crate::{
    Entry,
    hook::{After, AfterOptions, Before, BeforeOptions, Happened},
    port::Runtime,
};

/// In the order of their registration.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(super) judges: Vec<Judge>,
    lines: Vec<Arc<Line>>,
}

impl Hooks {
    /// Registers who is asked before something happens.
    pub(crate) fn ask<H: Before>(&mut self, hook: H, options: BeforeOptions) {
        self.judges.push(Judge::new(hook, options));
    }

    /// Registers who is told after something happened.
    pub(crate) fn inform<H: After>(&mut self, hook: H, options: AfterOptions) {
        self.lines.push(Arc::new(Line::new(hook, options)));
    }

    /// Whether anybody is asked at all.
    pub(super) const fn judge(&self) -> bool {
        !self.judges.is_empty()
    }

    /// What is to be told of these entries: nothing, where nobody is told.
    pub(super) fn happened(&self, waiting: &[Waiting], entries: &[Entry]) -> Vec<Arc<Happened>> {
        if self.lines.is_empty() {
            return Vec::new();
        }
        let all = waiting.iter().zip(entries);
        all.map(|(one, entry)| {
            Arc::new(Happened {
                actor: one.actor.clone(),
                entry: entry.clone(),
            })
        })
        .collect()
    }

    /// Tells it, to everybody who is told.
    pub(super) fn tell(&self, happened: Vec<Arc<Happened>>, runtime: &Arc<dyn Runtime>) {
        for one in happened {
            for line in &self.lines {
                line.push(one.clone(), runtime);
            }
        }
    }
}

impl Engine {
    /// How often an `after` hook was not told of something.
    pub(crate) fn untold_hooks(&self) -> u64 {
        self.hooks.lines.iter().map(|line| line.untold()).sum()
    }
}
