//! Rows that a transaction changes: loaded under lock, changed by [`Rows`], written back.
//!
//! A user's row in `feed` is the lock of everything the user owns. Every transaction takes those locks before it reads
//! such rows, in the order of the ids, and after it has inserted its entries; so two transactions never wait for each
//! other, and what was read is still true when it is written back.

use std::collections::BTreeSet;

use im_core::{ConversationId, Info, Position, Role, Seq, Settings, Timestamp, UserId};
use sea_orm::{QueryResult, TryGetable};
use uuid::Uuid;

use super::{
    chunk,
    connection::{Connection, Value},
    error::SqlError,
};
use crate::rows::{Changed, MemberKey, MemberRow, Rows};

const LOCK_USERS: &str =
    "SELECT user_id, version FROM feed WHERE user_id IN ([?|, ]) ORDER BY user_id FOR UPDATE";

const MEMBERS: &str = "SELECT conversation_id, user_id, role, since, left_seq, delivered, read_seq, read_ordinal, \
    nickname, silent_until_ms, settings, version FROM member WHERE [(conversation_id = ? AND user_id = ?)| OR ]";

const CONVERSATIONS: &str = "SELECT id, info FROM conversation WHERE id IN ([?|, ])";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[LOCK_USERS, MEMBERS, CONVERSATIONS];

/// A number as databases have it. Seqs and counts stay below 2^53.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn uuid(conversation: ConversationId) -> Value<'static> {
    Value::Uuid(*conversation.as_uuid())
}

/// A column by its place.
pub(super) fn column<T: TryGetable>(row: &QueryResult, index: usize) -> Result<T, SqlError> {
    let value = row.try_get_by_index(index);
    value.map_err(|error| SqlError::Row(error.into()))
}

pub(super) fn number(row: &QueryResult, index: usize) -> Result<u64, SqlError> {
    Ok(u64::try_from(column::<i64>(row, index)?).unwrap_or_default())
}

pub(super) fn seq(row: &QueryResult, index: usize) -> Result<Seq, SqlError> {
    Ok(Seq(number(row, index)?))
}

pub(super) fn user(row: &QueryResult, index: usize) -> Result<UserId, SqlError> {
    Ok(UserId::new(column::<String>(row, index)?)?)
}

pub(super) fn conversation(row: &QueryResult, index: usize) -> Result<ConversationId, SqlError> {
    Ok(ConversationId::from_uuid(column::<Uuid>(row, index)?))
}

pub(super) fn info(row: &QueryResult, index: usize) -> Result<Info, SqlError> {
    Ok(rmp_serde::from_slice(&column::<Vec<u8>>(row, index)?)?)
}

/// Reads the ten columns `role, since, left_seq, delivered, read_seq, read_ordinal, nickname, silent_until_ms, settings,
/// version`.
pub(super) fn member_row(row: &QueryResult, from: usize) -> Result<MemberRow, SqlError> {
    Ok(MemberRow {
        role: role(column(row, from)?),
        since: seq(row, from + 1)?,
        left: column::<Option<i64>>(row, from + 2)?
            .map(|left| Seq(u64::try_from(left).unwrap_or_default())),
        position: Position {
            delivered: seq(row, from + 3)?,
            read: seq(row, from + 4)?,
            read_ordinal: number(row, from + 5)?,
        },
        nickname: column(row, from + 6)?,
        silent_until_ms: column::<Option<i64>>(row, from + 7)?.map(Timestamp),
        settings: settings(row, from + 8)?,
        version: number(row, from + 9)?,
    })
}

/// What a user changed of its settings; nothing in most rows.
fn settings(row: &QueryResult, index: usize) -> Result<Settings, SqlError> {
    match column::<Option<Vec<u8>>>(row, index)? {
        Some(bytes) => Ok(rmp_serde::from_slice(&bytes)?),
        None => Ok(Settings::default()),
    }
}

pub(super) const fn role(code: i64) -> Role {
    match code {
        2 => Role::Owner,
        1 => Role::Admin,
        _ => Role::Member,
    }
}

const fn role_code(role: Role) -> i64 {
    match role {
        Role::Member => 0,
        Role::Admin => 1,
        Role::Owner => 2,
    }
}

/// Locks users and reads their versions.
///
/// With `make`, users without a row get one; without, they are left out.
pub(super) async fn lock_users(
    connection: &mut Connection,
    rows: &mut Rows,
    users: &BTreeSet<UserId>,
    make: &BTreeSet<UserId>,
) -> Result<(), SqlError> {
    let make: Vec<&UserId> = make.iter().collect();
    for chunk in chunk::pieces(&make, 128, chunk::power) {
        let values: Vec<_> = chunk
            .iter()
            .map(|user| Value::Text(user.as_str()))
            .collect();
        let insert =
            "INSERT INTO feed (user_id, version) VALUES [(?, 0)|, ] ON CONFLICT DO NOTHING";
        connection.execute(insert, chunk.len(), &values).await?;
    }
    let users: Vec<&UserId> = users.iter().collect();
    for (count, values) in chunk::keys(&users, |user| [Value::Text(user.as_str())]) {
        for row in connection.query(LOCK_USERS, count, &values).await? {
            rows.versions.insert(user(&row, 0)?, number(&row, 1)?);
        }
    }
    Ok(())
}

/// Reads members' rows; their users are locked.
pub(super) async fn load_members(
    connection: &mut Connection,
    rows: &mut Rows,
    keys: &BTreeSet<MemberKey>,
) -> Result<(), SqlError> {
    let keys: Vec<&MemberKey> = keys.iter().collect();
    for (count, values) in chunk::keys(&keys, member_key) {
        for row in connection.query(MEMBERS, count, &values).await? {
            let key = (conversation(&row, 0)?, user(&row, 1)?);
            rows.members.insert(key, member_row(&row, 2)?);
        }
    }
    Ok(())
}

/// Reads conversations' facts. Whoever inserts a conversation's next entry has it to itself until the end.
pub(super) async fn load_conversations(
    connection: &mut Connection,
    rows: &mut Rows,
    conversations: &BTreeSet<ConversationId>,
) -> Result<(), SqlError> {
    let ids: Vec<_> = conversations.iter().copied().collect();
    for (count, values) in chunk::keys(&ids, |id| [uuid(id)]) {
        for row in connection.query(CONVERSATIONS, count, &values).await? {
            rows.conversations
                .insert(conversation(&row, 0)?, info(&row, 1)?);
        }
    }
    Ok(())
}

/// Writes back what changed.
pub(super) async fn save(connection: &mut Connection, mut rows: Rows) -> Result<(), SqlError> {
    let Changed {
        conversations,
        members,
    } = std::mem::take(&mut rows.changed);
    for id in conversations {
        let Some(info) = rows.conversations.get(&id) else {
            continue;
        };
        let info = rmp_serde::to_vec_named(info)?;
        let upsert = "INSERT INTO conversation (id, info) VALUES (?, ?) \
                      ON CONFLICT (id) DO UPDATE SET info = excluded.info";
        connection
            .execute(upsert, 1, &[uuid(id), Value::Bytes(&info)])
            .await?;
    }
    save_versions(
        connection,
        &rows,
        members.iter().map(|key| &key.1).collect(),
    )
    .await?;
    let members: Vec<_> = members
        .iter()
        .filter_map(|key| Some((key, rows.members.get(key)?)))
        .collect();
    for chunk in chunk::pieces(&members, 128, chunk::power) {
        let settings = chunk
            .iter()
            .map(|(_, row)| encoded(&row.settings))
            .collect::<Result<Vec<_>, _>>()?;
        let values: Vec<_> = chunk
            .iter()
            .zip(&settings)
            .flat_map(|((key, row), settings)| member_values(key, row, settings.as_deref()))
            .collect();
        let upsert = "INSERT INTO member (conversation_id, user_id, role, since, left_seq, delivered, read_seq, \
                      read_ordinal, nickname, silent_until_ms, settings, version) \
                      VALUES [(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)|, ] \
                      ON CONFLICT (conversation_id, user_id) DO UPDATE SET role = excluded.role, \
                      since = excluded.since, left_seq = excluded.left_seq, \
                      read_ordinal = GREATEST(member.read_ordinal, excluded.read_ordinal), \
                      delivered = GREATEST(member.delivered, excluded.delivered), \
                      read_seq = GREATEST(member.read_seq, excluded.read_seq), nickname = excluded.nickname, \
                      silent_until_ms = excluded.silent_until_ms, settings = excluded.settings, version = excluded.version";
        connection.execute(upsert, chunk.len(), &values).await?;
    }
    Ok(())
}

/// Writes back the versions of users who are locked.
pub(super) async fn save_versions(
    connection: &mut Connection,
    rows: &Rows,
    users: BTreeSet<&UserId>,
) -> Result<(), SqlError> {
    let versions: Vec<_> = users
        .into_iter()
        .filter_map(|user| Some((user, *rows.versions.get(user)?)))
        .collect();
    for chunk in chunk::pieces(&versions, 128, chunk::power) {
        let values: Vec<_> = chunk
            .iter()
            .flat_map(|(user, version)| [Value::Text(user.as_str()), Value::Int(int(*version))])
            .collect();
        let upsert = "INSERT INTO feed (user_id, version) VALUES [(?, ?)|, ] \
                      ON CONFLICT (user_id) DO UPDATE SET version = excluded.version";
        connection.execute(upsert, chunk.len(), &values).await?;
    }
    Ok(())
}

fn member_key(key: &MemberKey) -> [Value<'_>; 2] {
    [uuid(key.0), Value::Text(key.1.as_str())]
}

fn encoded(settings: &Settings) -> Result<Option<Vec<u8>>, SqlError> {
    if *settings == Settings::default() {
        return Ok(None);
    }
    Ok(Some(rmp_serde::to_vec_named(settings)?))
}

fn member_values<'v>(
    key: &'v MemberKey,
    row: &'v MemberRow,
    settings: Option<&'v [u8]>,
) -> [Value<'v>; 12] {
    [
        uuid(key.0),
        Value::Text(key.1.as_str()),
        Value::Int(role_code(row.role)),
        Value::Int(int(row.since.0)),
        Value::MaybeInt(row.left.map(|left| int(left.0))),
        Value::Int(int(row.position.delivered.0)),
        Value::Int(int(row.position.read.0)),
        Value::Int(int(row.position.read_ordinal)),
        Value::MaybeText(row.nickname.as_deref()),
        Value::MaybeInt(row.silent_until_ms.map(|until| until.0)),
        Value::MaybeBytes(settings),
        Value::Int(int(row.version)),
    ]
}
