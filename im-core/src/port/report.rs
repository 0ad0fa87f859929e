//! Reports.

use async_trait::async_trait;

use crate::{ClientId, Report, ReportState, RowKey, Settlement, StoreError, UserId};

/// A report that is filed, and by what a retry is recognised.
#[derive(Clone, Debug, PartialEq)]
pub struct FiledReport {
    /// The report.
    pub report: Report,
    /// Unique for its reporter; those of the word filter are together one reporter.
    pub client_id: ClientId,
    /// Hash of what was asked.
    pub fingerprint: i64,
}

/// Which reports to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportQuery {
    /// Those that have come this far.
    pub state: ReportState,
    /// Those after this one; from the oldest when absent.
    pub after: Option<RowKey>,
    /// At most so many.
    pub limit: usize,
}

/// The reports, in the order of their ids.
///
/// # Contract
/// - `file` writes a report unless there is one by the same reporter under the same client id: that one is returned then,
///   and nothing changes. What was written is returned otherwise.
/// - `settle` changes a report that is at `version` still, once for each version.
/// - The erasure of a user takes the notes of the reports that it filed, and the notes of its settlements.
#[async_trait]
pub trait ReportStore: Send + Sync + 'static {
    /// Files a report, or returns what was filed before.
    async fn file(&self, filed: FiledReport) -> Result<FiledReport, StoreError>;

    /// What a reporter filed under a client id.
    async fn filed(
        &self,
        by: &UserId,
        client_id: &ClientId,
    ) -> Result<Option<FiledReport>, StoreError>;

    /// How many open reports a user has filed, counted up to `most`.
    async fn count_open(&self, by: &UserId, most: usize) -> Result<usize, StoreError>;

    /// A report.
    async fn report(&self, id: &RowKey) -> Result<Option<Report>, StoreError>;

    /// The oldest first.
    async fn reports(&self, query: ReportQuery) -> Result<Vec<Report>, StoreError>;

    /// Settles a report. `false` when it is not there, or at another version.
    async fn settle(
        &self,
        id: &RowKey,
        version: u64,
        settled: (ReportState, Settlement),
    ) -> Result<bool, StoreError>;
}
