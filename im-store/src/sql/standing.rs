//! Standings in SQL.
//!
//! The one row of `standing_head` is the lock of all of them: under it versions are given in the order in which they come
//! to be seen, and it is known who else is an admin.

use async_trait::async_trait;
use im_core::{
    Standing, StoreError, UserId,
    port::{StandingStore, StandingWrite, StandingWritten, VersionedStanding},
};
use sea_orm::QueryResult;

use super::{
    SqlStore,
    connection::{Connection, Value},
    error::SqlError,
    stored::{column, int, number, user},
};

pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE standing_head (id bigint NOT NULL, version bigint NOT NULL, PRIMARY KEY (id))",
    "CREATE TABLE standing (user_id {id}, is_admin bigint NOT NULL, is_plain bigint NOT NULL, restrictions {blob}, \
     version bigint NOT NULL, PRIMARY KEY (user_id)) {clustered}",
    "CREATE INDEX standing_admin ON standing (is_admin, user_id)",
    "CREATE INDEX standing_listed ON standing (is_plain, user_id)",
    "CREATE INDEX standing_version ON standing (version)",
];

macro_rules! rows {
    ($which:literal) => {
        concat!(
            "SELECT user_id, is_admin, restrictions, version FROM standing WHERE ",
            $which
        )
    };
}

const HEAD: &str = "SELECT version FROM standing_head WHERE id = ?";

const ONE: &str = rows!("user_id = ?");

const LIST: &str = rows!("is_plain = 0 AND user_id > ? ORDER BY user_id LIMIT ?");

const CHANGED: &str = rows!("version > ? ORDER BY version LIMIT ?");

const ADMINS: &str = "SELECT user_id FROM standing WHERE is_admin = ? ORDER BY user_id LIMIT ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[HEAD, ONE, LIST, CHANGED, ADMINS];

fn standing(row: &QueryResult) -> Result<VersionedStanding, SqlError> {
    Ok(VersionedStanding {
        user: user(row, 0)?,
        standing: Standing {
            admin: column::<i64>(row, 1)? != 0,
            restrictions: rmp_serde::from_slice(&column::<Vec<u8>>(row, 2)?)?,
        },
        version: number(row, 3)?,
    })
}

/// Locks the standings, and gives the next version.
async fn next_version(connection: &mut Connection) -> Result<u64, SqlError> {
    let raise = "UPDATE standing_head SET version = version + 1 WHERE id = 1";
    if connection.execute(raise, 1, &[]).await? == 0 {
        let begin = "INSERT INTO standing_head (id, version) VALUES (1, 0) ON CONFLICT DO NOTHING";
        connection.execute(begin, 1, &[]).await?;
        connection.execute(raise, 1, &[]).await?;
    }
    let row = connection.query(HEAD, 1, &[Value::Int(1)]).await?.pop();
    row.map_or(Ok(0), |row| number(&row, 0))
}

async fn put(
    connection: &mut Connection,
    write: &StandingWrite,
    restrictions: &[u8],
) -> Result<StandingWritten, SqlError> {
    let version = next_version(connection).await?;
    let name = Value::Text(write.user.as_str());
    let stands = connection.query(ONE, 1, &[name]).await?.pop();
    let stands = stands.map_or(Ok(0), |row| number(&row, 3))?;
    if stands != write.expected {
        return Ok(StandingWritten::Conflict);
    }
    if write.keeps_an_admin && !write.standing.admin {
        // Two tell whether there is another than the one.
        let two = [Value::Int(1), Value::Int(2)];
        let admins = connection.query(ADMINS, 1, &two).await?;
        let admins = admins.iter().map(|row| user(row, 0));
        let admins = admins.collect::<Result<Vec<_>, _>>()?;
        if admins.iter().all(|admin| *admin == write.user) {
            return Ok(StandingWritten::LastAdmin);
        }
    }
    let values = [
        name,
        Value::Int(write.standing.admin.into()),
        Value::Int(write.standing.is_plain().into()),
        Value::Bytes(restrictions),
        Value::Int(int(version)),
    ];
    let upsert = "INSERT INTO standing (user_id, is_admin, is_plain, restrictions, version) VALUES (?, ?, ?, ?, ?) \
                  ON CONFLICT (user_id) DO UPDATE SET is_admin = excluded.is_admin, is_plain = excluded.is_plain, \
                  restrictions = excluded.restrictions, version = excluded.version";
    connection.execute(upsert, 1, &values).await?;
    Ok(StandingWritten::Stored(version))
}

impl SqlStore {
    async fn read_standings(
        &self,
        text: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<VersionedStanding>, StoreError> {
        let reading = async {
            let rows = self.core.query(text, 1, values).await?;
            rows.iter().map(standing).collect::<Result<_, SqlError>>()
        };
        let read = reading.await;
        read.map_err(|error| error.during("reading standings"))
    }

    async fn write_standing(&self, write: &StandingWrite) -> Result<StandingWritten, SqlError> {
        let restrictions = rmp_serde::to_vec_named(&write.standing.restrictions)?;
        let restrictions = &*restrictions;
        self.core
            .transaction(|connection, _| Box::pin(put(connection, write, restrictions)))
            .await
    }
}

#[async_trait]
impl StandingStore for SqlStore {
    async fn standing(&self, user: &UserId) -> Result<Option<VersionedStanding>, StoreError> {
        let values = [Value::Text(user.as_str())];
        Ok(self.read_standings(ONE, &values).await?.pop())
    }

    async fn put(&self, write: StandingWrite) -> Result<StandingWritten, StoreError> {
        let writing = self.write_standing(&write).await;
        writing.map_err(|error| error.during("writing a standing"))
    }

    async fn list(
        &self,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<VersionedStanding>, StoreError> {
        let after = after.map_or("", UserId::as_str);
        let values = [Value::Text(after), Value::Int(int(limit as u64))];
        self.read_standings(LIST, &values).await
    }

    async fn changed(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<VersionedStanding>, StoreError> {
        let values = [Value::Int(int(after)), Value::Int(int(limit as u64))];
        self.read_standings(CHANGED, &values).await
    }
}
