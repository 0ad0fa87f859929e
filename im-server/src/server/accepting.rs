//! Accepting connections, as many as may be, and serving HTTP on those that are no links.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::Router;
use hyper::{body::Incoming, server::conn::http1, service::Service as _};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use im_transport::{
    Impatient,
    tls::{Certificate, ServerStream},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use super::told;
use crate::{
    app::App,
    rest::{self, Peer},
};

/// How long a client may take for a TLS handshake, to send the head of a request, and to begin the next one. Default of common proxies.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// Bytes of a request's head at most, which bounds what a connection buffers.
const MAX_HEAD: usize = 16 * 1024;

/// How long a client may take nothing of an answer, which stays in memory meanwhile. As for WebSockets.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How often it is told at most that connections are refused.
const REFUSALS_PAUSE: Duration = Duration::from_secs(1);

/// How long to wait when no connection can be accepted, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where connections come from.
pub(super) struct Listeners {
    /// With it, TLS is spoken on all of them.
    pub(super) certificate: Option<Certificate>,
    pub(super) http: TcpListener,
    pub(super) tcp: Option<TcpListener>,
}

/// What a connection is for.
enum Purpose {
    Http(SocketAddr),
    Link,
}

impl Listeners {
    async fn next(&self) -> io::Result<(TcpStream, Purpose)> {
        let http = async {
            let (stream, peer) = self.http.accept().await?;
            Ok((stream, Purpose::Http(peer)))
        };
        let Some(tcp) = &self.tcp else {
            return http.await;
        };
        tokio::select! {
            came = http => came,
            came = tcp.accept() => came.map(|(stream, _)| (stream, Purpose::Link)),
        }
    }
}

/// Accepts until told to stop, then waits for the connections that are left.
pub(super) async fn accept(
    listeners: Listeners,
    app: Arc<App>,
    mut stopping: watch::Receiver<bool>,
) {
    let router = rest::router(Arc::clone(&app));
    let mut connections = JoinSet::new();
    let mut refusals = Refusals::default();
    loop {
        let came = tokio::select! {
            came = listeners.next() => came,
            Some(_) = connections.join_next() => continue,
            () = told(&mut stopping) => break,
        };
        let (stream, purpose) = match came {
            Ok(came) => came,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // What became a link is no task of ours any more.
        if connections.len() + (app.links)() >= app.max_connections {
            app.watch.requests().turned_away();
            refusals.add(app.max_connections);
            drop(stream);
            continue;
        }
        // Replies are written whole: waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        match (purpose, listeners.certificate.clone()) {
            (Purpose::Http(peer), None) => {
                connections.spawn(serve(stream, peer, router.clone(), stopping.clone()));
            }
            (Purpose::Http(peer), Some(certificate)) => {
                let (router, stopping) = (router.clone(), stopping.clone());
                connections.spawn(async move {
                    if let Some(tls) = shake(&certificate, stream, stopping.clone()).await {
                        Box::pin(serve(tls, peer, router, stopping)).await;
                    }
                });
            }
            (Purpose::Link, None) => app.tcp.accept(stream),
            (Purpose::Link, Some(certificate)) => {
                let (app, stopping) = (Arc::clone(&app), stopping.clone());
                connections.spawn(async move {
                    if let Some(tls) = shake(&certificate, stream, stopping).await {
                        app.tcp.accept_on(tls);
                    }
                });
            }
        }
    }
    drop(listeners);
    while connections.join_next().await.is_some() {}
}

/// A TLS handshake in bounded time, as long as new work is welcome.
async fn shake(
    certificate: &Certificate,
    stream: TcpStream,
    mut stopping: watch::Receiver<bool>,
) -> Option<ServerStream> {
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(HEAD_TIMEOUT, certificate.accept(stream)) => shaken,
        () = told(&mut stopping) => return None,
    };
    match shaken {
        Ok(Ok(tls)) => Some(tls),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!("a TLS handshake took too long");
            None
        }
    }
}

/// Connections that were refused because enough are open.
#[derive(Default)]
struct Refusals {
    count: u64,
    told: Option<Instant>,
}

impl Refusals {
    fn add(&mut self, max_connections: usize) {
        self.count += 1;
        if self
            .told
            .is_some_and(|told| told.elapsed() < REFUSALS_PAUSE)
        {
            return;
        }
        let refused = std::mem::take(&mut self.count);
        tracing::warn!(
            refused,
            max_connections,
            "as many connections are open as may be"
        );
        self.told = Some(Instant::now());
    }
}

/// Serves HTTP on a connection, until it ends or becomes a link.
async fn serve(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: SocketAddr,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) {
    let routes = TowerToHyperService::new(router);
    let stream = Impatient::new(stream, WRITE_TIMEOUT);
    let backlog = stream.backlog();
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        let (answer, backlog) = (routes.call(request), backlog.clone());
        async move {
            // One answer at a time is held for who does not read.
            backlog.gone().await;
            answer.await
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = told(&mut stopping) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
