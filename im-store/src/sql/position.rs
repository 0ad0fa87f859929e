//! Positions in SQL: written by the one that commits, together with what else waits.

use async_trait::async_trait;
use im_core::{
    ConversationId, Member, Position, StoreError, UserId,
    port::{Advance, PositionStore},
};
use sea_orm::QueryResult;

use super::{
    SqlStore,
    batch::Job,
    connection::Value,
    error::SqlError,
    member::member,
    stored::{number, seq, uuid},
};

/// Positions in one transaction. Appends wait while it runs, and a dozen statements are over soon.
const ROWS: usize = 256;

const POSITION: &str = "SELECT delivered, read_seq, read_ordinal FROM member \
    WHERE conversation_id = ? AND user_id = ?";

const POSITIONS: &str = "SELECT user_id, role, since, nickname, silent_until_ms, delivered, read_seq, read_ordinal FROM member \
    WHERE conversation_id = ? AND user_id > ? AND left_seq IS NULL ORDER BY user_id LIMIT ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[POSITION, POSITIONS];

/// Reads the three columns `delivered, read_seq, read_ordinal`.
fn position(row: &QueryResult, from: usize) -> Result<Position, SqlError> {
    Ok(Position {
        delivered: seq(row, from)?,
        read: seq(row, from + 1)?,
        read_ordinal: number(row, from + 2)?,
    })
}

impl SqlStore {
    async fn read_position(
        &self,
        at: ConversationId,
        user: &UserId,
    ) -> Result<Option<Position>, SqlError> {
        let values = [uuid(at), Value::Text(user.as_str())];
        let row = self.core.query(POSITION, 1, &values).await?.pop();
        row.map(|row| position(&row, 0)).transpose()
    }

    async fn page_of_positions(
        &self,
        at: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<(Member, Position)>, SqlError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let after = after.map_or("", UserId::as_str);
        let values = [uuid(at), Value::Text(after), Value::Int(limit)];
        let rows = self.core.query(POSITIONS, 1, &values).await?;
        let rows = rows.iter().map(|row| Ok((member(row)?, position(row, 5)?)));
        rows.collect()
    }
}

#[async_trait]
impl PositionStore for SqlStore {
    async fn advance(&self, advances: Vec<Advance>) -> Result<(), StoreError> {
        // Each waits for the one before, else they would all be in the same transaction.
        for chunk in advances.chunks(ROWS) {
            let job = |reply| Job::Advance(chunk.to_vec(), reply);
            self.ask("advancing positions", job).await?;
        }
        Ok(())
    }

    async fn position(
        &self,
        conversation: ConversationId,
        user: &UserId,
    ) -> Result<Option<Position>, StoreError> {
        let reading = self.read_position(conversation, user).await;
        reading.map_err(|error| error.during("reading a position"))
    }

    async fn positions(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<(Member, Position)>, StoreError> {
        let reading = self.page_of_positions(conversation, after, limit).await;
        reading.map_err(|error| error.during("reading positions"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use im_core::{Seq, testing::user};
    use tokio::sync::mpsc;
    use uuid::Uuid;

    use super::*;

    fn advances(count: u128) -> Vec<Advance> {
        let advance = |n| Advance {
            conversation: ConversationId::from_uuid(Uuid::from_u128(n)),
            user: user("alice"),
            position: Position {
                delivered: Seq(1),
                ..Position::default()
            },
        };
        (0..count).map(advance).collect()
    }

    /// Plays the one that commits, and fails the commit of this number. Returns what each commit held.
    async fn commits(all: &[Advance], failing: usize) -> (Vec<Vec<Advance>>, bool) {
        let core = SqlStore::open("sqlite::memory:").await.unwrap().core;
        let (jobs, mut waiting) = mpsc::channel(8);
        let store = SqlStore { core, jobs };
        let all = all.to_vec();
        let advancing = tokio::spawn(async move { store.advance(all).await });
        let mut seen = Vec::new();
        while let Some(job) = waiting.recv().await {
            let Job::Advance(rows, reply) = job else {
                panic!("an append")
            };
            seen.push(rows);
            assert!(waiting.is_empty(), "the next did not wait for this one");
            let failed = Err(SqlError::Timeout.during("advancing positions"));
            let _ = reply.send(if seen.len() == failing {
                failed
            } else {
                Ok(())
            });
        }
        (seen, advancing.await.unwrap().is_ok())
    }

    #[tokio::test]
    async fn many_positions_leave_room_for_appends_between_their_commits() {
        let all = advances(600);

        let (seen, ended_well) = commits(&all, usize::MAX).await;

        assert!(ended_well);
        assert_eq!(
            seen.iter().map(Vec::len).collect::<Vec<_>>(),
            [256, 256, 88]
        );
        assert_eq!(seen.concat(), all);
    }

    #[tokio::test]
    async fn a_commit_that_fails_fails_all_positions() {
        let (seen, ended_well) = commits(&advances(600), 2).await;

        assert!(!ended_well);
        assert_eq!(seen.len(), 2);
    }
}
