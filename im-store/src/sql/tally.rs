//! Counts for unread, the ends of logs, and deletions of users, in SQL.

use std::collections::{BTreeSet, HashMap, HashSet};

use async_trait::async_trait;
use im_core::{
    ConversationId, Entry, Seq, StoreError, UserId,
    port::{Span, Tally, TallyStore},
};

use super::{
    SqlStore, chunk,
    connection::{Connection, Value},
    error::SqlError,
    log::entry,
    stored::{self, conversation, int, number, seq, uuid},
};
use crate::rows::Rows;

/// What is gone or deleted, and what calls the user. What is both gone and deleted is counted as gone.
const TALLY: &str = "SELECT conversation_id, COUNT(*), 0 FROM gone \
    WHERE [(conversation_id = ? AND seq > ? AND seq <= ?)| OR ] GROUP BY conversation_id \
    UNION ALL SELECT d.conversation_id, COUNT(*), 0 FROM deletion d \
    LEFT JOIN gone g ON g.conversation_id = d.conversation_id AND g.seq = d.seq \
    WHERE g.seq IS NULL AND ([(d.user_id = ? AND d.conversation_id = ? AND d.seq > ? AND d.seq <= ?)| OR ]) \
    GROUP BY d.conversation_id \
    UNION ALL SELECT m.conversation_id, 0, COUNT(DISTINCT m.seq) FROM mention m \
    LEFT JOIN deletion d ON d.user_id = ? AND d.conversation_id = m.conversation_id AND d.seq = m.seq \
    WHERE m.user_id IN (?, '') AND d.seq IS NULL \
    AND ([(m.conversation_id = ? AND m.seq > ? AND m.seq <= ?)| OR ]) GROUP BY m.conversation_id";

const AT: &str = "SELECT seq, sender, client_id, ordinal, at_ms, body, conversation_id FROM entry \
    WHERE [(conversation_id = ? AND seq = ?)| OR ]";

/// Where the message stands that was counted as an ordinal: entries after it that are not counted have the same one.
const COUNTED: &str = "SELECT conversation_id, MIN(seq) FROM entry \
    WHERE [(conversation_id = ? AND seq > ? AND seq <= ? AND ordinal = ?)| OR ] GROUP BY conversation_id";

/// With the user in each part, so that each goes by the whole key.
const DELETED: &str = "SELECT conversation_id, seq FROM deletion \
    WHERE [(user_id = ? AND conversation_id = ? AND seq > ? AND seq <= ?)| OR ]";

const DELETED_SINCE: &str = "SELECT seq FROM deletion WHERE user_id = ? AND conversation_id = ? AND version > ? \
    ORDER BY seq DESC LIMIT ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[AT, COUNTED, DELETED, DELETED_SINCE];

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

fn bounds(span: Span) -> [Value<'static>; 3] {
    [
        uuid(span.conversation),
        Value::Int(int(span.after.0)),
        Value::Int(int(span.end.0)),
    ]
}

impl SqlStore {
    async fn tally(&self, user: &UserId, spans: &[Span]) -> Result<Vec<Tally>, SqlError> {
        let user = Value::Text(user.as_str());
        let mut counts: HashMap<ConversationId, (u64, u64)> = HashMap::new();
        for (count, bounds) in chunk::keys(spans, bounds) {
            let own: Vec<_> = bounds
                .chunks(3)
                .flat_map(|of| [&[user], of].concat())
                .collect();
            let parts = [&bounds[..], &own, &[user, user], &bounds];
            for row in self.core.query(TALLY, count, &parts.concat()).await? {
                let (gone, mentions) = counts.entry(conversation(&row, 0)?).or_default();
                *gone += number(&row, 1)?;
                *mentions += number(&row, 2)?;
            }
        }
        let tally = |span: &Span| {
            let of = counts.get(&span.conversation);
            let (gone, mentions) = of.copied().unwrap_or_default();
            Tally {
                conversation: span.conversation,
                gone,
                mentions,
            }
        };
        Ok(spans.iter().map(tally).collect())
    }

    /// The last entries, and messages in the place of those that are none.
    async fn last_of(&self, spans: &[Span]) -> Result<Vec<Entry>, SqlError> {
        let spans = spans.iter().filter(|span| span.after < span.end);
        let spans: HashMap<_, _> = spans.map(|span| (span.conversation, *span)).collect();
        let ends: Vec<_> = spans
            .values()
            .map(|one| (one.conversation, one.end))
            .collect();
        let mut last = self.entries_at(&ends).await?;
        let not_said = last.iter().filter(|entry| !entry.body.is_countable());
        let asked: Vec<(Span, u64)> = not_said
            .filter_map(|entry| Some((*spans.get(&entry.conversation)?, entry.ordinal)))
            .filter(|(span, ordinal)| *ordinal > 0 && span.after < span.end.previous())
            .collect();
        if asked.is_empty() {
            return Ok(last);
        }
        let counted = self.counted(&asked).await?;
        let mut said = self.entries_at(&counted).await?;
        said.retain(|entry| entry.body.is_countable());
        let found: HashSet<_> = said.iter().map(|entry| entry.conversation).collect();
        last.retain(|entry| !found.contains(&entry.conversation));
        last.append(&mut said);
        Ok(last)
    }

    async fn entries_at(&self, places: &[(ConversationId, Seq)]) -> Result<Vec<Entry>, SqlError> {
        let mut found = Vec::with_capacity(places.len());
        let place = |(at, seq): (ConversationId, Seq)| [uuid(at), Value::Int(int(seq.0))];
        for (count, values) in chunk::keys(places, place) {
            for row in self.core.query(AT, count, &values).await? {
                found.push(entry(conversation(&row, 6)?, &row)?);
            }
        }
        Ok(found)
    }

    async fn counted(&self, asked: &[(Span, u64)]) -> Result<Vec<(ConversationId, Seq)>, SqlError> {
        let mut found = Vec::with_capacity(asked.len());
        let values = |(span, ordinal): (Span, u64)| {
            let [at, after, end] = bounds(span);
            [at, after, end, Value::Int(int(ordinal))]
        };
        for (count, values) in chunk::keys(asked, values) {
            for row in self.core.query(COUNTED, count, &values).await? {
                found.push((conversation(&row, 0)?, seq(&row, 1)?));
            }
        }
        Ok(found)
    }

    async fn deleted_in(
        &self,
        user: &UserId,
        spans: &[Span],
    ) -> Result<Vec<(ConversationId, Seq)>, SqlError> {
        let mut found = Vec::new();
        let own = |span: Span| {
            let [at, after, end] = bounds(span);
            [Value::Text(user.as_str()), at, after, end]
        };
        for (count, values) in chunk::keys(spans, own) {
            for row in self.core.query(DELETED, count, &values).await? {
                found.push((conversation(&row, 0)?, seq(&row, 1)?));
            }
        }
        found.sort_unstable();
        Ok(found)
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

    async fn latest(&self, spans: &[Span]) -> Result<Vec<Entry>, StoreError> {
        let reading = self.last_of(spans).await;
        reading.map_err(|error| error.during("reading what was said last"))
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

    async fn deleted(
        &self,
        user: &UserId,
        spans: &[Span],
    ) -> Result<Vec<(ConversationId, Seq)>, StoreError> {
        let reading = self.deleted_in(user, spans).await;
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
