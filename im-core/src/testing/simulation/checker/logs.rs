//! The logs themselves, and what was acknowledged of them: no hole, nothing twice, what came first stands first.

use std::collections::BTreeMap;

use super::{
    super::history::{Answer, Event, Seen, Wish, name},
    Findings, Ill,
    facts::{Ask, Facts},
    short,
};
use crate::ConversationId;

pub(super) fn check(facts: &Facts<'_>, findings: &mut Findings) {
    for event in &facts.history.events {
        if let Event::Log {
            conversation,
            entries,
        } = event
        {
            let seqs: Vec<_> = entries.iter().map(|entry| entry.seq).collect();
            check_seqs(*conversation, &seqs, findings);
        }
    }
    for (conversation, log) in &facts.logs {
        for (seq, entry) in &log.entries {
            if entry.name().is_some() && !log.shows(&entry.sender, *seq) {
                let sender = &entry.sender;
                let detail = format!("{sender} said {seq} of {}", short(*conversation));
                findings.add(Ill::NotTheirs, detail);
            }
            if entry.name().is_some() && log.gone.contains(seq) {
                let place = format!("{seq} of {} stands in the log", short(*conversation));
                findings.add(Ill::RecalledSeen, place);
            }
        }
    }
    for (name, places) in &facts.places {
        if places.len() > 1 {
            findings.add(Ill::Duplicated, format!("{name} is stored {places:?}"));
        }
    }
    check_order(facts, findings);
    for ask in facts.asks.values() {
        check_ack(facts, ask, findings);
    }
}

fn check_seqs(conversation: ConversationId, seqs: &[u64], findings: &mut Findings) {
    let mut expected = 1;
    for seq in seqs {
        let place = || format!("{seq} instead of {expected} in {}", short(conversation));
        if *seq > expected {
            findings.add(Ill::Gap, place());
        } else if *seq < expected {
            findings.add(Ill::Reordered, place());
        }
        expected = seq + 1;
    }
}

/// What was asked after something was acknowledged stands after it.
fn check_order(facts: &Facts<'_>, findings: &mut Findings) {
    let mut acked: BTreeMap<ConversationId, u64> = BTreeMap::new();
    let mut floors: BTreeMap<usize, u64> = BTreeMap::new();
    for event in &facts.history.events {
        match event {
            Event::Asked {
                ask,
                wish: Wish::Say(conversation, _),
                ..
            } => {
                let floor = acked.get(conversation).copied().unwrap_or(0);
                floors.entry(*ask).or_insert(floor);
            }
            Event::Answered {
                ask,
                answer: Answer::Stored(seq),
            } => {
                let Some(Wish::Say(conversation, text)) = facts.asks.get(ask).map(|ask| ask.wish)
                else {
                    continue;
                };
                if floors.get(ask).is_some_and(|floor| seq <= floor) {
                    let name = name(text);
                    let place = format!("{name} at {seq} of {}", short(*conversation));
                    findings.add(Ill::Reordered, place);
                }
                let last = acked.entry(*conversation).or_default();
                *last = (*last).max(*seq);
            }
            _ => {}
        }
    }
}

/// What was acknowledged is so.
fn check_ack(facts: &Facts<'_>, ask: &Ask<'_>, findings: &mut Findings) {
    let Some((_, answer)) = ask.answer else {
        return;
    };
    match (ask.wish, answer) {
        (Wish::Say(conversation, text), Answer::Stored(seq)) => {
            let name = name(text);
            let stored = facts.log(*conversation).entries.get(seq);
            let is_there = stored.is_some_and(|entry| {
                entry.sender == *facts.user(ask.device)
                    && (entry.what == Seen::Gone || entry.name() == Some(name))
            });
            if is_there {
                return;
            }
            let ill = if facts.places.contains_key(name) {
                Ill::FalseAck
            } else {
                Ill::Lost
            };
            let place = format!("{name} is not at {seq} of {}", short(*conversation));
            findings.add(ill, place);
        }
        (Wish::Edit(conversation, target, text), Answer::Stored(seq)) => {
            let stored = facts.log(*conversation).entries.get(seq);
            let is_there = stored.is_some_and(|entry| match &entry.what {
                Seen::Edited(of, said) => {
                    of == target && said.as_ref().is_none_or(|said| said == text)
                }
                _ => false,
            });
            if !is_there {
                let place = format!("the edit {text} at {seq} of {}", short(*conversation));
                findings.add(Ill::FalseAck, place);
            }
        }
        (Wish::Recall(conversation, target), Answer::Stored(_)) => {
            let log = facts.log(*conversation);
            let stored = log.entries.get(target);
            if stored.is_none_or(|entry| entry.what != Seen::Gone) {
                let place = format!("{target} of {} was taken back", short(*conversation));
                findings.add(Ill::FalseAck, place);
            }
        }
        (Wish::Read(conversation, seq), Answer::Position(position)) => {
            let least = *seq.min(&facts.log(*conversation).head());
            if position.read.0 < least {
                let place = format!("read up to {seq} of {}", short(*conversation));
                findings.add(Ill::FalseAck, place);
            }
        }
        _ => {}
    }
}
