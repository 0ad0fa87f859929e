//! What the engine needs from outside: one small trait for each, object safe, held as `Arc<dyn …>`.
//!
//! A port's contract is in its documentation, and `testing` holds the suite that checks it. Methods return what
//! happened; none has a default that would hide missing work.

mod account;
mod adjustable;
mod alarm;
mod annotation;
mod attempts;
mod audit;
mod authenticator;
mod bus;
mod code;
mod contact;
mod device;
mod directory;
mod door;
mod erasure;
mod heads;
mod lease;
mod log;
mod member;
mod membership_count;
mod notice;
mod outlet;
mod own;
mod position;
mod real_name;
mod report;
mod runtime;
mod search;
mod settings;
mod standing;
mod tally;
mod token;
#[cfg(feature = "tokio")]
mod tokio_runtime;
mod user;

use std::sync::Arc;

pub use account::{Account, AccountStore, Attached, Created};
pub use adjustable::Adjustable;
pub use alarm::{Alarm, AlarmStore};
pub use annotation::{AnnotationStore, MarkCount, ThreadCount};
pub use attempts::{Admission, AttemptKey, AttemptRate, Attempts, LockRule, Verdict};
pub use audit::{AuditQuery, AuditStore};
pub use authenticator::{Authenticator, Identity, LogOutCount, SignOut, TrustEveryone};
pub use bus::{Address, Bus, BusCondition, Ear, NoBus};
pub use code::{CODE_TRIES, CODES_LAST, CodeHash, CodeStore, OneTimeCode};
pub use contact::{ContactStore, VersionedBlock};
pub use device::{DeviceStore, Remembered, Seen};
pub use directory::{Beat, Directory, NoDirectory};
pub use door::{Banned, DoorStore, InviteStore};
pub use erasure::{Erasure, ErasureStore};
pub use heads::HeadStore;
pub use lease::LeaseStore;
pub use log::{Append, Appended, Known, LogStore, NewEntry, Range, Snapshot};
pub use member::MemberStore;
pub use membership_count::MembershipCount;
pub use notice::{NoticeStore, NoticeToAll};
pub use outlet::{Broadcast, Encoding, Offer, Outlet, Urgency};
pub use own::{OwnStore, OwnWrite, Written};
pub use position::{Advance, PositionStore};
pub use real_name::{RealName, RealNameState, RealNameStore};
pub use report::{FiledReport, ReportQuery, ReportStore};
pub use runtime::{BoxFuture, Runtime};
pub use search::{Found, Rest, Search, SearchStore};
pub use settings::SettingsStore;
pub use standing::{StandingStore, StandingWrite, StandingWritten, VersionedStanding};
pub use tally::{Span, Tally, TallyStore};
pub use token::{
    Extent, REPEAT, REVOCATIONS_LAST, Redeemed, RefreshToken, Revocation, Revoked, ServerKey,
    TokenStore,
};
#[cfg(feature = "tokio")]
pub use tokio_runtime::TokioRuntime;
pub use user::UserStore;

/// Everything durable, and the runtime that it runs on. Implemented by what `im-store` opens.
pub trait Store {
    /// The ports of this store.
    fn ports(self) -> Ports;
}

/// The ports that a store brings.
#[derive(Clone)]
#[allow(missing_docs, reason = "each field's type documents it")]
pub struct Ports {
    pub accounts: Arc<dyn AccountStore>,
    pub alarms: Arc<dyn AlarmStore>,
    pub annotations: Arc<dyn AnnotationStore>,
    pub audit: Arc<dyn AuditStore>,
    pub codes: Arc<dyn CodeStore>,
    pub contacts: Arc<dyn ContactStore>,
    pub devices: Arc<dyn DeviceStore>,
    pub doors: Arc<dyn DoorStore>,
    pub erasures: Arc<dyn ErasureStore>,
    pub heads: Arc<dyn HeadStore>,
    pub invites: Arc<dyn InviteStore>,
    pub leases: Arc<dyn LeaseStore>,
    pub log: Arc<dyn LogStore>,
    pub members: Arc<dyn MemberStore>,
    pub membership_count: Arc<dyn MembershipCount>,
    pub notices: Arc<dyn NoticeStore>,
    pub own: Arc<dyn OwnStore>,
    pub positions: Arc<dyn PositionStore>,
    pub real_names: Arc<dyn RealNameStore>,
    pub reports: Arc<dyn ReportStore>,
    pub runtime: Arc<dyn Runtime>,
    pub search: Arc<dyn SearchStore>,
    pub settings: Arc<dyn SettingsStore>,
    pub standings: Arc<dyn StandingStore>,
    pub tallies: Arc<dyn TallyStore>,
    pub tokens: Arc<dyn TokenStore>,
    pub users: Arc<dyn UserStore>,
}

impl Ports {
    /// The ports of a store that implements all of them, as those of `im-store` do.
    pub fn of<S>(store: S, runtime: Arc<dyn Runtime>) -> Self
    where
        S: AccountStore
            + AlarmStore
            + AnnotationStore
            + AuditStore
            + CodeStore
            + ContactStore
            + DeviceStore
            + DoorStore
            + ErasureStore
            + HeadStore
            + InviteStore
            + LeaseStore
            + LogStore
            + MemberStore
            + MembershipCount
            + NoticeStore
            + OwnStore
            + PositionStore
            + RealNameStore
            + ReportStore
            + SearchStore
            + SettingsStore
            + StandingStore
            + TallyStore
            + TokenStore
            + UserStore,
    {
        let store = Arc::new(store);
        Self {
            accounts: store.clone(),
            alarms: store.clone(),
            annotations: store.clone(),
            audit: store.clone(),
            codes: store.clone(),
            contacts: store.clone(),
            devices: store.clone(),
            doors: store.clone(),
            erasures: store.clone(),
            heads: store.clone(),
            invites: store.clone(),
            leases: store.clone(),
            log: store.clone(),
            members: store.clone(),
            membership_count: store.clone(),
            notices: store.clone(),
            own: store.clone(),
            positions: store.clone(),
            real_names: store.clone(),
            reports: store.clone(),
            runtime,
            search: store.clone(),
            settings: store.clone(),
            standings: store.clone(),
            tallies: store.clone(),
            tokens: store.clone(),
            users: store,
        }
    }
}

impl Store for Ports {
    fn ports(self) -> Ports {
        self
    }
}
