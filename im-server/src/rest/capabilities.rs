//! What this server can do, for clients to adapt to.

use std::sync::Arc;

use axum::extract::State;
use im_core::Limits;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Routes,
    json::Json,
    table::{Door, LINK_ONLY, ROUTES},
};
use crate::{
    accounts::{MAX_CHARS, MIN_CHARS},
    app::App,
    config::Registration,
};

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(capabilities))
}

/// Content kinds that can be sent.
const CONTENT_KINDS: [&str; 2] = ["custom", "text"];

/// What this server can do.
#[derive(Serialize, ToSchema)]
struct Capabilities {
    /// Version of the server.
    version: &'static str,
    /// Content kinds that can be sent.
    content_kinds: Vec<&'static str>,
    /// Bounds of what is accepted; the names are those of the configuration.
    #[schema(value_type = Object)]
    limits: Limits,
    /// Every command with its route.
    methods: Vec<Door>,
    /// Commands that only links take.
    link_methods: Vec<&'static str>,
    /// How a session can be opened.
    transports: Vec<Transport>,
    /// What accounts of this server need.
    accounts: AccountRules,
}

/// A way to open a session.
#[derive(Serialize, ToSchema)]
struct Transport {
    /// What it is.
    kind: &'static str,
    /// Where it is: an address; or a path on this server; or, of TCP, an address without a host, which is that of this server.
    url: String,
    /// Subprotocols to choose from, of a WebSocket.
    subprotocols: Vec<&'static str>,
}

/// What accounts of this server need.
#[derive(Serialize, ToSchema)]
struct AccountRules {
    /// Whether everybody may register.
    registration: bool,
    /// Characters of a password at least.
    password_min_chars: usize,
    /// Characters of a password at most.
    password_max_chars: usize,
    /// Identity providers to sign in at: `GET /v1/oidc/{name}/start`.
    single_sign_on: Vec<String>,
}

/// What this server can do.
#[utoipa::path(get, path = "/v1/capabilities", tag = "server", security(()), responses((status = 200, body = Capabilities)))]
async fn capabilities(State(app): State<Arc<App>>) -> Json<Capabilities> {
    Json(Capabilities {
        version: env!("CARGO_PKG_VERSION"),
        content_kinds: CONTENT_KINDS.to_vec(),
        limits: Limits::clone(&app.im.limits()),
        methods: ROUTES.to_vec(),
        link_methods: LINK_ONLY.to_vec(),
        transports: transports(&app),
        accounts: AccountRules {
            registration: app.entrance.registration() == Registration::Open,
            password_min_chars: MIN_CHARS,
            password_max_chars: MAX_CHARS,
            single_sign_on: app.single_sign_on.names(),
        },
    })
}

/// The ways to open a session that this server has.
fn transports(app: &App) -> Vec<Transport> {
    let plain = |kind, url| Transport {
        kind,
        url,
        subprotocols: Vec::new(),
    };
    let web_socket = Transport {
        subprotocols: vec!["im.v1.json", "im.v1.msgpack"],
        ..plain("websocket", app.websocket_url())
    };
    let http = [
        web_socket,
        plain("sse", app.url_of("/v1/events")),
        plain("long_poll", app.url_of("/v1/updates")),
    ];
    let tcp = app.tcp_url.clone().map(|url| plain("tcp", url));
    http.into_iter().chain(tcp).collect()
}
