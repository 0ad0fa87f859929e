//! A server to test: an engine over memory, behind all its HTTP doors on a free port.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::{Path, Request},
    routing::{get, post},
};
use im_core::{ConversationId, Im, TrustEveryone};
use im_store::MemoryStore;
use im_transport::{
    sse::EventsServer,
    updates::{self, Updates},
    ws::{Options, WebSocketServer},
};
use tokio::net::TcpListener;

use super::by_hand::Stream;
use crate::door::HEARTBEAT;

pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) events: EventsServer,
    pub(crate) im: Im,
    pub(crate) updates: Updates,
    pub(crate) websocket: WebSocketServer,
}

impl Door {
    pub(crate) async fn open() -> Self {
        Self::open_with(Options::default(), HEARTBEAT).await
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
