//! Standings in memory.

use std::{collections::BTreeMap, ops::Bound};

use async_trait::async_trait;
use im_core::{
    Standing, StoreError, UserId,
    port::{StandingStore, StandingWrite, StandingWritten, VersionedStanding},
};

use super::MemoryStore;

/// Standings by user, with the last version that was given.
#[derive(Default)]
pub(super) struct Standings {
    by_user: BTreeMap<UserId, (Standing, u64)>,
    last: u64,
}

impl Standings {
    /// Takes the standing of a user away.
    pub(super) fn erase(&mut self, user: &UserId) {
        self.by_user.remove(user);
    }

    fn put(&mut self, write: StandingWrite) -> StandingWritten {
        let stands = self.by_user.get(&write.user);
        if stands.map_or(0, |(_, version)| *version) != write.expected {
            return StandingWritten::Conflict;
        }
        let mut others = self.by_user.iter().filter(|(user, _)| **user != write.user);
        let has_admin = write.standing.admin || others.any(|(_, (standing, _))| standing.admin);
        if write.keeps_an_admin && !has_admin {
            return StandingWritten::LastAdmin;
        }
        self.last += 1;
        self.by_user.insert(write.user, (write.standing, self.last));
        StandingWritten::Stored(self.last)
    }
}

fn versioned((user, (standing, version)): (&UserId, &(Standing, u64))) -> VersionedStanding {
    VersionedStanding {
        user: user.clone(),
        standing: standing.clone(),
        version: *version,
    }
}

#[async_trait]
impl StandingStore for MemoryStore {
    async fn standing(&self, user: &UserId) -> Result<Option<VersionedStanding>, StoreError> {
        let state = self.state();
        let found = state.standings.by_user.get_key_value(user);
        Ok(found.map(versioned))
    }

    async fn put(&self, write: StandingWrite) -> Result<StandingWritten, StoreError> {
        Ok(self.state().standings.put(write))
    }

    async fn list(
        &self,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<VersionedStanding>, StoreError> {
        let state = self.state();
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let all = state
            .standings
            .by_user
            .range::<UserId, _>((after, Bound::Unbounded));
        let listed = all.filter(|(_, (standing, _))| !standing.is_plain());
        Ok(listed.take(limit).map(versioned).collect())
    }

    async fn changed(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<VersionedStanding>, StoreError> {
        let state = self.state();
        let all = state.standings.by_user.iter().map(versioned);
        let mut changed: Vec<_> = all.filter(|one| one.version > after).collect();
        changed.sort_by_key(|one| one.version);
        changed.truncate(limit);
        Ok(changed)
    }
}
