//! Blocks in SQL.

use std::collections::BTreeSet;

use async_trait::async_trait;
use im_core::{
    Block, StoreError, UserId,
    port::{ContactStore, VersionedBlock},
};

use super::{
    SqlStore,
    connection::{Connection, Value},
    error::SqlError,
    stored::{self, column, int, number, user},
};
use crate::rows::{self, Rows};

const BLOCK: &str = "SELECT blocked FROM block WHERE user_id = ? AND other = ?";

const BLOCKS: &str = "SELECT other, blocked, version FROM block WHERE user_id = ? ORDER BY other";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[BLOCK, BLOCKS];

async fn change_block(
    connection: &mut Connection,
    by: &UserId,
    block: &Block,
) -> Result<bool, SqlError> {
    let mut rows = Rows::default();
    let users = BTreeSet::from([by.clone()]);
    stored::lock_users(connection, &mut rows, &users, &users).await?;
    let key = [Value::Text(by.as_str()), Value::Text(block.user.as_str())];
    let row = connection.query(BLOCK, 1, &key).await?.pop();
    let stands = match row {
        Some(row) => column::<i64>(&row, 0)? != 0,
        None => false,
    };
    if stands == block.blocked {
        return Ok(false);
    }
    let version = rows::raise(&mut rows.versions, by);
    let values = [
        key[0],
        key[1],
        Value::Int(i64::from(block.blocked)),
        Value::Int(int(version)),
    ];
    let upsert = "INSERT INTO block (user_id, other, blocked, version) VALUES (?, ?, ?, ?) \
                  ON CONFLICT (user_id, other) DO UPDATE SET blocked = excluded.blocked, version = excluded.version";
    connection.execute(upsert, 1, &values).await?;
    stored::save_versions(connection, &rows, BTreeSet::from([by])).await?;
    Ok(true)
}

impl SqlStore {
    async fn write_block(&self, by: &UserId, block: &Block) -> Result<bool, SqlError> {
        self.core
            .transaction(|connection, _| Box::pin(change_block(connection, by, block)))
            .await
    }

    async fn list_blocks(&self, by: &UserId) -> Result<Vec<VersionedBlock>, SqlError> {
        let rows = self
            .core
            .query(BLOCKS, 1, &[Value::Text(by.as_str())])
            .await?;
        let blocks = rows.iter().map(|row| {
            let block = Block {
                user: user(row, 0)?,
                blocked: column::<i64>(row, 1)? != 0,
            };
            let version = number(row, 2)?;
            Ok(VersionedBlock { block, version })
        });
        blocks.collect()
    }
}

#[async_trait]
impl ContactStore for SqlStore {
    async fn set_block(&self, by: &UserId, block: Block) -> Result<bool, StoreError> {
        let writing = self.write_block(by, &block).await;
        writing.map_err(|error| error.during("writing a block"))
    }

    async fn blocks(&self, by: &UserId) -> Result<Vec<VersionedBlock>, StoreError> {
        let listing = self.list_blocks(by).await;
        listing.map_err(|error| error.during("listing blocks"))
    }
}
