//! The shell around the rules: dispatch, lanes, sessions, fan-out, catching up.
//!
//! Nothing here decides who may do what: that is `state`. Nothing here knows a database or a socket: that is `port`.

mod attach;
mod audience;
mod batch;
mod deletion;
mod devices;
mod dispatch;
mod door;
mod expiry;
mod fanout;
mod history;
mod lane;
mod marks;
mod messages;
mod moment;
mod page;
mod positions;
mod presence;
mod rates;
mod read;
mod registry;
mod relations;
mod retry;
mod search;
mod slot;
mod sync;
mod users;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::Duration,
};

pub use attach::Attachment;

use crate::{
    Limits,
    port::{Authenticator, Ports},
};

/// Everything that the sessions of one node share.
pub(crate) struct Engine {
    pub(crate) ports: Ports,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) limits: Limits,
    pub(crate) heartbeat: Duration,
    registry: registry::Registry,
    slots: slot::Slots,
    relations: relations::Relations,
    positions: positions::WriteBehind,
    devices: devices::Devices,
    expiries: expiry::Expiries,
    rates: rates::Rates,
    gathering: Mutex<marks::Gathering>,
    typists: Mutex<presence::Typists>,
    closing: AtomicBool,
}

impl Engine {
    pub(crate) fn new(
        ports: Ports,
        authenticator: Arc<dyn Authenticator>,
        limits: Limits,
        heartbeat: Duration,
    ) -> Self {
        Self {
            slots: slot::Slots::new(limits.idle_conversations),
            ports,
            authenticator,
            limits,
            heartbeat,
            registry: registry::Registry::default(),
            relations: relations::Relations::default(),
            positions: positions::WriteBehind::default(),
            devices: devices::Devices::default(),
            expiries: expiry::Expiries::default(),
            rates: rates::Rates::default(),
            gathering: Mutex::default(),
            typists: Mutex::default(),
            closing: AtomicBool::new(false),
        }
    }
}

/// Locks. A panic while a lock was held is no reason to stop everybody else: what the locks here guard is valid between
/// any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
