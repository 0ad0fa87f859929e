//! Profiles.

use super::Engine;
use crate::{
    Actor, Authority, Code, GetProfiles, Profile, Profiles, Rejection, UpdateProfile, UpsertUser,
    UserId, state::check_profile,
};

impl Engine {
    pub(super) async fn upsert(&self, ask: UpsertUser) -> Result<Profile, Rejection> {
        let profile = ask.into_profile(self.ports.runtime.now());
        check_profile(&profile, &self.limits())?;
        self.check_not_erased(&profile.user).await?;
        self.ports.users.put(profile.clone()).await?;
        Ok(profile)
    }

    pub(super) async fn update(
        &self,
        actor: &Actor,
        ask: UpdateProfile,
    ) -> Result<Profile, Rejection> {
        if actor.authority != Authority::Service && ask.needs_service() {
            return Err(Rejection::new(
                Code::Forbidden,
                "only a service can set level and tier; leave them out",
            ));
        }
        let now = self.ports.runtime.now();
        // What stands was checked when it was written.
        let empty = Profile::empty(actor.user.clone(), now);
        check_profile(&ask.applied_to(empty, now), &self.limits())?;
        self.check_not_erased(&actor.user).await?;
        let changed = self.ports.users.change(&actor.user, &ask, now).await?;
        Ok(changed.at(now))
    }

    /// An id that was erased stays without a profile, also when a back end brings it again: the logs have it still.
    async fn check_not_erased(&self, user: &UserId) -> Result<(), Rejection> {
        match self.ports.erasures.erasure(user).await? {
            None => Ok(()),
            Some(_) => Err(Rejection::new(
                Code::Conflict,
                "the user of this id was erased; choose another id",
            )),
        }
    }

    pub(super) async fn profiles(&self, ask: GetProfiles) -> Result<Profiles, Rejection> {
        self.check_users(&ask.users)?;
        let mut found = self.ports.users.profiles(&ask.users).await?;
        found.sort_by_key(|profile| ask.users.iter().position(|user| *user == profile.user));
        let now = self.ports.runtime.now();
        let items = found.into_iter().map(|profile| profile.at(now)).collect();
        Ok(Profiles { items })
    }
}
