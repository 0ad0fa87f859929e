//! The audit log in SQL.

use async_trait::async_trait;
use im_core::{
    AuditRecord, Authority, RowKey, StoreError, Timestamp, UserId,
    port::{AuditQuery, AuditStore},
};
use sea_orm::QueryResult;

use super::{
    SqlStore, chunk,
    connection::{Connection, Value},
    error::SqlError,
    stored::{column, int, user},
};

pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE audit (id {id}, at_ms bigint NOT NULL, actor {id}, is_service bigint NOT NULL, method {name}, \
     about {maybe_name}, params {maybe_blob}, outcome {maybe_name}, PRIMARY KEY (id))",
    "CREATE INDEX audit_at ON audit (at_ms)",
    "CREATE INDEX audit_actor ON audit (actor, id)",
    "CREATE INDEX audit_about ON audit (about, id)",
];

/// Behind every id: they are hexadecimal.
const LAST: &str = "~";

const ALL: &str = "SELECT id, at_ms, actor, is_service, method, about, params, outcome FROM audit \
    WHERE id < ? ORDER BY id DESC LIMIT ?";

const BY: &str = "SELECT id, at_ms, actor, is_service, method, about, params, outcome FROM audit \
    WHERE id < ? AND actor = ? ORDER BY id DESC LIMIT ?";

const ABOUT: &str = "SELECT id, at_ms, actor, is_service, method, about, params, outcome FROM audit \
    WHERE id < ? AND about = ? ORDER BY id DESC LIMIT ?";

const BY_ABOUT: &str = "SELECT id, at_ms, actor, is_service, method, about, params, outcome FROM audit \
    WHERE id < ? AND actor = ? AND about = ? ORDER BY id DESC LIMIT ?";

const PERSONAL: &str =
    "SELECT id FROM audit WHERE about = ? AND params IS NOT NULL ORDER BY id LIMIT ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[ALL, BY, ABOUT, BY_ABOUT, PERSONAL];

fn record(row: &QueryResult) -> Result<AuditRecord, SqlError> {
    let is_service = column::<i64>(row, 3)? != 0;
    let authority = if is_service {
        Authority::Service
    } else {
        Authority::User
    };
    let about = column::<Option<String>>(row, 5)?;
    let params = column::<Option<Vec<u8>>>(row, 6)?;
    Ok(AuditRecord {
        id: RowKey::new(column::<String>(row, 0)?)?,
        at_ms: Timestamp(column(row, 1)?),
        actor: user(row, 2)?,
        authority,
        method: column(row, 4)?,
        about: about.map(UserId::new).transpose()?,
        params: params
            .map(|params| rmp_serde::from_slice(&params))
            .transpose()?,
        outcome: column(row, 7)?,
    })
}

/// Takes what was asked out of some records about a user. Whether there were any.
pub(super) async fn erase(
    connection: &mut Connection,
    which: &[Value<'_>; 2],
) -> Result<bool, SqlError> {
    let rows = connection.query(PERSONAL, 1, which).await?;
    let ids = rows.iter().map(|row| column(row, 0));
    let ids = ids.collect::<Result<Vec<String>, _>>()?;
    let keys: Vec<&str> = ids.iter().map(String::as_str).collect();
    for (count, values) in chunk::keys(&keys, |key| [Value::Text(key)]) {
        let update = "UPDATE audit SET params = NULL WHERE id IN ([?|, ])";
        connection.execute(update, count, &values).await?;
    }
    Ok(!ids.is_empty())
}

impl SqlStore {
    async fn insert_record(&self, record: &AuditRecord) -> Result<(), SqlError> {
        let params = record.params.as_ref().map(rmp_serde::to_vec_named);
        let params = params.transpose()?;
        let insert = "INSERT INTO audit (id, at_ms, actor, is_service, method, about, params, outcome) \
                      VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
        let values = [
            Value::Text(record.id.as_str()),
            Value::Int(record.at_ms.0),
            Value::Text(record.actor.as_str()),
            Value::Int((record.authority == Authority::Service).into()),
            Value::Text(&record.method),
            Value::MaybeText(record.about.as_ref().map(UserId::as_str)),
            Value::MaybeBytes(params.as_deref()),
            Value::MaybeText(record.outcome.as_deref()),
        ];
        self.core.write(insert, &values).await.map(drop)
    }

    async fn read_records(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, SqlError> {
        let text = match (&query.actor, &query.about) {
            (None, None) => ALL,
            (Some(_), None) => BY,
            (None, Some(_)) => ABOUT,
            (Some(_), Some(_)) => BY_ABOUT,
        };
        let mut values = vec![Value::Text(
            query.before.as_ref().map_or(LAST, RowKey::as_str),
        )];
        let users = query.actor.iter().chain(&query.about);
        values.extend(users.map(|user| Value::Text(user.as_str())));
        values.push(Value::Int(int(query.limit as u64)));
        let rows = self.core.query(text, 1, &values).await?;
        rows.iter().map(record).collect()
    }
}

#[async_trait]
impl AuditStore for SqlStore {
    async fn note(&self, record: AuditRecord) -> Result<(), StoreError> {
        let writing = self.insert_record(&record).await;
        writing.map_err(|error| error.during("writing the audit log"))
    }

    async fn settle(&self, id: &RowKey, outcome: &str) -> Result<(), StoreError> {
        let update = "UPDATE audit SET outcome = ? WHERE id = ? AND outcome IS NULL";
        let values = [Value::Text(outcome), Value::Text(id.as_str())];
        let writing = self.core.write(update, &values).await;
        writing
            .map(drop)
            .map_err(|error| error.during("writing the audit log"))
    }

    async fn records(&self, query: AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
        let reading = self.read_records(&query).await;
        reading.map_err(|error| error.during("reading the audit log"))
    }

    async fn forget_before(&self, time: Timestamp) -> Result<(), StoreError> {
        let delete = "DELETE FROM audit WHERE at_ms < ?";
        let deleting = self.core.write(delete, &[Value::Int(time.0)]).await;
        deleting
            .map(drop)
            .map_err(|error| error.during("forgetting old records of the audit log"))
    }
}
