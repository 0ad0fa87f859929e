//! Profiles.

use serde::{Deserialize, Serialize};

use crate::{Gender, PreferencesPatch, Profile, Tier, Timestamp, UserId};

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
    /// As the user gives it; `unspecified` clears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// A word for how the user sounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice_tag: Option<String>,
    /// What the user likes; an empty list clears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interests: Option<Vec<String>>,
    /// How far the user has come; 0 clears. Needs the authority of a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u32>,
    /// What the user has paid for or was given; an empty name clears. Needs the authority of a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
}

/// Changes one's own profile. Absent means unchanged, an empty text clears.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
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
    /// As the user gives it; `unspecified` clears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// A word for how the user sounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice_tag: Option<String>,
    /// What the user likes; an empty list clears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interests: Option<Vec<String>>,
    /// How far the user has come; 0 clears. Needs the authority of a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u32>,
    /// What the user has paid for or was given; an empty name clears. Needs the authority of a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
}

impl UpsertUser {
    /// A user whose profile says nothing.
    #[must_use]
    pub fn new(user: UserId) -> Self {
        Self::from_profile(user, UpdateProfile::default())
    }

    /// A user whose profile says this.
    #[must_use]
    pub fn from_profile(user: UserId, profile: UpdateProfile) -> Self {
        Self {
            user,
            nickname: profile.nickname,
            avatar: profile.avatar,
            bio: profile.bio,
            extra: profile.extra,
            gender: profile.gender,
            voice_tag: profile.voice_tag,
            interests: profile.interests,
            level: profile.level,
            tier: profile.tier,
        }
    }

    /// The profile that it asks for.
    #[must_use]
    pub fn into_profile(self, now: Timestamp) -> Profile {
        let changes = UpdateProfile {
            nickname: self.nickname,
            avatar: self.avatar,
            bio: self.bio,
            extra: self.extra,
            gender: self.gender,
            voice_tag: self.voice_tag,
            interests: self.interests,
            level: self.level,
            tier: self.tier,
        };
        changes.applied_to(Profile::empty(self.user, now), now)
    }
}

impl UpdateProfile {
    /// Whether it names what only a service may set.
    #[must_use]
    pub const fn needs_service(&self) -> bool {
        self.level.is_some() || self.tier.is_some()
    }

    /// The profile after this change.
    #[must_use]
    pub fn applied_to(&self, profile: Profile, now: Timestamp) -> Profile {
        let changed = |stands: Option<String>, text: &Option<String>| match text {
            Some(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            None => stands,
        };
        let gender = self.gender.or(profile.gender);
        let tier = self.tier.clone().or(profile.tier);
        Profile {
            user: profile.user,
            nickname: changed(profile.nickname, &self.nickname),
            avatar: changed(profile.avatar, &self.avatar),
            bio: changed(profile.bio, &self.bio),
            extra: self.extra.clone().or(profile.extra),
            gender: gender.filter(|gender| *gender != Gender::Unspecified),
            voice_tag: changed(profile.voice_tag, &self.voice_tag),
            interests: self.interests.clone().unwrap_or(profile.interests),
            level: self.level.or(profile.level).filter(|level| *level > 0),
            tier: tier.filter(|tier| !tier.name.is_empty()),
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
