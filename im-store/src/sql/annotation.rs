//! Reactions, votes and threads in SQL: read here, written with the entries.

use async_trait::async_trait;
use im_core::{
    ConversationId, Seq, StoreError, UserId,
    port::{AnnotationStore, MarkCount, ThreadCount},
    state::MarkKind,
};

use super::{
    SqlStore, chunk,
    connection::Value,
    error::SqlError,
    stored::{column, int, number, seq, user, uuid},
    trace::kind_code,
};

const MARKS: &str = "SELECT target, value, COUNT(*), COUNT(CASE WHEN user_id = ? THEN 1 END) FROM mark \
    WHERE conversation_id = ? AND kind = ? AND target IN ([?|, ]) GROUP BY target, value";

const MARKS_OF: &str = "SELECT value FROM mark WHERE conversation_id = ? AND target = ? AND kind = ? \
    AND user_id = ? ORDER BY value";

const MARKERS: &str = "SELECT user_id FROM mark WHERE conversation_id = ? AND target = ? AND kind = ? \
    AND user_id > ? AND value = ? ORDER BY user_id LIMIT ?";

const THREADS: &str = "SELECT root, COUNT(*), MAX(seq) FROM thread_entry \
    WHERE conversation_id = ? AND root IN ([?|, ]) GROUP BY root";

const THREAD: &str = "SELECT seq FROM thread_entry WHERE conversation_id = ? AND root = ? AND seq > ? \
    ORDER BY seq LIMIT ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[MARKS_OF, MARKERS, THREAD];

impl SqlStore {
    async fn count_marks(
        &self,
        at: ConversationId,
        kind: MarkKind,
        targets: &[Seq],
        viewer: &UserId,
    ) -> Result<Vec<MarkCount>, SqlError> {
        let mut found = Vec::new();
        for (count, mut values) in chunk::keys(targets, |seq| [Value::Int(int(seq.0))]) {
            let first = [
                Value::Text(viewer.as_str()),
                uuid(at),
                Value::Int(kind_code(kind)),
            ];
            values.splice(0..0, first);
            for row in self.core.query(MARKS, count, &values).await? {
                found.push(MarkCount {
                    target: seq(&row, 0)?,
                    value: column(&row, 1)?,
                    count: number(&row, 2)?,
                    mine: number(&row, 3)? > 0,
                });
            }
        }
        found.sort_by(|a, b| {
            let by_count = b.count.cmp(&a.count);
            (a.target.cmp(&b.target))
                .then(by_count)
                .then(a.value.cmp(&b.value))
        });
        Ok(found)
    }

    async fn count_threads(
        &self,
        at: ConversationId,
        roots: &[Seq],
    ) -> Result<Vec<ThreadCount>, SqlError> {
        let mut found = Vec::new();
        for (count, mut values) in chunk::keys(roots, |seq| [Value::Int(int(seq.0))]) {
            values.insert(0, uuid(at));
            for row in self.core.query(THREADS, count, &values).await? {
                found.push(ThreadCount {
                    root: seq(&row, 0)?,
                    count: number(&row, 1)?,
                    last: seq(&row, 2)?,
                });
            }
        }
        found.sort_by_key(|thread| thread.root);
        Ok(found)
    }
}

#[async_trait]
impl AnnotationStore for SqlStore {
    async fn marks(
        &self,
        conversation: ConversationId,
        kind: MarkKind,
        targets: &[Seq],
        viewer: &UserId,
    ) -> Result<Vec<MarkCount>, StoreError> {
        let counting = self.count_marks(conversation, kind, targets, viewer).await;
        counting.map_err(|error| error.during("counting marks"))
    }

    async fn marks_of(
        &self,
        conversation: ConversationId,
        kind: MarkKind,
        target: Seq,
        user: &UserId,
    ) -> Result<Vec<String>, StoreError> {
        let values = [
            uuid(conversation),
            Value::Int(int(target.0)),
            Value::Int(kind_code(kind)),
            Value::Text(user.as_str()),
        ];
        let rows = self.core.query(MARKS_OF, 1, &values).await;
        rows.and_then(|rows| rows.iter().map(|row| column(row, 0)).collect())
            .map_err(|error| error.during("reading marks"))
    }

    async fn markers(
        &self,
        conversation: ConversationId,
        kind: MarkKind,
        target: Seq,
        value: &str,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        let values = [
            uuid(conversation),
            Value::Int(int(target.0)),
            Value::Int(kind_code(kind)),
            Value::Text(after.map_or("", UserId::as_str)),
            Value::Text(value),
            Value::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
        ];
        let rows = self.core.query(MARKERS, 1, &values).await;
        rows.and_then(|rows| rows.iter().map(|row| user(row, 0)).collect())
            .map_err(|error| error.during("listing who marked"))
    }

    async fn threads(
        &self,
        conversation: ConversationId,
        roots: &[Seq],
    ) -> Result<Vec<ThreadCount>, StoreError> {
        let counting = self.count_threads(conversation, roots).await;
        counting.map_err(|error| error.during("counting threads"))
    }

    async fn thread(
        &self,
        conversation: ConversationId,
        root: Seq,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Seq>, StoreError> {
        let values = [
            uuid(conversation),
            Value::Int(int(root.0)),
            Value::Int(int(after.0)),
            Value::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
        ];
        let rows = self.core.query(THREAD, 1, &values).await;
        rows.and_then(|rows| rows.iter().map(|row| seq(row, 0)).collect())
            .map_err(|error| error.during("reading a thread"))
    }
}
