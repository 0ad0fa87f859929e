//! Members in SQL: read here, written with the entries and positions that change them. Settings are written here.

use std::collections::{BTreeSet, HashSet};

use async_trait::async_trait;
use im_core::{
    ConversationId, Head, Member, Membership, SettingsPatch, StoreError, Timestamp, UserId,
    port::{MemberStore, MembershipCount, Snapshot},
};
use sea_orm::QueryResult;

use super::{
    SqlStore, chunk,
    connection::{Connection, Value},
    error::SqlError,
    stored::{self, column, conversation, info, member_row, number, role, seq, user, uuid},
};
use crate::rows::Rows;

const MEMBERS: &str = "SELECT user_id, role, since, nickname, silent_until_ms FROM member \
    WHERE conversation_id = ? AND left_seq IS NULL AND user_id IN ([?|, ])";

const ROSTER: &str = "SELECT user_id, role, since, nickname, silent_until_ms FROM member \
    WHERE conversation_id = ? AND user_id > ? AND left_seq IS NULL ORDER BY user_id LIMIT ?";

/// A user's rows with facts and heads; each head is found by one step into the index.
macro_rules! memberships {
    ($rows:literal) => {
        concat!(
            "SELECT m.conversation_id, m.role, m.since, m.left_seq, m.delivered, m.read_seq, m.read_ordinal, \
             m.nickname, m.silent_until_ms, m.settings, m.version, c.info, e.seq, e.ordinal, e.at_ms FROM member m \
             JOIN conversation c ON c.id = m.conversation_id \
             JOIN entry e ON e.conversation_id = m.conversation_id AND e.seq = (SELECT x.seq FROM entry x \
             WHERE x.conversation_id = m.conversation_id ORDER BY x.seq DESC LIMIT 1) WHERE ",
            $rows
        )
    };
}

const MEMBERSHIP: &str = memberships!("m.conversation_id = ? AND m.user_id = ?");

const FIRST_MEMBERSHIPS: &str = memberships!("m.user_id = ? ORDER BY m.conversation_id LIMIT ?");

const MEMBERSHIPS: &str =
    memberships!("m.user_id = ? AND m.conversation_id > ? ORDER BY m.conversation_id LIMIT ?");

const CONVERSATIONS: &str =
    "SELECT conversation_id FROM member WHERE user_id = ? AND left_seq IS NULL";

const SHARING: &str = "SELECT DISTINCT other.user_id FROM member own \
    JOIN member other ON other.conversation_id = own.conversation_id \
    WHERE own.user_id = ? AND own.left_seq IS NULL AND other.left_seq IS NULL AND other.user_id IN ([?|, ])";

const IN_AT_LEAST: &str = "SELECT user_id FROM member WHERE user_id IN ([?|, ]) AND left_seq IS NULL \
    GROUP BY user_id HAVING COUNT(*) >= ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[
    MEMBERS,
    ROSTER,
    MEMBERSHIP,
    FIRST_MEMBERSHIPS,
    MEMBERSHIPS,
    CONVERSATIONS,
    SHARING,
    IN_AT_LEAST,
];

/// Reads the five columns `user_id, role, since, nickname, silent_until_ms`.
pub(super) fn member(row: &QueryResult) -> Result<Member, SqlError> {
    Ok(Member {
        user: user(row, 0)?,
        role: role(column(row, 1)?),
        since: seq(row, 2)?,
        nickname: column(row, 3)?,
        silent_until_ms: column::<Option<i64>>(row, 4)?.map(Timestamp),
    })
}

fn membership(user: &UserId, row: &QueryResult) -> Result<Membership, SqlError> {
    let snapshot = Snapshot {
        info: info(row, 11)?,
        head: Head {
            seq: seq(row, 12)?,
            ordinal: number(row, 13)?,
        },
        last_at_ms: Timestamp(column(row, 14)?),
    };
    Ok(member_row(row, 1)?.membership(user, conversation(row, 0)?, snapshot))
}

/// `first` and then those of `users` that fit into one statement, for each such statement.
fn after_first<'v>(first: Value<'v>, users: &'v [UserId]) -> Vec<(usize, Vec<Value<'v>>)> {
    let texts: Vec<&str> = users.iter().map(UserId::as_str).collect();
    let mut chunks = chunk::keys(&texts, |text| [Value::Text(text)]);
    for (_, values) in &mut chunks {
        values.insert(0, first);
    }
    chunks
}

async fn change_settings(
    connection: &mut Connection,
    key: &(ConversationId, UserId),
    changes: &SettingsPatch,
    now: Timestamp,
) -> Result<(), SqlError> {
    let mut rows = Rows::default();
    let users = BTreeSet::from([key.1.clone()]);
    stored::lock_users(connection, &mut rows, &users, &BTreeSet::new()).await?;
    stored::load_members(connection, &mut rows, &BTreeSet::from([key.clone()])).await?;
    rows.change(key.clone(), |row| {
        row.settings = changes.applied_to(std::mem::take(&mut row.settings), now);
    });
    stored::save(connection, rows).await
}

impl SqlStore {
    async fn present(&self, at: ConversationId, users: &[UserId]) -> Result<Vec<Member>, SqlError> {
        let mut found = Vec::new();
        for (count, values) in after_first(uuid(at), users) {
            for row in self.core.query(MEMBERS, count, &values).await? {
                found.push(member(&row)?);
            }
        }
        Ok(found)
    }

    async fn one_membership(
        &self,
        user: &UserId,
        at: ConversationId,
    ) -> Result<Option<Membership>, SqlError> {
        let values = [uuid(at), Value::Text(user.as_str())];
        let row = self.core.query(MEMBERSHIP, 1, &values).await?.pop();
        row.map(|row| membership(user, &row)).transpose()
    }

    async fn page_of_memberships(
        &self,
        user: &UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Membership>, SqlError> {
        let limit = Value::Int(i64::try_from(limit).unwrap_or(i64::MAX));
        let user_id = Value::Text(user.as_str());
        let rows = match after {
            None => {
                self.core
                    .query(FIRST_MEMBERSHIPS, 1, &[user_id, limit])
                    .await?
            }
            Some(after) => {
                let values = [user_id, uuid(after), limit];
                self.core.query(MEMBERSHIPS, 1, &values).await?
            }
        };
        rows.iter().map(|row| membership(user, row)).collect()
    }

    async fn who_share(&self, own: &UserId, others: &[UserId]) -> Result<Vec<UserId>, SqlError> {
        let mut found = HashSet::new();
        for (count, values) in after_first(Value::Text(own.as_str()), others) {
            for row in self.core.query(SHARING, count, &values).await? {
                found.insert(user(&row, 0)?);
            }
        }
        Ok(found.into_iter().collect())
    }

    async fn who_is_in_at_least(
        &self,
        least: usize,
        users: &[UserId],
    ) -> Result<Vec<UserId>, SqlError> {
        let least = Value::Int(i64::try_from(least).unwrap_or(i64::MAX));
        let texts: Vec<&str> = users.iter().map(UserId::as_str).collect();
        let mut found = HashSet::new();
        for (count, mut values) in chunk::keys(&texts, |text| [Value::Text(text)]) {
            values.push(least);
            for row in self.core.query(IN_AT_LEAST, count, &values).await? {
                found.insert(user(&row, 0)?);
            }
        }
        Ok(found.into_iter().collect())
    }

    async fn write_settings(
        &self,
        key: &(ConversationId, UserId),
        changes: &SettingsPatch,
        now: Timestamp,
    ) -> Result<(), SqlError> {
        self.core
            .transaction(|connection, _| Box::pin(change_settings(connection, key, changes, now)))
            .await
    }
}

#[async_trait]
impl MemberStore for SqlStore {
    async fn members(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Member>, StoreError> {
        let finding = self.present(conversation, users).await;
        finding.map_err(|error| error.during("finding members"))
    }

    async fn roster(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let after = after.map_or("", UserId::as_str);
        let values = [uuid(conversation), Value::Text(after), Value::Int(limit)];
        let rows = self.core.query(ROSTER, 1, &values).await;
        rows.and_then(|rows| rows.iter().map(member).collect())
            .map_err(|error| error.during("listing members"))
    }

    async fn membership(
        &self,
        user: &UserId,
        conversation: ConversationId,
    ) -> Result<Option<Membership>, StoreError> {
        let reading = self.one_membership(user, conversation).await;
        reading.map_err(|error| error.during("reading a membership"))
    }

    async fn memberships(
        &self,
        user: &UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Membership>, StoreError> {
        let reading = self.page_of_memberships(user, after, limit).await;
        reading.map_err(|error| error.during("listing memberships"))
    }

    async fn conversations_of(&self, user: &UserId) -> Result<Vec<ConversationId>, StoreError> {
        let values = [Value::Text(user.as_str())];
        let rows = self.core.query(CONVERSATIONS, 1, &values).await;
        rows.and_then(|rows| rows.iter().map(|row| conversation(row, 0)).collect())
            .map_err(|error| error.during("listing conversations"))
    }

    async fn sharing(&self, user: &UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let finding = self.who_share(user, others).await;
        finding.map_err(|error| error.during("finding who shares"))
    }

    async fn change_settings(
        &self,
        user: &UserId,
        conversation: ConversationId,
        changes: SettingsPatch,
        now: Timestamp,
    ) -> Result<Option<Membership>, StoreError> {
        let key = (conversation, user.clone());
        let during = |error: SqlError| error.during("writing settings");
        let writing = self.write_settings(&key, &changes, now).await;
        writing.map_err(during)?;
        self.one_membership(user, conversation)
            .await
            .map_err(during)
    }
}

#[async_trait]
impl MembershipCount for SqlStore {
    async fn in_at_least(&self, least: usize, users: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let counting = self.who_is_in_at_least(least, users).await;
        counting.map_err(|error| error.during("counting memberships"))
    }
}
