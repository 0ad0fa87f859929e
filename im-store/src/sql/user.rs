//! Profiles and versions in SQL.

use async_trait::async_trait;
use im_core::{Profile, StoreError, Timestamp, UpdateProfile, UserId, port::UserStore};
use sea_orm::QueryResult;

use super::{
    SqlStore, chunk,
    connection::{Connection, Value},
    error::SqlError,
    stored::{column, number},
};

const PROFILES: &str = "SELECT profile FROM profile WHERE user_id IN ([?|, ])";

const VERSION: &str = "SELECT version FROM feed WHERE user_id = ?";

const LOCKED: &str = "SELECT profile FROM profile WHERE user_id = ? FOR UPDATE";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[PROFILES, VERSION, LOCKED];

fn profile(row: &QueryResult) -> Result<Profile, SqlError> {
    Ok(rmp_serde::from_slice(&column::<Vec<u8>>(row, 0)?)?)
}

async fn change_profile(
    connection: &mut Connection,
    user: &UserId,
    changes: &UpdateProfile,
    now: Timestamp,
) -> Result<Profile, SqlError> {
    let key = Value::Text(user.as_str());
    let empty = Profile::empty(user.clone(), now);
    let mut stands = connection.query(LOCKED, 1, &[key]).await?.pop();
    if stands.is_none() {
        // A row that can be locked. Whoever makes it at the same moment is waited for.
        let bytes = rmp_serde::to_vec_named(&empty)?;
        let insert = "INSERT INTO profile (user_id, profile) VALUES (?, ?) ON CONFLICT DO NOTHING";
        connection
            .execute(insert, 1, &[key, Value::Bytes(&bytes)])
            .await?;
        stands = connection.query(LOCKED, 1, &[key]).await?.pop();
    }
    let stands = stands.map_or(Ok(empty), |row| profile(&row))?;
    let changed = changes.applied_to(stands, now);
    let bytes = rmp_serde::to_vec_named(&changed)?;
    let update = "UPDATE profile SET profile = ? WHERE user_id = ?";
    connection
        .execute(update, 1, &[Value::Bytes(&bytes), key])
        .await?;
    Ok(changed)
}

impl SqlStore {
    async fn put_profile(&self, profile: &Profile) -> Result<(), SqlError> {
        let bytes = rmp_serde::to_vec_named(profile)?;
        let upsert = "INSERT INTO profile (user_id, profile) VALUES (?, ?) \
                      ON CONFLICT (user_id) DO UPDATE SET profile = excluded.profile";
        let values = [Value::Text(profile.user.as_str()), Value::Bytes(&bytes)];
        self.core.write(upsert, &values).await?;
        Ok(())
    }

    async fn write_changes(
        &self,
        user: &UserId,
        changes: &UpdateProfile,
        now: Timestamp,
    ) -> Result<Profile, SqlError> {
        self.core
            .transaction(|connection, _| Box::pin(change_profile(connection, user, changes, now)))
            .await
    }

    async fn find_profiles(&self, users: &[UserId]) -> Result<Vec<Profile>, SqlError> {
        let mut found = Vec::new();
        let texts: Vec<&str> = users.iter().map(UserId::as_str).collect();
        for (count, values) in chunk::keys(&texts, |text| [Value::Text(text)]) {
            for row in self.core.query(PROFILES, count, &values).await? {
                found.push(profile(&row)?);
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl UserStore for SqlStore {
    async fn put(&self, profile: Profile) -> Result<(), StoreError> {
        let putting = self.put_profile(&profile).await;
        putting.map_err(|error| error.during("writing a profile"))
    }

    async fn change(
        &self,
        user: &UserId,
        changes: &UpdateProfile,
        now: Timestamp,
    ) -> Result<Profile, StoreError> {
        let changing = self.write_changes(user, changes, now).await;
        changing.map_err(|error| error.during("changing a profile"))
    }

    async fn profiles(&self, users: &[UserId]) -> Result<Vec<Profile>, StoreError> {
        let finding = self.find_profiles(users).await;
        finding.map_err(|error| error.during("reading profiles"))
    }

    async fn version(&self, user: &UserId) -> Result<u64, StoreError> {
        let rows = self
            .core
            .query(VERSION, 1, &[Value::Text(user.as_str())])
            .await;
        rows.and_then(|rows| rows.first().map_or(Ok(0), |row| number(row, 0)))
            .map_err(|error| error.during("reading a version"))
    }
}
