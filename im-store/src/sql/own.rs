//! Rows of users' own in SQL. Versions are raised under the lock of their users, as everywhere.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use im_core::{
    Own, OwnKey, OwnKind, OwnRow, RowKey, StoreError, Timestamp, UserId,
    port::{OwnStore, OwnWrite, Written},
};
use sea_orm::QueryResult;

use super::{
    SqlStore, chunk,
    connection::{Connection, Value},
    error::SqlError,
    stored::{self, column, int, number, user},
};
use crate::rows::{self, Rows};

/// A row without a value is a removed one. Those that stand are listed by an index of their own, so that any number of
/// removed ones costs nothing; and what devices are not told of is out of the way of what they are.
pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE own (user_id {id}, kind bigint NOT NULL, item {id}, removed bigint NOT NULL, \
     synced bigint NOT NULL, value {blob}, version bigint NOT NULL, due_ms bigint, \
     PRIMARY KEY (user_id, kind, item)) {clustered}",
    "CREATE INDEX own_standing ON own (user_id, kind, removed, item)",
    "CREATE INDEX own_changed ON own (user_id, synced, version)",
    "CREATE INDEX own_due ON own (due_ms)",
    "CREATE TABLE notice_to_all (item {id}, notice {blob}, until_ms bigint NOT NULL, PRIMARY KEY (item)) {clustered}",
    "CREATE INDEX notice_to_all_until ON notice_to_all (until_ms)",
    "CREATE TABLE notice_template (name {id}, template {blob}, PRIMARY KEY (name)) {clustered}",
];

macro_rules! rows {
    ($which:literal) => {
        concat!(
            "SELECT kind, item, removed, value, version, due_ms, user_id FROM own WHERE ",
            $which
        )
    };
}

const VERSIONS: &str = "SELECT user_id, kind, item, version FROM own \
    WHERE [(user_id = ? AND kind = ? AND item = ?)| OR ]";

const READ: &str = rows!("[(user_id = ? AND kind = ? AND item = ?)| OR ]");

const LIST: &str =
    rows!("user_id = ? AND kind = ? AND removed = 0 AND item > ? ORDER BY item LIMIT ?");

const CHANGED: &str = rows!("user_id = ? AND synced = 1 AND version > ? ORDER BY version LIMIT ?");

const COUNT: &str = "SELECT COUNT(*) FROM own WHERE user_id = ? AND kind = ? AND removed = 0";

const DUE: &str = rows!("due_ms <= ? ORDER BY due_ms LIMIT ?");

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[VERSIONS, READ, LIST, CHANGED, COUNT, DUE];

/// Rows in one statement.
const ROWS: usize = 128;

fn kind(row: &QueryResult, index: usize) -> Result<OwnKind, SqlError> {
    let code = u8::try_from(column::<i64>(row, index)?).unwrap_or_default();
    Ok(OwnKind::from_code(code))
}

fn own_row(row: &QueryResult) -> Result<OwnRow, SqlError> {
    let stands = column::<i64>(row, 2)? == 0;
    let value: Option<Own> = if stands {
        Some(rmp_serde::from_slice(&column::<Vec<u8>>(row, 3)?)?)
    } else {
        None
    };
    Ok(OwnRow {
        kind: kind(row, 0)?,
        key: RowKey::new(column::<String>(row, 1)?)?,
        value,
        version: number(row, 4)?,
        due_ms: column::<Option<i64>>(row, 5)?.map(Timestamp),
    })
}

fn code(kind: OwnKind) -> Value<'static> {
    Value::Int(kind.code().into())
}

fn key_values<'v>(user: &'v UserId, key: &'v OwnKey) -> [Value<'v>; 3] {
    [
        Value::Text(user.as_str()),
        code(key.kind),
        Value::Text(key.key.as_str()),
    ]
}

/// A write with its value as it is stored.
type Encoded<'w> = (&'w OwnWrite, Vec<u8>);

fn encoded(writes: &[OwnWrite]) -> Result<Vec<Encoded<'_>>, SqlError> {
    let encode = |write: &OwnWrite| match &write.value {
        Some(value) => rmp_serde::to_vec_named(value),
        None => Ok(Vec::new()),
    };
    let encoded = writes.iter().map(|write| Ok((write, encode(write)?)));
    encoded.collect()
}

async fn write_rows(
    connection: &mut Connection,
    writes: &[Encoded<'_>],
) -> Result<Written, SqlError> {
    let mut rows = Rows::default();
    let users: BTreeSet<UserId> = writes.iter().map(|(write, _)| write.user.clone()).collect();
    stored::lock_users(connection, &mut rows, &users, &users).await?;
    if !are_as_expected(connection, writes).await? {
        return Ok(Written::Conflict);
    }
    let versions: Vec<u64> = writes
        .iter()
        .map(|(write, _)| rows::raise(&mut rows.versions, &write.user))
        .collect();
    let numbered: Vec<_> = writes.iter().zip(&versions).collect();
    for chunk in chunk::pieces(&numbered, ROWS, chunk::power) {
        let values: Vec<_> = chunk
            .iter()
            .flat_map(|((write, bytes), version)| row_values(write, bytes, **version))
            .collect();
        let upsert = "INSERT INTO own (user_id, kind, item, removed, synced, value, version, due_ms) \
                      VALUES [(?, ?, ?, ?, ?, ?, ?, ?)|, ] ON CONFLICT (user_id, kind, item) DO UPDATE SET \
                      removed = excluded.removed, synced = excluded.synced, value = excluded.value, \
                      version = excluded.version, due_ms = excluded.due_ms";
        connection.execute(upsert, chunk.len(), &values).await?;
    }
    stored::save_versions(connection, &rows, users.iter().collect()).await?;
    Ok(Written::Stored(versions))
}

fn row_values<'v>(write: &'v OwnWrite, bytes: &'v [u8], version: u64) -> [Value<'v>; 8] {
    let [user, kind, item] = key_values(&write.user, &write.key);
    [
        user,
        kind,
        item,
        Value::Int(i64::from(write.value.is_none())),
        Value::Int(i64::from(write.key.kind.is_synced())),
        Value::Bytes(bytes),
        Value::Int(int(version)),
        Value::MaybeInt(write.due_ms.map(|at| at.0)),
    ]
}

async fn are_as_expected(
    connection: &mut Connection,
    writes: &[Encoded<'_>],
) -> Result<bool, SqlError> {
    let judged = writes.iter().map(|(write, _)| *write);
    let judged: Vec<&OwnWrite> = judged.filter(|write| write.expected.is_some()).collect();
    let mut found = BTreeMap::new();
    let keys = |write: &'_ OwnWrite| (write.user.clone(), write.key.clone());
    for (count, values) in chunk::keys(&judged, |write| key_values(&write.user, &write.key)) {
        for row in connection.query(VERSIONS, count, &values).await? {
            let key = RowKey::new(column::<String>(&row, 2)?)?;
            let key = OwnKey::new(kind(&row, 1)?, key);
            found.insert((user(&row, 0)?, key), number(&row, 3)?);
        }
    }
    Ok(judged.into_iter().all(|write| {
        let version = found.get(&keys(write)).copied().unwrap_or_default();
        write.expected == Some(version)
    }))
}

impl SqlStore {
    async fn write_own(&self, writes: &[OwnWrite]) -> Result<Written, SqlError> {
        if writes.is_empty() {
            return Ok(Written::Stored(Vec::new()));
        }
        let encoded = encoded(writes)?;
        let encoded = encoded.as_slice();
        self.core
            .transaction(|connection, _| Box::pin(write_rows(connection, encoded)))
            .await
    }

    async fn read_own(&self, keys: &[(UserId, OwnKey)]) -> Result<Vec<(UserId, OwnRow)>, SqlError> {
        let mut found = Vec::new();
        let places: Vec<&(UserId, OwnKey)> = keys.iter().collect();
        for (count, values) in chunk::keys(&places, |(user, key)| key_values(user, key)) {
            for row in self.core.query(READ, count, &values).await? {
                found.push((user(&row, 6)?, own_row(&row)?));
            }
        }
        Ok(found)
    }

    async fn own_rows(
        &self,
        text: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<OwnRow>, SqlError> {
        let rows = self.core.query(text, 1, values).await?;
        rows.iter().map(own_row).collect()
    }

    async fn count_own(&self, user: &UserId, kind: OwnKind) -> Result<usize, SqlError> {
        let values = [Value::Text(user.as_str()), code(kind)];
        let rows = self.core.query(COUNT, 1, &values).await?;
        let count = rows.first().map_or(Ok(0), |row| number(row, 0))?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    async fn due_rows(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(UserId, OwnRow)>, SqlError> {
        let values = [Value::Int(now.0), at_most(limit)];
        let rows = self.core.query(DUE, 1, &values).await?;
        let due = rows.iter().map(|row| Ok((user(row, 6)?, own_row(row)?)));
        due.collect()
    }
}

fn at_most(limit: usize) -> Value<'static> {
    Value::Int(i64::try_from(limit).unwrap_or(i64::MAX))
}

#[async_trait]
impl OwnStore for SqlStore {
    async fn write(&self, writes: Vec<OwnWrite>) -> Result<Written, StoreError> {
        let writing = self.write_own(&writes).await;
        writing.map_err(|error| error.during("writing rows of a user"))
    }

    async fn read(&self, keys: &[(UserId, OwnKey)]) -> Result<Vec<(UserId, OwnRow)>, StoreError> {
        let reading = self.read_own(keys).await;
        reading.map_err(|error| error.during("reading rows of a user"))
    }

    async fn list(
        &self,
        user: &UserId,
        kind: OwnKind,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<OwnRow>, StoreError> {
        let after = Value::Text(after.map_or("", RowKey::as_str));
        let values = [
            Value::Text(user.as_str()),
            code(kind),
            after,
            at_most(limit),
        ];
        let listing = self.own_rows(LIST, &values).await;
        listing.map_err(|error| error.during("listing rows of a user"))
    }

    async fn changed(
        &self,
        user: &UserId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<OwnRow>, StoreError> {
        let after = Value::Int(int(after));
        let values = [Value::Text(user.as_str()), after, at_most(limit)];
        let reading = self.own_rows(CHANGED, &values).await;
        reading.map_err(|error| error.during("reading changed rows of a user"))
    }

    async fn count(&self, user: &UserId, kind: OwnKind) -> Result<usize, StoreError> {
        let counting = self.count_own(user, kind).await;
        counting.map_err(|error| error.during("counting rows of a user"))
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<(UserId, OwnRow)>, StoreError> {
        let finding = self.due_rows(now, limit).await;
        finding.map_err(|error| error.during("finding rows that are due"))
    }
}
