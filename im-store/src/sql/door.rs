//! Bans, requests and invite links in SQL. Bans are written with the entries.

use async_trait::async_trait;
use im_core::{
    ConversationId, Invite, JoinRequest, StoreError, Timestamp, UserId,
    port::{Banned, DoorStore, InviteStore},
};
use sea_orm::QueryResult;

use super::{
    SqlStore, chunk,
    connection::Value,
    error::SqlError,
    stored::{column, conversation, number, user, uuid},
};

/// -1 uses: any number.
pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE join_request (conversation_id {uuid}, user_id {id}, greeting {maybe_name}, at_ms bigint NOT NULL, \
     PRIMARY KEY (conversation_id, user_id)) {clustered}",
    "CREATE TABLE invite (code {id}, conversation_id {uuid}, made_by {id}, created_at_ms bigint NOT NULL, \
     expires_at_ms bigint NOT NULL, uses_left bigint NOT NULL, PRIMARY KEY (code)) {clustered}",
    "CREATE INDEX invite_conversation ON invite (conversation_id, created_at_ms, code)",
];

const BANNED: &str = "SELECT user_id, until_ms FROM ban WHERE conversation_id = ? AND until_ms > ? \
    AND user_id IN ([?|, ])";

const BANS: &str = "SELECT user_id, until_ms FROM ban WHERE conversation_id = ? AND user_id > ? AND until_ms > ? \
    ORDER BY user_id LIMIT ?";

const REQUESTS: &str = "SELECT conversation_id, user_id, greeting, at_ms FROM join_request \
    WHERE conversation_id = ? AND user_id > ? ORDER BY user_id LIMIT ?";

const REQUESTED: &str =
    "SELECT user_id FROM join_request WHERE conversation_id = ? AND user_id IN ([?|, ])";

const COUNT: &str = "SELECT COUNT(*) FROM (SELECT user_id FROM join_request WHERE conversation_id = ? LIMIT ?) AS waiting";

const INVITES: &str = "SELECT code, conversation_id, made_by, created_at_ms, expires_at_ms, uses_left FROM invite \
    WHERE conversation_id = ? ORDER BY created_at_ms DESC, code DESC LIMIT ?";

const INVITE: &str = "SELECT code, conversation_id, made_by, created_at_ms, expires_at_ms, uses_left FROM invite WHERE code = ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[BANNED, BANS, REQUESTS, REQUESTED, INVITES, INVITE];

const ANY: i64 = -1;

fn ban(row: &QueryResult) -> Result<Banned, SqlError> {
    Ok(Banned {
        user: user(row, 0)?,
        until_ms: Timestamp(column(row, 1)?),
    })
}

fn request(row: &QueryResult) -> Result<JoinRequest, SqlError> {
    Ok(JoinRequest {
        conversation: conversation(row, 0)?,
        user: user(row, 1)?,
        greeting: column(row, 2)?,
        at_ms: Timestamp(column(row, 3)?),
    })
}

fn invite(row: &QueryResult) -> Result<Invite, SqlError> {
    let end = Timestamp(column(row, 4)?);
    let uses: i64 = column(row, 5)?;
    Ok(Invite {
        code: column(row, 0)?,
        conversation: conversation(row, 1)?,
        by: user(row, 2)?,
        created_at_ms: Timestamp(column(row, 3)?),
        expires_at_ms: Some(end).filter(|end| *end != Timestamp::FOREVER),
        uses_left: u32::try_from(uses).ok(),
    })
}

fn most(limit: usize) -> Value<'static> {
    Value::Int(i64::try_from(limit).unwrap_or(i64::MAX))
}

impl SqlStore {
    async fn list<T>(
        &self,
        text: &'static str,
        values: &[Value<'_>],
        read: impl Fn(&QueryResult) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        let rows = self.core.query(text, 1, values).await?;
        rows.iter().map(read).collect()
    }

    async fn among<T>(
        &self,
        text: &'static str,
        first: &[Value<'_>],
        users: &[UserId],
        read: impl Fn(&QueryResult) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        let texts: Vec<&str> = users.iter().map(UserId::as_str).collect();
        let mut found = Vec::new();
        for (count, mut values) in chunk::keys(&texts, |text| [Value::Text(text)]) {
            values.splice(0..0, first.iter().copied());
            for row in self.core.query(text, count, &values).await? {
                found.push(read(&row)?);
            }
        }
        Ok(found)
    }

    async fn delete_requests(
        &self,
        at: ConversationId,
        users: &[UserId],
    ) -> Result<usize, SqlError> {
        let delete = "DELETE FROM join_request WHERE conversation_id = ? AND user_id = ?";
        let mut count = 0;
        for user in users {
            let values = [uuid(at), Value::Text(user.as_str())];
            count += self.core.write(delete, &values).await?;
        }
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }
}

#[async_trait]
impl DoorStore for SqlStore {
    async fn banned(
        &self,
        conversation: ConversationId,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<Banned>, StoreError> {
        let first = [uuid(conversation), Value::Int(now.0)];
        let reading = self.among(BANNED, &first, users, ban).await;
        reading.map_err(|error| error.during("reading bans"))
    }

    async fn bans(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Banned>, StoreError> {
        let after = Value::Text(after.map_or("", UserId::as_str));
        let values = [uuid(conversation), after, Value::Int(now.0), most(limit)];
        let listing = self.list(BANS, &values, ban).await;
        listing.map_err(|error| error.during("listing bans"))
    }

    async fn put_request(&self, request: JoinRequest) -> Result<(), StoreError> {
        let upsert = "INSERT INTO join_request (conversation_id, user_id, greeting, at_ms) VALUES (?, ?, ?, ?) \
                      ON CONFLICT (conversation_id, user_id) DO UPDATE SET greeting = excluded.greeting, \
                      at_ms = excluded.at_ms";
        let values = [
            uuid(request.conversation),
            Value::Text(request.user.as_str()),
            Value::MaybeText(request.greeting.as_deref()),
            Value::Int(request.at_ms.0),
        ];
        let writing = self.core.write(upsert, &values).await;
        writing
            .map(drop)
            .map_err(|error| error.during("storing a request"))
    }

    async fn requests(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<JoinRequest>, StoreError> {
        let after = Value::Text(after.map_or("", UserId::as_str));
        let values = [uuid(conversation), after, most(limit)];
        let listing = self.list(REQUESTS, &values, request).await;
        listing.map_err(|error| error.during("listing requests"))
    }

    async fn requested(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<UserId>, StoreError> {
        let first = [uuid(conversation)];
        let reading = self
            .among(REQUESTED, &first, users, |row| user(row, 0))
            .await;
        reading.map_err(|error| error.during("reading requests"))
    }

    async fn remove_requests(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<usize, StoreError> {
        let removing = self.delete_requests(conversation, users).await;
        removing.map_err(|error| error.during("removing requests"))
    }

    async fn count_requests(
        &self,
        conversation: ConversationId,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let values = [uuid(conversation), most(limit)];
        let counting = self.list(COUNT, &values, |row| number(row, 0)).await;
        counting
            .map(|counts| counts.first().map_or(0, |count| *count as usize))
            .map_err(|error| error.during("counting requests"))
    }
}

#[async_trait]
impl InviteStore for SqlStore {
    async fn put(&self, invite: Invite) -> Result<(), StoreError> {
        let insert = "INSERT INTO invite (code, conversation_id, made_by, created_at_ms, expires_at_ms, uses_left) \
                      VALUES (?, ?, ?, ?, ?, ?)";
        let values = [
            Value::Text(&invite.code),
            uuid(invite.conversation),
            Value::Text(invite.by.as_str()),
            Value::Int(invite.created_at_ms.0),
            Value::Int(invite.expires_at_ms.unwrap_or(Timestamp::FOREVER).0),
            Value::Int(invite.uses_left.map_or(ANY, i64::from)),
        ];
        let writing = self.core.write(insert, &values).await;
        writing
            .map(drop)
            .map_err(|error| error.during("storing an invite link"))
    }

    async fn invites(
        &self,
        conversation: ConversationId,
        limit: usize,
    ) -> Result<Vec<Invite>, StoreError> {
        let values = [uuid(conversation), most(limit)];
        let listing = self.list(INVITES, &values, invite).await;
        listing.map_err(|error| error.during("listing invite links"))
    }

    async fn invite(&self, code: &str) -> Result<Option<Invite>, StoreError> {
        let reading = self.list(INVITE, &[Value::Text(code)], invite).await;
        reading
            .map(|mut found| found.pop())
            .map_err(|error| error.during("reading an invite link"))
    }

    async fn spend(&self, code: &str, now: Timestamp) -> Result<bool, StoreError> {
        let update = "UPDATE invite SET uses_left = CASE WHEN uses_left > 0 THEN uses_left - 1 ELSE uses_left END \
                      WHERE code = ? AND expires_at_ms > ? AND uses_left <> 0";
        let values = [Value::Text(code), Value::Int(now.0)];
        let writing = self.core.write(update, &values).await;
        writing
            .map(|count| count > 0)
            .map_err(|error| error.during("spending an invite link"))
    }

    async fn give_back(&self, code: &str) -> Result<(), StoreError> {
        let update =
            "UPDATE invite SET uses_left = uses_left + 1 WHERE code = ? AND uses_left >= 0";
        let writing = self.core.write(update, &[Value::Text(code)]).await;
        writing
            .map(drop)
            .map_err(|error| error.during("giving back a use of an invite link"))
    }

    async fn remove(&self, conversation: ConversationId, code: &str) -> Result<bool, StoreError> {
        let delete = "DELETE FROM invite WHERE code = ? AND conversation_id = ?";
        let values = [Value::Text(code), uuid(conversation)];
        let writing = self.core.write(delete, &values).await;
        writing
            .map(|count| count > 0)
            .map_err(|error| error.during("removing an invite link"))
    }
}
