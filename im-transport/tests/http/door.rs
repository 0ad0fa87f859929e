//! A server to test: an engine over memory, behind all its HTTP doors on a free port.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, Request},
    routing::{get, post},
};
use im_core::{
    CallError, ClientId, Command, Connection, Connector, Content, ConversationId, DeviceId, Im,
    Push, Reply, SendMessage, TrustEveryone, UserId,
};
use im_store::MemoryStore;
use im_transport::{
    Connector as AnyConnector,
    client::TokenSource,
    sse::{self, EventsServer, Fallback},
    updates::{self, Updates},
    ws::{Options, WebSocketServer},
};
use tokio::net::TcpListener;

use crate::by_hand::Stream;

/// Longer than anything takes, shorter than a person waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How a link comes about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Events,
    Fallback,
    WebSocket,
}

pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) events: EventsServer,
    pub(crate) im: Im,
    pub(crate) updates: Updates,
    pub(crate) websocket: WebSocketServer,
}

impl Door {
    pub(crate) async fn open() -> Self {
        Self::open_with(Options::default(), Duration::from_secs(25)).await
    }

    pub(crate) async fn open_with(options: Options, heartbeat: Duration) -> Self {
        let im = Im::builder(MemoryStore::new(), TrustEveryone)
            .heartbeat(heartbeat)
            .build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = Self {
            address: listener.local_addr().unwrap(),
            events: EventsServer::new(im.clone(), options.clone()),
            updates: Updates::new(im.clone(), updates::Options::default()),
            websocket: WebSocketServer::new(im.clone(), options),
            im,
        };
        let routes = door.routes();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        door
    }

    fn routes(&self) -> Router {
        let (events, posts) = (self.events.clone(), self.events.clone());
        let (updates, websocket) = (self.updates.clone(), self.websocket.clone());
        Router::new()
            .route(
                "/v1/events",
                get(async move |request: Request| events.open(&request).await),
            )
            .route(
                "/v1/events/{link}",
                post(async move |Path(link): Path<String>, request: Request| {
                    posts.post(&link, request).await
                }),
            )
            .route(
                "/v1/updates",
                get(async move |request: Request| updates.answer(&request).await),
            )
            .route(
                "/v1/ws",
                get(async move |mut request: Request| websocket.upgrade(&mut request)),
            )
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn connector(
        &self,
        way: Way,
        token: impl Into<TokenSource>,
        device: &str,
    ) -> Arc<dyn Connector> {
        let device = DeviceId::new(device).unwrap();
        let url = self.url();
        match way {
            Way::Events => {
                let url = format!("{url}/v1/events");
                Arc::new(sse::Connector::new(&url, token, device).unwrap())
            }
            Way::Fallback => Arc::new(Fallback::to(&url, token, device).unwrap()),
            Way::WebSocket => {
                let url = format!("{url}/v1/ws");
                Arc::new(AnyConnector::new(&url, token, device).unwrap())
            }
        }
    }

    /// A link of our client's, with an open session. The token is the user.
    pub(crate) async fn connect(
        &self,
        way: Way,
        user: &str,
        device: &str,
    ) -> Result<Box<dyn Connection>, CallError> {
        self.connector(way, user, device).connect().await
    }

    /// A stream by hand, with an open session.
    pub(crate) async fn stream(&self, user: &str, device: &str) -> Stream {
        let query = format!("device={device}");
        Stream::open(self.address, &query, &bearer(user)).await
    }

    pub(crate) async fn direct(&self, a: &str, b: &str) -> ConversationId {
        self.im.direct(a, b).await.unwrap()
    }
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// A command that says `text`.
pub(crate) fn say(to: &ConversationId, client_id: &str, text: &str) -> Command {
    Command::SendMessage(SendMessage::new(
        *to,
        ClientId::new(client_id).unwrap(),
        Content::text(text),
    ))
}

/// The seq of a send.
pub(crate) fn seq(reply: Reply) -> u64 {
    match reply {
        Reply::SendMessage(sent) => sent.seq.0,
        other => panic!("no answer to a send: {other:?}"),
    }
}

/// The next entry's seq; other pushes are passed over.
pub(crate) async fn next_entry(link: &dyn Connection) -> u64 {
    loop {
        let push = within(link.next()).await;
        if let Push::Entry(entry) = push.unwrap() {
            return entry.seq.0;
        }
    }
}

/// Why the link ended; pushes before that are passed over.
pub(crate) async fn end_of(link: &dyn Connection) -> im_core::CloseReason {
    loop {
        if let Err(reason) = within(link.next()).await {
            return reason;
        }
    }
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}
