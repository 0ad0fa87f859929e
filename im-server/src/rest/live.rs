//! The way from HTTP to a link: the WebSocket's upgrade. What happens on it is the transport's and the engine's.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Routes, problem::Problem};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(websocket))
}

/// Open a WebSocket (RFC 6455), subprotocol `im.v1.json` or `im.v1.msgpack`. Who is there is said by a bearer header
/// here, or by an access token or ticket in the first frame, `session.open`.
#[utoipa::path(get, path = "/v1/ws", tag = "live", security((), ("bearer" = [])),
    responses((status = 101, description = "The link is open.")))]
async fn websocket(State(app): State<Arc<App>>, request: Request) -> Response {
    (app.upgrade)(request).unwrap_or_else(|refused| {
        let headers = refused.headers();
        let problem = Problem::from(refused.rejection).with_status(refused.status);
        (headers, problem).into_response()
    })
}
