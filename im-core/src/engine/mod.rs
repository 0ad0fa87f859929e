//! The shell around the rules: dispatch, lanes, sessions, fan-out, catching up.
//!
//! Nothing here decides who may do what: that is `state`. Nothing here knows a database or a socket: that is `port`.

mod access;
mod admins;
mod admission;
mod aftermath;
mod alarms;
mod answers;
mod attach;
mod audience;
mod batch;
mod beliefs;
mod boundary;
mod caller;
mod catching_up;
mod comings;
mod complaints;
mod contacts;
mod counts;
mod deletion;
mod devices;
mod dispatch;
mod door;
mod drafts;
mod erasure;
mod execute;
mod expiry;
mod facts;
mod fanout;
mod favourites;
#[cfg(test)]
mod fixture;
mod follows;
mod history;
mod hooks;
mod housekeeping;
mod invites;
mod judge;
mod lane;
mod last;
mod lately;
mod log_outs;
mod marks;
mod messages;
mod moment;
mod nature;
mod nodes;
mod notices;
mod own;
mod pace;
mod page;
mod places;
mod positions;
mod preferences;
mod presence;
mod rates;
mod read;
mod readers;
mod registry;
mod relations;
mod reports;
mod retry;
mod scheduled;
mod search;
mod slot;
mod standings;
mod stream_end;
mod stream_text;
mod streams;
mod sync;
mod system;
mod telling;
mod templates;
mod told;
mod unread;
mod unread_news;
mod users;
mod weights;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::Duration,
};

pub(crate) use access::id_at;
pub use attach::Attachment;
pub(crate) use hooks::Hooks;
pub(crate) use nature::place;
pub(crate) use standings::Asking;

use crate::{
    Limits, LoginPolicy,
    port::{Adjustable, Authenticator, Bus, Directory, Ports},
};

/// Everything that the sessions of one node share.
pub(crate) struct Engine {
    pub(crate) ports: Ports,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) heartbeat: Duration,
    login_policy: LoginPolicy,
    system: system::System,
    counts: counts::Counts,
    hooks: Hooks,
    housekeeping: housekeeping::Housekeeping,
    nodes: nodes::Nodes,
    registry: registry::Registry,
    slots: slot::Slots,
    admission: Arc<admission::Admission>,
    lately: lately::Lately,
    weights: weights::Weights,
    relations: relations::Relations,
    held_uses: invites::HeldUses,
    preferences: preferences::KnownPreferences,
    standings: standings::Standings,
    last_notice: telling::LastMoment,
    last_record: telling::LastMoment,
    positions: positions::WriteBehind,
    told: told::Told,
    devices: devices::Devices,
    expiries: expiry::Expiries,
    log_outs: log_outs::LogOuts,
    rates: rates::Rates,
    streams: streams::Streams,
    unread_news: unread_news::UnreadNews,
    gathering: Mutex<marks::Gathering>,
    typists: Mutex<presence::Typists>,
    /// When old records of the audit log were last forgotten.
    forgotten_at: Mutex<Option<Duration>>,
    closing: AtomicBool,
}

impl Engine {
    pub(crate) fn new(
        ports: Ports,
        authenticator: Arc<dyn Authenticator>,
        (limits, adjustable): (Limits, Vec<Arc<dyn Adjustable>>),
        heartbeat: Duration,
    ) -> Self {
        Self {
            slots: slot::Slots::new(limits.idle_conversations),
            ports,
            authenticator,
            heartbeat,
            login_policy: LoginPolicy::default(),
            system: system::System::new(limits, adjustable),
            counts: counts::Counts::default(),
            hooks: Hooks::default(),
            housekeeping: housekeeping::Housekeeping::default(),
            nodes: nodes::Nodes::alone(),
            registry: registry::Registry::default(),
            admission: Arc::default(),
            lately: lately::Lately::default(),
            weights: weights::Weights::default(),
            relations: relations::Relations::default(),
            held_uses: invites::HeldUses::default(),
            preferences: preferences::KnownPreferences::default(),
            standings: standings::Standings::default(),
            last_notice: telling::LastMoment::default(),
            last_record: telling::LastMoment::default(),
            positions: positions::WriteBehind::default(),
            told: told::Told::default(),
            devices: devices::Devices::default(),
            expiries: expiry::Expiries::default(),
            log_outs: log_outs::LogOuts::default(),
            rates: rates::Rates::default(),
            streams: streams::Streams::default(),
            unread_news: unread_news::UnreadNews::default(),
            gathering: Mutex::default(),
            typists: Mutex::default(),
            forgotten_at: Mutex::default(),
            closing: AtomicBool::new(false),
        }
    }

    /// The same with a policy of who may have sessions at a time.
    pub(crate) fn with_login_policy(self, login_policy: LoginPolicy) -> Self {
        Self {
            login_policy,
            ..self
        }
    }

    /// The same as one of several nodes, once it has joined.
    pub(crate) fn among(self, bus: Arc<dyn Bus>, directory: Arc<dyn Directory>) -> Self {
        Self {
            nodes: nodes::Nodes::new(bus, directory),
            ..self
        }
    }

    /// The same with the hooks of the host.
    pub(crate) fn with_hooks(self, hooks: Hooks) -> Self {
        Self { hooks, ..self }
    }
}

/// Locks. A panic while a lock was held is no reason to stop everybody else: what the locks here guard is valid between
/// any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
