//! The door for any HTTP service on hyper 1: a request comes in, a `101` goes out, and a connection runs.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, upgrade::OnUpgrade};
use im_core::{
    Code, Im,
    figures::{Figure, Figures},
    port::Identity,
    wire::Format,
};

use super::{
    framing::Framing,
    handshake,
    options::{Options, Origins},
    refused::Refused,
    upgraded,
};
use crate::{
    Bounds,
    drive::Credential,
    link::{connection::Opening, door::Door},
};

/// Opens sessions of an engine over WebSockets; clone to share.
///
/// A client speaks `im.v1.json` or `im.v1.msgpack`, opens its session by `session.open` as its first frame, and sends
/// something at least once per heartbeat (a WebSocket ping will do): this side answers pings and sends none.
///
/// With axum:
///
/// ```
/// # use im_transport::ws::WebSocketServer;
/// use axum::{Router, extract::Request, routing::get};
///
/// fn routes(server: WebSocketServer) -> Router {
///     Router::new().route("/v1/ws", get(async move |mut request: Request| server.upgrade(&mut request)))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct WebSocketServer {
    door: Arc<Door>,
    origins: Arc<Origins>,
}

impl WebSocketServer {
    /// A door to `im`.
    #[must_use]
    pub fn new(im: Im, options: Options) -> Self {
        Self {
            door: Door::new(im, options.bounds),
            origins: Arc::new(options.origins),
        }
    }

    /// Answers a request for a WebSocket, and runs the connection as a task once the answer is sent.
    ///
    /// A request that is refused is answered with what is wrong with it, in plain text. A token in
    /// `Authorization: Bearer` is used unless `session.open` has one.
    ///
    /// # Panics
    /// When called outside of a tokio runtime.
    #[must_use = "the answer has to be sent"]
    pub fn upgrade<B>(&self, request: &mut Request<B>) -> Response<Full<Bytes>> {
        self.answer(request, None)
            .unwrap_or_else(Refused::into_response)
    }

    /// [`upgrade`](Self::upgrade) for a host that answers in a form of its own when it refuses.
    ///
    /// # Errors
    /// [`Refused`] when the request is none for a WebSocket, offers only unknown subprotocols, or comes from a page of a
    /// foreign origin; and when as many connections are open as may be.
    ///
    /// # Panics
    /// When called outside of a tokio runtime.
    pub fn try_upgrade<B>(
        &self,
        request: &mut Request<B>,
    ) -> Result<Response<Full<Bytes>>, Refused> {
        self.answer(request, None)
    }

    /// [`upgrade`](Self::upgrade) for a user whom the host has authenticated: tokens are not looked at.
    ///
    /// # Panics
    /// When called outside of a tokio runtime.
    #[must_use = "the answer has to be sent"]
    pub fn upgrade_as<B>(
        &self,
        request: &mut Request<B>,
        identity: Identity,
    ) -> Response<Full<Bytes>> {
        self.answer(request, Some(identity))
            .unwrap_or_else(Refused::into_response)
    }

    fn answer<B>(
        &self,
        request: &mut Request<B>,
        identity: Option<Identity>,
    ) -> Result<Response<Full<Bytes>>, Refused> {
        let mut accepted = handshake::accept(request, &self.origins)
            .inspect_err(|refused| tracing::debug!("a handshake was refused: {refused}"))?;
        if self.door.is_full() {
            return Err(Refused::new(
                StatusCode::SERVICE_UNAVAILABLE,
                Code::Overloaded,
                "as many connections are open as may be; come back later",
            ));
        }
        let credential = match (identity, accepted.token.take()) {
            (Some(identity), _) => Credential::Identity(Box::new(identity)),
            (None, Some(token)) => Credential::Token(token),
            (None, None) => Credential::None,
        };
        let upgrade = hyper::upgrade::on(request);
        let door = self.door.clone();
        tokio::spawn(open(door, upgrade, accepted.format, credential));
        Ok(accepted.response())
    }

    /// Connections that are there, with and without a session.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.door.connections()
    }

    /// Waits until every connection that has had a session is gone: after [`Im::shut_down`], until all devices have got
    /// the last words or their time for them was over ([`Bounds::close_timeout`]).
    ///
    /// A session is over for the engine at once, but what is still to be written to it takes a while: a program that
    /// ends before that leaves its devices without the code that says to come back. Connections without a session are
    /// promised nothing and not waited for.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn drained(&self) {
        self.door.drained().await;
    }

    pub(super) fn bounds(&self) -> &Bounds {
        &self.door.bounds
    }
}

impl Figures for WebSocketServer {
    fn figures(&self) -> Vec<Figure> {
        self.door.figures("websocket")
    }
}

/// Waits for the socket, and leaves the connection to a task of its own: this one's memory is freed.
async fn open(door: Arc<Door>, upgrade: OnUpgrade, format: Format, credential: Credential) {
    let upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            tracing::debug!("a client left during its handshake: {error}");
            return;
        }
    };
    let (reader, writer, early) = upgraded::take(upgraded);
    let opening = Opening {
        credential,
        early: &early,
        format,
    };
    door.enter().run::<Framing>(reader, writer, opening);
}
