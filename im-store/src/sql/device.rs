//! Devices in SQL.

use async_trait::async_trait;
use im_core::{
    Device, DeviceClass, DeviceId, StoreError, Timestamp, UserId,
    port::{DeviceStore, Seen},
};
use sea_orm::QueryResult;

use super::{
    SqlStore,
    connection::{Connection, Value},
    error::SqlError,
    stored::{column, user},
};

const DEVICE: &str = "SELECT user_id, device_id, class, created_at_ms, last_seen_ms FROM device \
    WHERE user_id = ? AND device_id = ?";

const DEVICES: &str = "SELECT user_id, device_id, class, created_at_ms, last_seen_ms FROM device \
    WHERE user_id = ? ORDER BY device_id";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[DEVICE, DEVICES];

/// Classes by their number in the database. New ones are added at the end.
const CLASSES: [DeviceClass; 7] = [
    DeviceClass::Other,
    DeviceClass::Android,
    DeviceClass::Bot,
    DeviceClass::Desktop,
    DeviceClass::Ios,
    DeviceClass::Tablet,
    DeviceClass::Web,
];

fn device(row: &QueryResult) -> Result<Device, SqlError> {
    let class = usize::try_from(column::<i64>(row, 2)?).ok();
    Ok(Device {
        user: user(row, 0)?,
        id: DeviceId::new(column::<String>(row, 1)?)?,
        class: class
            .and_then(|n| CLASSES.get(n).copied())
            .unwrap_or_default(),
        created_at_ms: Timestamp(column(row, 3)?),
        last_seen_ms: Timestamp(column(row, 4)?),
    })
}

fn class(device: &Device) -> Value<'static> {
    let place = CLASSES.iter().position(|class| *class == device.class);
    Value::Int(i64::try_from(place.unwrap_or_default()).unwrap_or_default())
}

async fn note_ends(connection: &mut Connection, seen: &[Seen]) -> Result<(), SqlError> {
    for seen in seen {
        let at = Value::Int(seen.at_ms.0);
        let key = [
            Value::Text(seen.user.as_str()),
            Value::Text(seen.device.as_str()),
        ];
        let update = "UPDATE device SET last_seen_ms = ? WHERE user_id = ? AND device_id = ? AND last_seen_ms < ?";
        connection
            .execute(update, 1, &[at, key[0], key[1], at])
            .await?;
    }
    Ok(())
}

impl SqlStore {
    async fn find_device(&self, key: &[Value<'_>]) -> Result<Option<Device>, SqlError> {
        let row = self.core.query(DEVICE, 1, key).await?.pop();
        row.map(|row| device(&row)).transpose()
    }

    async fn remember_device(&self, device: Device) -> Result<Device, SqlError> {
        let key = [
            Value::Text(device.user.as_str()),
            Value::Text(device.id.as_str()),
        ];
        let known = match self.find_device(&key).await? {
            Some(known) => known,
            None => {
                let (created, seen) = (device.created_at_ms.0, device.last_seen_ms.0);
                let values = [
                    key[0],
                    key[1],
                    class(&device),
                    Value::Int(created),
                    Value::Int(seen),
                ];
                let insert = "INSERT INTO device (user_id, device_id, class, created_at_ms, last_seen_ms) \
                              VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
                self.core.write(insert, &values).await?;
                // Another session of the device may have been first.
                self.find_device(&key)
                    .await?
                    .unwrap_or_else(|| device.clone())
            }
        };
        if known.class == device.class {
            return Ok(known);
        }
        let update = "UPDATE device SET class = ? WHERE user_id = ? AND device_id = ?";
        self.core
            .write(update, &[class(&device), key[0], key[1]])
            .await?;
        Ok(Device {
            class: device.class,
            ..known
        })
    }

    async fn write_ends(&self, mut seen: Vec<Seen>) -> Result<(), SqlError> {
        // Every process takes the rows in the same order, so that none waits for one that waits for it.
        seen.sort_by(|a, b| (&a.user, &a.device).cmp(&(&b.user, &b.device)));
        self.core
            .transaction(|connection, _| Box::pin(note_ends(connection, &seen)))
            .await
    }
}

#[async_trait]
impl DeviceStore for SqlStore {
    async fn remember(&self, device: Device) -> Result<Device, StoreError> {
        let remembering = self.remember_device(device).await;
        remembering.map_err(|error| error.during("remembering a device"))
    }

    async fn seen(&self, seen: Vec<Seen>) -> Result<(), StoreError> {
        if seen.is_empty() {
            return Ok(());
        }
        let writing = self.write_ends(seen).await;
        writing.map_err(|error| error.during("noting the ends of sessions"))
    }

    async fn devices(&self, user: &UserId) -> Result<Vec<Device>, StoreError> {
        let rows = self
            .core
            .query(DEVICES, 1, &[Value::Text(user.as_str())])
            .await;
        rows.and_then(|rows| rows.iter().map(device).collect())
            .map_err(|error| error.during("listing devices"))
    }
}
