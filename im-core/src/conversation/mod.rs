//! Conversations as everybody sees them: a log of entries, members with roles, and what each member sees of it.

mod door;
mod entry;
mod erasure;
mod info;
mod member;
mod permission;
mod reaction;
mod revision;
mod view;

pub use door::{Invite, JoinRequest};
pub use entry::{Body, Entry};
pub use info::{Info, InfoPatch, Joining, Kind, Visibility};
pub use member::{Member, Membership, Role, Settings, SettingsPatch};
pub use permission::{Permission, Permissions, Preset, RolePermissions};
pub use reaction::{Reaction, Vote};
pub use revision::{Revision, Wipe};
pub use view::ConversationView;
