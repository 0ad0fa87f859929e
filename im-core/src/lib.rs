//! An instant-messaging engine that lives inside your program: conversations as logs, exactly-once sends, exact
//! catch-up.
//!
//! ```text
//!  your program ─┐                        ┌─ port::LogStore, MemberStore …   (im-store: memory, SQL)
//!                ├─ Im ── engine ── state ┤
//!  im-transport ─┘   commands → entries   └─ port::Outlet                    (im-transport: WebSocket)
//! ```
//!
//! A [`Command`] is decided, purely, into an [`Entry`]; the store appends it; sessions get it pushed. The store is the
//! truth, a push is a hint: whatever a push loses, [`SyncPull`] brings back.
//!
//! This crate does no I/O: it names no socket, no database and no executor. Those are [`port`]s.
//!
//! # Features
//! - `openapi`: schemas of the wire types for utoipa.
//! - `tokio`: [`port::TokioRuntime`]; the stores of `im-store` bring it.
//! - `testing`: conformance suites for ports, a manual clock, fixtures.

mod audit;
mod client;
mod command;
mod contact;
mod conversation;
mod cursor;
mod device;
mod engine;

mod error;
mod event;
mod id;
mod identifier;
mod im;

mod limits;
mod message;
mod node;
mod own;
mod presence;
mod receipt;
mod report;
mod scope;
mod search;
mod seq;
mod settings;
mod standing;
mod time;
mod user;

pub mod archive;
pub mod figures;
pub mod hook;
pub mod port;
pub mod state;
#[cfg(feature = "testing")]
pub mod testing;
pub mod wire;

pub use audit::{AuditRecord, Deed};
pub use client::{CallError, Connection, Connector, Credential, OpenMessage, Sender, Session};
pub use command::*;
pub use contact::Block;
pub use conversation::*;
pub use cursor::{Cursor, Epoch, InvalidCursor, Positions, SyncPoint};
pub(crate) use device::Meeting;
pub use device::{Admission, Device, DeviceClass, LoginPolicy, Room};

pub use engine::Attachment;
pub use error::{CloseReason, Code, Error, Misuse, Rejection, StoreError};
pub use event::{Deleted, HeadMoved, Push, SessionClosing, SyncNeeded, TypingChanged};
pub use id::{
    ClientId, ConversationId, DeviceId, InvalidConversationId, InvalidId, RowKey, SessionId, UserId,
};

pub use identifier::{Identifier, IdentifierKind, InvalidIdentifier};
pub use im::{Builder, Im};
pub use limits::Limits;
pub use message::*;
pub use node::{Here, NODE_PROTOCOL, NodeId, SessionThere, Whereabouts};
pub use own::*;
pub use port::{Store, TrustEveryone};
pub use presence::{Attention, Availability, ClassPresence, Presence};
pub use receipt::{Position, Receipt};
pub use report::{Report, ReportAbout, ReportReason, ReportState, Settlement};
pub use scope::{InvalidScopes, Scope, Scopes};
pub use search::{
    InvalidSearchCursor, Needle, SEARCH_FORMAT, SearchCursor, normalized, searchable_text,
};
pub use seq::{Head, Seq};
pub use settings::{ChangedSettings, SettingGroups};
pub use standing::{Restriction, RestrictionKind, Standing, UserStanding};
pub use time::Timestamp;
pub use user::{Actor, Authority, Gender, Profile, Tier};
