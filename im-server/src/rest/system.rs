//! The settings of the system. Who may look at and change them is decided by the engine.

use std::sync::Arc;

use axum::extract::State;
use im_core::{ChangeSystemSettings, GetSystemSettings, SystemSettings};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, Routes, caller::Caller, extract::FromBody, json::Json};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(settings, change_settings))
}

/// What the settings are: what holds, what this server was configured with, and what was changed. For admins and back ends.
#[utoipa::path(get, path = "/v1/admin/settings", tag = "admin", responses((status = 200, body = SystemSettings)))]
async fn settings(State(app): State<Arc<App>>, Caller(actor): Caller) -> Answer<SystemSettings> {
    Ok(Json(app.im.call(&actor, GetSystemSettings {}).await?))
}

/// Change settings on all servers, without a restart. Null takes a change back. For admins and back ends.
#[utoipa::path(patch, path = "/v1/admin/settings", tag = "admin", request_body = ChangeSystemSettings,
    responses((status = 200, body = SystemSettings)))]
async fn change_settings(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromBody(ask): FromBody<ChangeSystemSettings>,
) -> Answer<SystemSettings> {
    Ok(Json(app.im.call(&actor, ask).await?))
}
