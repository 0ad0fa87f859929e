//! Devices in SQL.

use async_trait::async_trait;
use im_core::{
    Device, DeviceClass, DeviceId, Room, StoreError, Timestamp, UserId,
    port::{DeviceStore, Remembered, Seen},
};
use sea_orm::QueryResult;

use super::{
    SqlStore, chunk,
    connection::{Connection, Value},
    error::SqlError,
    stored::{column, user},
};

/// What tokens are held against that came from no stored family: rows of the last day. Where a device signed in is with
/// the families.
pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE revoked_device (user_id {id}, device_id {id}, at_ms bigint NOT NULL, \
     PRIMARY KEY (user_id, device_id)) {clustered}",
    "CREATE INDEX revoked_device_at ON revoked_device (at_ms)",
];

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

/// Stores a device that was not known a moment ago.
async fn take_in(
    connection: &mut Connection,
    device: &Device,
    room: &Room,
) -> Result<Remembered, SqlError> {
    let owner = Value::Text(device.user.as_str());
    let rows = connection.query(DEVICES, 1, &[owner]).await?;
    let known = rows.iter().map(self::device);
    let known = known.collect::<Result<Vec<Device>, _>>()?;
    if let Some(known) = known.iter().find(|known| known.id == device.id) {
        return Ok(stored(known.clone()));
    }
    let Some(forgotten) = room.for_another(&known) else {
        return Ok(Remembered::Full);
    };
    let going: Vec<&str> = forgotten.iter().map(DeviceId::as_str).collect();
    for (count, mut values) in chunk::keys(&going, |id| [Value::Text(id)]) {
        values.insert(0, owner);
        let delete = "DELETE FROM device WHERE user_id = ? AND device_id IN ([?|, ])";
        connection.execute(delete, count, &values).await?;
    }
    let values = [
        owner,
        Value::Text(device.id.as_str()),
        class(device),
        Value::Int(device.created_at_ms.0),
        Value::Int(device.last_seen_ms.0),
    ];
    let insert = "INSERT INTO device (user_id, device_id, class, created_at_ms, last_seen_ms) \
                  VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
    connection.execute(insert, 1, &values).await?;
    // Another session of the device may have been first, through another process.
    let key = [values[0], values[1]];
    let row = connection.query(DEVICE, 1, &key).await?.pop();
    let device = row.map_or_else(|| Ok(device.clone()), |row| self::device(&row))?;
    Ok(Remembered::Stored { device, forgotten })
}

const fn stored(device: Device) -> Remembered {
    Remembered::Stored {
        device,
        forgotten: Vec::new(),
    }
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

    async fn remember_device(&self, device: Device, room: &Room) -> Result<Remembered, SqlError> {
        let key = [
            Value::Text(device.user.as_str()),
            Value::Text(device.id.as_str()),
        ];
        let remembered = match self.find_device(&key).await? {
            Some(known) => stored(known),
            None => {
                let taking_in = self
                    .core
                    .transaction(|connection, _| Box::pin(take_in(connection, &device, room)));
                taking_in.await?
            }
        };
        let Remembered::Stored {
            device: known,
            forgotten,
        } = remembered
        else {
            return Ok(Remembered::Full);
        };
        if known.class != device.class {
            let update = "UPDATE device SET class = ? WHERE user_id = ? AND device_id = ?";
            let values = [class(&device), key[0], key[1]];
            self.core.write(update, &values).await?;
        }
        let device = Device {
            class: device.class,
            ..known
        };
        Ok(Remembered::Stored { device, forgotten })
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
    async fn remember(&self, device: Device, room: &Room) -> Result<Remembered, StoreError> {
        let remembering = self.remember_device(device, room).await;
        remembering.map_err(|error| error.during("remembering a device"))
    }

    async fn forget(&self, user: &UserId, device: &DeviceId) -> Result<bool, StoreError> {
        let delete = "DELETE FROM device WHERE user_id = ? AND device_id = ?";
        let key = [Value::Text(user.as_str()), Value::Text(device.as_str())];
        let deleting = self.core.write(delete, &key).await;
        let count = deleting.map_err(|error| error.during("forgetting a device"))?;
        Ok(count > 0)
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
