//! Reports in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use im_core::{
    ClientId, Report, ReportState, RowKey, Settlement, StoreError, UserId,
    port::{FiledReport, ReportQuery, ReportStore},
};

use super::MemoryStore;

/// Reports by id.
#[derive(Default)]
pub(super) struct Reports(BTreeMap<RowKey, FiledReport>);

impl Reports {
    fn filed(&self, by: Option<&UserId>, client_id: &ClientId) -> Option<&FiledReport> {
        let mut all = self.0.values();
        all.find(|filed| filed.report.by.as_ref() == by && filed.client_id == *client_id)
    }

    /// Takes what a user wrote out of the reports. Whether there was anything.
    pub(super) fn erase(&mut self, user: &UserId) -> bool {
        let mut had_some = false;
        for filed in self.0.values_mut() {
            let report = &mut filed.report;
            if report.by.as_ref() == Some(user) {
                filed.fingerprint = 0;
                had_some |= report.note.take().is_some();
            }
            if let Some(settled) = report.settled.as_mut().filter(|it| it.by == *user) {
                had_some |= settled.note.take().is_some();
            }
        }
        had_some
    }
}

#[async_trait]
impl ReportStore for MemoryStore {
    async fn file(&self, filed: FiledReport) -> Result<FiledReport, StoreError> {
        let reports = &mut self.state().reports;
        if let Some(first) = reports.filed(filed.report.by.as_ref(), &filed.client_id) {
            return Ok(first.clone());
        }
        reports.0.insert(filed.report.id.clone(), filed.clone());
        Ok(filed)
    }

    async fn filed(
        &self,
        by: &UserId,
        client_id: &ClientId,
    ) -> Result<Option<FiledReport>, StoreError> {
        Ok(self.state().reports.filed(Some(by), client_id).cloned())
    }

    async fn count_open(&self, by: &UserId, most: usize) -> Result<usize, StoreError> {
        let state = self.state();
        let open = state.reports.0.values().filter(|filed| {
            let report = &filed.report;
            report.by.as_ref() == Some(by) && report.state == ReportState::Open
        });
        Ok(open.take(most).count())
    }

    async fn report(&self, id: &RowKey) -> Result<Option<Report>, StoreError> {
        let state = self.state();
        Ok(state.reports.0.get(id).map(|filed| filed.report.clone()))
    }

    async fn reports(&self, query: ReportQuery) -> Result<Vec<Report>, StoreError> {
        let after = query.after.as_ref();
        let state = self.state();
        let all = state.reports.0.values().map(|filed| &filed.report);
        let matching = all.filter(|report| {
            let is_later = after.is_none_or(|after| report.id > *after);
            report.state == query.state && is_later
        });
        Ok(matching.take(query.limit).cloned().collect())
    }

    async fn settle(
        &self,
        id: &RowKey,
        version: u64,
        settled: (ReportState, Settlement),
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let filed = state.reports.0.get_mut(id);
        let Some(filed) = filed.filter(|filed| filed.report.version == version) else {
            return Ok(false);
        };
        let (state, settlement) = settled;
        filed.report.state = state;
        filed.report.settled = Some(settlement);
        filed.report.version += 1;
        Ok(true)
    }
}
