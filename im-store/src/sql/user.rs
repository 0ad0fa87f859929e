//! Profiles and versions in SQL.

use async_trait::async_trait;
use im_core::{Profile, StoreError, UserId, port::UserStore};

use super::{
    SqlStore, chunk,
    connection::Value,
    error::SqlError,
    stored::{column, number},
};

const PROFILES: &str = "SELECT profile FROM profile WHERE user_id IN ([?|, ])";

const VERSION: &str = "SELECT version FROM feed WHERE user_id = ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[PROFILES, VERSION];

impl SqlStore {
    async fn put_profile(&self, profile: &Profile) -> Result<(), SqlError> {
        let bytes = rmp_serde::to_vec_named(profile)?;
        let upsert = "INSERT INTO profile (user_id, profile) VALUES (?, ?) \
                      ON CONFLICT (user_id) DO UPDATE SET profile = excluded.profile";
        let values = [Value::Text(profile.user.as_str()), Value::Bytes(&bytes)];
        self.core.write(upsert, &values).await?;
        Ok(())
    }

    async fn find_profiles(&self, users: &[UserId]) -> Result<Vec<Profile>, SqlError> {
        let mut found = Vec::new();
        let texts: Vec<&str> = users.iter().map(UserId::as_str).collect();
        for (count, values) in chunk::keys(&texts, |text| [Value::Text(text)]) {
            for row in self.core.query(PROFILES, count, &values).await? {
                found.push(rmp_serde::from_slice(&column::<Vec<u8>>(&row, 0)?)?);
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
