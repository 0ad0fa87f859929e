//! What goes around every request: its id, its line in the log, problems in full, panics caught.
//!
//! The log gets the method, the route's template, the status and the time. Never the query, a header or a body: they
//! may hold tokens, names and messages.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures_util::FutureExt as _;
use tracing::{Instrument as _, field::Empty};
use uuid::Uuid;

use super::problem::Problem;
use crate::metrics::Requests;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What holds of an answer that does not say otherwise: it holds tokens and messages, is no page, and the address that it
/// came from is nobody else's business.
const UNLESS_SAID: [(HeaderName, &str); 3] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// The middleware.
pub(super) async fn envelope(
    State(requests): State<Arc<Requests>>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let route = route.as_deref().unwrap_or("(no such route)");

    // As urgent as the most urgent line in it, which must not be without the id.
    let span = tracing::error_span!("request", id, %method, route, status = Empty);
    let answering = span.clone();
    // Safe to go on with: a handler shares only what is behind locks that recover, and the engine.
    let run = AssertUnwindSafe(next.run(request).instrument(answering)).catch_unwind();
    let mut response = match run.await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!(request_id = id, %method, route, "a handler panicked");
            Problem::internal().into_response()
        }
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        requests.refused(problem.code());
        let headers = std::mem::take(response.headers_mut());
        response = problem.render(headers, &id);
    }
    finish(response.headers_mut(), &id);
    let took = started.elapsed();
    requests.answered(response.status(), took);
    let took_ms = took.as_secs_f64() * 1000.0;
    let status = response.status().as_u16();
    span.record("status", status);
    tracing::info!(request_id = id, %method, route, status, took_ms, "answered");
    response
}

fn finish(headers: &mut HeaderMap, id: &str) {
    let id = HeaderValue::from_str(id).expect("a request id is a short token");
    headers.insert(REQUEST_ID, id);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    for (name, value) in UNLESS_SAID {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}

/// The client's own id, when it is one that can be logged, or else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let is_sane = |id: &&str| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(is_sane)
        .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::{Router, body::Body, middleware};
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;

    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_a_problem_and_the_server_goes_on() {
        async fn handler(request: Request) -> &'static str {
            assert_ne!(request.uri().path(), "/panic", "a bug");
            "fine"
        }
        let requests = Arc::new(Requests::default());
        let router = Router::new()
            .fallback(handler)
            .layer(middleware::from_fn_with_state(requests, envelope));
        let service = TowerToHyperService::new(router);
        let get = async |path: &str| {
            let request = hyper::Request::get(path).body(Body::empty()).unwrap();
            service.call(request).await.unwrap()
        };

        let failed = get("/panic").await;

        assert_eq!(failed.status(), 500);
        assert_eq!(failed.headers()["content-type"], "application/problem+json");
        assert!(failed.headers().contains_key(REQUEST_ID));
        assert_eq!(get("/").await.status(), 200);
    }

    #[test]
    fn only_a_short_token_is_taken_as_request_id() {
        let id_for = |text: &str| {
            let value = HeaderValue::from_str(text).expect("a header value");
            request_id(&HeaderMap::from_iter([(REQUEST_ID, value)]))
        };
        assert_eq!(id_for("abc-1.2_3"), "abc-1.2_3");
        for bad in ["", "a b", "a\"b", &"x".repeat(65)] {
            assert_ne!(id_for(bad), bad);
        }
    }
}
