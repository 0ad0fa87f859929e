//! HTTP as a link needs it: one request after the other on a connection of its own.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Full, Limited, combinators::BoxBody};
use hyper::{
    Method, Request, Response, Uri,
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use im_core::{CallError, Code, Rejection};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use crate::{
    client::{Scheme, Stream},
    link::stream::Other,
    problem,
    tls::Trust,
};

/// Bytes of a refusal at most.
const MAX_REFUSAL: usize = 64 * 1024;

type Body = BoxBody<Bytes, Infallible>;

/// Where a server is.
#[derive(Clone, Debug)]
pub(super) struct Server {
    scheme: Scheme,
    token: HeaderValue,
    trust: Option<Trust>,
    /// Of the events.
    url: Uri,
}

/// How long a connection may have been idle to be used again: servers close idle ones, and might at that moment.
const FRESH: Duration = Duration::from_secs(5);

/// A connection, which serves one request at a time.
pub(super) struct Wire {
    sender: SendRequest<Body>,
    used: Instant,
}

impl Wire {
    /// Whether another request can go over it.
    pub(super) fn is_usable(&self) -> bool {
        !self.sender.is_closed() && self.used.elapsed() < FRESH
    }

    /// A request was answered over it.
    pub(super) fn used(&mut self) {
        self.used = Instant::now();
    }
}

impl Server {
    pub(super) fn new(scheme: Scheme, url: &Uri, token: &str) -> Result<Self, CallError> {
        let token = HeaderValue::try_from(format!("Bearer {token}"));
        let mut token = token.map_err(|_| {
            let detail = "the token cannot be sent in a header";
            Rejection::new(Code::Unauthenticated, detail)
        })?;
        token.set_sensitive(true);
        Ok(Self {
            scheme,
            token,
            trust: None,
            url: url.clone(),
        })
    }

    pub(super) fn trust(self, trust: Option<Trust>) -> Self {
        Self { trust, ..self }
    }

    /// Connects.
    pub(super) async fn connect(&self) -> Result<Wire, CallError> {
        let sender = match self.scheme.connect(&self.url, self.trust.as_ref()).await? {
            Stream::Raw(tcp) => {
                // A request is written whole: waiting for more to send would only delay it.
                let _ = tcp.set_nodelay(true);
                self.begin(tcp).await?
            }
            Stream::Tls(tls) => {
                let other: Other = tls;
                self.begin(other).await?
            }
        };
        Ok(Wire {
            sender,
            used: Instant::now(),
        })
    }

    async fn begin(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Result<SendRequest<Body>, CallError> {
        let begun = handshake(TokioIo::new(stream)).await;
        let (sender, connection) = begun.map_err(|error| self.lost(&error))?;
        // Ends by itself when the sender and what it answered are dropped.
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Asks for events with this query.
    pub(super) async fn events(
        &self,
        wire: &mut Wire,
        query: &str,
    ) -> Result<Response<Incoming>, CallError> {
        let path = format!("{}?{query}", self.url.path());
        let request = self.request(Method::GET, path);
        let request = request.header(ACCEPT, "text/event-stream");
        let body = request.body(Empty::new().boxed());
        let response = self.send(wire, body).await?;
        let kind = response.headers().get(CONTENT_TYPE);
        if kind.is_none_or(|kind| !kind.as_bytes().starts_with(b"text/event-stream")) {
            let detail = format!("{} gives no events", self.url);
            return Err(Rejection::new(Code::InvalidRequest, detail).into());
        }
        Ok(response)
    }

    /// Posts frames to a link.
    pub(super) async fn post(
        &self,
        wire: &mut Wire,
        link: &str,
        frames: Bytes,
    ) -> Result<Response<Incoming>, CallError> {
        let path = format!("{}/{link}", self.url.path());
        let request = self.request(Method::POST, path);
        let request = request.header(CONTENT_TYPE, "application/json");
        let body = request.body(Full::from(frames).boxed());
        self.send(wire, body).await
    }

    fn request(&self, method: Method, path: String) -> hyper::http::request::Builder {
        let authority = self.url.authority().map_or("", |it| it.as_str());
        Request::builder()
            .method(method)
            .uri(path)
            // Without the user info that a URL may have: it is not for logs on the way.
            .header(HOST, authority.rsplit('@').next().unwrap_or(authority))
            .header(AUTHORIZATION, self.token.clone())
    }

    async fn send(
        &self,
        wire: &mut Wire,
        request: Result<Request<Body>, hyper::http::Error>,
    ) -> Result<Response<Incoming>, CallError> {
        let request = request.map_err(|error| self.lost(&error))?;
        wire.sender
            .ready()
            .await
            .map_err(|error| self.lost(&error))?;
        let response = wire.sender.send_request(request).await;
        let response = response.map_err(|error| self.lost(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_REFUSAL).collect();
        let body = body.await.map(http_body_util::Collected::to_bytes);
        Err(problem::read(status, &body.unwrap_or_default()).into())
    }

    fn lost(&self, error: &dyn std::error::Error) -> CallError {
        tracing::debug!(url = %self.url, "a request failed: {error}");
        CallError::Lost
    }
}
