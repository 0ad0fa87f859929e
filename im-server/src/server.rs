//! The running server: accepts connections, serves HTTP on them, and stops in good order.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use axum::Router;
use hyper::{body::Incoming, server::conn::http1, service::Service as _};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use im_core::{Im, Timestamp};
use im_transport::Impatient;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use crate::{
    accounts::Accounts,
    app::App,
    config::Config,
    rest::{self, Peer},
    wire::{self, Extensions, WireError},
};

/// How long a client may take to send the head of a request, and to begin the next one. Default of common proxies.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// Bytes of a request's head at most, which bounds what a connection buffers.
const MAX_HEAD: usize = 16 * 1024;

/// How long a client may take nothing of an answer, which stays in memory meanwhile. As for WebSockets.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How often it is told at most that connections are refused.
const REFUSALS_PAUSE: Duration = Duration::from_secs(1);

/// How often it is looked whether erasures are due: a second round comes a day after the first.
const ERASURES_PAUSE: Duration = Duration::from_secs(60 * 60);

/// How long stopping may take.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How often it is looked what other servers on the same database have revoked.
const HEAR: Duration = Duration::from_secs(5);

/// How much further back one looks than to the last look: the clocks of two servers differ, and a commit takes a moment.
const HEAR_AGAIN: i64 = 60_000;

/// How often it is looked whether a file that is read again has changed.
const LOOK: Duration = Duration::from_secs(5);

/// How long to wait when no connection can be accepted, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The parts cannot be put together.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The address cannot be used.
    #[error("listen: cannot listen on {address}; is another server running there?")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// A running server. Dropping it begins the same as [`Server::shut_down`], but nobody waits for it: no more connections are
/// taken and requests are finished; sessions are told nothing, and go on until their devices or the runtime end them.
pub struct Server {
    address: SocketAddr,
    app: Arc<App>,
    accepting: JoinHandle<()>,
    erasing: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Opens the store, listens, and serves.
    ///
    /// # Errors
    /// [`StartError`] says what to change.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        Self::start_with(config, Extensions::default()).await
    }

    /// As [`Server::start`], with what configuration cannot name.
    ///
    /// # Errors
    /// [`StartError`] says what to change.
    pub async fn start_with(config: &Config, extensions: Extensions) -> Result<Self, StartError> {
        let app = Arc::new(wire::assemble_with(config, extensions).await?);
        let failed = |source| StartError::Listen {
            address: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopping) = watch::channel(false);
        let erasing = tokio::spawn(erase(app.im.clone(), stopping.clone()));
        tokio::spawn(look_at_files(Arc::clone(&app), stopping.clone()));
        tokio::spawn(hear_of_revocations(Arc::clone(&app), stopping.clone()));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&app), stopping));
        Ok(Self {
            address,
            app,
            accepting,
            erasing,
            stop,
        })
    }

    /// Where it listens, with the real port.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The engine inside.
    #[must_use]
    pub fn im(&self) -> &Im {
        &self.app.im
    }

    /// The accounts and keys of this server.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.app.accounts
    }

    /// Reads again what can change while it runs: the file of words. What cannot be used is logged, and what held before
    /// goes on to hold.
    pub async fn reload(&self) {
        if let Some(words) = &self.app.words {
            words.reload().await;
        }
    }

    /// Says that it is not ready, takes no more connections, finishes requests, tells sessions to come back and resume.
    /// Takes 10 seconds at most.
    pub async fn shut_down(self) {
        self.app.is_shutting_down.store(true, Ordering::Relaxed);
        self.stop.send_replace(true);
        let im = &self.app.im;
        let finish = async {
            let (_, accepted, _) = tokio::join!(im.shut_down(), self.accepting, self.erasing);
            if let Err(error) = accepted {
                tracing::error!(%error, "the accepting task broke off");
            }
            // To the engine the sessions are over; their links still have last words to write.
            (self.app.drained)().await;
        };
        if tokio::time::timeout(STOP_TIMEOUT, finish).await.is_err() {
            tracing::warn!("some requests or sessions did not end in time");
        }
    }
}

/// Goes on with erasures that broke off, and takes the second rounds when they are due, until told to stop.
async fn erase(im: Im, mut stopping: watch::Receiver<bool>) {
    loop {
        let round = async {
            if let Err(rejection) = im.resume_erasures().await {
                tracing::warn!(%rejection, "erasures that are due have to wait");
            }
            tokio::time::sleep(ERASURES_PAUSE).await;
        };
        tokio::select! {
            () = round => {}
            () = told(&mut stopping) => return,
        }
    }
}

/// Takes over what other servers revoke, until told to stop.
async fn hear_of_revocations(app: Arc<App>, mut stopping: watch::Receiver<bool>) {
    let mut heard = app.now();
    loop {
        let round = async {
            tokio::time::sleep(HEAR).await;
            let now = app.now();
            let since = Timestamp(heard.0.saturating_sub(HEAR_AGAIN));
            // Logged by the conversion; the next look begins where this one did.
            if app.accounts.hear_of_revocations(since).await.is_ok() {
                heard = now;
            }
        };
        tokio::select! {
            () = round => {}
            () = told(&mut stopping) => return,
        }
    }
}

/// Accepts until told to stop, then waits for the connections that are left.
async fn accept(listener: TcpListener, app: Arc<App>, mut stopping: watch::Receiver<bool>) {
    let router = rest::router(Arc::clone(&app));
    let mut connections = JoinSet::new();
    let mut refusals = Refusals::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = told(&mut stopping) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                // What became a WebSocket is no task of ours any more.
                if connections.len() + (app.links)() >= app.max_connections {
                    refusals.add(app.max_connections);
                    drop(stream);
                    continue;
                }
                connections.spawn(serve(stream, peer, router.clone(), stopping.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Reads files again that have changed, until told to stop.
async fn look_at_files(app: Arc<App>, mut stopping: watch::Receiver<bool>) {
    let Some(words) = &app.words else { return };
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => words.look().await,
            () = told(&mut stopping) => return,
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

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) {
    // Replies are written whole: waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let routes = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        routes.call(request)
    });
    let stream = Impatient::new(stream, WRITE_TIMEOUT);
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

/// Waits until the server is told to stop, or is gone.
async fn told(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}
