//! Notices to everybody and templates in SQL. Their tables come with those of `own`.

use async_trait::async_trait;
use im_core::{
    NoticeTemplate, RowKey, StoreError, Timestamp,
    port::{NoticeStore, NoticeToAll},
};
use sea_orm::QueryResult;
use serde::de::DeserializeOwned;

use super::{SqlStore, connection::Value, error::SqlError, stored::column};

const TO_ALL: &str =
    "SELECT item, notice, until_ms FROM notice_to_all WHERE item > ? ORDER BY item LIMIT ?";

const TEMPLATE: &str = "SELECT template FROM notice_template WHERE name = ?";

const TEMPLATES: &str = "SELECT template FROM notice_template WHERE name > ? ORDER BY name LIMIT ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[TO_ALL, TEMPLATE, TEMPLATES];

fn decoded<T: DeserializeOwned>(row: &QueryResult, index: usize) -> Result<T, SqlError> {
    Ok(rmp_serde::from_slice(&column::<Vec<u8>>(row, index)?)?)
}

fn to_all(row: &QueryResult) -> Result<NoticeToAll, SqlError> {
    Ok(NoticeToAll {
        key: RowKey::new(column::<String>(row, 0)?)?,
        notice: decoded(row, 1)?,
        until_ms: Timestamp(column(row, 2)?),
    })
}

fn page_values(after: Option<&RowKey>, limit: usize) -> [Value<'_>; 2] {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    [
        Value::Text(after.map_or("", RowKey::as_str)),
        Value::Int(limit),
    ]
}

impl SqlStore {
    async fn insert_to_all(&self, row: &NoticeToAll) -> Result<(), SqlError> {
        let bytes = rmp_serde::to_vec_named(&row.notice)?;
        let insert = "INSERT INTO notice_to_all (item, notice, until_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
        let values = [
            Value::Text(row.key.as_str()),
            Value::Bytes(&bytes),
            Value::Int(row.until_ms.0),
        ];
        self.core.write(insert, &values).await.map(drop)
    }

    async fn upsert_template(&self, template: &NoticeTemplate) -> Result<(), SqlError> {
        let bytes = rmp_serde::to_vec_named(template)?;
        let upsert = "INSERT INTO notice_template (name, template) VALUES (?, ?) \
                      ON CONFLICT (name) DO UPDATE SET template = excluded.template";
        let values = [Value::Text(template.name.as_str()), Value::Bytes(&bytes)];
        self.core.write(upsert, &values).await.map(drop)
    }

    async fn read_templates(
        &self,
        text: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<NoticeTemplate>, SqlError> {
        let rows = self.core.query(text, 1, values).await?;
        rows.iter().map(|row| decoded(row, 0)).collect()
    }
}

#[async_trait]
impl NoticeStore for SqlStore {
    async fn tell_all(&self, notice: NoticeToAll) -> Result<(), StoreError> {
        let writing = self.insert_to_all(&notice).await;
        writing.map_err(|error| error.during("writing a notice"))
    }

    async fn to_all(
        &self,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<NoticeToAll>, StoreError> {
        let rows = self.core.query(TO_ALL, 1, &page_values(after, limit)).await;
        rows.and_then(|rows| rows.iter().map(to_all).collect())
            .map_err(|error| error.during("reading notices"))
    }

    async fn forget_old(&self, now: Timestamp) -> Result<(), StoreError> {
        let delete = "DELETE FROM notice_to_all WHERE until_ms <= ?";
        let deleting = self.core.write(delete, &[Value::Int(now.0)]).await;
        deleting
            .map(drop)
            .map_err(|error| error.during("forgetting old notices"))
    }

    async fn put_template(&self, template: NoticeTemplate) -> Result<(), StoreError> {
        let writing = self.upsert_template(&template).await;
        writing.map_err(|error| error.during("writing a template"))
    }

    async fn template(&self, name: &RowKey) -> Result<Option<NoticeTemplate>, StoreError> {
        let values = [Value::Text(name.as_str())];
        let reading = self.read_templates(TEMPLATE, &values).await;
        reading
            .map(|mut found| found.pop())
            .map_err(|error| error.during("reading a template"))
    }

    async fn templates(
        &self,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<NoticeTemplate>, StoreError> {
        let values = page_values(after, limit);
        let reading = self.read_templates(TEMPLATES, &values).await;
        reading.map_err(|error| error.during("listing templates"))
    }

    async fn delete_template(&self, name: &RowKey) -> Result<bool, StoreError> {
        let delete = "DELETE FROM notice_template WHERE name = ?";
        let deleting = self.core.write(delete, &[Value::Text(name.as_str())]).await;
        deleting
            .map(|deleted| deleted > 0)
            .map_err(|error| error.during("deleting a template"))
    }
}
