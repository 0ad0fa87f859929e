//! What handlers share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{extract::Request, response::Response};
use im_core::{
    Im, Timestamp,
    port::{BoxFuture, Ports},
};
use im_transport::{sse::EventsServer, tcp::TcpServer, updates::Updates, ws::Refused};

use crate::{
    accounts::Accounts,
    adjusting::Entrance,
    config::{ClientAddress, PublicUrl},
    metrics::Watch,
    oidc::SingleSignOn,
    readiness::Readiness,
    rest::Cors,
    throttle::Throttle,
    tickets::Tickets,
    tokens::AccessTokens,
    words::WordsFile,
};

/// Answers a request for a WebSocket, or says why not. `wire` knows whose.
pub(crate) type Upgrade = Box<dyn Fn(Request) -> Result<Response, Refused> + Send + Sync>;

/// Waits until the links that had sessions are gone.
pub(crate) type Drained = Box<dyn Fn() -> BoxFuture<()> + Send + Sync>;

/// Tells other nodes how far the database has come.
pub(crate) type Remember = Box<dyn Fn() -> BoxFuture<()> + Send + Sync>;

/// How many links there are.
pub(crate) type Links = Box<dyn Fn() -> usize + Send + Sync>;

/// Everything that a request may need.
pub(crate) struct App {
    pub(crate) accounts: Accounts,
    pub(crate) client_address: ClientAddress,
    pub(crate) cors: Cors,
    pub(crate) drained: Drained,
    pub(crate) events: EventsServer,
    pub(crate) entrance: Arc<Entrance>,
    pub(crate) im: Im,
    pub(crate) links: Links,
    pub(crate) max_connections: usize,
    pub(crate) ports: Ports,
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) readiness: Readiness,
    pub(crate) remember: Remember,
    pub(crate) single_sign_on: SingleSignOn,
    pub(crate) tcp: TcpServer,
    /// Where clients open TCP links, where they can and that is known.
    pub(crate) tcp_url: Option<String>,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) tickets: Arc<Tickets>,
    pub(crate) tokens: Arc<AccessTokens>,
    pub(crate) updates: Updates,
    pub(crate) upgrade: Upgrade,
    pub(crate) watch: Watch,
    pub(crate) words: Option<WordsFile>,
    pub(crate) is_shutting_down: AtomicBool,
}

impl App {
    /// The wall clock of the engine.
    pub(crate) fn now(&self) -> Timestamp {
        self.ports.runtime.now()
    }

    /// Time that no step of the wall clock changes.
    pub(crate) fn uptime(&self) -> Duration {
        self.ports.runtime.monotonic()
    }

    /// Where clients open a WebSocket: an address, or a path on this server where its address is not known.
    pub(crate) fn websocket_url(&self) -> String {
        let public = self.public_url.as_ref().map(PublicUrl::to_string);
        let base = public.unwrap_or_default().replacen("http", "ws", 1);
        format!("{base}/v1/ws")
    }

    /// The address of something on this server, or its path where the server's address is not known.
    pub(crate) fn url_of(&self, path: &str) -> String {
        let public = self.public_url.as_ref().map(PublicUrl::to_string);
        format!("{}{path}", public.unwrap_or_default())
    }

    /// Whether new work is still welcome.
    pub(crate) fn is_shutting_down(&self) -> bool {
        self.is_shutting_down.load(Ordering::Relaxed)
    }
}
