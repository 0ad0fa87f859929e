//! The running server: starts what it is made of, looks after it, and stops in good order.

mod accepting;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use im_core::{Im, Timestamp};
use im_transport::tls::{Certificate, TlsError};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use self::accepting::{Listeners, accept};
use crate::{
    accounts::Accounts,
    app::App,
    config::Config,
    metrics,
    wire::{self, Extensions, WireError},
};

/// How often it is looked whether erasures are due: a second round comes a day after the first.
const ERASURES_PAUSE: Duration = Duration::from_secs(60 * 60);

/// How long stopping may take.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How often it is looked what other servers on the same database have revoked: it holds here within a second.
const HEAR: Duration = Duration::from_millis(500);

/// How much further back one looks than to the last look: the clocks of two servers differ, and a commit takes a moment.
const HEAR_AGAIN: i64 = 60_000;

/// How often the other nodes are told how far the database has come.
const REMEMBER: Duration = Duration::from_secs(5);

/// How often it is looked whether a file that is read again has changed.
const LOOK: Duration = Duration::from_secs(5);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The parts cannot be put together.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The certificate cannot be used.
    #[error("tls: the certificate cannot be used")]
    Tls(#[from] TlsError),
    /// The address for figures cannot be used.
    #[error("metrics.listen: cannot listen on {address}; is another server running there?")]
    ListenForScrapers {
        /// Which address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The address cannot be used.
    #[error("{key}: cannot listen on {address}; is another server running there?")]
    Listen {
        /// Which setting.
        key: &'static str,
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
    certificate: Option<Certificate>,
    tcp_address: Option<SocketAddr>,
    accepting: JoinHandle<()>,
    erasing: JoinHandle<()>,
    metrics_address: Option<SocketAddr>,
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
        let certificate = match &config.tls {
            Some(files) => Some(Certificate::open(&files.certificate, &files.key)?),
            None => None,
        };
        let mut app = wire::assemble_with(config, extensions).await?;
        let (http, address) = listen("listen", config.listen).await?;
        let (tcp, tcp_address) = match config.tcp_listen {
            Some(address) => {
                let (tcp, address) = listen("tcp_listen", address).await?;
                (Some(tcp), Some(address))
            }
            None => (None, None),
        };
        app.tcp_url = tcp_address.and_then(|address| config.tcp_url(address.port()));
        let app = Arc::new(app);
        let (stop, stopping) = watch::channel(false);
        let metrics_address = show_figures(config, &app, &stopping).await?;
        let erasing = tokio::spawn(erase(app.im.clone(), stopping.clone()));
        let look = look_at_files(Arc::clone(&app), certificate.clone(), stopping.clone());
        tokio::spawn(look);
        tokio::spawn(hear_of_revocations(Arc::clone(&app), stopping.clone()));
        tokio::spawn(remember(Arc::clone(&app), stopping.clone()));
        let listeners = Listeners {
            certificate: certificate.clone(),
            http,
            tcp,
        };
        let accepting = tokio::spawn(accept(listeners, Arc::clone(&app), stopping));
        Ok(Self {
            address,
            app,
            certificate,
            tcp_address,
            accepting,
            erasing,
            metrics_address,
            stop,
        })
    }

    /// Where it listens, with the real port.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as a URL.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address)
    }

    /// Where it listens for TCP links, as a URL, if it does.
    #[must_use]
    pub fn tcp_url(&self) -> Option<String> {
        let scheme = if self.certificate.is_some() {
            "tcps"
        } else {
            "tcp"
        };
        let address = self.tcp_address?;
        Some(format!("{scheme}://{address}"))
    }

    /// Where figures are shown, with the real port; `None` where they are not.
    #[must_use]
    pub const fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
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

    /// Reads again what can change while it runs: the file of words, the certificate with its key. What cannot be used is
    /// logged, and what held before goes on to hold.
    pub async fn reload(&self) {
        if let Some(words) = &self.app.words {
            words.reload().await;
        }
        if let Some(certificate) = &self.certificate {
            certificate.reload().await;
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
            (self.app.remember)().await;
        };
        if tokio::time::timeout(STOP_TIMEOUT, finish).await.is_err() {
            tracing::warn!("some requests or sessions did not end in time");
        }
    }
}

/// Begins to show figures, where somebody is to be shown them.
async fn show_figures(
    config: &Config,
    app: &Arc<App>,
    stopping: &watch::Receiver<bool>,
) -> Result<Option<SocketAddr>, StartError> {
    let Some(address) = config.metrics.listen else {
        return Ok(None);
    };
    let failed = |source| StartError::ListenForScrapers { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tokio::spawn(metrics::serve(listener, Arc::clone(app), stopping.clone()));
    Ok(Some(address))
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

/// Tells other nodes how far the database has come, until told to stop.
async fn remember(app: Arc<App>, mut stopping: watch::Receiver<bool>) {
    loop {
        let round = async {
            (app.remember)().await;
            tokio::time::sleep(REMEMBER).await;
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

/// Reads files again that have changed, until told to stop.
async fn look_at_files(
    app: Arc<App>,
    certificate: Option<Certificate>,
    mut stopping: watch::Receiver<bool>,
) {
    if app.words.is_none() && certificate.is_none() {
        return;
    }
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = told(&mut stopping) => return,
        }
        if let Some(words) = &app.words {
            words.look().await;
        }
        if let Some(certificate) = &certificate {
            certificate.look().await;
        }
    }
}

async fn listen(
    key: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen {
        key,
        address,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Waits until the server is told to stop, or is gone.
async fn told(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}
