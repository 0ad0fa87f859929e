//! Conversations as everybody sees them: a log of entries, members with roles, and what each member sees of it.

mod entry;
mod erasure;
mod info;
mod member;
mod view;

pub use entry::{Body, Entry, Revision};
pub use info::{Info, InfoPatch, Joining, Kind};
pub use member::{Member, Membership, Role, Settings, SettingsPatch};
pub use view::ConversationView;
