//! What came over each link: every entry once and in order, or a hint to come and get it; nothing that is not for its user.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::history::{Event, Seen, Sight},
    Findings, Ill, Track,
    facts::Facts,
    short,
};
use crate::{ConversationId, Position, UserId};

#[derive(Default)]
struct Link {
    device: usize,
    tracks: BTreeMap<ConversationId, Track>,
    hinted: BTreeSet<ConversationId>,
    recalled: BTreeSet<(ConversationId, u64)>,
    positions: BTreeMap<(ConversationId, UserId), Position>,
}

pub(super) fn check(facts: &Facts<'_>, findings: &mut Findings) {
    let mut links: BTreeMap<usize, Link> = BTreeMap::new();
    for event in &facts.history.events {
        match event {
            Event::Opened { link, device, .. } => {
                links.entry(*link).or_default().device = *device;
            }
            Event::Hinted { link, conversation } => {
                let hinted = &mut links.entry(*link).or_default().hinted;
                hinted.insert(*conversation);
            }
            Event::Pushed { link, sight } => {
                let who = format!("link {link}");
                let link = links.entry(*link).or_default();
                link.push(facts, sight, &who, findings);
            }
            Event::Paged { link, sights } => {
                let who = format!("a page over link {link}");
                let link = links.entry(*link).or_default();
                let user = facts.user(link.device);
                check_page(facts, user, sights, &who, findings);
            }
            Event::Receipt {
                link,
                conversation,
                user,
                position,
            } => {
                let known = &mut links.entry(*link).or_default().positions;
                let last = known.entry((*conversation, user.clone())).or_default();
                if position.read < last.read || position.delivered < last.delivered {
                    let place = short(*conversation);
                    let detail =
                        format!("link {link}: {user} in {place} from {last:?} to {position:?}");
                    findings.add(Ill::WentBack, detail);
                }
                *last = *position;
            }
            _ => {}
        }
    }
}

impl Link {
    fn push(&mut self, facts: &Facts<'_>, sight: &Sight, who: &str, findings: &mut Findings) {
        let (id, user) = (sight.conversation, facts.user(self.device));
        check_sight(facts, user, sight, who, findings);
        let may_skip = self.hinted.remove(&id) || facts.log(id).begins(user, sight.seq);
        let track = self.tracks.entry(id).or_default();
        let place = || format!("{who} in {}", short(id));
        track.take(sight.seq, may_skip, findings, place);
        if let Seen::Recalled(target) = sight.what {
            self.recalled.insert((id, target));
        }
        if sight.name().is_some() && self.recalled.contains(&(id, sight.seq)) {
            findings.add(Ill::RecalledSeen, format!("{who}: {sight:?}"));
        }
    }
}

/// What holds for whatever somebody is shown.
pub(super) fn check_sight(
    facts: &Facts<'_>,
    user: &UserId,
    sight: &Sight,
    who: &str,
    findings: &mut Findings,
) {
    let log = facts.log(sight.conversation);
    let place = || {
        let (seq, at) = (sight.seq, short(sight.conversation));
        format!("{who}: {user} got {seq} of {at}: {:?}", sight.what)
    };
    if !log.shows(user, sight.seq) {
        findings.add(Ill::NotTheirs, place());
    }
    if !log.agrees(user, sight) {
        findings.add(Ill::Diverged, place());
    }
}

/// A page: one after the other.
pub(super) fn check_page(
    facts: &Facts<'_>,
    user: &UserId,
    sights: &[Sight],
    who: &str,
    findings: &mut Findings,
) {
    let mut track = Track::default();
    for sight in sights {
        check_sight(facts, user, sight, who, findings);
        let place = || format!("{who} in {}", short(sight.conversation));
        track.take(sight.seq, false, findings, place);
    }
}
