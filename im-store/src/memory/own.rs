//! Rows of users' own in memory.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use async_trait::async_trait;
use im_core::{
    OwnKey, OwnKind, OwnRow, RowKey, StoreError, Timestamp, UserId,
    port::{OwnStore, OwnWrite, Written},
};

use super::{MemoryStore, State};
use crate::rows;

/// Each user's rows, by kind and key.
pub(super) type OwnRows = BTreeMap<UserId, BTreeMap<OwnKey, OwnRow>>;

fn is_as_expected(own: &OwnRows, write: &OwnWrite) -> bool {
    let stands = own.get(&write.user).and_then(|rows| rows.get(&write.key));
    let version = stands.map_or(0, |row| row.version);
    write.expected.is_none_or(|expected| expected == version)
}

#[async_trait]
impl OwnStore for MemoryStore {
    async fn write(&self, writes: Vec<OwnWrite>) -> Result<Written, StoreError> {
        let mut state = self.state();
        let State { own, rows, .. } = &mut *state;
        if !writes.iter().all(|write| is_as_expected(own, write)) {
            return Ok(Written::Conflict);
        }
        let versions = writes.into_iter().map(|write| {
            let version = rows::raise(&mut rows.versions, &write.user);
            let (user, key) = (write.user.clone(), write.key.clone());
            own.entry(user).or_default().insert(key, write.row(version));
            version
        });
        Ok(Written::Stored(versions.collect()))
    }

    async fn read(&self, keys: &[(UserId, OwnKey)]) -> Result<Vec<(UserId, OwnRow)>, StoreError> {
        let state = self.state();
        let found = keys.iter().filter_map(|(user, key)| {
            let row = state.own.get(user)?.get(key)?;
            Some((user.clone(), row.clone()))
        });
        Ok(found.collect())
    }

    async fn list(
        &self,
        user: &UserId,
        kind: OwnKind,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<OwnRow>, StoreError> {
        let state = self.state();
        let Some(own) = state.own.get(user) else {
            return Ok(Vec::new());
        };
        let from = after.map_or(Unbounded, |after| {
            Excluded(OwnKey::new(kind, after.clone()))
        });
        let stands = own.range((from, Unbounded)).map(|(_, row)| row);
        let of_kind = stands.filter(|row| row.kind == kind && row.value.is_some());
        Ok(of_kind.take(limit).cloned().collect())
    }

    async fn changed(
        &self,
        user: &UserId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<OwnRow>, StoreError> {
        let state = self.state();
        let own = state.own.get(user).into_iter().flatten();
        let changed = own.map(|(_, row)| row).filter(|row| row.version > after);
        let mut changed: Vec<_> = changed.filter(|row| row.kind.is_synced()).collect();
        changed.sort_by_key(|row| row.version);
        Ok(changed.into_iter().take(limit).cloned().collect())
    }

    async fn count(&self, user: &UserId, kind: OwnKind) -> Result<usize, StoreError> {
        let state = self.state();
        let own = state.own.get(user).into_iter().flatten();
        let of_kind = own.filter(|(key, row)| key.kind == kind && row.value.is_some());
        Ok(of_kind.count())
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<(UserId, OwnRow)>, StoreError> {
        let state = self.state();
        let all = state
            .own
            .iter()
            .flat_map(|(user, own)| own.values().map(move |row| (user, row)));
        let mut due: Vec<_> = all
            .filter(|(_, row)| row.due_ms.is_some_and(|at| at <= now))
            .collect();
        due.sort_by_key(|(_, row)| row.due_ms);
        let found = due.into_iter().take(limit);
        Ok(found
            .map(|(user, row)| (user.clone(), row.clone()))
            .collect())
    }
}
