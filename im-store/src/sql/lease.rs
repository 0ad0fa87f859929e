//! Leases in SQL: each statement is a transaction by itself, and of several that want the same row one finds it free.

use async_trait::async_trait;
use im_core::{StoreError, Timestamp, port::LeaseStore};
use uuid::Uuid;

use super::{SqlStore, connection::Value, error::SqlError};

pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE lease (name {id}, holder {uuid}, until_ms bigint NOT NULL, PRIMARY KEY (name))",
];

const TAKE: &str =
    "UPDATE lease SET holder = ?, until_ms = ? WHERE name = ? AND (holder = ? OR until_ms <= ?)";

const BEGIN: &str =
    "INSERT INTO lease (name, holder, until_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[TAKE];

impl SqlStore {
    async fn take_lease(
        &self,
        name: &str,
        holder: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, SqlError> {
        let (name, holder) = (Value::Text(name), Value::Uuid(holder));
        let (now, until) = (Value::Int(now.0), Value::Int(until.0));
        let values = [holder, until, name, holder, now];
        if self.core.write(TAKE, &values).await? > 0 {
            return Ok(true);
        }
        Ok(self.core.write(BEGIN, &[name, holder, until]).await? > 0)
    }
}

#[async_trait]
impl LeaseStore for SqlStore {
    async fn take(
        &self,
        name: &str,
        holder: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let taking = self.take_lease(name, holder, now, until).await;
        taking.map_err(|error| error.during("taking a lease"))
    }
}
