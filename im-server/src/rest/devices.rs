//! The caller's devices.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use im_core::{DeviceId, Devices, ForgetDevice, ListDevices};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    caller::{Caller, Credential},
    extract::FromPath,
    json::Json,
    problem::Problem,
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(forget))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct DevicePath {
    /// Which device.
    #[param(value_type = String)]
    device: DeviceId,
}

/// The caller's devices: those that had a session and were not forgotten.
#[utoipa::path(get, path = "/v1/devices", tag = "devices", responses((status = 200, body = Devices)))]
async fn list(State(app): State<Arc<App>>, credential: Credential) -> Answer<Devices> {
    let asking = match &credential {
        Credential::User(claims) => Some(claims.device.clone()),
        Credential::Service(_) => None,
    };
    let Caller(actor) = Caller::try_from(credential)?;
    Ok(Json(app.im.call(&actor, ListDevices { asking }).await?))
}

/// Log a device out and forget it. Its sessions end, and what it signed in with is good no longer.
#[utoipa::path(delete, path = "/v1/devices/{device}", tag = "devices", params(DevicePath), responses((status = 204)))]
async fn forget(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<DevicePath>,
) -> Result<StatusCode, Problem> {
    let command = ForgetDevice {
        device: path.device,
    };
    app.im.call(&actor, command).await?;
    Ok(StatusCode::NO_CONTENT)
}
