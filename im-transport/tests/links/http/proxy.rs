//! Something between a device and a server that passes plain HTTP on and breaks WebSockets.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use im_transport::tls::Certificate;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::papers::Papers;

/// What becomes of a request for a WebSocket.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Upgrades {
    /// It is answered with this status.
    Answered(u16),
    /// The connection is closed.
    Cut,
    /// It is passed on like all others.
    Passed,
    /// The headers that are for one hop are taken out, as many proxies do.
    Stripped,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    is_over_tls: bool,
    shared: Arc<Shared>,
}

struct Shared {
    attempts: AtomicUsize,
    /// Changes when all connections are cut.
    cuts: watch::Sender<()>,
    server: SocketAddr,
    upgrades: Mutex<Upgrades>,
}

impl Proxy {
    pub(crate) async fn before(server: SocketAddr, upgrades: Upgrades) -> Self {
        Self::start(server, upgrades, None).await
    }

    /// To clients it speaks TLS, in the name of the server, as those do that look into what goes through them.
    pub(crate) async fn over_tls(server: SocketAddr, upgrades: Upgrades, papers: &Papers) -> Self {
        Self::start(server, upgrades, Some(papers.certificate())).await
    }

    async fn start(
        server: SocketAddr,
        upgrades: Upgrades,
        certificate: Option<Certificate>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let is_over_tls = certificate.is_some();
        let shared = Arc::new(Shared {
            attempts: AtomicUsize::new(0),
            cuts: watch::Sender::new(()),
            server,
            upgrades: Mutex::new(upgrades),
        });
        let proxy = Self {
            address,
            is_over_tls,
            shared: shared.clone(),
        };
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (shared, certificate) = (shared.clone(), certificate.clone());
                tokio::spawn(async move {
                    let mut cuts = shared.cuts.subscribe();
                    tokio::select! {
                        _ = cuts.changed() => {}
                        _ = shared.serve(tcp, certificate) => {}
                    }
                });
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.is_over_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// How often a WebSocket was asked for.
    pub(crate) fn attempts(&self) -> usize {
        self.shared.attempts.load(Ordering::Relaxed)
    }

    /// Closes all connections, and does that with requests for WebSockets from now on.
    pub(crate) fn break_off(&self, upgrades: Upgrades) {
        *self.shared.upgrades.lock().unwrap() = upgrades;
        self.shared.cuts.send_replace(());
    }
}

impl Shared {
    async fn serve(&self, tcp: TcpStream, certificate: Option<Certificate>) -> Option<()> {
        match certificate {
            Some(certificate) => self.pass_on(certificate.accept(tcp).await.ok()?).await,
            None => self.pass_on(tcp).await,
        }
    }

    async fn pass_on(&self, mut near: impl AsyncRead + AsyncWrite + Unpin) -> Option<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(near.read_u8().await.ok()?);
        }
        let mut head = String::from_utf8(head).unwrap();
        if head.to_lowercase().contains("upgrade: websocket\r\n") {
            self.attempts.fetch_add(1, Ordering::Relaxed);
            let upgrades = *self.upgrades.lock().unwrap();
            match upgrades {
                Upgrades::Answered(status) => {
                    let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
                    return near.write_all(answer.as_bytes()).await.ok();
                }
                Upgrades::Cut => return None,
                Upgrades::Passed => {}
                Upgrades::Stripped => {
                    let is_for_one_hop = |line: &&str| {
                        let line = line.to_lowercase();
                        line.starts_with("connection:") || line.starts_with("upgrade:")
                    };
                    let lines = head.split_inclusive("\r\n");
                    head = lines.filter(|line| !is_for_one_hop(line)).collect();
                }
            }
        }
        let mut far = TcpStream::connect(self.server).await.ok()?;
        far.write_all(head.as_bytes()).await.ok()?;
        tokio::io::copy_bidirectional(&mut near, &mut far)
            .await
            .ok()?;
        Some(())
    }
}
