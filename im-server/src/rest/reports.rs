//! Reports: filing them, and reviewing what was filed. Who may review is decided by the engine.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use im_core::{
    FileReport, GetReport, ListReports, Report, ReportAbout, ReportDetails, ReportFiled,
    ReportOutcome, ReportPage, ReportReason, ReportState, RowKey, SettleReport,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    caller::Caller,
    extract::{FromBody, FromPath, FromQuery, Key},
    json::Json,
    problem::Problem,
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(file))
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(settle))
}

/// A report to be filed.
#[derive(Deserialize, ToSchema)]
struct NewReport {
    /// What it is about.
    about: ReportAbout,
    /// Why.
    reason: ReportReason,
    /// What to say to whoever looks at it.
    note: Option<String>,
}

/// Asks those who run the server to look at a user or at messages.
#[utoipa::path(post, path = "/v1/reports", tag = "reports", params(Key), request_body = NewReport,
    responses((status = 201, body = ReportFiled)))]
async fn file(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Key(client_id): Key,
    FromBody(new): FromBody<NewReport>,
) -> Result<(StatusCode, Json<ReportFiled>), Problem> {
    let command = FileReport {
        client_id,
        about: new.about,
        reason: new.reason,
        note: new.note,
    };
    let filed = app.im.call(&actor, command).await?;
    Ok((StatusCode::CREATED, Json(filed)))
}

/// Which reports.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Reports {
    /// Those that have come this far; those that are open when absent.
    state: Option<ReportState>,
    /// Where to go on: `next_cursor` of the page before, with all else the same.
    #[param(value_type = Option<String>)]
    cursor: Option<RowKey>,
    /// At most so many; 50 when absent.
    limit: Option<u32>,
}

/// Reports with their messages as they are now, the oldest first. For admins and back ends.
#[utoipa::path(get, path = "/v1/admin/reports", tag = "admin", params(Reports), responses((status = 200, body = ReportPage)))]
async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromQuery(reports): FromQuery<Reports>,
) -> Answer<ReportPage> {
    let command = ListReports {
        state: reports.state,
        after: reports.cursor,
        limit: reports.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// A report with its messages, and what those said before their edits. For admins and back ends.
#[utoipa::path(get, path = "/v1/admin/reports/{report}", tag = "admin", params(("report" = String, Path, description = "Which.")),
    responses((status = 200, body = ReportDetails)))]
async fn one(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(report): FromPath<RowKey>,
) -> Answer<ReportDetails> {
    Ok(Json(app.im.call(&actor, GetReport { report }).await?))
}

/// How a report is settled.
#[derive(Deserialize, ToSchema)]
struct NewSettlement {
    /// How.
    outcome: ReportOutcome,
    /// Why, for others who review.
    note: Option<String>,
    /// The version of the report that was looked at.
    version: u64,
}

/// Settles a report. Its reporter is told that it was looked at. For admins and back ends.
#[utoipa::path(put, path = "/v1/admin/reports/{report}/settlement", tag = "admin",
    params(("report" = String, Path, description = "Which.")), request_body = NewSettlement,
    responses((status = 200, body = Report)))]
async fn settle(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(report): FromPath<RowKey>,
    FromBody(how): FromBody<NewSettlement>,
) -> Answer<Report> {
    let command = SettleReport {
        report,
        outcome: how.outcome,
        note: how.note,
        version: how.version,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}
