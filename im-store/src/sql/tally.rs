//! Counts for unread, and deletions of users, in SQL.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use im_core::{
    ConversationId, Seq, StoreError, UserId,
    port::{Span, Tally, TallyStore},
};

use super::{
    SqlStore, chunk,
    connection::{Connection, Value},
    error::SqlError,
    stored::{self, conversation, int, number, seq, uuid},
};
use crate::rows::Rows;

const GONE: &str = "SELECT conversation_id, COUNT(*) FROM gone \
    WHERE [(conversation_id = ? AND seq > ? AND seq <= ?)| OR ] GROUP BY conversation_id";

/// Those that are gone as well are counted there.
const DELETED: &str = "SELECT d.conversation_id, COUNT(*) FROM deletion d \
    LEFT JOIN gone g ON g.conversation_id = d.conversation_id AND g.seq = d.seq \
    WHERE d.user_id = ? AND g.seq IS NULL AND ([(d.conversation_id = ? AND d.seq > ? AND d.seq <= ?)| OR ]) \
    GROUP BY d.conversation_id";

const MENTIONS: &str = "SELECT m.conversation_id, COUNT(DISTINCT m.seq) FROM mention m \
    LEFT JOIN deletion d ON d.user_id = ? AND d.conversation_id = m.conversation_id AND d.seq = m.seq \
    WHERE m.user_id IN (?, '') AND d.seq IS NULL \
    AND ([(m.conversation_id = ? AND m.seq > ? AND m.seq <= ?)| OR ]) GROUP BY m.conversation_id";

const DELETED_IN: &str = "SELECT seq FROM deletion WHERE user_id = ? AND conversation_id = ? AND seq > ? \
    AND seq <= ? ORDER BY seq";

const DELETED_SINCE: &str = "SELECT seq FROM deletion WHERE user_id = ? AND conversation_id = ? AND version > ? \
    ORDER BY seq DESC LIMIT ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[DELETED_IN, DELETED_SINCE];

async fn delete(
    connection: &mut Connection,
    key: &(ConversationId, UserId),
    seqs: &[Seq],
) -> Result<bool, SqlError> {
    let mut rows = Rows::default();
    let users = BTreeSet::from([key.1.clone()]);
    stored::lock_users(connection, &mut rows, &users, &BTreeSet::new()).await?;
    stored::load_members(connection, &mut rows, &BTreeSet::from([key.clone()])).await?;
    if !rows.change(key.clone(), |row| row.settings.deletes = true) {
        return Ok(false);
    }
    let version = rows.members.get(key).map_or(0, |row| row.version);
    stored::save(connection, rows).await?;
    for piece in chunk::pieces(seqs, 128, chunk::power) {
        let values: Vec<_> = piece
            .iter()
            .flat_map(|seq| {
                [
                    Value::Text(key.1.as_str()),
                    uuid(key.0),
                    Value::Int(int(seq.0)),
                    Value::Int(int(version)),
                ]
            })
            .collect();
        let insert = "INSERT INTO deletion (user_id, conversation_id, seq, version) VALUES [(?, ?, ?, ?)|, ] \
                      ON CONFLICT DO NOTHING";
        connection.execute(insert, piece.len(), &values).await?;
    }
    Ok(true)
}

impl SqlStore {
    /// Counts by conversation.
    async fn count_in(
        &self,
        text: &'static str,
        first: &[Value<'_>],
        spans: &[Span],
    ) -> Result<HashMap<ConversationId, u64>, SqlError> {
        let mut counts = HashMap::new();
        let bounds = |span: Span| {
            [
                uuid(span.conversation),
                Value::Int(int(span.after.0)),
                Value::Int(int(span.end.0)),
            ]
        };
        for (count, mut values) in chunk::keys(spans, bounds) {
            values.splice(0..0, first.iter().copied());
            for row in self.core.query(text, count, &values).await? {
                counts.insert(conversation(&row, 0)?, number(&row, 1)?);
            }
        }
        Ok(counts)
    }

    async fn tally(&self, user: &UserId, spans: &[Span]) -> Result<Vec<Tally>, SqlError> {
        let user = Value::Text(user.as_str());
        let gone = self.count_in(GONE, &[], spans).await?;
        let deleted = self.count_in(DELETED, &[user], spans).await?;
        let mentions = self.count_in(MENTIONS, &[user, user], spans).await?;
        let tally = |span: &Span| {
            let of = |counts: &HashMap<_, u64>| {
                counts.get(&span.conversation).copied().unwrap_or_default()
            };
            Tally {
                conversation: span.conversation,
                gone: of(&gone) + of(&deleted),
                mentions: of(&mentions),
            }
        };
        Ok(spans.iter().map(tally).collect())
    }

    async fn seqs_of(
        &self,
        text: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Seq>, SqlError> {
        let rows = self.core.query(text, 1, values).await?;
        rows.iter().map(|row| seq(row, 0)).collect()
    }
}

#[async_trait]
impl TallyStore for SqlStore {
    async fn tallies(&self, user: &UserId, spans: &[Span]) -> Result<Vec<Tally>, StoreError> {
        let counting = self.tally(user, spans).await;
        counting.map_err(|error| error.during("counting what is unread"))
    }

    async fn delete(
        &self,
        user: &UserId,
        conversation: ConversationId,
        seqs: &[Seq],
    ) -> Result<bool, StoreError> {
        let key = (conversation, user.clone());
        let deleting = self
            .core
            .transaction(|connection, _| Box::pin(delete(connection, &key, seqs)))
            .await;
        deleting.map_err(|error| error.during("deleting for a user"))
    }

    async fn deleted(&self, user: &UserId, span: Span) -> Result<Vec<Seq>, StoreError> {
        let values = [
            Value::Text(user.as_str()),
            uuid(span.conversation),
            Value::Int(int(span.after.0)),
            Value::Int(int(span.end.0)),
        ];
        let reading = self.seqs_of(DELETED_IN, &values).await;
        reading.map_err(|error| error.during("reading deletions"))
    }

    async fn deleted_since(
        &self,
        user: &UserId,
        conversation: ConversationId,
        version: u64,
        limit: usize,
    ) -> Result<Vec<Seq>, StoreError> {
        let values = [
            Value::Text(user.as_str()),
            uuid(conversation),
            Value::Int(int(version)),
            Value::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
        ];
        let reading = self.seqs_of(DELETED_SINCE, &values).await;
        let reversed = reading.map(|mut seqs| {
            seqs.reverse();
            seqs
        });
        reversed.map_err(|error| error.during("reading deletions"))
    }
}
