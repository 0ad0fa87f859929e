//! For those who watch the server: is it alive, does it take work.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use im_core::{Code, Rejection, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, Routes, json::Json, problem::Problem};
use crate::app::App;

/// How long the store may take to answer a question about nobody.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(alive))
        .routes(routes!(ready))
}

/// That all is well.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "server", security(()), responses((status = 200, body = Health)))]
async fn alive() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// The store answers, or did less than a second ago, and the server is not shutting down.
#[utoipa::path(get, path = "/readyz", tag = "server", security(()), responses((status = 200, body = Health)))]
async fn ready(State(app): State<Arc<App>>) -> Answer<Health> {
    if app.is_shutting_down() {
        return Err(Problem::new(
            Code::Unavailable,
            "the server is shutting down; use another node",
        ));
    }
    app.readiness.ask(|| app.uptime(), probe(&app)).await?;
    Ok(Json(Health { status: "ok" }))
}

async fn probe(app: &App) -> Result<(), Rejection> {
    let nobody = UserId::new("readyz").expect("a valid id");
    match tokio::time::timeout(STORE_TIMEOUT, app.ports.users.version(&nobody)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Rejection::new(
            Code::Unavailable,
            "the store does not answer; try again",
        )),
    }
}
