//! One-time codes in SQL.

use async_trait::async_trait;
use im_core::{
    StoreError, Timestamp,
    port::{CODE_TRIES, CodeHash, CodeStore, OneTimeCode},
};

use super::{
    SqlStore,
    connection::{Connection, Value},
    error::SqlError,
    stored::column,
};

const CODE: &str = "SELECT code, expires_at_ms, tries FROM one_time_code WHERE id = ? FOR UPDATE";

const FORGET: &str = "DELETE FROM one_time_code WHERE expires_at_ms <= ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[CODE, FORGET];

async fn give_code(
    connection: &mut Connection,
    given: &OneTimeCode,
    now: Timestamp,
) -> Result<(), SqlError> {
    connection.execute(FORGET, 1, &[Value::Int(now.0)]).await?;
    let upsert = "INSERT INTO one_time_code (id, code, expires_at_ms, tries) VALUES (?, ?, ?, 0) \
                  ON CONFLICT (id) DO UPDATE SET code = excluded.code, \
                  expires_at_ms = excluded.expires_at_ms, tries = excluded.tries";
    let values = [
        Value::Bytes(&given.id),
        Value::Bytes(&given.code.0),
        Value::Int(given.expires_at_ms.0),
    ];
    connection.execute(upsert, 1, &values).await?;
    Ok(())
}

async fn attempt_code(
    connection: &mut Connection,
    id: [u8; 32],
    code: CodeHash,
    now: Timestamp,
) -> Result<bool, SqlError> {
    let id = [Value::Bytes(&id)];
    let Some(row) = connection.query(CODE, 1, &id).await?.pop() else {
        return Ok(false);
    };
    let stands: Option<[u8; 32]> = column::<Vec<u8>>(&row, 0)?.try_into().ok();
    let matches = stands.is_some_and(|stands| CodeHash(stands).matches(&code));
    let expires_at_ms = Timestamp(column(&row, 1)?);
    let tries: i64 = column(&row, 2)?;
    if expires_at_ms <= now || tries >= i64::from(CODE_TRIES) {
        return Ok(false);
    }
    let statement = if matches {
        "DELETE FROM one_time_code WHERE id = ?"
    } else {
        "UPDATE one_time_code SET tries = tries + 1 WHERE id = ?"
    };
    connection.execute(statement, 1, &id).await?;
    Ok(matches)
}

#[async_trait]
impl CodeStore for SqlStore {
    async fn give(&self, code: OneTimeCode, now: Timestamp) -> Result<(), StoreError> {
        let giving = self
            .core
            .transaction(|connection, _| Box::pin(give_code(connection, &code, now)));
        let given = giving.await;
        given.map_err(|error| error.during("storing a one-time code"))
    }

    async fn attempt(
        &self,
        id: [u8; 32],
        code: CodeHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let attempting = self
            .core
            .transaction(|connection, _| Box::pin(attempt_code(connection, id, code, now)));
        let attempted = attempting.await;
        attempted.map_err(|error| error.during("trying a one-time code"))
    }
}
