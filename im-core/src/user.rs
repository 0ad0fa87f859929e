//! Users and who acts for them.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, UserId};

/// What others see of a user. A user needs no profile to chat.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Profile {
    /// Whose.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
    /// Shown name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// Address or key of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// A few words about oneself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// Whatever else the application keeps, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub extra: Option<serde_json::Value>,
    /// When the profile last changed.
    pub updated_at_ms: Timestamp,
}

impl Profile {
    /// A profile that says nothing.
    #[must_use]
    pub const fn empty(user: UserId, updated_at_ms: Timestamp) -> Self {
        Self {
            user,
            nickname: None,
            avatar: None,
            bio: None,
            extra: None,
            updated_at_ms,
        }
    }
}

/// On whose behalf a command is executed, and with what authority.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Actor {
    /// The user.
    pub user: UserId,
    /// How far it reaches.
    pub authority: Authority,
}

impl Actor {
    /// A user acting for itself.
    #[must_use]
    pub const fn user(user: UserId) -> Self {
        Self {
            user,
            authority: Authority::User,
        }
    }

    /// The host application or a back end with a server key, acting in a user's name.
    #[must_use]
    pub const fn service(user: UserId) -> Self {
        Self {
            user,
            authority: Authority::Service,
        }
    }
}

/// How far an actor reaches.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Authority {
    /// What users may do.
    #[default]
    User,
    /// Also: create and change users, and act without rate limits.
    Service,
}
