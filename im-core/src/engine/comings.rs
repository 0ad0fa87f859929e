//! Who is let in by entries that are heard of late: what others stored, and what was read after it was in doubt.
//!
//! Meanwhile a member may have gone again, and its program may have had all of that from another node, closed it, and come
//! here. Such a program does not hold a position there any more: what it is pushed it takes for new. So by an entry of a stay
//! that is over nobody comes in: for sessions that were here before it is as if they had been away.

use std::collections::{HashMap, HashSet};

use super::{Engine, registry::SessionEntry};
use crate::{
    ConversationId, Entry, Seq, SessionId, StoreError, UserId,
    state::{RosterChange, roster_changes},
};

/// Which sessions come in by which entries.
#[derive(Default)]
pub(super) struct Comings {
    /// Entries that brought somebody in who went since.
    over: HashSet<(Seq, UserId)>,
    /// The newest session of which it is known that it began before a stay was over; `None` for all.
    newest: Option<SessionId>,
}

impl Comings {
    /// Whether a session is let in by an entry that brings its user in.
    pub(super) fn let_in(&self, seq: Seq, session: &SessionEntry) -> bool {
        let began_before = self.newest.is_none_or(|newest| session.id <= newest);
        began_before && !self.over.contains(&(seq, session.actor.user.clone()))
    }
}

impl Engine {
    /// Who is let in by entries of others. Reads rows of those who came and have sessions here, which few entries bring.
    pub(super) async fn comings(
        &self,
        id: ConversationId,
        entries: &[Entry],
    ) -> Result<Comings, StoreError> {
        loop {
            let comings = self.try_comings(id, entries).await?;
            // Whoever came while rows were read may rely on the entry.
            let is_new = |user: &UserId| {
                let sessions = self.registry.sessions_of(user);
                let newest = comings.newest;
                sessions
                    .iter()
                    .any(|session| newest.is_some_and(|newest| session.id > newest))
            };
            if !entries.iter().flat_map(entering).any(|user| is_new(&user)) {
                return Ok(comings);
            }
        }
    }

    async fn try_comings(
        &self,
        id: ConversationId,
        entries: &[Entry],
    ) -> Result<Comings, StoreError> {
        // Before anything is read: who begins later knows at least what the rows say.
        let newest = self.registry.newest_id();
        let (mut over, mut is_any) = (HashSet::new(), false);
        let mut stays: HashMap<UserId, (Seq, Seq)> = HashMap::new();
        for entry in entries {
            for change in roster_changes(entry) {
                is_any |= matches!(change, RosterChange::Enter(_));
                match change {
                    RosterChange::Enter(member) if self.registry.is_here(&member.user) => {
                        stays.insert(member.user, (entry.seq, member.since));
                    }
                    RosterChange::Exit(user) => {
                        let stay = stays.remove(&user);
                        over.extend(stay.map(|(seq, _)| (seq, user)));
                    }
                    RosterChange::Enter(_)
                    | RosterChange::Begin(_)
                    | RosterChange::Facts(_)
                    | RosterChange::SetRole(..)
                    | RosterChange::SetSilent(..)
                    | RosterChange::SetNickname(..) => {}
                }
            }
        }
        let newest = is_any.then_some(newest);
        if stays.is_empty() {
            return Ok(Comings { over, newest });
        }
        let users: Vec<UserId> = stays.keys().cloned().collect();
        for member in self.ports.members.members(id, &users).await? {
            if stays
                .get(&member.user)
                .is_some_and(|(_, since)| member.since == *since)
            {
                stays.remove(&member.user);
            }
        }
        over.extend(stays.into_iter().map(|(user, (seq, _))| (seq, user)));
        Ok(Comings { over, newest })
    }
}

/// Whom an entry brings in.
fn entering(entry: &Entry) -> Vec<UserId> {
    let changes = roster_changes(entry).into_iter();
    let users = changes.filter_map(|change| match change {
        RosterChange::Enter(member) => Some(member.user),
        RosterChange::Begin(_)
        | RosterChange::Exit(_)
        | RosterChange::Facts(_)
        | RosterChange::SetRole(..)
        | RosterChange::SetSilent(..)
        | RosterChange::SetNickname(..) => None,
    });
    users.collect()
}
