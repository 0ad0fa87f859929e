//! What this node holds of a conversation: its state, who listens, who waits. And the table of them.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

use tokio::sync::oneshot;
use tracing::Span;

use super::{
    admission::Admitted, caller::Caller, lock, registry::SessionEntry, retry::measured_fingerprint,
};
use crate::{
    Actor, ConversationId, Entry, Push, Rejection, Seq, Timestamp,
    state::{Ask, ConversationState},
};

/// The sessions on this node that see a conversation. Copied when it changes while somebody delivers to it.
pub(super) type Audience = Arc<Vec<Arc<SessionEntry>>>;

/// Where a request ended up in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub(super) seq: Seq,
    pub(super) at_ms: Timestamp,
}

/// What becomes of a request.
pub(super) type Answer = Result<Stored, Rejection>;

/// A request that waits for its turn.
pub(super) struct Waiting {
    pub(super) actor: Actor,
    pub(super) ask: Ask,
    pub(super) fingerprint: i64,
    /// How much is asked, about.
    pub(super) bytes: usize,
    /// In whose name it is worked on: what is logged there says which request it was.
    pub(super) span: Span,
    pub(super) reply: oneshot::Sender<Answer>,
    /// Absent before it is let into its lane.
    pub(super) admitted: Option<Admitted>,
}

impl Waiting {
    /// A request, and where its answer comes.
    pub(super) fn of(caller: Caller, ask: Ask) -> (Box<Self>, oneshot::Receiver<Answer>) {
        let Caller { actor, asked } = caller;
        let (fingerprint, bytes) = measured_fingerprint(&ask);
        let (reply, answer) = oneshot::channel();
        let waiting = Self {
            actor,
            ask,
            fingerprint: asked.unwrap_or(fingerprint),
            bytes,
            span: Span::current(),
            reply,
            admitted: None,
        };
        (Box::new(waiting), answer)
    }
}

/// What the leader of a lane is to do.
pub(super) enum Work {
    Ask(Box<Waiting>),
    /// Read what the log has beyond our head: an append whose outcome is not known may have happened.
    CatchUp,
    /// Take in what another node stored: consecutive entries, at least one.
    Hear(Vec<Entry>),
    /// Deliver what was gathered.
    Flush,
}

#[derive(Default)]
pub(super) struct SlotState {
    pub(super) state: Option<ConversationState>,
    /// When the state was taken from the store, as [`Registry`](super::registry::Registry) counts such moments.
    pub(super) loaded: u64,
    pub(super) audience: Audience,
    pub(super) queue: VecDeque<Work>,
    /// Whether somebody works through the queue.
    pub(super) led: bool,
    /// Entries that wait for others, when deliveries are coalesced.
    pub(super) gathered: Vec<Push>,
    /// An append was begun whose outcome we have not been told: the log may hold more than was delivered here.
    pub(super) doubt: bool,
    /// Whether somebody will look, in a moment, what became of it.
    pub(super) looking: bool,
    /// How often the outcome of an append was unknown.
    pub(super) doubts: u64,
    /// Whether the log may hold entries from here that no other node was told of.
    pub(super) untold: bool,
    /// Of several nodes: from where on those who listen are to be given what others store, where that is not the head of
    /// the state. They have what came before, or fetch it.
    pub(super) heard: Option<Seq>,
    /// Of several nodes: somebody listens who may have come in by an entry beyond the head of the state. What is delivered
    /// next is read from the log, up to that entry: one before it is not for whoever came.
    pub(super) may_be_ahead: bool,
}

impl SlotState {
    /// Adds a session to those who see the conversation. `false` when it is one of them.
    pub(super) fn listen(&mut self, session: &Arc<SessionEntry>) -> bool {
        // Sessions are numbered as they open, so a new one almost always goes to the end.
        let place = self
            .audience
            .binary_search_by_key(&session.id, |other| other.id);
        if let Err(place) = place {
            Arc::make_mut(&mut self.audience).insert(place, session.clone());
        }
        place.is_err()
    }

    /// As [`Self::listen`], for a session that gets what comes after `head` as soon as it is heard of.
    pub(super) fn listen_from(&mut self, session: &Arc<SessionEntry>, head: Seq) -> bool {
        if self.state.is_none() && (self.heard.is_none() || self.audience.is_empty()) {
            self.heard = Some(head);
        }
        self.listen(session)
    }

    /// Forgets the state where nobody listens, works or waits: nobody told us how the conversation went on.
    pub(super) fn forget_unless_followed(&mut self) {
        if self.is_idle() {
            self.state = None;
            self.heard = None;
        }
    }

    /// Whether what others store is of interest here.
    pub(super) fn is_followed(&self) -> bool {
        self.state.is_some() || !self.audience.is_empty()
    }

    /// Up to where those who listen were given what was stored; `None` when that is not known.
    pub(super) fn delivered(&self) -> Option<Seq> {
        let head = self.state.as_ref().map(|state| state.head().seq);
        match (head, self.heard) {
            (Some(head), Some(heard)) => Some(head.min(heard)),
            (head, heard) => head.or(heard),
        }
    }

    /// Whether entries that the state has in it are still to be delivered.
    pub(super) fn is_behind(&self) -> bool {
        let head = self.state.as_ref().map(|state| state.head().seq);
        head.is_some_and(|head| self.heard.is_some_and(|heard| heard < head))
    }

    /// Whether a session is one of those who see the conversation.
    pub(super) fn is_heard_by(&self, session: &SessionEntry) -> bool {
        let audience = &self.audience;
        let place = audience.binary_search_by_key(&session.id, |other| other.id);
        place.is_ok()
    }

    /// Removes a session.
    pub(super) fn ignore(&mut self, session: &SessionEntry) {
        if let Ok(place) = self
            .audience
            .binary_search_by_key(&session.id, |other| other.id)
        {
            Arc::make_mut(&mut self.audience).remove(place);
        }
    }

    fn is_idle(&self) -> bool {
        self.audience.is_empty()
            && self.queue.is_empty()
            && !self.led
            && !self.doubt
            && self.gathered.is_empty()
    }
}

/// What this node holds of one conversation.
pub(super) struct Slot {
    pub(super) id: ConversationId,
    pub(super) inner: Mutex<SlotState>,
}

impl Slot {
    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, SlotState> {
        lock(&self.inner)
    }
}

const SHARDS: usize = 64;

struct Shard {
    slots: HashMap<ConversationId, Arc<Slot>>,
    /// At how many slots those that nobody uses are dropped.
    sweep_at: usize,
}

/// All slots of this node.
pub(super) struct Slots {
    shards: Vec<Mutex<Shard>>,
    idle_per_shard: usize,
}

impl Slots {
    pub(super) fn new(idle: usize) -> Self {
        let idle_per_shard = idle.div_ceil(SHARDS).max(1);
        let shard = || {
            Mutex::new(Shard {
                slots: HashMap::new(),
                sweep_at: idle_per_shard,
            })
        };
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            idle_per_shard,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        let shards = self.shards.iter();
        shards.map(|shard| lock(shard).slots.len()).sum()
    }

    /// The slot of a conversation.
    pub(super) fn at(&self, id: ConversationId) -> Arc<Slot> {
        let byte = id.as_uuid().as_bytes()[15];
        let mut shard = lock(&self.shards[usize::from(byte) % SHARDS]);
        if let Some(slot) = shard.slots.get(&id) {
            return slot.clone();
        }
        if shard.slots.len() >= shard.sweep_at {
            // Whoever holds a clone may be about to use it, and must not end up with a slot that is not in the table.
            shard
                .slots
                .retain(|_, slot| Arc::strong_count(slot) > 1 || !slot.lock().is_idle());
            shard.sweep_at = shard.slots.len() + self.idle_per_shard;
        }
        let slot = Arc::new(Slot {
            id,
            inner: Mutex::default(),
        });
        shard.slots.insert(id, slot.clone());
        slot
    }

    /// The slot of a conversation that somebody here asked for lately.
    pub(super) fn find(&self, id: ConversationId) -> Option<Arc<Slot>> {
        let byte = id.as_uuid().as_bytes()[15];
        let shard = lock(&self.shards[usize::from(byte) % SHARDS]);
        shard.slots.get(&id).cloned()
    }

    /// The conversations of which somebody here is to hear.
    pub(super) fn followed(&self) -> Vec<ConversationId> {
        let mut followed = Vec::new();
        for shard in &self.shards {
            let slots: Vec<_> = lock(shard).slots.values().cloned().collect();
            let of_interest = slots.iter().filter(|slot| slot.lock().is_followed());
            followed.extend(of_interest.map(|slot| slot.id));
        }
        // So that in a simulation it is the same each time.
        followed.sort_unstable();
        followed
    }
}
