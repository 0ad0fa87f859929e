//! What users want the server to do and not to do for them.

use std::sync::Arc;

use axum::extract::State;
use im_core::{ChangePreferences, GetPreferences, OwnRow, PreferencesPatch};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, Routes, caller::Caller, extract::FromBody, json::Json};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(settings, change_settings))
}

/// The caller's privacy and notifications.
#[utoipa::path(get, path = "/v1/users/me/settings", tag = "users", responses((status = 200, body = OwnRow)))]
async fn settings(State(app): State<Arc<App>>, Caller(actor): Caller) -> Answer<OwnRow> {
    Ok(Json(app.im.call(&actor, GetPreferences {}).await?))
}

/// Change the caller's privacy and notifications. Absent means unchanged.
#[utoipa::path(patch, path = "/v1/users/me/settings", tag = "users", request_body = PreferencesPatch,
    responses((status = 200, body = OwnRow)))]
async fn change_settings(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromBody(changes): FromBody<PreferencesPatch>,
) -> Answer<OwnRow> {
    Ok(Json(
        app.im.call(&actor, ChangePreferences { changes }).await?,
    ))
}
