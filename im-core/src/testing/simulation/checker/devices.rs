//! What the program on each device was handed, over all its links and restarts: every entry once, in order, up to the end;
//! and that it holds in the end what the store holds.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::history::{Event, Seen, Sight},
    Findings, Ill, Track,
    facts::Facts,
    links::check_sight,
    short,
};
use crate::ConversationId;

#[derive(Default)]
struct Device {
    tracks: BTreeMap<ConversationId, Track>,
    /// What it holds of each message; `None` when the content is gone.
    holds: BTreeMap<(ConversationId, u64), Option<String>>,
    recalled: BTreeSet<(ConversationId, u64)>,
}

pub(super) fn check(facts: &Facts<'_>, findings: &mut Findings) {
    let mut devices: Vec<Device> = Vec::new();
    devices.resize_with(facts.history.devices.len(), Device::default);
    for event in &facts.history.events {
        match event {
            Event::Shown { device, sight } => {
                devices[*device].take(facts, *device, sight, findings);
            }
            Event::Over { device, why } => {
                findings.add(Ill::Stuck, format!("device {device} is over: {why}"));
            }
            _ => {}
        }
    }
    if facts.rested == usize::MAX {
        return;
    }
    for (number, device) in devices.iter().enumerate() {
        device.check_end(facts, number, findings);
    }
}

impl Device {
    fn take(&mut self, facts: &Facts<'_>, number: usize, sight: &Sight, findings: &mut Findings) {
        let (id, user) = (sight.conversation, facts.user(number));
        let who = format!("device {number}");
        check_sight(facts, user, sight, &who, findings);
        let begins = facts.log(id).begins(user, sight.seq);
        let track = self.tracks.entry(id).or_default();
        if track.last.is_none() && !begins {
            let place = format!("{who} begins at {} of {}", sight.seq, short(id));
            findings.add(Ill::Gap, place);
        }
        let place = || format!("{who} in {}", short(id));
        track.take(sight.seq, begins, findings, place);
        self.hold(sight, &who, findings);
    }

    fn hold(&mut self, sight: &Sight, who: &str, findings: &mut Findings) {
        let id = sight.conversation;
        match &sight.what {
            Seen::Said(text) => {
                if self.recalled.contains(&(id, sight.seq)) {
                    findings.add(Ill::RecalledSeen, format!("{who}: {sight:?}"));
                }
                self.holds.insert((id, sight.seq), Some(text.clone()));
            }
            Seen::Gone => {
                self.holds.insert((id, sight.seq), None);
            }
            Seen::Edited(target, Some(text)) => {
                if let Some(held @ Some(_)) = self.holds.get_mut(&(id, *target)) {
                    *held = Some(text.clone());
                }
            }
            Seen::Recalled(target) => {
                self.recalled.insert((id, *target));
                if let Some(held) = self.holds.get_mut(&(id, *target)) {
                    *held = None;
                }
            }
            Seen::Edited(_, None) | Seen::Came(_) | Seen::Went(_) | Seen::Other => {}
        }
    }

    /// At rest a member has everything, as it is now.
    fn check_end(&self, facts: &Facts<'_>, number: usize, findings: &mut Findings) {
        let user = facts.user(number);
        for (id, log) in &facts.logs {
            let Some(since) = log.since(user) else {
                continue;
            };
            let last = self.tracks.get(id).and_then(|track| track.last);
            if last != Some(log.head()) {
                let (head, at) = (log.head(), short(*id));
                let detail = format!("device {number} came to {last:?} of {head} in {at}");
                findings.add(Ill::Lost, detail);
            }
            for (seq, entry) in log.entries.range(since..) {
                let Some(held) = self.holds.get(&(*id, *seq)) else {
                    continue;
                };
                let stored = match &entry.what {
                    Seen::Said(text) => Some(text),
                    _ => None,
                };
                if held.as_ref() != stored {
                    let at = short(*id);
                    let detail =
                        format!("device {number} holds {held:?} for {stored:?} at {seq} of {at}");
                    findings.add(Ill::Diverged, detail);
                }
            }
        }
    }
}
