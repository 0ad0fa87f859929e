//! Everything in one process, gone with it: for tests, for trying out, and the oracle that other stores are held to.
//!
//! One lock around plain maps. The ports are implemented in files of their own; what entries do to rows is in
//! [`rows`](crate::rows).

mod account;
mod attempts;
mod audit;
mod bus;
mod directory;
mod door;
mod erasure;
mod lease;
mod log;
mod member;
mod notice;
mod own;
mod report;
mod search;
mod settings;
mod standing;
mod token;
mod trace;
mod user;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use self::{attempts::MemoryAttempts, bus::MemoryBus, directory::MemoryDirectory};
use crate::rows::Rows;
use im_core::{
    ChangedSettings, ConversationId, Device, DeviceId, Epoch, Invite, JoinRequest, Profile, Seq,
    Store, UserId,
    port::{Ports, ServerKey, TokioRuntime, VersionedBlock},
};

/// A store in memory; clone to share.
///
/// # Examples
/// ```
/// let ports = im_core::Store::ports(im_store::MemoryStore::new());
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

struct State {
    epoch: Epoch,
    rows: Rows,
    traces: trace::Traces,
    requests: BTreeMap<(ConversationId, UserId), JoinRequest>,
    invites: BTreeMap<String, Invite>,
    deletions: BTreeMap<(UserId, ConversationId, Seq), u64>,
    logs: HashMap<ConversationId, log::Log>,
    conversations_of: BTreeMap<UserId, BTreeSet<ConversationId>>,
    profiles: HashMap<UserId, Profile>,
    blocks: BTreeMap<(UserId, UserId), VersionedBlock>,
    notices: notice::Notices,
    own: own::OwnRows,
    leases: lease::Leases,
    audit: audit::Records,
    settings: ChangedSettings,
    reports: report::Reports,
    standings: standing::Standings,
    devices: BTreeMap<(UserId, DeviceId), Device>,
    accounts: account::Accounts,
    erasures: BTreeMap<UserId, erasure::Progress>,
    tokens: token::Tokens,
    keys: BTreeMap<String, ServerKey>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                epoch: Epoch::random(),
                rows: Rows::default(),
                traces: trace::Traces::default(),
                requests: BTreeMap::new(),
                invites: BTreeMap::new(),
                deletions: BTreeMap::new(),
                logs: HashMap::new(),
                conversations_of: BTreeMap::new(),
                profiles: HashMap::new(),
                blocks: BTreeMap::new(),
                notices: notice::Notices::default(),
                own: BTreeMap::new(),
                leases: HashMap::new(),
                audit: audit::Records::default(),
                settings: ChangedSettings::default(),
                reports: report::Reports::default(),
                standings: standing::Standings::default(),
                devices: BTreeMap::new(),
                accounts: account::Accounts::default(),
                erasures: BTreeMap::new(),
                tokens: token::Tokens::default(),
                keys: BTreeMap::new(),
            })),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn ports(self) -> Ports {
        Ports::of(self, Arc::new(TokioRuntime))
    }
}
