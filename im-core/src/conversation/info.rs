//! What a conversation is called and how one gets in.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, UserId};

/// What kind of conversation. The list is open.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Kind {
    /// Two users.
    Direct,
    /// Several users with roles.
    Group,
}

/// How one gets into a group.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Joining {
    /// By being added.
    #[default]
    Invited,
    /// By anybody who knows the id.
    Open,
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
    /// The other side of a direct conversation.
    #[must_use]
    pub fn peer_of(&self, user: &UserId) -> Option<&UserId> {
        self.pair.iter().find(|member| *member != user)
    }
}

/// Changes of a group's facts. Absent means unchanged, an empty text clears.
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
}

impl InfoPatch {
    /// Changes `info`. `true` when something is different now.
    pub fn apply(&self, info: &mut Info) -> bool {
        let before = info.clone();
        let set = |field: &mut Option<String>, text: &Option<String>| {
            if let Some(text) = text {
                *field = Some(text.clone()).filter(|text| !text.is_empty());
            }
        };
        set(&mut info.name, &self.name);
        set(&mut info.avatar, &self.avatar);
        set(&mut info.announcement, &self.announcement);
        set(&mut info.description, &self.description);
        info.joining = self.joining.unwrap_or(info.joining);
        *info != before
    }
}
