//! Connection tickets.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use im_core::{Code, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Routes, caller::Credential, json::Json, problem::Problem};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(give))
}

/// What a browser opens a session with.
#[derive(Serialize, ToSchema)]
struct Ticket {
    /// Single use; for `session.open`.
    ticket: String,
    /// When it ends.
    expires_at_ms: Timestamp,
    /// Where to connect: an address, or a path on this server where that is not known.
    url: String,
}

/// Get a single-use ticket for one connection to this node.
#[utoipa::path(post, path = "/v1/tickets", tag = "sessions", responses((status = 201, body = Ticket)))]
async fn give(
    State(app): State<Arc<App>>,
    credential: Credential,
) -> Result<(StatusCode, Json<Ticket>), Problem> {
    let Credential::User(claims) = credential else {
        let detail = "a ticket needs an access token; issue one for the user first";
        return Err(Problem::new(Code::Forbidden, detail));
    };
    let (ticket, expires_at_ms) = app.tickets.give(claims, app.now())?;
    let url = app.websocket_url();
    Ok((
        StatusCode::CREATED,
        Json(Ticket {
            ticket,
            expires_at_ms,
            url,
        }),
    ))
}
