//! What must hold after a restart: of the server's logs against all answers, and of every device against the logs.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    ops::AddAssign,
};

use crate::{
    Violation,
    log::{Log, Seen},
    world::{Answer, Ask, Kind, World},
};

/// What was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    entries: usize,
    acknowledged: usize,
    refused: usize,
    edits: usize,
    recalls: usize,
    seen: usize,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.entries += other.entries;
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.edits += other.edits;
        self.recalls += other.recalls;
        self.seen += other.seen;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            entries,
            acknowledged,
            refused,
            edits,
            recalls,
            seen,
        } = self;
        write!(
            f,
            "{acknowledged} acknowledged, {refused} refused, {entries} entries ({edits} edits, {recalls} recalls), \
             {seen} seen by devices"
        )
    }
}

/// Checks the server's logs against everything that was ever answered.
pub(crate) fn audit(world: &World, logs: &[Log]) -> Result<Totals, Violation> {
    let mut totals = Totals::default();
    let mut places: HashMap<&str, (usize, u64)> = HashMap::new();
    for (conversation, log) in logs.iter().enumerate() {
        whole(conversation, log)?;
        in_order(world, conversation, log)?;
        totals.entries += log.entries.len();
        for (seq, entry) in &log.entries {
            totals.edits += usize::from(entry.kind == "edited");
            totals.recalls += usize::from(entry.kind == "recalled");
            if let Some(before) = places.insert(&entry.client_id, (conversation, *seq)) {
                return Err(format!(
                    "{} is stored twice: at {before:?} and {:?}",
                    entry.client_id,
                    (conversation, seq)
                ));
            }
        }
    }
    let texts: Vec<_> = logs.iter().map(texts).collect();
    let mut stored = Vec::new();
    for (client_id, ask) in &world.asks {
        let place = places.get(client_id.as_str()).copied();
        match &ask.answer {
            Answer::Open => return Err(format!("{client_id} has no answer")),
            Answer::Refused(code) => {
                totals.refused += 1;
                if place.is_some() {
                    return Err(format!(
                        "{client_id} was refused as {code}, and is stored at {place:?}"
                    ));
                }
            }
            // Who joins twice is told where things stand: nothing is stored for it.
            Answer::Stored(_)
                if place.is_none() && matches!(ask.kind, Kind::Join | Kind::Leave) => {}
            Answer::Stored(seq) => {
                totals.acknowledged += 1;
                if place != Some((ask.conversation, *seq)) {
                    let told = (ask.conversation, seq);
                    return Err(format!(
                        "{client_id} was acknowledged at {told:?}, and is at {place:?}"
                    ));
                }
                stored.push((client_id, ask, *seq));
            }
        }
    }
    // What is lost is said before what differs because of it.
    for (client_id, ask, seq) in stored {
        let entry = &logs[ask.conversation].entries[&seq];
        as_asked(client_id, ask, seq, entry, &texts[ask.conversation])?;
    }
    totals.seen = world
        .seen
        .values()
        .flat_map(|seen| &seen.logs)
        .map(|log| log.entries.len())
        .sum();
    Ok(totals)
}

/// Law 1: 1..=head, no hole, nothing beyond.
fn whole(conversation: usize, log: &Log) -> Result<(), Violation> {
    let hole = log
        .entries
        .keys()
        .zip(1..)
        .find(|(seq, expected)| *seq != expected);
    if let Some((seq, expected)) = hole {
        return Err(format!(
            "conversation {conversation}: {expected} is missing before {seq}"
        ));
    }
    if log.last() != log.head {
        return Err(format!(
            "conversation {conversation}: ends at {}, its head is {}",
            log.last(),
            log.head
        ));
    }
    if log.repeated > 0 {
        return Err(format!(
            "conversation {conversation}: history repeated {} entries",
            log.repeated
        ));
    }
    Ok(())
}

/// What one device asked for in one conversation is stored in the order in which it asked.
fn in_order(world: &World, conversation: usize, log: &Log) -> Result<(), Violation> {
    let mut last: HashMap<&str, (u64, u64)> = HashMap::new();
    for (seq, entry) in &log.entries {
        let Some(ask) = world.asks.get(&entry.client_id) else {
            if *seq > 1 {
                return Err(format!(
                    "conversation {conversation}: nobody asked for {seq}, {entry:?}"
                ));
            }
            continue;
        };
        if ask.was_deferred {
            continue;
        }
        let now = (ask.number, *seq);
        if let Some(before) = last
            .insert(&ask.device, now)
            .filter(|before| before.0 > now.0)
        {
            return Err(format!(
                "conversation {conversation}, device {}: {now:?} after {before:?}",
                ask.device
            ));
        }
    }
    Ok(())
}

/// What each message must say now: its last edit, or nothing. By seq, of those that were changed.
fn texts(log: &Log) -> HashMap<u64, Option<String>> {
    let mut texts: HashMap<u64, Option<String>> = HashMap::new();
    for entry in log.entries.values() {
        match (entry.kind.as_str(), entry.target) {
            ("edited", Some(target)) => {
                let text = texts.entry(target).or_insert_with(|| Some(String::new()));
                if text.is_some() {
                    // Unknown when a later recall wiped the edit: then this is overwritten below.
                    *text = Some(entry.client_id.clone());
                }
            }
            ("recalled", Some(target)) => {
                texts.insert(target, None);
            }
            _ => {}
        }
    }
    texts
}

/// An entry is what was asked for. Every text has its client id in it, so that an edit is known by it.
fn as_asked(
    client_id: &str,
    ask: &Ask,
    seq: u64,
    entry: &Seen,
    texts: &HashMap<u64, Option<String>>,
) -> Result<(), Violation> {
    let differs = |what: &str| Err(format!("{client_id}, {ask:?}: {what}: {entry:?}"));
    if entry.sender != ask.user {
        return differs("the sender differs");
    }
    let (kind, target) = match ask.kind {
        Kind::Message(_) => ("message", None),
        Kind::Edit(target, _) => ("edited", Some(target)),
        Kind::Recall(target) => ("recalled", Some(target)),
        Kind::Join => ("joined", None),
        Kind::Leave => ("left", None),
    };
    if entry.kind != kind || entry.target != target {
        return differs("the kind or the target differs");
    }
    match &ask.kind {
        Kind::Message(text) => match (texts.get(&seq), &entry.text) {
            (None, Some(now)) if now == text => Ok(()),
            (Some(Some(edit)), Some(now)) if now.ends_with(edit) => Ok(()),
            (Some(None), None) => Ok(()),
            (Some(None), Some(_)) => differs("it was recalled, and its content is still there"),
            _ => differs("the text differs"),
        },
        Kind::Edit(target, text) => match (texts.get(target), &entry.text) {
            (Some(None), None) => Ok(()),
            (Some(None), Some(_)) => {
                differs("its message was recalled, and its content is still there")
            }
            (_, Some(now)) if now == text => Ok(()),
            _ => differs("the text differs"),
        },
        Kind::Recall(_) | Kind::Join | Kind::Leave => Ok(()),
    }
}

/// Every device has exactly what its user may see of the server's logs.
pub(crate) fn devices(world: &World, logs: &[Log]) -> Result<(), Violation> {
    for (device, seen) in &world.seen {
        for (conversation, (own, log)) in seen.logs.iter().zip(logs).enumerate() {
            let spans = log.membership(&seen.user);
            let place = format!("device {device}, conversation {conversation}");
            if own.repeated > 0 {
                return Err(format!("{place}: {} entries came twice", own.repeated));
            }
            let sees = |seq: &u64| spans.iter().any(|(from, to)| (from..=to).contains(&seq));
            // Changed while the user was not in it: the device does not know.
            let changed = log.entries.iter().filter(|(seq, _)| !sees(seq));
            let unknown: HashSet<_> = changed.filter_map(|(_, entry)| entry.target).collect();
            for (seq, entry) in &own.entries {
                if !sees(seq) {
                    return Err(format!("{place}: sees {seq}, outside of {spans:?}"));
                }
                let is_unknown = unknown.contains(&entry.target.unwrap_or(*seq));
                let of_server = log.entries.get(seq);
                if !of_server.is_some_and(|server| entry.is_same(server, is_unknown)) {
                    return Err(format!(
                        "{place}: has {entry:?} at {seq}, the server has {of_server:?}"
                    ));
                }
            }
            for (from, to) in spans {
                complete(&place, own, from, to, log)?;
            }
        }
    }
    Ok(())
}

/// The present span is there to its end. A past one is there from its beginning: the rest may have come and gone while
/// the device was away.
fn complete(place: &str, own: &Log, from: u64, to: u64, log: &Log) -> Result<(), Violation> {
    let present = to == u64::MAX;
    let to = to.min(log.last());
    let there: Vec<u64> = own.entries.range(from..=to).map(|(seq, _)| *seq).collect();
    let gap = there
        .iter()
        .copied()
        .zip(from..)
        .find(|(seq, expected)| seq != expected);
    if let Some((seq, expected)) = gap {
        return Err(format!("{place}: lacks {expected} before {seq}"));
    }
    let length = (to + 1).saturating_sub(from) as usize;
    if present && there.len() < length {
        return Err(format!(
            "{place}: has {} of {length} entries from {from} to {to}",
            there.len()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
