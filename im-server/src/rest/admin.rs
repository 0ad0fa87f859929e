//! What admins ask. Who is one is decided by the engine.

use std::sync::Arc;

use axum::extract::State;
use im_core::{AuditPage, ReadAudit, RowKey, UserId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, Routes, caller::Caller, extract::FromQuery, json::Json};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(audit))
}

/// Which records of the audit log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Records {
    /// Only by this user.
    #[param(value_type = Option<String>)]
    actor: Option<UserId>,
    /// Only about this user.
    #[param(value_type = Option<String>)]
    about: Option<UserId>,
    /// Where to go on: `next_cursor` of the page before, with all else the same.
    #[param(value_type = Option<String>)]
    cursor: Option<RowKey>,
    /// At most so many; 50 when absent.
    limit: Option<u32>,
}

/// What was done with more than a user's authority, the latest first. For admins and back ends.
#[utoipa::path(get, path = "/v1/admin/audit", tag = "admin", params(Records), responses((status = 200, body = AuditPage)))]
async fn audit(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromQuery(records): FromQuery<Records>,
) -> Answer<AuditPage> {
    let command = ReadAudit {
        before: records.cursor,
        actor: records.actor,
        about: records.about,
        limit: records.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}
