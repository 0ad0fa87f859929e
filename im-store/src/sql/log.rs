//! The log in SQL.

use std::sync::{Arc, atomic::Ordering};

use async_trait::async_trait;
use im_core::{
    ClientId, Content, ConversationId, Entry, Epoch, Head, Seq, StoreError, Timestamp, UserId,
    port::{Append, Appended, HeadStore, Known, LogStore, Range, Snapshot},
};
use sea_orm::QueryResult;
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::{
    SqlStore,
    batch::{Job, Reply},
    chunk,
    connection::Value,
    entries::Encoded,
    error::SqlError,
    schema::as_number,
    stored::{column, conversation, info, int, number, seq, user, uuid},
};
use crate::rows;

/// A conversation's facts and last entry. The head is found by one step into the index, whatever the log's length.
const LOAD: &str = "SELECT c.info, e.seq, e.ordinal, e.at_ms FROM conversation c \
    JOIN entry e ON e.conversation_id = c.id AND e.seq = \
    (SELECT x.seq FROM entry x WHERE x.conversation_id = c.id ORDER BY x.seq DESC LIMIT 1) WHERE c.id = ?";

const AFTER: &str = "SELECT seq, sender, client_id, ordinal, at_ms, body FROM entry \
    WHERE conversation_id = ? AND seq > ? ORDER BY seq LIMIT ?";

const BEFORE: &str = "SELECT seq, sender, client_id, ordinal, at_ms, body FROM entry \
    WHERE conversation_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?";

const EARLIER: &str = "SELECT seq, was FROM revision WHERE conversation_id = ? AND target = ? \
    ORDER BY seq DESC LIMIT ?";

const FIND: &str = "SELECT sender, client_id, seq, at_ms, fingerprint FROM entry \
    WHERE [(conversation_id = ? AND sender = ? AND client_id = ?)| OR ]";

/// Each head is found by one step into the index.
const HEADS: &str = "SELECT c.id, (SELECT x.seq FROM entry x WHERE x.conversation_id = c.id \
    ORDER BY x.seq DESC LIMIT 1) FROM conversation c WHERE c.id IN ([?|, ])";

/// Rows of entries are numbered over all logs, and none is ever deleted.
const REACH: &str = "SELECT n FROM entry ORDER BY n DESC LIMIT 1";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[LOAD, AFTER, BEFORE, EARLIER, FIND, HEADS];

impl SqlStore {
    /// Hands a job to the writer and waits for the answer. What was handed over happens also when nobody waits any more.
    pub(super) async fn ask<T>(
        &self,
        during: &'static str,
        job: impl FnOnce(Reply<T>) -> Job,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let gone = || SqlError::Gone.during(during);
        self.jobs.send(job(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    async fn write_epoch(&self, epoch: Epoch) -> Result<Epoch, SqlError> {
        let update = "UPDATE meta SET epoch = ? WHERE id = 1";
        self.core
            .write(update, &[Value::Int(as_number(epoch))])
            .await?;
        self.core.epoch.store(epoch.0, Ordering::Relaxed);
        Ok(epoch)
    }

    pub(super) async fn load_snapshot(
        &self,
        at: ConversationId,
    ) -> Result<Option<Snapshot>, SqlError> {
        let row = self.core.query(LOAD, 1, &[uuid(at)]).await?.pop();
        let Some(row) = row else { return Ok(None) };
        let snapshot = Snapshot {
            info: info(&row, 0)?,
            head: Head {
                seq: seq(&row, 1)?,
                ordinal: number(&row, 2)?,
            },
            last_at_ms: Timestamp(column(&row, 3)?),
        };
        self.core.heads.note([(at, snapshot.head.seq)]);
        Ok(Some(snapshot))
    }

    pub(super) async fn read_page(
        &self,
        at: ConversationId,
        range: Range,
        limit: usize,
    ) -> Result<Vec<Entry>, SqlError> {
        let (text, from) = match range {
            Range::After(seq) => (AFTER, seq),
            Range::Before(seq) => (BEFORE, seq),
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = [uuid(at), Value::Int(int(from.0)), Value::Int(limit)];
        let rows = self.core.query(text, 1, &values).await?;
        let mut entries = rows
            .iter()
            .map(|row| entry(at, row))
            .collect::<Result<Vec<_>, _>>()?;
        if matches!(range, Range::Before(_)) {
            entries.reverse();
        }
        Ok(entries)
    }

    async fn read_earlier(
        &self,
        at: ConversationId,
        target: Seq,
        limit: usize,
    ) -> Result<Vec<(Seq, Content)>, SqlError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = [uuid(at), Value::Int(int(target.0)), Value::Int(limit)];
        let rows = self.core.query(EARLIER, 1, &values).await?;
        let content = |row| {
            Ok((
                seq(row, 0)?,
                rmp_serde::from_slice(&column::<Vec<u8>>(row, 1)?)?,
            ))
        };
        rows.iter().rev().map(content).collect()
    }

    async fn read_heads(
        &self,
        conversations: &[ConversationId],
    ) -> Result<Vec<(ConversationId, Seq)>, SqlError> {
        let mut found = Vec::with_capacity(conversations.len());
        for (count, values) in chunk::keys(conversations, |id| [uuid(id)]) {
            for row in self.core.query(HEADS, count, &values).await? {
                found.push((conversation(&row, 0)?, seq(&row, 1)?));
            }
        }
        Ok(found)
    }

    async fn read_reach(&self) -> Result<u64, SqlError> {
        let rows = self.core.query(REACH, 0, &[]).await?;
        rows.first().map_or(Ok(0), |row| number(row, 0))
    }

    async fn find_known(
        &self,
        at: ConversationId,
        keys: &[(UserId, ClientId)],
    ) -> Result<Vec<Known>, SqlError> {
        let mut found = Vec::new();
        let texts: Vec<(&str, &str)> = keys
            .iter()
            .map(|(sender, id)| (sender.as_str(), id.as_str()))
            .collect();
        let key = |(sender, id)| [uuid(at), Value::Text(sender), Value::Text(id)];
        for (count, values) in chunk::keys(&texts, key) {
            for row in self.core.query(FIND, count, &values).await? {
                found.push(Known {
                    sender: user(&row, 0)?,
                    client_id: ClientId::new(column::<String>(&row, 1)?)?,
                    seq: seq(&row, 2)?,
                    at_ms: Timestamp(column(&row, 3)?),
                    fingerprint: column(&row, 4)?,
                });
            }
        }
        Ok(found)
    }
}

pub(super) fn entry(conversation: ConversationId, row: &QueryResult) -> Result<Entry, SqlError> {
    Ok(Entry {
        conversation,
        seq: seq(row, 0)?,
        sender: user(row, 1)?,
        client_id: ClientId::new(column::<String>(row, 2)?)?,
        ordinal: number(row, 3)?,
        at_ms: Timestamp(column(row, 4)?),
        body: rmp_serde::from_slice(&column::<Vec<u8>>(row, 5)?)?,
    })
}

#[async_trait]
impl LogStore for SqlStore {
    async fn epoch(&self) -> Result<Epoch, StoreError> {
        Ok(Epoch(self.core.epoch.load(Ordering::Relaxed)))
    }

    async fn renew_epoch(&self) -> Result<Epoch, StoreError> {
        let renewing = self.write_epoch(Epoch::random()).await;
        renewing.map_err(|error| error.during("renewing the epoch"))
    }

    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        let malformed = |error| SqlError::Malformed(Arc::new(error)).during("appending");
        rows::check(&append).map_err(malformed)?;
        let entries = append.entries.len();
        let span =
            tracing::debug_span!("store.append", conversation = %append.conversation, entries);
        let encoded = span.in_scope(|| Encoded::new(append));
        let encoded = encoded.map_err(|error| error.during("appending"))?;
        self.ask("appending", |reply| Job::Append(encoded, reply))
            .instrument(span)
            .await
    }

    async fn load(&self, conversation: ConversationId) -> Result<Option<Snapshot>, StoreError> {
        let loading = self.load_snapshot(conversation).await;
        loading.map_err(|error| error.during("loading a conversation"))
    }

    async fn read(
        &self,
        conversation: ConversationId,
        range: Range,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let reading = self.read_page(conversation, range, limit).await;
        reading.map_err(|error| error.during("reading a log"))
    }

    async fn earlier(
        &self,
        conversation: ConversationId,
        target: Seq,
        limit: usize,
    ) -> Result<Vec<(Seq, Content)>, StoreError> {
        let reading = self.read_earlier(conversation, target, limit).await;
        reading.map_err(|error| error.during("reading what a message said before"))
    }

    async fn find(
        &self,
        conversation: ConversationId,
        keys: &[(UserId, ClientId)],
    ) -> Result<Vec<Known>, StoreError> {
        let finding = self.find_known(conversation, keys).await;
        finding.map_err(|error| error.during("finding entries"))
    }
}

#[async_trait]
impl HeadStore for SqlStore {
    async fn heads(
        &self,
        conversations: &[ConversationId],
    ) -> Result<Vec<(ConversationId, Seq)>, StoreError> {
        let reading = self.read_heads(conversations).await;
        reading.map_err(|error| error.during("reading heads"))
    }

    async fn reached(&self) -> Result<u64, StoreError> {
        let reading = self.read_reach().await;
        reading.map_err(|error| error.during("reading how far it has come"))
    }
}
