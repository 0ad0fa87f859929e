//! Cross-origin requests (the CORS part of the Fetch standard): pages that may open a WebSocket may use REST as well.
//!
//! Never with credentials of the browser's own: who is asking is said by a bearer token, which a foreign page has not.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{
    app::App,
    config::{AllowedOrigins, Config, PublicUrl},
};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");

/// What pages send. Not `Im-User`: a server key belongs into no page.
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, idempotency-key, x-request-id");

/// What pages may read beyond what they may always.
const RESPONSE_HEADERS: HeaderValue = HeaderValue::from_static("retry-after, x-request-id");

/// How long a browser may go by an answer, in seconds. Chromium's longest.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// Whose pages may come from elsewhere. Those of the server's own host need no leave.
pub(crate) struct Cors {
    allowed: AllowedOrigins,
    public: Option<String>,
}

impl Cors {
    /// Goes by the same settings as the WebSocket.
    pub(crate) fn new(config: &Config) -> Self {
        let public = config.public_url.as_ref().map(PublicUrl::origin);
        Self {
            allowed: config.allowed_origins.clone(),
            public: public.map(|origin| origin.as_str().to_owned()),
        }
    }

    fn allows(&self, origin: &str) -> bool {
        let is_listed = match &self.allowed {
            AllowedOrigins::Any => true,
            AllowedOrigins::OwnHost => false,
            AllowedOrigins::List(list) => list.iter().any(|item| item.as_str() == origin),
        };
        is_listed || self.public.as_deref() == Some(origin)
    }
}

/// The middleware.
pub(super) async fn cors(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let origin = origin.filter(|origin| origin.to_str().is_ok_and(|it| app.cors.allows(it)));
    let Some(origin) = origin else {
        let mut response = next.run(request).await;
        vary(response.headers_mut());
        return response;
    };
    let is_preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    vary(headers);
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if is_preflight {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    } else {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
    }
    response
}

/// Tells caches that another page gets another answer.
fn vary(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}
