//! Where figures are read: a listener of its own, so that what clients can reach has no way to them.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use im_transport::ws::bearer;
use ring::digest;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use super::exposition::MEDIA_TYPE;
use crate::{app::App, secret::Secret};

/// Scrapers at a time. There are one or two.
const CONNECTIONS: usize = 16;

/// How long a scraper may take to send the head of a request, and to begin the next one: two of the longest usual pauses.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);

/// Bytes of a request's head at most.
const MAX_HEAD: usize = 8 * 1024;

/// How long to wait when no connection can be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Answers scrapers until told to stop.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            // Also when the server is dropped.
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        if connections.len() >= CONNECTIONS {
            continue;
        }
        let app = Arc::clone(&app);
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = answer(&request, &app);
            std::future::ready(Ok::<_, Infallible>(answer))
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), service);
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a scraper's connection broke off");
            }
        });
    }
}

fn answer(request: &Request<Incoming>, app: &App) -> Response<Full<Bytes>> {
    if request.uri().path() != "/metrics" {
        return refusal(StatusCode::NOT_FOUND, "figures are at /metrics\n");
    }
    if request.method() != Method::GET {
        return refusal(StatusCode::METHOD_NOT_ALLOWED, "figures are read by GET\n");
    }
    let shown = bearer(request.headers());
    if !admits(app.watch.token.as_ref(), shown) {
        let mut refusal = refusal(
            StatusCode::UNAUTHORIZED,
            "present metrics.token as bearer token\n",
        );
        let bearer = HeaderValue::from_static("Bearer");
        refusal
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, bearer);
        return refusal;
    }
    let mut response = Response::new(Full::from(app.watch.text()));
    let media_type = HeaderValue::from_static(MEDIA_TYPE);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    response
}

fn refusal(status: StatusCode, sentence: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(sentence));
    *response.status_mut() = status;
    response
}

/// Whether what is shown is the token. Digests are compared, so that how long it takes tells nothing of the token.
fn admits(token: Option<&Secret>, shown: Option<&str>) -> bool {
    let Some(token) = token else { return true };
    let digest = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
    shown.is_some_and(|shown| digest(shown).as_ref() == digest(token.expose()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_a_token_it_has_to_be_shown() {
        let token = Secret::new("a token of some length");

        assert!(admits(Some(&token), Some("a token of some length")));
        assert!(!admits(Some(&token), Some("a token of some lengt")));
        assert!(!admits(Some(&token), Some("")));
        assert!(!admits(Some(&token), None));
        assert!(admits(None, None));
    }
}
