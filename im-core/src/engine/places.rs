//! Sessions that have no room beside each other, on different nodes: those of one device, and of a class of which one is
//! admitted. The later one takes the place of the earlier.
//!
//! Which is later the directory says: it counts what it is told of a user. But a device that gave up a session before that
//! was open may have another one by now, on another node, which the directory was told of sooner. So the place of its own
//! device a session takes when it is used for the first time: what was given up never is.
//!
//! The node of the later one writes to that of the earlier one, once. That letter can be lost; so the session says in the
//! directory that it took a place, and at which count: whoever hears of that next, at the latest when it looks what it has
//! missed, ends the sessions that were there before.

use std::sync::{Arc, atomic::Ordering};

use super::{
    Engine, lock,
    nodes::{Letter, To},
    registry::{SessionEntry, device_limit},
};
use crate::{
    Admission, CloseReason, Meeting, NodeId, Rejection, SessionId, SessionThere, UserId,
    Whereabouts,
};

/// Sessions on other nodes whose places one takes.
#[derive(Default)]
pub(super) struct Taking {
    /// At which version of the user's whereabouts they were there; 0 when there were none.
    version: u64,
    /// Those of the same device, which stay until this one is used.
    own: Vec<(NodeId, Vec<SessionId>)>,
}

impl Engine {
    /// Takes the place of sessions on other nodes, as far as the directory answered in time. A session of which the others
    /// hear only later takes none: nobody knows then which was first.
    pub(super) fn take_place(
        &self,
        entry: &SessionEntry,
        admission: Admission,
        elsewhere: &Whereabouts,
    ) -> Result<(), Rejection> {
        let meets = |there: &SessionThere| {
            admission.meets((&entry.device, entry.class), (&there.device, there.class))
        };
        let mut all = elsewhere.nodes.iter().flat_map(|(_, here)| &here.sessions);
        if all.any(|there| meets(there) == Meeting::Refused) {
            return Err(device_limit());
        }
        let mut taking = Taking::default();
        for (node, here) in &elsewhere.nodes {
            let displaced = here.sessions.iter();
            let displaced = displaced.filter(|there| meets(there) == Meeting::Displaces);
            let (own, others): (Vec<_>, Vec<_>) =
                displaced.partition(|there| there.device == entry.device);
            if !own.is_empty() || !others.is_empty() {
                taking.version = elsewhere.version;
            }
            taking.own.push((*node, ids(&own)));
            self.displace_at(*node, &entry.actor.user, ids(&others));
        }
        *lock(&entry.taking) = taking;
        Ok(())
    }

    /// A session is used.
    pub(super) fn is_used(&self, entry: &SessionEntry) {
        // Read first: every command comes by here, and a write would take the line from other cores each time.
        if entry.is_used.load(Ordering::Acquire) || entry.is_used.swap(true, Ordering::AcqRel) {
            return;
        }
        let Taking { version, own } = std::mem::take(&mut *lock(&entry.taking));
        if version == 0 {
            return;
        }
        let user = &entry.actor.user;
        entry.took_place_at.store(version, Ordering::Release);
        self.registry.changed.note(user);
        for (node, sessions) in own {
            self.displace_at(node, user, sessions);
        }
    }

    fn displace_at(&self, node: NodeId, user: &UserId, sessions: Vec<SessionId>) {
        if !sessions.is_empty() {
            self.write_to(To::Node(node), &Letter::Displaced(user.clone(), sessions));
        }
    }

    /// Ends sessions of a user whose places were taken on other nodes.
    pub(super) fn give_place(self: &Arc<Self>, user: &UserId, elsewhere: &Whereabouts) {
        let there = elsewhere.nodes.iter().flat_map(|(_, here)| &here.sessions);
        let took_place = there.filter_map(|there| Some((there, there.took_place_at?)));
        let took_place: Vec<_> = took_place.collect();
        if took_place.is_empty() {
            return;
        }
        for session in self.registry.sessions_of(user) {
            let announced_at = session.announced_at.load(Ordering::Acquire);
            let took_its_place = |(there, at): &(&SessionThere, u64)| {
                let (new, other) = (
                    (&there.device, there.class),
                    (&session.device, session.class),
                );
                let meeting = self.login_policy.of(there.class).meets(new, other);
                *at > announced_at && meeting == Meeting::Displaces
            };
            if announced_at > 0 && took_place.iter().any(took_its_place) {
                self.end(&session, CloseReason::Displaced);
            }
        }
    }
}

fn ids(sessions: &[&SessionThere]) -> Vec<SessionId> {
    sessions.iter().map(|there| there.session).collect()
}
