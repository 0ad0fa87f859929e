//! Profiles.

use serde::{Deserialize, Serialize};

use crate::{PreferencesPatch, Profile, Timestamp, UserId};

/// Creates a user of the host application, or replaces its profile. Needs the authority of a service.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpsertUser {
    /// Which.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
    /// Shown name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// Address or key of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// A few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// Whatever else the application keeps, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub extra: Option<serde_json::Value>,
}

/// Changes one's own profile. Absent means unchanged, an empty text clears.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateProfile {
    /// Shown name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// Address or key of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// A few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// Whatever else the application keeps, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub extra: Option<serde_json::Value>,
}

impl UpdateProfile {
    /// The profile after this change.
    #[must_use]
    pub fn applied_to(&self, profile: Profile, now: Timestamp) -> Profile {
        let changed = |stands: Option<String>, text: &Option<String>| match text {
            Some(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            None => stands,
        };
        Profile {
            user: profile.user,
            nickname: changed(profile.nickname, &self.nickname),
            avatar: changed(profile.avatar, &self.avatar),
            bio: changed(profile.bio, &self.bio),
            extra: self.extra.clone().or(profile.extra),
            updated_at_ms: now,
        }
    }
}

/// Profiles of users.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GetProfiles {
    /// Whose.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub users: Vec<UserId>,
}

/// Profiles of those asked who have one.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Profiles {
    /// In the order asked.
    pub items: Vec<Profile>,
}

/// What the actor wants the server to do and not to do for it: privacy and notifications.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GetPreferences {}

/// Changes the actor's preferences, on all its devices. Absent means unchanged.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangePreferences {
    /// What changes.
    #[serde(flatten)]
    pub changes: PreferencesPatch,
}
