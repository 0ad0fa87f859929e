//! The caller's devices.

use std::sync::Arc;

use axum::{Json, extract::State};
use im_core::{Device, Rejection};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, Routes, caller::Caller};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(list))
}

/// A user's devices, by id.
#[derive(Serialize, ToSchema)]
struct Devices {
    /// All of them.
    items: Vec<Device>,
}

/// The caller's devices: those that had a session.
#[utoipa::path(get, path = "/v1/devices", tag = "devices", responses((status = 200, body = Devices)))]
async fn list(State(app): State<Arc<App>>, Caller(actor): Caller) -> Answer<Devices> {
    let items = app
        .ports
        .devices
        .devices(&actor.user)
        .await
        .map_err(Rejection::from)?;
    Ok(Json(Devices { items }))
}
