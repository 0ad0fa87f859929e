//! What goes out: in order, by one task, with one question to the directory for all that waits.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex},
};

use bytes::Bytes;

use super::{
    super::{Engine, lock, slot::Slot},
    Letter, To,
    letter::Envelope,
};
use crate::{
    ConversationId, Kind, NodeId, Rejection, Seq, StoreError, UserId,
    port::Address,
    state::{ConversationState, RosterChange, Run, roster_changes},
};

/// Members up to whom the nodes of each are looked up. Where there are more, most nodes have some.
const FEW: u32 = 100;
/// Letters that are sent after one look into the directory.
const BATCH: usize = 256;
/// Letters that wait at most, some hundred bytes each. What comes when there are so many is lost, and the others notice.
const WAITING: usize = 20_000;
/// Conversations whose members are kept at hand.
const KEPT: usize = 10_000;
/// Members per read.
const PAGE: usize = 500;

/// What waits to go out.
#[derive(Default)]
pub(super) struct Post {
    queue: Mutex<Queue>,
    /// Held by whoever sends.
    sending: tokio::sync::Mutex<Sending>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(To, Bytes)>,
    /// Whether a task works through it.
    runs: bool,
    /// Whether something was left out since the last batch.
    lost: bool,
}

#[derive(Default)]
struct Sending {
    /// How many letters went to all.
    to_all: u64,
    /// How many went to each.
    to_each: HashMap<NodeId, u64>,
    /// Whether something was lost that may have been for nodes which have come since.
    lost_to_new: bool,
    members: HashMap<ConversationId, (Seq, Arc<[UserId]>)>,
}

/// The right to work through the queue. Whatever becomes of the task that holds it, another can begin afterwards.
struct Working {
    engine: Arc<Engine>,
    /// Nothing was left to do, and another may be at it by now.
    done: bool,
}

impl Working {
    fn finish(mut self) {
        self.done = true;
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if !self.done {
            lock(&self.engine.nodes.post.queue).runs = false;
        }
    }
}

impl Post {
    /// Waits until what was written so far is out.
    pub(super) async fn finish(&self, engine: &Engine) {
        while let Some((batch, lost)) = self.next() {
            engine.send(batch, lost).await;
        }
        // Another task may have taken some.
        drop(self.sending.lock().await);
    }

    fn next(&self) -> Option<(Vec<(To, Bytes)>, bool)> {
        let mut queue = lock(&self.queue);
        let count = queue.waiting.len().min(BATCH);
        let lost = std::mem::take(&mut queue.lost);
        if count == 0 && !lost {
            return None;
        }
        Some((queue.waiting.drain(..count).collect(), lost))
    }
}

impl Engine {
    /// Writes to other nodes, as far as there are any. Letters to the same go out in the order of the calls.
    pub(in crate::engine) fn write_to(&self, to: To, letter: &Letter) {
        if self.nodes.are_several() {
            self.post(to, letter.body());
        }
    }

    pub(super) fn post(&self, to: To, body: Bytes) {
        let Some(engine) = self.owned() else { return };
        {
            let mut queue = lock(&self.nodes.post.queue);
            if queue.waiting.len() >= WAITING {
                queue.lost = true;
                self.nodes.counts.dropped();
                return;
            }
            queue.waiting.push_back((to, body));
            if std::mem::replace(&mut queue.runs, true) {
                return;
            }
        }
        let working = Working {
            engine,
            done: false,
        };
        self.ports.runtime.spawn(Box::pin(async move {
            let engine = working.engine.clone();
            loop {
                while let Some((batch, lost)) = engine.nodes.post.next() {
                    engine.send(batch, lost).await;
                }
                let mut queue = lock(&engine.nodes.post.queue);
                if queue.waiting.is_empty() && !queue.lost {
                    queue.runs = false;
                    return working.finish();
                }
            }
        }));
    }

    /// Sends what is to go out. What cannot be, because nobody knows where to, leaves gaps in the numbers.
    async fn send(&self, batch: Vec<(To, Bytes)>, lost: bool) {
        let mut sending = self.nodes.post.sending.lock().await;
        // A failure is logged by the conversion. What goes to all does without the directory.
        let addresses = self
            .addresses(&mut sending, &batch)
            .await
            .map_err(Rejection::from);
        let addresses = addresses.ok().flatten();
        if lost || addresses.is_none() {
            sending.skip(&lock(&self.nodes.there));
        }
        let nodes = addresses.unwrap_or_else(|| vec![HashSet::new(); batch.len()]);
        for ((to, body), nodes) in batch.into_iter().zip(nodes) {
            match to {
                To::All => {
                    sending.to_all += 1;
                    let envelope = Envelope::new(self.nodes.id, Run::ToAll, sending.to_all, body);
                    self.hand_over(Address::All, envelope);
                }
                To::Node(node) => self.send_one(&mut sending, node, body),
                To::Users(_) | To::Members(..) => {
                    for node in nodes {
                        self.send_one(&mut sending, node, body.clone());
                    }
                }
                To::Count => self.send_counts(&mut sending),
            }
        }
    }

    fn send_one(&self, sending: &mut Sending, node: NodeId, body: Bytes) {
        // Who came while something was lost to nobody knows whom lacks a letter from the first on.
        let lost = u64::from(sending.lost_to_new);
        let number = sending.to_each.entry(node).or_insert(lost);
        *number += 1;
        let envelope = Envelope::new(self.nodes.id, Run::ToMe, *number, body);
        self.hand_over(Address::Node(node), envelope);
    }

    fn hand_over(&self, to: Address, envelope: Envelope) {
        self.nodes.counts.sent();
        self.nodes.bus.send(to, envelope.into_bytes());
    }

    /// Tells each node how much it should have heard. These have no number of their own.
    fn send_counts(&self, sending: &mut Sending) {
        let there: Vec<NodeId> = lock(&self.nodes.there).iter().copied().collect();
        // While the directory does not answer, it is not known who has come.
        if self.nodes.is_reached() && std::mem::take(&mut sending.lost_to_new) {
            for node in &there {
                sending.to_each.entry(*node).or_insert(1);
            }
        }
        for node in there.into_iter().filter(|node| *node != self.nodes.id) {
            let to_it = sending.to_each.get(&node).copied().unwrap_or_default();
            let body = Letter::Count(sending.to_all, to_it).body();
            let envelope = Envelope::new(self.nodes.id, Run::ToMe, 0, body);
            self.hand_over(Address::Node(node), envelope);
        }
    }

    /// For each letter the nodes that it goes to, as far as that is looked up; nothing while the directory does not answer.
    async fn addresses(
        &self,
        sending: &mut Sending,
        batch: &[(To, Bytes)],
    ) -> Result<Option<Vec<HashSet<NodeId>>>, StoreError> {
        if !self.nodes.is_reached() {
            return Ok(None);
        }
        let mut readers: Vec<Vec<UserId>> = Vec::with_capacity(batch.len());
        for (to, _) in batch {
            readers.push(match to {
                To::Users(users) => users.clone(),
                To::Members(id, since, also) => {
                    let members = self.members_at(sending, *id, *since).await?;
                    members.iter().chain(also).cloned().collect()
                }
                To::All | To::Node(_) | To::Count => Vec::new(),
            });
        }
        let mut asked: Vec<UserId> = readers.iter().flatten().cloned().collect();
        asked.sort_unstable();
        asked.dedup();
        let mut by_user = HashMap::with_capacity(asked.len());
        for users in asked.chunks(PAGE) {
            let found = self.nodes.directory.find(users).await;
            let found = self.nodes.counts.answered(found)?;
            by_user.extend(users.iter().zip(found));
        }
        let nodes_of = |user: &UserId| {
            let there = by_user.get(user).into_iter().flat_map(|it| &it.nodes);
            let with_sessions = there.filter(|(_, here)| !here.sessions.is_empty());
            let nodes = with_sessions.map(|(node, _)| *node);
            nodes
                .filter(|node| *node != self.nodes.id)
                .collect::<Vec<_>>()
        };
        let of_all = |users: &Vec<UserId>| users.iter().flat_map(&nodes_of).collect();
        Ok(Some(readers.iter().map(of_all).collect()))
    }

    /// The members of a small conversation.
    async fn members_at(
        &self,
        sending: &mut Sending,
        id: ConversationId,
        since: Seq,
    ) -> Result<Arc<[UserId]>, StoreError> {
        if let Some((at, members)) = sending.members.get(&id)
            && *at == since
        {
            return Ok(members.clone());
        }
        let page = self.ports.members.roster(id, None, PAGE).await?;
        let members: Arc<[UserId]> = page.into_iter().map(|member| member.user).collect();
        if sending.members.len() >= KEPT {
            sending.members.clear();
        }
        sending.members.insert(id, (since, members.clone()));
        Ok(members)
    }
}

impl Sending {
    /// Something is lost, and it is not known to whom: everybody notices by a number that does not come.
    fn skip(&mut self, there: &HashSet<NodeId>) {
        self.to_all += 1;
        self.lost_to_new = true;
        for node in there {
            self.to_each.entry(*node).or_default();
        }
        // Also to those that were not there at the last beat: who has forgotten them may be the directory.
        for number in self.to_each.values_mut() {
            *number += 1;
        }
    }
}

/// Where letters of a conversation go.
pub(in crate::engine) fn to_readers(state: &ConversationState, also: Vec<UserId>) -> To {
    let info = state.info();
    if info.kind == Kind::Direct {
        return To::Users(info.pair.to_vec());
    }
    if info.member_count > FEW {
        return To::All;
    }
    To::Members(state.id(), state.roster_at(), also)
}

/// Where letters of a conversation go, when its state is at hand.
pub(in crate::engine) fn to_readers_of(slot: &Slot) -> To {
    let inner = slot.lock();
    inner
        .state
        .as_ref()
        .map_or(To::All, |state| to_readers(state, Vec::new()))
}

/// Who came and went by entries.
pub(in crate::engine) fn moved(entries: &[crate::Entry]) -> Vec<UserId> {
    let changes = entries.iter().flat_map(roster_changes);
    let user = |change| match change {
        RosterChange::Enter(member) => Some(member.user),
        RosterChange::Exit(user) => Some(user),
        RosterChange::Begin(_)
        | RosterChange::Facts(_)
        | RosterChange::SetRole(..)
        | RosterChange::SetSilent(..)
        | RosterChange::SetNickname(..) => None,
    };
    changes.filter_map(user).collect()
}
