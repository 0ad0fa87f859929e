//! Erasing users in SQL.
//!
//! The row of an erasure is its lock and says how far it came: up to which seq of which conversation, in the order of
//! their ids. A table with rows that a user owns is named in [`OWNED`], or in `begin_erasure`.

use async_trait::async_trait;
use im_core::{
    ClientId, ConversationId, Entry, StoreError, Timestamp, UserId,
    port::{Erasure, ErasureStore},
};
use uuid::Uuid;

use super::{
    SqlStore, audit, chunk,
    connection::{Connection, Value},
    error::SqlError,
    report,
    stored::{column, int, seq, user, uuid},
};

const ERASURE: &str = "SELECT user_id, begun_at_ms FROM erasure WHERE user_id = ?";

const PROGRESS: &str = "SELECT conversation_id, seq FROM erasure WHERE user_id = ? FOR UPDATE";

const DUE: &str =
    "SELECT user_id, begun_at_ms FROM erasure WHERE due_ms <= ? ORDER BY due_ms LIMIT ?";

const HEAD: &str = "SELECT seq FROM entry WHERE conversation_id = ? ORDER BY seq DESC LIMIT 1";

const ENTRIES: &str = "SELECT seq, sender, body FROM entry \
    WHERE conversation_id = ? AND seq > ? AND seq <= ?";

const NEXT: &str = "SELECT conversation_id FROM member WHERE user_id = ? AND conversation_id > ? \
    ORDER BY conversation_id LIMIT 1";

/// Rows that a user owns: which to delete, and how.
const OWNED: [(&str, &str); 4] = [
    (
        "SELECT device_id FROM device WHERE user_id = ? ORDER BY device_id LIMIT ?",
        "DELETE FROM device WHERE user_id = ? AND device_id IN ([?|, ])",
    ),
    (
        "SELECT device_id FROM revoked_device WHERE user_id = ? ORDER BY device_id LIMIT ?",
        "DELETE FROM revoked_device WHERE user_id = ? AND device_id IN ([?|, ])",
    ),
    (
        "SELECT other FROM block WHERE user_id = ? ORDER BY other LIMIT ?",
        "DELETE FROM block WHERE user_id = ? AND other IN ([?|, ])",
    ),
    (
        "SELECT item FROM own WHERE user_id = ? ORDER BY kind, item LIMIT ?",
        "DELETE FROM own WHERE user_id = ? AND item IN ([?|, ])",
    ),
];

const REQUESTS: &str = "SELECT conversation_id FROM join_request WHERE user_id = ? \
    ORDER BY conversation_id LIMIT ?";

const FAMILIES: &str =
    "SELECT family FROM token_family WHERE user_id = ? ORDER BY expires_at_ms LIMIT ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[
    ERASURE, PROGRESS, DUE, HEAD, ENTRIES, NEXT, REQUESTS, FAMILIES, OWNED[0].0, OWNED[1].0,
    OWNED[2].0, OWNED[3].0,
];

async fn begin_erasure(
    connection: &mut Connection,
    user: &UserId,
    now: Timestamp,
) -> Result<(), SqlError> {
    let name = Value::Text(user.as_str());
    let insert = "INSERT INTO erasure (user_id, begun_at_ms, due_ms, conversation_id, seq) \
                  VALUES (?, ?, ?, ?, 0) ON CONFLICT DO NOTHING";
    let now = Value::Int(now.0);
    let values = [name, now, now, Value::Uuid(Uuid::nil())];
    connection.execute(insert, 1, &values).await?;
    for delete in [
        "DELETE FROM account WHERE user_id = ?",
        "DELETE FROM identifier WHERE user_id = ?",
        "DELETE FROM profile WHERE user_id = ?",
        "DELETE FROM real_name WHERE user_id = ?",
        "DELETE FROM standing WHERE user_id = ?",
    ] {
        connection.execute(delete, 1, &[name]).await?;
    }
    Ok(())
}

async fn take_step(
    connection: &mut Connection,
    user: &UserId,
    limit: usize,
) -> Result<bool, SqlError> {
    let name = Value::Text(user.as_str());
    let Some(row) = connection.query(PROGRESS, 1, &[name]).await?.pop() else {
        return Ok(true);
    };
    let (at, after) = (column::<Uuid>(&row, 0)?, column::<i64>(&row, 1)?);
    let head = connection.query(HEAD, 1, &[Value::Uuid(at)]).await?.pop();
    let head = head.map_or(Ok(0), |row| column::<i64>(&row, 0))?;
    if after < head {
        let upto = after.saturating_add(int(limit as u64));
        wipe(connection, user, at, (after, upto)).await?;
        note(connection, user, at, upto).await?;
        return Ok(false);
    }
    let values = [name, Value::Uuid(at)];
    if let Some(row) = connection.query(NEXT, 1, &values).await?.pop() {
        let next = column(&row, 0)?;
        let update = "UPDATE member SET nickname = NULL, settings = NULL \
                      WHERE conversation_id = ? AND user_id = ?";
        let values = [Value::Uuid(next), name];
        connection.execute(update, 1, &values).await?;
        note(connection, user, next, 0).await?;
        return Ok(false);
    }
    delete_owned(connection, user, limit).await
}

/// Takes what a user said out of a part of a log, and what points at it or at the user from beside the log.
async fn wipe(
    connection: &mut Connection,
    user: &UserId,
    at: Uuid,
    (after, upto): (i64, i64),
) -> Result<(), SqlError> {
    let part = [Value::Uuid(at), Value::Int(after), Value::Int(upto)];
    for row in connection.query(ENTRIES, 1, &part).await? {
        // Nothing else of it matters.
        let mut entry = Entry {
            conversation: ConversationId::from_uuid(at),
            seq: seq(&row, 0)?,
            sender: super::stored::user(&row, 1)?,
            client_id: ClientId::new("-")?,
            at_ms: Timestamp::default(),
            ordinal: 0,
            body: rmp_serde::from_slice(&column::<Vec<u8>>(&row, 2)?)?,
        };
        if let Some(traces) = entry.erase(user) {
            rewrite(connection, &entry, entry.sender == *user).await?;
            connection.leave_traces(&entry, &traces).await?;
        }
    }
    let own = [
        Value::Text(user.as_str()),
        Value::Uuid(at),
        Value::Int(after),
        Value::Int(upto),
    ];
    for delete in [
        "DELETE FROM deletion WHERE user_id = ? AND conversation_id = ? AND seq > ? AND seq <= ?",
        "DELETE FROM mention WHERE user_id = ? AND conversation_id = ? AND seq > ? AND seq <= ?",
    ] {
        connection.execute(delete, 1, &own).await?;
    }
    Ok(())
}

/// Writes an entry that lost something. What a message said before its edits goes with it.
async fn rewrite(connection: &mut Connection, entry: &Entry, is_own: bool) -> Result<(), SqlError> {
    let body = rmp_serde::to_vec_named(&entry.body)?;
    let (at, seq) = (uuid(entry.conversation), Value::Int(int(entry.seq.0)));
    let update = if is_own {
        "UPDATE entry SET body = ?, fingerprint = 0 WHERE conversation_id = ? AND seq = ?"
    } else {
        "UPDATE entry SET body = ? WHERE conversation_id = ? AND seq = ?"
    };
    let values = [Value::Bytes(&body), at, seq];
    connection.execute(update, 1, &values).await?;
    connection
        .forget_block(entry.conversation, entry.seq)
        .await?;
    let delete = "DELETE FROM revision WHERE conversation_id = ? AND target = ?";
    connection.execute(delete, 1, &[at, seq]).await?;
    Ok(())
}

async fn note(
    connection: &mut Connection,
    user: &UserId,
    at: Uuid,
    upto: i64,
) -> Result<(), SqlError> {
    let update = "UPDATE erasure SET conversation_id = ?, seq = ? WHERE user_id = ?";
    let values = [
        Value::Uuid(at),
        Value::Int(upto),
        Value::Text(user.as_str()),
    ];
    connection.execute(update, 1, &values).await?;
    Ok(())
}

/// Deletes rows of one kind. `true` when there were none of any.
async fn delete_owned(
    connection: &mut Connection,
    user: &UserId,
    limit: usize,
) -> Result<bool, SqlError> {
    let which = [Value::Text(user.as_str()), Value::Int(int(limit as u64))];
    for (select, delete) in OWNED {
        let rows = connection.query(select, 1, &which).await?;
        let keys = rows.iter().map(|row| column(row, 0));
        let keys = keys.collect::<Result<Vec<String>, _>>()?;
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        for (count, mut values) in chunk::keys(&keys, |key| [Value::Text(key)]) {
            values.insert(0, which[0]);
            connection.execute(delete, count, &values).await?;
        }
        if !keys.is_empty() {
            return Ok(false);
        }
    }
    let waiting = conversations(connection, &which).await?;
    for (count, mut values) in chunk::keys(&waiting, |at| [Value::Uuid(at)]) {
        values.insert(0, which[0]);
        let delete = "DELETE FROM join_request WHERE user_id = ? AND conversation_id IN ([?|, ])";
        connection.execute(delete, count, &values).await?;
    }
    if !waiting.is_empty() {
        return Ok(false);
    }
    let rows = connection.query(FAMILIES, 1, &which).await?;
    let families = rows.iter().map(|row| column(row, 0));
    let families = families.collect::<Result<Vec<Uuid>, _>>()?;
    for (count, values) in chunk::keys(&families, |family| [Value::Uuid(family)]) {
        for delete in [
            "DELETE FROM refresh_token WHERE family IN ([?|, ])",
            "DELETE FROM token_family WHERE family IN ([?|, ])",
        ] {
            connection.execute(delete, count, &values).await?;
        }
    }
    if !families.is_empty() {
        return Ok(false);
    }
    if audit::erase(connection, &which).await? {
        return Ok(false);
    }
    Ok(!report::erase(connection, &which).await?)
}

/// Where a user waits to be let in.
async fn conversations(
    connection: &mut Connection,
    which: &[Value<'_>],
) -> Result<Vec<Uuid>, SqlError> {
    let rows = connection.query(REQUESTS, 1, which).await?;
    rows.iter().map(|row| column(row, 0)).collect()
}

fn erasure(row: &sea_orm::QueryResult) -> Result<Erasure, SqlError> {
    Ok(Erasure {
        user: user(row, 0)?,
        begun_at_ms: Timestamp(column(row, 1)?),
    })
}

impl SqlStore {
    async fn write_round(&self, user: &UserId, due: Option<Timestamp>) -> Result<(), SqlError> {
        let update =
            "UPDATE erasure SET due_ms = ?, conversation_id = ?, seq = 0 WHERE user_id = ?";
        let values = [
            Value::Int(due.map_or(i64::MAX, |due| due.0)),
            Value::Uuid(Uuid::nil()),
            Value::Text(user.as_str()),
        ];
        self.core.write(update, &values).await?;
        Ok(())
    }

    async fn read_erasures(
        &self,
        text: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Erasure>, SqlError> {
        let rows = self.core.query(text, 1, values).await?;
        rows.iter().map(erasure).collect()
    }
}

#[async_trait]
impl ErasureStore for SqlStore {
    async fn begin(&self, user: &UserId, now: Timestamp) -> Result<(), StoreError> {
        let beginning = self
            .core
            .transaction(|connection, _| Box::pin(begin_erasure(connection, user, now)));
        let begun = beginning.await;
        begun.map_err(|error| error.during("beginning to erase a user"))
    }

    async fn erasure(&self, user: &UserId) -> Result<Option<Erasure>, StoreError> {
        let values = [Value::Text(user.as_str())];
        let reading = self.read_erasures(ERASURE, &values).await;
        let found = reading.map_err(|error| error.during("reading an erasure"))?;
        Ok(found.into_iter().next())
    }

    async fn step(&self, user: &UserId, limit: usize) -> Result<bool, StoreError> {
        let stepping = self
            .core
            .transaction(|connection, _| Box::pin(take_step(connection, user, limit)));
        let stepped = stepping.await;
        stepped.map_err(|error| error.during("erasing a user"))
    }

    async fn end_round(&self, user: &UserId, due: Option<Timestamp>) -> Result<(), StoreError> {
        let writing = self.write_round(user, due).await;
        writing.map_err(|error| error.during("ending a round of an erasure"))
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Erasure>, StoreError> {
        let values = [Value::Int(now.0), Value::Int(int(limit as u64))];
        let reading = self.read_erasures(DUE, &values).await;
        reading.map_err(|error| error.during("reading what is to be erased"))
    }
}
