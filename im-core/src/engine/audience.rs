//! Who listens to a conversation whose state comes from the store: since the sessions here came, other processes may have
//! let members in and out, and the entries that say so will not be delivered here.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, atomic::Ordering},
};

use super::{
    Engine,
    fanout::{fall_behind, noted},
    lane::interrupted,
    lock,
    registry::SessionEntry,
    slot::{Slot, SlotState},
};
use crate::{
    ConversationId, Kind, Rejection, Seq, UserId,
    port::Snapshot,
    state::{ConversationState, Lookup},
};

/// Members per read.
const PAGE: usize = 500;

/// A session whose user is out, and where its part of the log ended.
type Gone = (Arc<SessionEntry>, Seq);

/// What became of a session that was to listen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Listening {
    /// It does; or its user is no member, and an entry that brings it in will let it listen.
    Settled,
    /// What is known of its user is older than the state here: its conversations must be read again.
    LookAgain,
}

impl Engine {
    /// Takes the state of a conversation from the store, and sets right who listens. `false` when there is no such
    /// conversation.
    pub(super) async fn load(&self, slot: &Slot) -> Result<bool, Rejection> {
        let Some(snapshot) = self.ports.log.load(slot.id).await? else {
            return Ok(false);
        };
        // Whoever reads its conversations from now on knows at least what the snapshot says.
        let loaded = self.registry.next_load();
        let here = self.members_here(slot.id, &snapshot).await?;
        let said = self.said_lately(slot.id, &snapshot).await?;
        let mut judged: HashMap<UserId, Option<Seq>> = HashMap::new();
        loop {
            let doubtful = {
                let mut inner = slot.lock();
                if inner.state.is_some() {
                    return Ok(true);
                }
                if inner.doubt {
                    // Its beginning is about to be delivered, or will be looked for.
                    return Err(interrupted());
                }
                let is_doubtful = |session: &&Arc<SessionEntry>| {
                    let user = &session.actor.user;
                    session.read_at.load(Ordering::Acquire) < loaded
                        && !here.contains(user)
                        && !judged.contains_key(user)
                };
                let doubtful: BTreeSet<UserId> = inner
                    .audience
                    .iter()
                    .filter(is_doubtful)
                    .map(|session| session.actor.user.clone())
                    .collect();
                if doubtful.is_empty() {
                    let head = snapshot.head.seq;
                    let mut state = ConversationState::new(slot.id, snapshot);
                    state.recall_pace(said);
                    inner.state = Some(state);
                    inner.loaded = loaded;
                    inner.heard = inner.heard.filter(|heard| *heard < head);
                    let (gone, come) = self.set_right(&mut inner, &here, &judged);
                    drop(inner);
                    tell(slot, head, &gone, &come);
                    for session in gone.iter().map(|(session, _)| session).chain(&come) {
                        self.unread_may_change(session);
                    }
                    return Ok(true);
                }
                doubtful
            };
            for user in doubtful {
                let row = self.ports.members.membership(&user, slot.id).await?;
                let is_in = row.as_ref().is_some_and(|row| {
                    let head = snapshot.head.seq;
                    row.member.since <= head && row.left.is_none_or(|left| left > head)
                });
                // Where its part of the log ended, for who is out.
                let ended = row.map_or(Seq::ZERO, |row| row.left.unwrap_or(row.member.since));
                judged.insert(user, (!is_in).then_some(ended));
            }
        }
    }

    /// Of several nodes: has a session listen to a conversation of its user's to which nobody here does. It was told here who
    /// let that one in, and not heard. What comes before, the session fetches.
    pub(super) async fn begin_to_listen(
        &self,
        session: &SessionEntry,
        id: ConversationId,
    ) -> Result<(), Rejection> {
        if !self.nodes.are_several() {
            return Ok(());
        }
        let slot = self.slots.at(id);
        let is_unheard = {
            let inner = slot.lock();
            inner.state.is_none() && !inner.is_heard_by(session)
        };
        if is_unheard {
            self.load(&slot).await?;
        }
        Ok(())
    }

    /// The members of a conversation up to a snapshot who have sessions here, as far as that is cheaper to find out than
    /// to ask for each: not more rows are read than there are members, or users here.
    async fn members_here(
        &self,
        id: ConversationId,
        snapshot: &Snapshot,
    ) -> Result<HashSet<UserId>, Rejection> {
        let (info, head) = (&snapshot.info, snapshot.head.seq);
        let mut here = HashSet::new();
        if info.kind == Kind::Direct {
            // For ever the same two.
            here.extend(info.pair.iter().cloned());
            return Ok(here);
        }
        if info.member_count as usize > self.registry.user_count() {
            let users = self.registry.users();
            for users in users.chunks(PAGE) {
                let members = self.ports.members.members(id, users).await?;
                here.extend(
                    members
                        .into_iter()
                        .filter(|member| member.since <= head)
                        .map(|member| member.user),
                );
            }
            return Ok(here);
        }
        let mut after = None;
        while self.registry.user_count() > 0 {
            let page = self.ports.members.roster(id, after.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|member| member.user.clone());
            here.extend(
                page.into_iter()
                    .filter(|member| member.since <= head && self.registry.is_here(&member.user))
                    .map(|member| member.user),
            );
            if is_last {
                break;
            }
        }
        Ok(here)
    }

    /// Takes out of the audience who is out, with where their part ended, and puts in who is missing.
    fn set_right(
        &self,
        inner: &mut SlotState,
        here: &HashSet<UserId>,
        judged: &HashMap<UserId, Option<Seq>>,
    ) -> (Vec<Gone>, Vec<Arc<SessionEntry>>) {
        let ended = |session: &Arc<SessionEntry>| {
            let ended = judged.get(&session.actor.user).copied().flatten()?;
            (session.read_at.load(Ordering::Acquire) < inner.loaded)
                .then(|| (session.clone(), ended))
        };
        let gone: Vec<_> = inner.audience.iter().filter_map(ended).collect();
        for (session, _) in &gone {
            inner.ignore(session);
        }
        // Who read its conversations since listens where it is in, and may have gone meanwhile.
        let loaded = inner.loaded;
        let come = here
            .iter()
            .flat_map(|user| self.registry.sessions_of(user))
            .filter(|session| session.read_at.load(Ordering::Acquire) < loaded)
            .filter(|session| inner.listen(session))
            .collect();
        (gone, come)
    }
}

/// Puts a session that is being set up into the audience of a conversation that its user is a member of, by what it read
/// of the store. With the head that it read, where other nodes tell what they store.
pub(super) fn listen_as_read(
    slot: &Slot,
    session: &Arc<SessionEntry>,
    head: Option<Seq>,
) -> Listening {
    {
        let mut inner = slot.lock();
        let mut may_be_ahead = false;
        if let Some(state) = &inner.state {
            match state.lookup(&session.actor.user) {
                // It was removed since it read, or another process let it in and that is still to be heard here.
                Lookup::Stranger => return Listening::Settled,
                Lookup::Unknown if session.read_at.load(Ordering::Acquire) < inner.loaded => {
                    return Listening::LookAgain;
                }
                Lookup::Member(member) => may_be_ahead = member.since > state.head().seq,
                Lookup::Unknown => may_be_ahead = true,
            }
        }
        inner.may_be_ahead |= may_be_ahead;
        let is_new = match head {
            Some(head) => inner.listen_from(session, head),
            None => inner.listen(session),
        };
        if !is_new {
            return Listening::Settled;
        }
    }
    noted(slot, session);
    Listening::Settled
}

/// Tells sessions that were taken out or in to come and get what they did not hear of.
fn tell(slot: &Slot, head: Seq, gone: &[Gone], come: &[Arc<SessionEntry>]) {
    for (session, ended) in gone {
        if let Some(ids) = &mut *lock(&session.listens) {
            ids.retain(|id| *id != slot.id);
        }
        fall_behind(session, slot.id, *ended);
    }
    for session in come {
        noted(slot, session);
        // What it was told to fetch when it was in before it may have fetched, and nobody noted that: it is told anew.
        lock(&session.delivery).caught_up(slot.id);
        fall_behind(session, slot.id, head);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::{super::fixture, *};
    use crate::{Head, Info, Timestamp};

    fn session() -> Arc<SessionEntry> {
        Arc::new(fixture::session("bob"))
    }

    /// A group that was loaded after so many others.
    fn slot(loaded: u64) -> Slot {
        let id = ConversationId::from_uuid(uuid::Uuid::from_u128(1));
        let snapshot = Snapshot {
            info: Info {
                member_count: 1,
                ..Info::new(Kind::Group, Timestamp(0))
            },
            head: Head {
                seq: Seq(10),
                ordinal: 0,
            },
            last_at_ms: Timestamp(0),
        };
        let slot = Slot {
            id,
            inner: Mutex::default(),
        };
        slot.lock().state = Some(ConversationState::new(id, snapshot));
        slot.lock().loaded = loaded;
        slot
    }

    #[test]
    fn who_was_removed_while_its_session_was_set_up_does_not_listen() {
        let (slot, session) = (slot(0), session());
        let user = session.actor.user.clone();
        slot.lock().state.as_mut().unwrap().learn(&[user], vec![]);

        assert_eq!(listen_as_read(&slot, &session, None), Listening::Settled);

        assert!(slot.lock().audience.is_empty());
    }

    #[test]
    fn who_read_before_the_state_was_loaded_looks_again() {
        let (slot, session) = (slot(1), session());

        let first = listen_as_read(&slot, &session, None);
        session.read_at.store(1, Ordering::Release);
        let second = listen_as_read(&slot, &session, None);

        assert_eq!(first, Listening::LookAgain);
        assert_eq!(second, Listening::Settled);
        assert_eq!(slot.lock().audience.len(), 1);
    }
}
