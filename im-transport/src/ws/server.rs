//! The door for any HTTP service on hyper 1: a request comes in, a `101` goes out, and a connection runs.

use std::{
    fmt,
    sync::{Arc, Once},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, upgrade::OnUpgrade};
use im_core::{Im, port::Identity};
use tokio::sync::watch;

use super::{
    connection::Connection,
    encoding::Format,
    handshake,
    options::Options,
    outlet::WsOutlet,
    refused::Refused,
    stream,
    sweeper::{Deadline, Missed, Sweeper},
};
use crate::drive::Credential;

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
    shared: Arc<Shared>,
}

/// What all connections of a server share.
pub(super) struct Shared {
    pub(super) idle_frames: u32,
    pub(super) im: Im,
    pub(super) options: Arc<Options>,
    pub(super) sweeper: Sweeper,
    census: watch::Sender<Census>,
    started: Once,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default)]
struct Census {
    connections: usize,
    /// Connections that have had a session, until their last words are written.
    sessions: usize,
}

impl WebSocketServer {
    /// A door to `im`.
    #[must_use]
    pub fn new(im: Im, options: Options) -> Self {
        let interval = options.sweep_interval(im.heartbeat());
        Self {
            shared: Arc::new(Shared {
                census: watch::Sender::default(),
                idle_frames: options.idle_frames(interval),
                im,
                sweeper: Sweeper::new(interval),
                options: Arc::new(options),
                started: Once::new(),
            }),
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
    /// foreign origin.
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
        let origins = &self.shared.options.origins;
        let mut accepted = handshake::accept(request, origins)
            .inspect_err(|refused| tracing::debug!("a handshake was refused: {refused}"))?;
        let credential = match (identity, accepted.token.take()) {
            (Some(identity), _) => Credential::Identity(Box::new(identity)),
            (None, Some(token)) => Credential::Token(token),
            (None, None) => Credential::None,
        };
        let upgrade = hyper::upgrade::on(request);
        let shared = self.shared.clone();
        shared.start();
        tokio::spawn(shared.open(upgrade, accepted.format, credential));
        Ok(accepted.response())
    }

    /// Connections that are there, with and without a session.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.census.borrow().connections
    }

    /// Waits until every connection that has had a session is gone: after [`Im::shut_down`], until all devices have got
    /// the last words or their time for them was over ([`Options::close_timeout`]).
    ///
    /// A session is over for the engine at once, but what is still to be written to it takes a while: a program that
    /// ends before that leaves its devices without the code that says to come back. Connections without a session are
    /// promised nothing and not waited for.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn drained(&self) {
        let mut census = self.shared.census.subscribe();
        // It cannot fail while `self` holds the other end.
        let _ = census.wait_for(|census| census.sessions == 0).await;
    }

    pub(super) fn options(&self) -> &Options {
        &self.shared.options
    }
}

impl Shared {
    /// Waits for the socket, and leaves the connection to a task of its own: this one's memory is freed.
    async fn open(self: Arc<Self>, upgrade: OnUpgrade, format: Format, credential: Credential) {
        let upgraded = match upgrade.await {
            Ok(upgraded) => upgraded,
            Err(error) => {
                tracing::debug!("a client left during its handshake: {error}");
                return;
            }
        };
        let (reader, writer, early) = stream::take(upgraded);
        let span = self.options.open_timeout;
        let deadline = Deadline::new(self.sweeper.now_ms(), span, Missed::Heartbeat);
        let options = self.options.clone();
        let outlet = Arc::new(WsOutlet::new(writer, format, options, deadline));
        self.sweeper.watch(Arc::downgrade(&outlet));
        let connection = Connection::new(self, outlet, reader, credential, &early);
        tokio::spawn(connection);
    }

    pub(super) fn connected(&self) {
        self.census.send_modify(|census| census.connections += 1);
    }

    pub(super) fn opened(&self) {
        self.census.send_modify(|census| census.sessions += 1);
    }

    /// A connection is over, which had a session or not.
    pub(super) fn gone(&self, sessions: usize) {
        self.census.send_modify(|census| {
            census.connections -= 1;
            census.sessions -= sessions;
        });
    }

    /// Starts the task that looks at deadlines: not before the first connection, when a runtime is certain.
    fn start(self: &Arc<Self>) {
        self.started.call_once(|| {
            let shared = Arc::downgrade(self);
            let interval = self.sweeper.interval();
            tokio::spawn(Sweeper::run(shared, |shared| &shared.sweeper, interval));
        });
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
