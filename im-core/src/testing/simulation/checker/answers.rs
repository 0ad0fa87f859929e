//! What devices were answered about what they see: pages of history, positions, and what is unread.

use std::collections::BTreeMap;

use super::{
    super::history::{Answer, Wish},
    Findings, Ill,
    facts::{Ask, Facts},
    links::check_page,
    short,
};
use crate::{ConversationId, Position};

pub(super) fn check(facts: &Facts<'_>, findings: &mut Findings) {
    for ask in facts.asks.values() {
        match ask.answer {
            None if !ask.is_forgotten && facts.rested != usize::MAX => {
                let detail = format!("{} of device {}: {:?}", ask.number, ask.device, ask.wish);
                findings.add(Ill::Stuck, detail);
            }
            Some((_, Answer::Page(sights))) => {
                let who = format!("what device {} looked at", ask.device);
                check_page(facts, facts.user(ask.device), sights, &who, findings);
                for sight in sights {
                    let id = sight.conversation;
                    let was_gone = gone_before(facts, id, sight.seq, ask.at);
                    if was_gone && sight.name().is_some() {
                        findings.add(Ill::RecalledSeen, format!("{who}: {sight:?}"));
                    }
                }
            }
            Some((
                _,
                Answer::View {
                    head,
                    position,
                    unread,
                },
            )) => {
                check_view(facts, ask, (*head, *position, *unread), findings);
            }
            _ => {}
        }
    }
}

/// Whether it was acknowledged before this event that a message was taken back.
fn gone_before(facts: &Facts<'_>, id: ConversationId, seq: u64, at: usize) -> bool {
    let mut recalls = facts.asks.values().filter(|ask| {
        matches!(ask.wish, Wish::Recall(where_to, target) if *where_to == id && *target == seq)
    });
    recalls.any(|ask| matches!(ask.answer, Some((told, Answer::Stored(_))) if told < at))
}

fn check_view(
    facts: &Facts<'_>,
    ask: &Ask<'_>,
    (head, position, unread): (u64, Position, u64),
    findings: &mut Findings,
) {
    let Wish::View(id) = ask.wish else { return };
    let (log, user) = (facts.log(*id), facts.user(ask.device));
    let place = format!("{user} in {}: {position:?} of {head}", short(*id));
    if position.read > position.delivered || position.delivered.0 > log.head() {
        findings.add(Ill::WentBack, place.clone());
    }
    let read = read_before(facts, ask, *id);
    if position.read.0 < read {
        findings.add(Ill::WentBack, format!("{place}, and had read {read}"));
    }
    let Some(since) = log.since(user).filter(|_| ask.at > facts.rested) else {
        return;
    };
    if head != log.head() {
        let detail = format!("{place}, and the log ends at {}", log.head());
        findings.add(Ill::Diverged, detail);
    }
    let expected = log.unread_after(position.read.0.max(since - 1));
    if unread != expected {
        let detail = format!("{place}: {unread} instead of {expected}");
        findings.add(Ill::UnreadWrong, detail);
    }
}

/// How far the user was told that it has read, before it asked.
fn read_before(facts: &Facts<'_>, ask: &Ask<'_>, id: ConversationId) -> u64 {
    let mut furthest: BTreeMap<usize, u64> = BTreeMap::new();
    for other in facts.asks.values() {
        let is_same = facts.user(other.device) == facts.user(ask.device);
        if let (Wish::Read(at, _), Some((told, Answer::Position(position)))) =
            (other.wish, other.answer)
            && *at == id
            && is_same
            && told < ask.at
        {
            furthest.insert(other.number, position.read.0);
        }
    }
    furthest.into_values().max().unwrap_or(0)
}
