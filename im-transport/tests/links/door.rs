//! A server to test: an engine over memory, behind a WebSocket door on a free port.

use std::{net::SocketAddr, time::Duration};

use im_core::{
    CallError, ClientId, Connection, Connector as _, Content, ConversationId, DeviceId, Im, Limits,
    Push, Reply, SendMessage, TrustEveryone, UserId, wire::Format,
};
use im_store::MemoryStore;
use im_transport::ws::{self, Connector, Options, WebSocketServer};
use tokio::net::TcpListener;

use crate::raw::Raw;

/// Longer than anything takes, shorter than a person waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) format: Format,
    pub(crate) im: Im,
    pub(crate) server: WebSocketServer,
}

impl Door {
    pub(crate) async fn open(format: Format) -> Self {
        Self::open_with(format, Options::default(), Duration::from_secs(25)).await
    }

    pub(crate) async fn open_with(format: Format, options: Options, heartbeat: Duration) -> Self {
        let im = Im::builder(MemoryStore::new(), TrustEveryone)
            .heartbeat(heartbeat)
            .limits(Limits::default())
            .build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = WebSocketServer::new(im.clone(), options);
        tokio::spawn(ws::serve(listener, server.clone()));
        Self {
            address,
            format,
            im,
            server,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/v1/ws", self.address)
    }

    /// A connector of ours.
    pub(crate) fn connector(&self, user: &str, device: &str) -> Connector {
        let device = DeviceId::new(device).unwrap();
        let connector = Connector::new(&self.url(), user, device).unwrap();
        connector.format(self.format)
    }

    /// A link of our client's, with an open session. The token is the user.
    pub(crate) async fn connect(
        &self,
        user: &str,
        device: &str,
    ) -> Result<Box<dyn Connection>, CallError> {
        self.connector(user, device).connect().await
    }

    /// A link by hand, before its first frame.
    pub(crate) async fn raw(&self) -> Raw {
        Raw::open(self.address, self.format, "").await
    }

    /// A link by hand, with an open session.
    pub(crate) async fn raw_session(&self, user: &str, device: &str) -> Raw {
        let mut raw = self.raw().await;
        raw.open_session(user, device).await;
        raw
    }

    pub(crate) async fn direct(&self, a: &str, b: &str) -> ConversationId {
        self.im.direct(a, b).await.unwrap()
    }
}

/// A command that says `text`.
pub(crate) fn say(to: &ConversationId, client_id: &str, text: &str) -> im_core::Command {
    im_core::Command::SendMessage(SendMessage::new(
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
        let push = tokio::time::timeout(PATIENCE, link.next()).await.unwrap();
        if let Push::Entry(entry) = push.unwrap() {
            return entry.seq.0;
        }
    }
}

/// Why the link ended; pushes before that are passed over.
pub(crate) async fn end_of(link: &dyn Connection) -> im_core::CloseReason {
    loop {
        if let Err(reason) = tokio::time::timeout(PATIENCE, link.next()).await.unwrap() {
            return reason;
        }
    }
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}
