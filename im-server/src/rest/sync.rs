//! Catching up: exact, or an explicit reset.

use std::sync::Arc;

use axum::extract::State;
use im_core::{SyncPage, SyncPull};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, Routes, caller::Caller, extract::FromBody, json::Json};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(pull))
}

/// What the device lacks. A POST, because a cursor can be too long for a URL; it changes nothing.
#[utoipa::path(post, path = "/v1/sync", tag = "sync", request_body = SyncPull, responses((status = 200, body = SyncPage)))]
async fn pull(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromBody(command): FromBody<SyncPull>,
) -> Answer<SyncPage> {
    Ok(Json(app.im.call(&actor, command).await?))
}
