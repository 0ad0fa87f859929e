//! What one transaction takes: appends of different conversations, chains of appends to the same one, positions.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use im_core::{
    Body, ConversationId, Seq, StoreError, UserId,
    port::{Advance, Append, Appended},
    state::{RosterChange, Trace, roster_changes, traces},
};
use tokio::sync::oneshot;

use super::{
    connection::Connection,
    entries::{Encoded, EntryRow, Obstacles},
    error::SqlError,
    stored,
};
use crate::rows::{MemberKey, Rows};

/// Who waits for an answer. One who went away does not matter.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What was asked for.
pub(super) enum Job {
    Append(Encoded, Reply<Appended>),
    Advance(Vec<Advance>, Reply<()>),
}

/// Jobs that fit into one transaction.
#[derive(Default)]
pub(super) struct Batch {
    appends: Vec<(Encoded, Reply<Appended>)>,
    advances: Vec<(Vec<Advance>, Reply<()>)>,
}

impl Batch {
    /// Takes what fits together, and leaves the rest in its order: an append that does not follow the one before it in
    /// the same conversation has to wait for that one's outcome, and so have those after it.
    pub(super) fn take(waiting: &mut VecDeque<Job>) -> Self {
        let mut batch = Self::default();
        let mut tips: HashMap<ConversationId, Seq> = HashMap::new();
        let mut held: HashSet<ConversationId> = HashSet::new();
        let mut left = VecDeque::new();
        for job in waiting.drain(..) {
            let (encoded, reply) = match job {
                Job::Advance(advances, reply) => {
                    batch.advances.push((advances, reply));
                    continue;
                }
                Job::Append(encoded, reply) => (encoded, reply),
            };
            let at = encoded.append.conversation;
            let follows = match tips.get(&at) {
                Some(tip) => *tip == encoded.append.after && !batch.repeats(&encoded.append),
                None => true,
            };
            if held.contains(&at) || !follows {
                held.insert(at);
                left.push_back(Job::Append(encoded, reply));
                continue;
            }
            tips.insert(at, encoded.last());
            batch.appends.push((encoded, reply));
        }
        *waiting = left;
        batch
    }

    /// Whether a client id of an append is in the batch already.
    fn repeats(&self, append: &Append) -> bool {
        let own = self.appends.iter().map(|(encoded, _)| &encoded.append);
        let mut same = own.filter(|other| other.conversation == append.conversation);
        same.any(|other| {
            other.entries.iter().any(|a| {
                let mut entries = append.entries.iter();
                entries.any(|b| {
                    a.entry.client_id == b.entry.client_id && a.entry.sender == b.entry.sender
                })
            })
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.appends.is_empty() && self.advances.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.appends.len() + self.advances.len()
    }

    pub(super) fn appends(&self) -> impl Iterator<Item = &Encoded> {
        self.appends.iter().map(|(encoded, _)| encoded)
    }

    /// Where each conversation ends when the batch is stored.
    pub(super) fn tips(&self) -> BTreeMap<ConversationId, Seq> {
        let tips = self
            .appends()
            .map(|encoded| (encoded.append.conversation, encoded.last()));
        tips.collect()
    }

    /// Answers those that cannot be stored, and what was to follow them; keeps the others.
    pub(super) fn refuse(&mut self, obstacles: &Obstacles, judged: impl Fn(&Append) -> bool) {
        let mut refused: HashSet<ConversationId> = HashSet::new();
        let mut tips: HashMap<ConversationId, Seq> = HashMap::new();
        for (encoded, reply) in std::mem::take(&mut self.appends) {
            let append = &encoded.append;
            let at = append.conversation;
            let has_room = match tips.get(&at) {
                Some(tip) => *tip == append.after,
                None => {
                    !refused.contains(&at) && (!judged(append) || obstacles.leave_room_for(append))
                }
            };
            let answer = if judged(append) && obstacles.has_client_id_of(append) {
                Some(Appended::Duplicate)
            } else if has_room {
                None
            } else {
                Some(Appended::Conflict)
            };
            match answer {
                Some(answer) => {
                    refused.insert(at);
                    tips.remove(&at);
                    let _ = reply.send(Ok(answer));
                }
                None => {
                    tips.insert(at, encoded.last());
                    self.appends.push((encoded, reply));
                }
            }
        }
    }

    /// Each job for itself, in order.
    pub(super) fn split(self) -> impl DoubleEndedIterator<Item = Self> {
        let appends = self.appends.into_iter().map(|append| Self {
            appends: vec![append],
            ..Self::default()
        });
        let advances = self.advances.into_iter().map(|advance| Self {
            advances: vec![advance],
            ..Self::default()
        });
        appends.chain(advances)
    }

    /// Tells everybody that it is durable.
    pub(super) fn stored(self) {
        for (_, reply) in self.appends {
            let _ = reply.send(Ok(Appended::Stored));
        }
        for (_, reply) in self.advances {
            let _ = reply.send(Ok(()));
        }
    }

    /// Tells everybody that nobody knows.
    pub(super) fn fail(self, error: &SqlError) {
        for (_, reply) in self.appends {
            let _ = reply.send(Err(error.clone().during("appending")));
        }
        for (_, reply) in self.advances {
            let _ = reply.send(Err(error.clone().during("advancing positions")));
        }
    }

    /// Rows in the order of their index, in which every process inserts: then two batches cannot wait for each other.
    pub(super) fn rows(&self) -> Vec<EntryRow<'_>> {
        let mut appends: Vec<&Encoded> = self.appends().collect();
        appends.sort_by_key(|encoded| (encoded.append.conversation, encoded.append.after));
        appends.into_iter().flat_map(Encoded::rows).collect()
    }

    /// What the batch does beside inserting entries.
    pub(super) fn consequences(&self) -> Consequences<'_> {
        let mut consequences = Consequences::default();
        for new in self.appends().flat_map(|encoded| &encoded.append.entries) {
            consequences.add(&new.entry);
        }
        for advance in self.advances.iter().flat_map(|(advances, _)| advances) {
            let key = (advance.conversation, advance.user.clone());
            consequences.users.insert(advance.user.clone());
            consequences.members.insert(key);
            consequences.advances.push(advance);
        }
        consequences
    }
}

/// Rows that a batch touches, and what touches them.
#[derive(Default)]
pub(super) struct Consequences<'b> {
    entries: Vec<&'b im_core::Entry>,
    revising: Vec<&'b im_core::Entry>,
    traces: Vec<(&'b im_core::Entry, Vec<Trace>)>,
    advances: Vec<&'b Advance>,
    conversations: BTreeSet<ConversationId>,
    members: BTreeSet<MemberKey>,
    users: BTreeSet<UserId>,
    /// Users who may have no row in `feed` yet.
    entering: BTreeSet<UserId>,
}

impl<'b> Consequences<'b> {
    fn add(&mut self, entry: &'b im_core::Entry) {
        if matches!(entry.body, Body::Edited { .. }) || !entry.revisions().is_empty() {
            self.revising.push(entry);
        }
        let traces = traces(entry);
        if !traces.is_empty() {
            self.traces.push((entry, traces));
        }
        let changes = roster_changes(entry);
        if changes.is_empty() {
            return;
        }
        self.entries.push(entry);
        self.conversations.insert(entry.conversation);
        for change in changes {
            let user = match change {
                RosterChange::Enter(member) => {
                    self.entering.insert(member.user.clone());
                    member.user
                }
                RosterChange::Exit(user)
                | RosterChange::SetNickname(user, _)
                | RosterChange::SetRole(user, _)
                | RosterChange::SetSilent(user, _) => user,
                RosterChange::Begin(_) | RosterChange::Facts(_) => continue,
            };
            self.users.insert(user.clone());
            self.members.insert((entry.conversation, user));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
            && self.revising.is_empty()
            && self.traces.is_empty()
            && self.advances.is_empty()
    }

    /// Writes them. The entries are inserted already, so nobody else writes to these conversations until the end.
    pub(super) async fn write(&self, connection: &mut Connection) -> Result<(), SqlError> {
        for entry in &self.revising {
            connection.revise(entry).await?;
        }
        for (entry, traces) in &self.traces {
            connection.leave_traces(entry, traces).await?;
        }
        if self.entries.is_empty() && self.advances.is_empty() {
            return Ok(());
        }
        let mut rows = Rows::default();
        stored::lock_users(connection, &mut rows, &self.users, &self.entering).await?;
        stored::load_members(connection, &mut rows, &self.members).await?;
        stored::load_conversations(connection, &mut rows, &self.conversations).await?;
        for entry in &self.entries {
            rows.apply(entry);
        }
        for advance in &self.advances {
            rows.advance(advance);
        }
        stored::save(connection, rows).await
    }
}
