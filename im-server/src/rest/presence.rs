//! Who is there. Watching somebody needs a session, so it is only on links.

use std::sync::Arc;

use axum::extract::State;
use im_core::{GetPresence, Presences};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, Routes, caller::Caller, extract::Users, json::Json};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(presence))
}

/// The presence of users that share a conversation with the caller. Others look offline.
#[utoipa::path(get, path = "/v1/presence", tag = "presence", params(Users), responses((status = 200, body = Presences)))]
async fn presence(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Users { user: users }: Users,
) -> Answer<Presences> {
    Ok(Json(app.im.call(&actor, GetPresence { users }).await?))
}
