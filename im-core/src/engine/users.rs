//! Profiles.

use super::Engine;
use crate::{
    Actor, Authority, Code, GetProfiles, Profile, Profiles, Rejection, UpdateProfile, UpsertUser,
    UserId, state::check_profile,
};

impl Engine {
    pub(super) async fn upsert(
        &self,
        actor: &Actor,
        ask: UpsertUser,
    ) -> Result<Profile, Rejection> {
        if actor.authority != Authority::Service {
            return Err(Rejection::new(
                Code::Forbidden,
                "only a service can create users; use user.update for yourself",
            ));
        }
        let UpsertUser {
            user,
            nickname,
            avatar,
            bio,
            extra,
        } = ask;
        self.put(Profile {
            user,
            nickname,
            avatar,
            bio,
            extra,
            updated_at_ms: self.ports.runtime.now(),
        })
        .await
    }

    pub(super) async fn update(
        &self,
        actor: &Actor,
        ask: UpdateProfile,
    ) -> Result<Profile, Rejection> {
        let mut profile = self.profile(&actor.user).await?;
        let set = |field: &mut Option<String>, text: Option<String>| {
            if let Some(text) = text {
                *field = Some(text).filter(|text| !text.is_empty());
            }
        };
        set(&mut profile.nickname, ask.nickname);
        set(&mut profile.avatar, ask.avatar);
        set(&mut profile.bio, ask.bio);
        profile.extra = ask.extra.or(profile.extra);
        profile.updated_at_ms = self.ports.runtime.now();
        self.put(profile).await
    }

    async fn put(&self, profile: Profile) -> Result<Profile, Rejection> {
        check_profile(&profile, &self.limits)?;
        self.ports.users.put(profile.clone()).await?;
        Ok(profile)
    }

    async fn profile(&self, user: &UserId) -> Result<Profile, Rejection> {
        let found = self
            .ports
            .users
            .profiles(std::slice::from_ref(user))
            .await?
            .pop();
        Ok(found.unwrap_or_else(|| Profile {
            user: user.clone(),
            nickname: None,
            avatar: None,
            bio: None,
            extra: None,
            updated_at_ms: self.ports.runtime.now(),
        }))
    }

    pub(super) async fn profiles(&self, ask: GetProfiles) -> Result<Profiles, Rejection> {
        self.check_users(&ask.users)?;
        let mut found = self.ports.users.profiles(&ask.users).await?;
        found.sort_by_key(|profile| ask.users.iter().position(|user| *user == profile.user));
        Ok(Profiles { items: found })
    }
}
