//! Positions in SQL: written by the one that commits, together with what else waits.

use async_trait::async_trait;
use im_core::{
    ConversationId, Position, StoreError, UserId,
    port::{Advance, PositionStore},
};

use super::{
    SqlStore,
    batch::Job,
    connection::Value,
    error::SqlError,
    stored::{number, seq, uuid},
};

const POSITION: &str = "SELECT delivered, read_seq, read_ordinal FROM member \
    WHERE conversation_id = ? AND user_id = ?";

impl SqlStore {
    async fn read_position(
        &self,
        at: ConversationId,
        user: &UserId,
    ) -> Result<Option<Position>, SqlError> {
        let values = [uuid(at), Value::Text(user.as_str())];
        let row = self.core.query(POSITION, 1, &values).await?.pop();
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Position {
            delivered: seq(&row, 0)?,
            read: seq(&row, 1)?,
            read_ordinal: number(&row, 2)?,
        }))
    }
}

#[async_trait]
impl PositionStore for SqlStore {
    async fn advance(&self, advances: Vec<Advance>) -> Result<(), StoreError> {
        if advances.is_empty() {
            return Ok(());
        }
        let job = |reply| Job::Advance(advances, reply);
        self.ask("advancing positions", job).await
    }

    async fn position(
        &self,
        conversation: ConversationId,
        user: &UserId,
    ) -> Result<Option<Position>, StoreError> {
        let reading = self.read_position(conversation, user).await;
        reading.map_err(|error| error.during("reading a position"))
    }
}
