//! What happens to messages by themselves, in SQL.

use async_trait::async_trait;
use im_core::{
    StoreError, Timestamp, UserId,
    port::{Alarm, AlarmStore, Span},
};
use sea_orm::QueryResult;

use super::{
    SqlStore,
    connection::Value,
    error::SqlError,
    stored::{column, conversation, int, seq, uuid},
};

const DUE: &str = "SELECT at_ms, conversation_id, seq FROM alarm WHERE at_ms <= ? \
    ORDER BY at_ms, conversation_id, seq LIMIT ?";

const NEXT: &str = "SELECT at_ms FROM alarm WHERE at_ms < ? ORDER BY at_ms LIMIT 1";

const OPEN: &str = "SELECT until_ms, conversation_id, seq FROM open_message WHERE until_ms <= ? \
    ORDER BY until_ms, conversation_id, seq LIMIT ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[DUE, NEXT, OPEN];

fn alarm(row: &QueryResult) -> Result<Alarm, SqlError> {
    Ok(Alarm {
        at_ms: Timestamp(column(row, 0)?),
        conversation: conversation(row, 1)?,
        seq: seq(row, 2)?,
    })
}

#[async_trait]
impl AlarmStore for SqlStore {
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Alarm>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = [Value::Int(now.0), Value::Int(limit)];
        let rows = self.core.query(DUE, 1, &values).await;
        rows.and_then(|rows| rows.iter().map(alarm).collect())
            .map_err(|error| error.during("reading alarms"))
    }

    async fn open(&self, until: Timestamp, limit: usize) -> Result<Vec<Alarm>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = [Value::Int(until.0), Value::Int(limit)];
        let rows = self.core.query(OPEN, 1, &values).await;
        rows.and_then(|rows| rows.iter().map(alarm).collect())
            .map_err(|error| error.during("reading open messages"))
    }

    async fn next(&self) -> Result<Option<Timestamp>, StoreError> {
        let never = [Value::Int(Timestamp::FOREVER.0)];
        let rows = self.core.query(NEXT, 1, &never).await;
        let first = rows.and_then(|rows| rows.first().map(|row| column(row, 0)).transpose());
        first
            .map(|at| at.map(Timestamp))
            .map_err(|error| error.during("reading the next alarm"))
    }

    async fn light(
        &self,
        reader: &UserId,
        span: Span,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let update = "UPDATE alarm SET at_ms = LEAST(at_ms, ? + burn_ms), burn_ms = 0 \
                      WHERE conversation_id = ? AND seq > ? AND seq <= ? AND burn_ms > 0 AND sender <> ?";
        let values = [
            Value::Int(now.0),
            uuid(span.conversation),
            Value::Int(int(span.after.0)),
            Value::Int(int(span.end.0)),
            Value::Text(reader.as_str()),
        ];
        let writing = self.core.write(update, &values).await;
        writing
            .map(|count| usize::try_from(count).unwrap_or(usize::MAX))
            .map_err(|error| error.during("setting alarms"))
    }
}
