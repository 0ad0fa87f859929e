//! Refresh tokens and server keys in SQL.
//!
//! A family's row says whether its tokens are alive, and is the lock of all of them: so a token that is stored while its
//! family is being revoked is dead as well. The row also says when the last of them expires.

use async_trait::async_trait;
use im_core::{
    DeviceId, StoreError, Timestamp, UserId,
    port::{Extent, REPEAT, Redeemed, RefreshToken, Revocation, ServerKey, TokenStore},
};
use uuid::Uuid;

use super::{
    SqlStore, chunk,
    connection::{Connection, Value},
    error::SqlError,
    revocation::{revoke, revoke_all},
    stored::{column, user},
};

const FAMILY: &str = "SELECT family FROM refresh_token WHERE hash = ?";

const OWNER: &str =
    "SELECT user_id, device_id, revoked FROM token_family WHERE family = ? FOR UPDATE";

const TOKEN: &str = "SELECT expires_at_ms, spent FROM refresh_token WHERE hash = ?";

const KEY: &str = "SELECT name, created_at_ms FROM server_key WHERE hash = ?";

/// Families that are forgotten at one sign-in: more than the one that it adds.
const FORGOTTEN: i64 = 16;

const EXPIRED: &str = "SELECT family FROM token_family WHERE user_id = ? AND expires_at_ms <= ? \
    ORDER BY expires_at_ms LIMIT ? FOR UPDATE";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[FAMILY, OWNER, TOKEN, KEY, EXPIRED];

async fn store_token(connection: &mut Connection, token: &RefreshToken) -> Result<(), SqlError> {
    let values = [
        Value::Bytes(&token.hash),
        Value::Uuid(token.family),
        Value::Int(token.expires_at_ms.0),
    ];
    let insert =
        "INSERT INTO refresh_token (hash, family, expires_at_ms, spent) VALUES (?, ?, ?, 0)";
    connection.execute(insert, 1, &values).await?;
    Ok(())
}

/// Forgets families of which every token has expired.
async fn forget_expired(
    connection: &mut Connection,
    user: &UserId,
    now: Timestamp,
) -> Result<(), SqlError> {
    let values = [
        Value::Text(user.as_str()),
        Value::Int(now.0),
        Value::Int(FORGOTTEN),
    ];
    let rows = connection.query(EXPIRED, 1, &values).await?;
    let families = rows.iter().map(|row| column(row, 0));
    let families = families.collect::<Result<Vec<Uuid>, _>>()?;
    for (count, values) in chunk::keys(&families, |family| [Value::Uuid(family)]) {
        let delete = "DELETE FROM refresh_token WHERE family IN ([?|, ])";
        connection.execute(delete, count, &values).await?;
        let delete = "DELETE FROM token_family WHERE family IN ([?|, ])";
        connection.execute(delete, count, &values).await?;
    }
    Ok(())
}

async fn begin_family(
    connection: &mut Connection,
    token: &RefreshToken,
    now: Timestamp,
) -> Result<(), SqlError> {
    forget_expired(connection, &token.user, now).await?;
    let values = [
        Value::Uuid(token.family),
        Value::Text(token.user.as_str()),
        Value::Text(token.device.as_str()),
        Value::Int(token.expires_at_ms.0),
    ];
    let insert = "INSERT INTO token_family (family, user_id, device_id, expires_at_ms, revoked) \
                  VALUES (?, ?, ?, ?, 0)";
    connection.execute(insert, 1, &values).await?;
    store_token(connection, token).await
}

async fn redeem_token(
    connection: &mut Connection,
    hash: [u8; 32],
    next: [u8; 32],
    expires_at_ms: Timestamp,
    now: Timestamp,
) -> Result<Redeemed, SqlError> {
    let Some(row) = connection
        .query(FAMILY, 1, &[Value::Bytes(&hash)])
        .await?
        .pop()
    else {
        return Ok(Redeemed::Unknown);
    };
    let family: Uuid = column(&row, 0)?;
    let Some(owner) = connection
        .query(OWNER, 1, &[Value::Uuid(family)])
        .await?
        .pop()
    else {
        return Ok(Redeemed::Unknown);
    };
    // Read again: what was read before the lock may be old.
    let Some(row) = connection
        .query(TOKEN, 1, &[Value::Bytes(&hash)])
        .await?
        .pop()
    else {
        return Ok(Redeemed::Unknown);
    };
    let token = RefreshToken {
        hash,
        family,
        user: user(&owner, 0)?,
        device: DeviceId::new(column::<String>(&owner, 1)?)?,
        expires_at_ms: Timestamp(column(&row, 0)?),
    };
    if token.expires_at_ms <= now || column::<i64>(&owner, 2)? != 0 {
        return Ok(Redeemed::Unknown);
    }
    if column::<i64>(&row, 1)? != 0 {
        if let Some(successor) = fresh_successor(connection, &token, next, expires_at_ms).await? {
            return Ok(Redeemed::Repeated(successor));
        }
        revoke(connection, family, now).await?;
        return Ok(Redeemed::Reused(token));
    }
    let update = "UPDATE refresh_token SET spent = 1 WHERE hash = ?";
    connection
        .execute(update, 1, &[Value::Bytes(&hash)])
        .await?;
    // An expired token is worth as little as none, so that a family does not grow for ever.
    let delete = "DELETE FROM refresh_token WHERE family = ? AND expires_at_ms <= ?";
    connection
        .execute(delete, 1, &[Value::Uuid(family), Value::Int(now.0)])
        .await?;
    let successor = RefreshToken {
        hash: next,
        expires_at_ms,
        ..token.clone()
    };
    store_token(connection, &successor).await?;
    let update =
        "UPDATE token_family SET expires_at_ms = GREATEST(expires_at_ms, ?) WHERE family = ?";
    let values = [Value::Int(expires_at_ms.0), Value::Uuid(family)];
    connection.execute(update, 1, &values).await?;
    Ok(Redeemed::Rotated(token))
}

/// The successor of a spent token, when it is this one, unused, and made less than [`REPEAT`] ago.
async fn fresh_successor(
    connection: &mut Connection,
    spent: &RefreshToken,
    next: [u8; 32],
    expires_at_ms: Timestamp,
) -> Result<Option<RefreshToken>, SqlError> {
    let select =
        "SELECT expires_at_ms FROM refresh_token WHERE hash = ? AND family = ? AND spent = 0";
    let values = [Value::Bytes(&next), Value::Uuid(spent.family)];
    let Some(row) = connection.query(select, 1, &values).await?.pop() else {
        return Ok(None);
    };
    let stored = Timestamp(column(&row, 0)?);
    let successor = RefreshToken {
        hash: next,
        expires_at_ms: stored,
        ..spent.clone()
    };
    Ok((expires_at_ms < stored.plus(REPEAT)).then_some(successor))
}

impl SqlStore {
    async fn write_family(&self, token: &RefreshToken, now: Timestamp) -> Result<(), SqlError> {
        self.core
            .transaction(|connection, _| Box::pin(begin_family(connection, token, now)))
            .await
    }

    async fn write_rotation(
        &self,
        hash: [u8; 32],
        next: [u8; 32],
        expires_at_ms: Timestamp,
        now: Timestamp,
    ) -> Result<Redeemed, SqlError> {
        self.core
            .transaction(|connection, _| {
                Box::pin(redeem_token(connection, hash, next, expires_at_ms, now))
            })
            .await
    }

    async fn write_revocation(&self, family: Uuid, now: Timestamp) -> Result<(), SqlError> {
        self.core
            .transaction(|connection, _| Box::pin(revoke(connection, family, now)))
            .await
    }

    async fn write_revocations(
        &self,
        user: &UserId,
        extent: &Extent,
        now: Timestamp,
    ) -> Result<Vec<Uuid>, SqlError> {
        self.core
            .transaction(|connection, _| Box::pin(revoke_all(connection, user, extent, now)))
            .await
    }

    async fn find_key(&self, hash: [u8; 32]) -> Result<Option<ServerKey>, SqlError> {
        let row = self.core.query(KEY, 1, &[Value::Bytes(&hash)]).await?.pop();
        let Some(row) = row else { return Ok(None) };
        Ok(Some(ServerKey {
            hash,
            name: column(&row, 0)?,
            created_at_ms: Timestamp(column(&row, 1)?),
        }))
    }
}

#[async_trait]
impl TokenStore for SqlStore {
    async fn insert(&self, token: RefreshToken, now: Timestamp) -> Result<(), StoreError> {
        let writing = self.write_family(&token, now).await;
        writing.map_err(|error| error.during("storing a token"))
    }

    async fn redeem(
        &self,
        hash: [u8; 32],
        next: [u8; 32],
        expires_at_ms: Timestamp,
        now: Timestamp,
    ) -> Result<Redeemed, StoreError> {
        let writing = self.write_rotation(hash, next, expires_at_ms, now).await;
        writing.map_err(|error| error.during("redeeming a token"))
    }

    async fn revoke_family(&self, family: Uuid, now: Timestamp) -> Result<(), StoreError> {
        let writing = self.write_revocation(family, now).await;
        writing.map_err(|error| error.during("revoking a family of tokens"))
    }

    async fn revoke_user(
        &self,
        user: &UserId,
        extent: &Extent,
        now: Timestamp,
    ) -> Result<Vec<Uuid>, StoreError> {
        let writing = self.write_revocations(user, extent, now).await;
        writing.map_err(|error| error.during("revoking a user's tokens"))
    }

    async fn revocations(&self, now: Timestamp) -> Result<Vec<Revocation>, StoreError> {
        let reading = self.read_revocations(now).await;
        reading.map_err(|error| error.during("reading what was revoked"))
    }

    async fn put_key(&self, key: ServerKey) -> Result<(), StoreError> {
        let upsert = "INSERT INTO server_key (name, hash, created_at_ms) VALUES (?, ?, ?) \
                      ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, created_at_ms = excluded.created_at_ms";
        let values = [
            Value::Text(&key.name),
            Value::Bytes(&key.hash),
            Value::Int(key.created_at_ms.0),
        ];
        let writing = self.core.write(upsert, &values).await;
        writing
            .map(|_| ())
            .map_err(|error| error.during("storing a server key"))
    }

    async fn key(&self, hash: [u8; 32]) -> Result<Option<ServerKey>, StoreError> {
        let finding = self.find_key(hash).await;
        finding.map_err(|error| error.during("reading a server key"))
    }
}
