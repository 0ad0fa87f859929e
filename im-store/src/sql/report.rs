//! Reports in SQL. The word filter is the reporter whose name is empty.

use async_trait::async_trait;
use im_core::{
    ClientId, Report, ReportAbout, ReportReason, ReportState, RowKey, Settlement, StoreError,
    Timestamp, UserId,
    port::{FiledReport, ReportQuery, ReportStore},
};
use sea_orm::QueryResult;
use serde::{Deserialize, Serialize};

use super::{
    SqlStore, chunk,
    connection::{Connection, Value},
    error::SqlError,
    stored::{column, int},
};

pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE report (id {id}, at_ms bigint NOT NULL, by_user {id}, client_id {id}, \
     fingerprint bigint NOT NULL, state bigint NOT NULL, version bigint NOT NULL, what {blob}, \
     note {maybe_blob}, settled_by {maybe_name}, settled_at_ms bigint, settled_note {maybe_blob}, \
     PRIMARY KEY (id), CONSTRAINT report_client_id UNIQUE (by_user, client_id))",
    "CREATE INDEX report_state ON report (state, id)",
    "CREATE INDEX report_by ON report (by_user, state)",
    "CREATE INDEX report_settled_by ON report (settled_by, id)",
];

const ONE: &str = "SELECT id, at_ms, by_user, state, version, what, note, settled_by, settled_at_ms, \
    settled_note, client_id, fingerprint FROM report WHERE id = ?";

const FILED: &str = "SELECT id, at_ms, by_user, state, version, what, note, settled_by, settled_at_ms, \
    settled_note, client_id, fingerprint FROM report WHERE by_user = ? AND client_id = ?";

const PAGE: &str = "SELECT id, at_ms, by_user, state, version, what, note, settled_by, settled_at_ms, \
    settled_note, client_id, fingerprint FROM report WHERE state = ? AND id > ? ORDER BY id LIMIT ?";

const OPEN: &str = "SELECT client_id FROM report WHERE by_user = ? AND state = 0 LIMIT ?";

const SETTLE: &str = "UPDATE report SET state = ?, version = ?, settled_by = ?, settled_at_ms = ?, \
    settled_note = ? WHERE id = ? AND version = ?";

const NOTES: &str = "SELECT id FROM report WHERE by_user = ? AND note IS NOT NULL LIMIT ?";

const SETTLED_NOTES: &str =
    "SELECT id FROM report WHERE settled_by = ? AND settled_note IS NOT NULL LIMIT ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[ONE, FILED, PAGE, OPEN, SETTLE, NOTES, SETTLED_NOTES];

/// What a report is about, and why.
#[derive(Deserialize, Serialize)]
struct What {
    about: ReportAbout,
    reason: ReportReason,
}

const fn number(state: ReportState) -> i64 {
    match state {
        ReportState::Open => 0,
        ReportState::Dismissed => 1,
        ReportState::Acted => 2,
    }
}

const fn state(number: i64) -> ReportState {
    match number {
        0 => ReportState::Open,
        1 => ReportState::Dismissed,
        _ => ReportState::Acted,
    }
}

fn text(row: &QueryResult, index: usize) -> Result<Option<String>, SqlError> {
    let bytes = column::<Option<Vec<u8>>>(row, index)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

fn bytes(text: Option<&String>) -> Value<'_> {
    Value::MaybeBytes(text.map(|text| text.as_bytes()))
}

fn filed(row: &QueryResult) -> Result<FiledReport, SqlError> {
    let by = column::<String>(row, 2)?;
    let What { about, reason } = rmp_serde::from_slice(&column::<Vec<u8>>(row, 5)?)?;
    let settled = match column::<Option<String>>(row, 7)? {
        Some(by) => Some(Settlement {
            by: UserId::new(by)?,
            at_ms: Timestamp(column::<Option<i64>>(row, 8)?.unwrap_or_default()),
            note: text(row, 9)?,
        }),
        None => None,
    };
    let report = Report {
        id: RowKey::new(column::<String>(row, 0)?)?,
        at_ms: Timestamp(column(row, 1)?),
        by: Some(by)
            .filter(|by| !by.is_empty())
            .map(UserId::new)
            .transpose()?,
        about,
        reason,
        note: text(row, 6)?,
        state: state(column(row, 3)?),
        settled,
        version: u64::try_from(column::<i64>(row, 4)?).unwrap_or_default(),
    };
    Ok(FiledReport {
        report,
        client_id: ClientId::new(column::<String>(row, 10)?)?,
        fingerprint: column(row, 11)?,
    })
}

/// Takes what a user wrote out of some reports. Whether there was anything.
pub(super) async fn erase(
    connection: &mut Connection,
    which: &[Value<'_>; 2],
) -> Result<bool, SqlError> {
    let mut had_some = false;
    for (select, update) in [
        (
            NOTES,
            "UPDATE report SET note = NULL, fingerprint = 0 WHERE id IN ([?|, ])",
        ),
        (
            SETTLED_NOTES,
            "UPDATE report SET settled_note = NULL WHERE id IN ([?|, ])",
        ),
    ] {
        let rows = connection.query(select, 1, which).await?;
        let ids = rows.iter().map(|row| column(row, 0));
        let ids = ids.collect::<Result<Vec<String>, _>>()?;
        let keys: Vec<&str> = ids.iter().map(String::as_str).collect();
        for (count, values) in chunk::keys(&keys, |key| [Value::Text(key)]) {
            connection.execute(update, count, &values).await?;
        }
        had_some |= !ids.is_empty();
    }
    Ok(had_some)
}

impl SqlStore {
    async fn insert_report(&self, new: FiledReport) -> Result<FiledReport, SqlError> {
        let report = &new.report;
        let what = rmp_serde::to_vec_named(&What {
            about: report.about.clone(),
            reason: report.reason,
        })?;
        let by = report.by.as_ref().map_or("", UserId::as_str);
        let (by, client_id) = (Value::Text(by), Value::Text(new.client_id.as_str()));
        let insert = "INSERT INTO report (id, at_ms, by_user, client_id, fingerprint, state, version, what, note) \
                      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
        let values = [
            Value::Text(report.id.as_str()),
            Value::Int(report.at_ms.0),
            by,
            client_id,
            Value::Int(new.fingerprint),
            Value::Int(number(report.state)),
            Value::Int(int(report.version)),
            Value::Bytes(&what),
            bytes(report.note.as_ref()),
        ];
        if self.core.write(insert, &values).await? > 0 {
            return Ok(new);
        }
        let first = self.read_reports(FILED, &[by, client_id]).await?.pop();
        Ok(first.unwrap_or(new))
    }

    async fn read_reports(
        &self,
        select: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<FiledReport>, SqlError> {
        let rows = self.core.query(select, 1, values).await?;
        rows.iter().map(filed).collect()
    }
}

#[async_trait]
impl ReportStore for SqlStore {
    async fn file(&self, filed: FiledReport) -> Result<FiledReport, StoreError> {
        let writing = self.insert_report(filed).await;
        writing.map_err(|error| error.during("filing a report"))
    }

    async fn filed(
        &self,
        by: &UserId,
        client_id: &ClientId,
    ) -> Result<Option<FiledReport>, StoreError> {
        let values = [Value::Text(by.as_str()), Value::Text(client_id.as_str())];
        let reading = self.read_reports(FILED, &values).await;
        let found = reading.map_err(|error| error.during("looking for a report"))?;
        Ok(found.into_iter().next())
    }

    async fn count_open(&self, by: &UserId, most: usize) -> Result<usize, StoreError> {
        let values = [Value::Text(by.as_str()), Value::Int(int(most as u64))];
        let counting = self.core.query(OPEN, 1, &values).await;
        let rows = counting.map_err(|error| error.during("counting reports"))?;
        Ok(rows.len())
    }

    async fn report(&self, id: &RowKey) -> Result<Option<Report>, StoreError> {
        let reading = self.read_reports(ONE, &[Value::Text(id.as_str())]).await;
        let found = reading.map_err(|error| error.during("reading a report"))?;
        Ok(found.into_iter().next().map(|filed| filed.report))
    }

    async fn reports(&self, query: ReportQuery) -> Result<Vec<Report>, StoreError> {
        let values = [
            Value::Int(number(query.state)),
            Value::Text(query.after.as_ref().map_or("", RowKey::as_str)),
            Value::Int(int(query.limit as u64)),
        ];
        let reading = self.read_reports(PAGE, &values).await;
        let found = reading.map_err(|error| error.during("reading reports"))?;
        Ok(found.into_iter().map(|filed| filed.report).collect())
    }

    async fn settle(
        &self,
        id: &RowKey,
        version: u64,
        settled: (ReportState, Settlement),
    ) -> Result<bool, StoreError> {
        let (state, settlement) = settled;
        let values = [
            Value::Int(number(state)),
            Value::Int(int(version.saturating_add(1))),
            Value::Text(settlement.by.as_str()),
            Value::Int(settlement.at_ms.0),
            bytes(settlement.note.as_ref()),
            Value::Text(id.as_str()),
            Value::Int(int(version)),
        ];
        let settling = self.core.write(SETTLE, &values).await;
        let count = settling.map_err(|error| error.during("settling a report"))?;
        Ok(count > 0)
    }
}
