//! The ways from HTTP to a link: the WebSocket's upgrade, and server-sent events. What happens on it is the transport's and
//! the engine's.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use im_core::Code;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Routes,
    caller::Credential,
    extract::{FromPath, FromQuery},
    problem::Problem,
};
use crate::{app::App, opaque::Kind, tokens::unauthenticated};

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(websocket))
        .routes(routes!(events))
        .routes(routes!(ask))
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

/// Who opens a session by events.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Opening {
    /// Which device of the user this is.
    #[param(required = true)]
    #[expect(
        dead_code,
        reason = "the door reads it; it stands here for the document"
    )]
    device: Option<String>,
    /// What kind of thing it is: `android`, `bot`, `desktop`, `ios`, `tablet`, `web` or `other`.
    #[expect(
        dead_code,
        reason = "the door reads it; it stands here for the document"
    )]
    class: Option<String>,
    /// A single-use ticket, for pages: they cannot set a header here.
    ticket: Option<String>,
}

/// Open a session as a stream of events, for networks that break WebSockets. Who is there is said by a bearer header with
/// an access token, or by a ticket in the query. Events without a name are frames of `im.v1.json`; the first answers
/// `session.open`. The event `link` names the link to post to; `close` says why the stream ends.
#[utoipa::path(get, path = "/v1/events", tag = "live", params(Opening),
    responses((status = 200, description = "The session is open.", body = String, content_type = "text/event-stream")))]
async fn events(
    State(app): State<Arc<App>>,
    FromQuery(opening): FromQuery<Opening>,
    credential: Result<Credential, Problem>,
    request: Request,
) -> Result<Response, Problem> {
    match opening.ticket {
        // A token never goes into a URL.
        Some(ticket) if !Kind::Ticket.is_claimed_by(&ticket) => {
            return Err(unauthenticated().into());
        }
        Some(_) => {}
        None => require_user(&credential?)?,
    }
    let response = app.events.try_open(&request).await?;
    Ok(response.map(Body::new))
}

/// Which link.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct LinkPath {
    /// As the event `link` named it.
    link: String,
}

/// Ask on a link of one's own: frames of `im.v1.json`, a line each. Each reply is a line, as soon as it is there, with the
/// `id` of its request; a frame without `id` is not answered.
#[utoipa::path(post, path = "/v1/events/{link}", tag = "live", params(LinkPath),
    request_body(content = String, content_type = "application/json"),
    responses((status = 200, description = "The replies.", body = String, content_type = "application/json")))]
async fn ask(
    State(app): State<Arc<App>>,
    credential: Credential,
    FromPath(LinkPath { link }): FromPath<LinkPath>,
    request: Request,
) -> Result<Response, Problem> {
    let Credential::User(claims) = credential else {
        return Err(no_session_of_its_own());
    };
    let response = app
        .events
        .try_post_as(&link, &claims.actor(), request)
        .await?;
    Ok(response.map(Body::new))
}

fn require_user(credential: &Credential) -> Result<(), Problem> {
    match credential {
        Credential::User(_) => Ok(()),
        Credential::Service(_) => Err(no_session_of_its_own()),
    }
}

fn no_session_of_its_own() -> Problem {
    let detail = "a session needs an access token; issue one for the user first";
    Problem::new(Code::Forbidden, detail)
}
