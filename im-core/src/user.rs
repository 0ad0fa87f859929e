//! Users and who acts for them.

use serde::{Deserialize, Serialize};

use crate::{Code, Rejection, Scope, Scopes, Timestamp, UserId};

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
    /// As the user gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// A word for how the user sounds, for rooms in which people talk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice_tag: Option<String>,
    /// What the user likes, in its own order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interests: Vec<String>,
    /// How far the user has come, as the application counts it. Set by a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u32>,
    /// What the user has paid for or was given. Set by a service; left out once it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
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
            gender: None,
            voice_tag: None,
            interests: Vec::new(),
            level: None,
            tier: None,
            updated_at_ms,
        }
    }

    /// What others see of it at a time: without a tier that is over.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.tier = self.tier.filter(|tier| !tier.is_over(now));
        self
    }
}

/// A gender as its user gives it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Gender {
    /// Female.
    Female,
    /// Male.
    Male,
    /// Another.
    Other,
    /// Not said, or a value of a newer peer. In a change it clears.
    #[serde(other)]
    Unspecified,
}

/// A tier of paid or granted membership in the application. Who is in a conversation is a
/// [`Member`](crate::Member), which is something else.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tier {
    /// What the application calls it. In a change an empty name clears.
    pub name: String,
    /// Until when; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<Timestamp>,
}

impl Tier {
    /// Whether its time has passed.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at_ms.is_some_and(|end| end <= now)
    }
}

/// On whose behalf a command is executed, and with what authority.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Actor {
    /// The user.
    pub user: UserId,
    /// How far it reaches.
    pub authority: Authority,
    /// What the credential is good for. A service has no need of any.
    pub scopes: Scopes,
}

impl Actor {
    /// A user acting for itself, with all that it may do.
    #[must_use]
    pub const fn user(user: UserId) -> Self {
        Self {
            user,
            authority: Authority::User,
            scopes: Scopes::ALL,
        }
    }

    /// The host application or a back end with a server key, acting in a user's name.
    #[must_use]
    pub const fn service(user: UserId) -> Self {
        Self {
            user,
            authority: Authority::Service,
            scopes: Scopes::ALL,
        }
    }

    /// The same with a credential that is good for so much.
    #[must_use]
    pub fn with_scopes(self, scopes: Scopes) -> Self {
        Self { scopes, ..self }
    }

    /// Refuses a user whose credential is not good for something. A service passes.
    ///
    /// # Errors
    /// `forbidden`, with the scope that is missing.
    pub fn require(&self, scope: Scope) -> Result<(), Rejection> {
        if self.authority == Authority::Service || self.scopes.contains(scope) {
            return Ok(());
        }
        let detail = format!("the token has no scope `{scope}`; use one that has");
        Err(Rejection::new(Code::Forbidden, detail))
    }
}

/// How far an actor reaches.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Authority {
    /// What users may do.
    #[default]
    User,
    /// Also: create and change users, administer, and act without rate limits.
    Service,
}
