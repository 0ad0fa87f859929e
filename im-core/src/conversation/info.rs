//! What a conversation is called and how one gets in.

use serde::{Deserialize, Serialize};

use super::{Preset, Role, RolePermissions};
use crate::{
    Seq, Timestamp, UserId,
    message::{is_default, is_false},
};

/// What kind of conversation. The list is open.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Kind {
    /// Few write, many read.
    Channel,
    /// Two users.
    Direct,
    /// Several users with roles.
    Group,
    /// One user's notes to oneself.
    #[serde(rename = "self")]
    Personal,
}

impl Kind {
    /// Whether members come and go: otherwise they are the same for ever.
    #[must_use]
    pub const fn has_roster(self) -> bool {
        match self {
            Self::Channel | Self::Group => true,
            Self::Direct | Self::Personal => false,
        }
    }
}

/// How one gets into a group.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Joining {
    /// By asking, and being let in.
    Approval,
    /// By being added.
    #[default]
    Invited,
    /// By anybody who knows the id.
    Open,
}

/// What a new member sees of what was said before.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Visibility {
    /// Everything, from the first entry on.
    All,
    /// Nothing: its part of the log begins with the entry that brought it in.
    #[default]
    FromJoining,
}

/// The facts of a conversation.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Info {
    /// What kind of conversation.
    #[serde(rename = "kind")]
    pub kind: Kind,
    /// Shown name of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Address or key of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// What members should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announcement: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How one gets in.
    pub joining: Joining,
    /// What newcomers see of what was before.
    #[serde(default, skip_serializing_if = "is_default")]
    pub history: Visibility,
    /// What the roles may do, unless `permissions` says otherwise.
    #[serde(default)]
    pub preset: Preset,
    /// What the roles may do, when that was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Box<RolePermissions>>,
    /// Whether only those speak who may [`SpeakFreely`](super::Permission::SpeakFreely).
    #[serde(default, skip_serializing_if = "is_false")]
    pub silenced: bool,
    /// How long a member waits between two messages, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_mode_ms: Option<u64>,
    /// How long messages stay, in milliseconds; those that are said from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_ttl_ms: Option<u64>,
    /// Whether it ended for everybody: it can be read, and nothing more can happen in it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dismissed: bool,
    /// Pinned messages, in the order in which they were pinned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u64>))]
    pub pins: Vec<Seq>,
    /// Who has said something in a direct conversation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub spoke: Vec<UserId>,
    /// Whether a message here ever was one that goes when it is read.
    #[serde(default, skip_serializing_if = "is_false")]
    pub burns: bool,
    /// Who owns a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub owner: Option<UserId>,
    /// The two of a direct conversation, sorted; empty for a group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub pair: Vec<UserId>,
    /// How many members there are.
    pub member_count: u32,
    /// When it began.
    pub created_at_ms: Timestamp,
}

impl Info {
    /// The facts of a conversation that began just now, without members.
    #[must_use]
    pub const fn new(kind: Kind, created_at_ms: Timestamp) -> Self {
        Self {
            kind,
            name: None,
            avatar: None,
            announcement: None,
            description: None,
            joining: Joining::Invited,
            history: Visibility::FromJoining,
            preset: Preset::of(kind),
            permissions: None,
            silenced: false,
            slow_mode_ms: None,
            message_ttl_ms: None,
            dismissed: false,
            pins: Vec::new(),
            spoke: Vec::new(),
            burns: false,
            owner: None,
            pair: Vec::new(),
            member_count: 0,
            created_at_ms,
        }
    }

    /// What a role may do here.
    #[must_use]
    pub fn permissions_of(&self, role: Role) -> super::Permissions {
        match &self.permissions {
            Some(permissions) => permissions.of(role),
            None => self.preset.permissions().of(role),
        }
    }

    /// The other side of a direct conversation.
    #[must_use]
    pub fn peer_of(&self, user: &UserId) -> Option<&UserId> {
        self.pair.iter().find(|member| *member != user)
    }
}

/// Changes of a conversation's facts. Absent means unchanged; an empty text clears, and so does a span of 0.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InfoPatch {
    /// Shown name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Address or key of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// What members should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announcement: Option<String>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How one gets in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joining: Option<Joining>,
    /// What newcomers see of what was before; those who come from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Visibility>,
    /// Whether everybody is silent but those who may speak freely.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silenced: Option<bool>,
    /// How long a member waits between two messages, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_mode_ms: Option<u64>,
    /// How long messages stay, in milliseconds; those that are said from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_ttl_ms: Option<u64>,
}

impl InfoPatch {
    /// Changes `info`. Returns what the changed fields were before; `None` when nothing is different now.
    pub fn apply(&self, info: &mut Info) -> Option<Self> {
        let before = info.clone();
        let mut was = Self::default();
        let text = |field: &mut Option<String>, text: &Option<String>, was: &mut Option<String>| {
            let Some(text) = text else { return };
            let new = Some(text.clone()).filter(|text| !text.is_empty());
            if new != *field {
                *was = Some(std::mem::replace(field, new).unwrap_or_default());
            }
        };
        text(&mut info.name, &self.name, &mut was.name);
        text(&mut info.avatar, &self.avatar, &mut was.avatar);
        text(
            &mut info.announcement,
            &self.announcement,
            &mut was.announcement,
        );
        text(
            &mut info.description,
            &self.description,
            &mut was.description,
        );
        let span = |field: &mut Option<u64>, span: Option<u64>, was: &mut Option<u64>| {
            let Some(span) = span else { return };
            let new = Some(span).filter(|span| *span > 0);
            if new != *field {
                *was = Some(std::mem::replace(field, new).unwrap_or_default());
            }
        };
        span(
            &mut info.slow_mode_ms,
            self.slow_mode_ms,
            &mut was.slow_mode_ms,
        );
        span(
            &mut info.message_ttl_ms,
            self.message_ttl_ms,
            &mut was.message_ttl_ms,
        );
        replace(&mut info.joining, self.joining, &mut was.joining);
        replace(&mut info.history, self.history, &mut was.history);
        replace(&mut info.silenced, self.silenced, &mut was.silenced);
        (*info != before).then_some(was)
    }
}

fn replace<T: Copy + PartialEq>(field: &mut T, new: Option<T>, was: &mut Option<T>) {
    if let Some(new) = new.filter(|new| *new != *field) {
        *was = Some(std::mem::replace(field, new));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_tells_what_was_before_and_only_that() {
        let mut info = Info::new(Kind::Group, Timestamp(0));
        info.name = Some("old".into());
        let patch = InfoPatch {
            name: Some(String::new()),
            joining: Some(Joining::Invited),
            slow_mode_ms: Some(5_000),
            ..InfoPatch::default()
        };

        let was = patch.apply(&mut info).unwrap();

        assert_eq!((info.name.clone(), info.slow_mode_ms), (None, Some(5_000)));
        let expected = InfoPatch {
            name: Some("old".into()),
            slow_mode_ms: Some(0),
            ..InfoPatch::default()
        };
        assert_eq!(was, expected);
        assert_eq!(patch.apply(&mut info), None);
        assert!(was.apply(&mut info).is_some());
        assert_eq!(info.name.as_deref(), Some("old"));
    }
}
