//! A server to test: an engine over memory, behind a door of some kind on a free port.

use std::{net::SocketAddr, time::Duration};

use im_core::{
    CallError, ClientId, Connection, Connector as _, Content, ConversationId, DeviceId, Im, Push,
    Reply, SendMessage, TrustEveryone, UserId, wire::Format,
};
use im_store::MemoryStore;
use im_transport::{
    Bounds, Connector, tcp,
    tls::Certificate,
    ws::{self, Options, WebSocketServer},
};
use tokio::net::{TcpListener, TcpStream};

use crate::{
    papers::Papers,
    raw::{Framing, Pipe, Raw},
};

/// Longer than anything takes, shorter than a person waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How often somebody is to be heard of.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(25);

/// What a link goes over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Over {
    format: Format,
    framing: Framing,
    protection: Protection,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Protection {
    None,
    Tls,
}

impl Over {
    pub(crate) const JSON: Self = Self::web_socket(Format::Json);
    pub(crate) const MESSAGE_PACK: Self = Self::web_socket(Format::MessagePack);
    pub(crate) const MESSAGE_PACK_AND_TLS: Self = Self {
        protection: Protection::Tls,
        ..Self::MESSAGE_PACK
    };
    pub(crate) const TCP: Self = Self {
        format: Format::MessagePack,
        framing: Framing::Tcp,
        protection: Protection::None,
    };
    pub(crate) const TCP_AND_TLS: Self = Self {
        protection: Protection::Tls,
        ..Self::TCP
    };

    pub(crate) const fn web_socket(format: Format) -> Self {
        Self {
            format,
            framing: Framing::WebSocket,
            protection: Protection::None,
        }
    }
}

pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    /// What it shows, over TLS.
    pub(crate) certificate: Option<Certificate>,
    pub(crate) im: Im,
    pub(crate) over: Over,
    pub(crate) papers: Papers,
    pub(crate) server: Server,
}

/// The door itself.
#[derive(Clone)]
pub(crate) enum Server {
    Tcp(tcp::TcpServer),
    WebSocket(WebSocketServer),
}

impl Server {
    pub(crate) fn connections(&self) -> usize {
        match self {
            Self::Tcp(server) => server.connections(),
            Self::WebSocket(server) => server.connections(),
        }
    }

    pub(crate) async fn drained(&self) {
        match self {
            Self::Tcp(server) => server.drained().await,
            Self::WebSocket(server) => server.drained().await,
        }
    }
}

impl Door {
    pub(crate) async fn open(over: Over) -> Self {
        Self::open_with(over, Bounds::default(), HEARTBEAT).await
    }

    pub(crate) async fn open_with(over: Over, bounds: Bounds, heartbeat: Duration) -> Self {
        let im = Im::builder(MemoryStore::new(), TrustEveryone)
            .heartbeat(heartbeat)
            .build();
        let server = match over.framing {
            Framing::Tcp => Server::Tcp(tcp::TcpServer::new(im.clone(), bounds)),
            Framing::WebSocket => {
                let options = Options {
                    bounds,
                    ..Options::default()
                };
                Server::WebSocket(WebSocketServer::new(im.clone(), options))
            }
        };
        Self::serve(over, im, server).await
    }

    /// A WebSocket door whose pages are chosen.
    pub(crate) async fn open_to(origins: ws::Origins) -> Self {
        let im = Im::builder(MemoryStore::new(), TrustEveryone).build();
        let options = Options {
            origins,
            ..Options::default()
        };
        let server = Server::WebSocket(WebSocketServer::new(im.clone(), options));
        Self::serve(Over::JSON, im, server).await
    }

    async fn serve(over: Over, im: Im, server: Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let papers = Papers::new();
        let certificate = match over.protection {
            Protection::None => None,
            Protection::Tls => Some(papers.certificate()),
        };
        match (server.clone(), certificate.clone()) {
            (Server::Tcp(server), None) => drop(tokio::spawn(tcp::serve(listener, server))),
            (Server::Tcp(server), Some(certificate)) => {
                tokio::spawn(tcp::serve_tls(listener, server, certificate));
            }
            (Server::WebSocket(server), None) => drop(tokio::spawn(ws::serve(listener, server))),
            (Server::WebSocket(server), Some(certificate)) => {
                tokio::spawn(ws::serve_tls(listener, server, certificate));
            }
        }
        Self {
            address,
            certificate,
            im,
            over,
            papers,
            server,
        }
    }

    pub(crate) fn format(&self) -> Format {
        self.over.format
    }

    pub(crate) fn url(&self) -> String {
        let address = self.address;
        match (self.over.framing, self.over.protection) {
            (Framing::Tcp, Protection::None) => format!("tcp://{address}"),
            (Framing::Tcp, Protection::Tls) => format!("tcps://{address}"),
            (Framing::WebSocket, Protection::None) => format!("ws://{address}/v1/ws"),
            (Framing::WebSocket, Protection::Tls) => format!("wss://{address}/v1/ws"),
        }
    }

    /// A connector of ours.
    pub(crate) fn connector(
        &self,
        token: impl Into<im_transport::client::TokenSource>,
        device: &str,
    ) -> Connector {
        let device = DeviceId::new(device).unwrap();
        let connector = Connector::new(&self.url(), token, device).unwrap();
        connector.format(self.format()).trust(self.papers.trust())
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
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let stream: Box<dyn Pipe> = match self.over.protection {
            Protection::None => Box::new(tcp),
            Protection::Tls => Box::new(self.papers.shake(tcp).await.unwrap()),
        };
        match self.over.framing {
            Framing::Tcp => Raw::tcp(stream),
            Framing::WebSocket => Raw::shake(stream, self.address, self.format(), "").await,
        }
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
