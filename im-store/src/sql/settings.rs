//! Changed settings in SQL: one row. Each statement is a transaction by itself, and of several that write the same version
//! one finds the version before.

use async_trait::async_trait;
use im_core::{ChangedSettings, StoreError, port::SettingsStore};

use super::{
    SqlStore,
    connection::Value,
    error::SqlError,
    stored::{column, int},
};

pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE system_settings (id bigint NOT NULL PRIMARY KEY, version bigint NOT NULL, changed {blob})",
];

const NEWER: &str = "SELECT version, changed FROM system_settings WHERE id = 1 AND version > ?";

const BEGIN: &str =
    "INSERT INTO system_settings (id, version, changed) VALUES (1, 1, ?) ON CONFLICT DO NOTHING";

const CHANGE: &str =
    "UPDATE system_settings SET version = ?, changed = ? WHERE id = 1 AND version = ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[NEWER, CHANGE];

impl SqlStore {
    async fn read_system_settings(&self, than: u64) -> Result<Option<ChangedSettings>, SqlError> {
        let rows = self.core.query(NEWER, 1, &[Value::Int(int(than))]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        Ok(Some(ChangedSettings {
            version: u64::try_from(column::<i64>(row, 0)?).unwrap_or_default(),
            changed: rmp_serde::from_slice(&column::<Vec<u8>>(row, 1)?)?,
        }))
    }

    async fn write_system_settings(&self, settings: &ChangedSettings) -> Result<bool, SqlError> {
        let changed = rmp_serde::to_vec_named(&settings.changed)?;
        let (version, changed) = (int(settings.version), Value::Bytes(&changed));
        let written = if version == 1 {
            self.core.write(BEGIN, &[changed]).await?
        } else {
            let values = [Value::Int(version), changed, Value::Int(version - 1)];
            self.core.write(CHANGE, &values).await?
        };
        Ok(written > 0)
    }
}

#[async_trait]
impl SettingsStore for SqlStore {
    async fn newer(&self, than: u64) -> Result<Option<ChangedSettings>, StoreError> {
        let reading = self.read_system_settings(than).await;
        reading.map_err(|error| error.during("reading the settings"))
    }

    async fn write(&self, settings: ChangedSettings) -> Result<bool, StoreError> {
        let writing = self.write_system_settings(&settings).await;
        writing.map_err(|error| error.during("writing the settings"))
    }
}
