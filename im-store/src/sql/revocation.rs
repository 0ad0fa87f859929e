//! What was revoked, in SQL: families of refresh tokens, and what access tokens are held against for a day.

use im_core::{
    DeviceId, Timestamp, UserId,
    port::{Extent, REVOCATIONS_LAST, Revocation, Revoked},
};
use uuid::Uuid;

use super::{
    SqlStore,
    connection::{Connection, Value},
    error::SqlError,
    stored::{column, user},
};

const REVOKED_FAMILIES: &str = "SELECT family, at_ms FROM revoked_family WHERE at_ms > ?";

const REVOKED_USERS: &str = "SELECT user_id, at_ms FROM revoked_user WHERE at_ms > ?";

const REVOKED_DEVICES: &str =
    "SELECT user_id, at_ms, device_id FROM revoked_device WHERE at_ms > ?";

const FORGET_FAMILIES: &str = "DELETE FROM revoked_family WHERE at_ms <= ?";

const FORGET_USERS: &str = "DELETE FROM revoked_user WHERE at_ms <= ?";

const FORGET_DEVICES: &str = "DELETE FROM revoked_device WHERE at_ms <= ?";

const ALIVE: &str = "SELECT family, device_id FROM token_family WHERE user_id = ? AND revoked = 0 \
    ORDER BY family FOR UPDATE";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[
    REVOKED_FAMILIES,
    REVOKED_USERS,
    REVOKED_DEVICES,
    FORGET_FAMILIES,
    FORGET_USERS,
    FORGET_DEVICES,
];

/// What was revoked then or before is forgotten.
fn horizon(now: Timestamp) -> Value<'static> {
    let last = i64::try_from(REVOCATIONS_LAST.as_millis()).unwrap_or(i64::MAX);
    Value::Int(now.0.saturating_sub(last))
}

pub(super) async fn revoke(
    connection: &mut Connection,
    family: Uuid,
    now: Timestamp,
) -> Result<(), SqlError> {
    let update = "UPDATE token_family SET revoked = 1 WHERE family = ?";
    connection
        .execute(update, 1, &[Value::Uuid(family)])
        .await?;
    let upsert = "INSERT INTO revoked_family (family, at_ms) VALUES (?, ?) ON CONFLICT (family) \
                  DO UPDATE SET at_ms = GREATEST(revoked_family.at_ms, excluded.at_ms)";
    let values = [Value::Uuid(family), Value::Int(now.0)];
    connection.execute(upsert, 1, &values).await?;
    // A revocation is rare, so it can clear up as well.
    let forget = [horizon(now)];
    connection.execute(FORGET_FAMILIES, 1, &forget).await?;
    Ok(())
}

pub(super) async fn revoke_all(
    connection: &mut Connection,
    user: &UserId,
    extent: &Extent,
    now: Timestamp,
) -> Result<Vec<Uuid>, SqlError> {
    let name = Value::Text(user.as_str());
    let mut families = Vec::new();
    for row in connection.query(ALIVE, 1, &[name]).await? {
        let family: Uuid = column(&row, 0)?;
        let is_meant = match extent {
            Extent::All => true,
            Extent::AllBut(spared) => family != *spared,
            Extent::Device(device) => column::<String>(&row, 1)? == device.as_str(),
        };
        if is_meant {
            families.push(family);
        }
    }
    for family in &families {
        revoke(connection, *family, now).await?;
    }
    let at = Value::Int(now.0);
    match extent {
        Extent::AllBut(_) => {}
        Extent::All => {
            let upsert = "INSERT INTO revoked_user (user_id, at_ms) VALUES (?, ?) ON CONFLICT (user_id) \
                          DO UPDATE SET at_ms = GREATEST(revoked_user.at_ms, excluded.at_ms)";
            connection.execute(upsert, 1, &[name, at]).await?;
            connection.execute(FORGET_USERS, 1, &[horizon(now)]).await?;
        }
        Extent::Device(device) => {
            let upsert = "INSERT INTO revoked_device (user_id, device_id, at_ms) VALUES (?, ?, ?) \
                          ON CONFLICT (user_id, device_id) \
                          DO UPDATE SET at_ms = GREATEST(revoked_device.at_ms, excluded.at_ms)";
            let values = [name, Value::Text(device.as_str()), at];
            connection.execute(upsert, 1, &values).await?;
            let forget = [horizon(now)];
            connection.execute(FORGET_DEVICES, 1, &forget).await?;
        }
    }
    Ok(families)
}

impl SqlStore {
    pub(super) async fn read_revocations(
        &self,
        now: Timestamp,
    ) -> Result<Vec<Revocation>, SqlError> {
        let since = [horizon(now)];
        let mut revocations = Vec::new();
        for row in self.core.query(REVOKED_FAMILIES, 1, &since).await? {
            revocations.push(Revocation {
                of: Revoked::Family(column(&row, 0)?),
                at_ms: Timestamp(column(&row, 1)?),
            });
        }
        for row in self.core.query(REVOKED_USERS, 1, &since).await? {
            revocations.push(Revocation {
                of: Revoked::User(user(&row, 0)?),
                at_ms: Timestamp(column(&row, 1)?),
            });
        }
        for row in self.core.query(REVOKED_DEVICES, 1, &since).await? {
            let device = DeviceId::new(column::<String>(&row, 2)?)?;
            revocations.push(Revocation {
                of: Revoked::Device(user(&row, 0)?, device),
                at_ms: Timestamp(column(&row, 1)?),
            });
        }
        Ok(revocations)
    }
}
