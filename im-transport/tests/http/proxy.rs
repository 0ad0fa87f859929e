//! Something between a device and a server that passes plain HTTP on and breaks WebSockets.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What becomes of a request for a WebSocket.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Upgrades {
    /// It is answered with this status.
    Answered(u16),
    /// The connection is closed.
    Cut,
    /// The headers that are for one hop are taken out, as many proxies do.
    Stripped,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    attempts: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) async fn before(server: SocketAddr, upgrades: Upgrades) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let attempts = Arc::new(AtomicUsize::new(0));
        let counter = attempts.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(pass_on(tcp, server, upgrades, counter.clone()));
            }
        });
        Self { address, attempts }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often a WebSocket was asked for.
    pub(crate) fn attempts(&self) -> usize {
        self.attempts.load(Ordering::Relaxed)
    }
}

async fn pass_on(
    mut tcp: TcpStream,
    server: SocketAddr,
    upgrades: Upgrades,
    attempts: Arc<AtomicUsize>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tcp.read_u8().await.ok()?);
    }
    let mut head = String::from_utf8(head).unwrap();
    if head.to_lowercase().contains("upgrade: websocket\r\n") {
        attempts.fetch_add(1, Ordering::Relaxed);
        match upgrades {
            Upgrades::Answered(status) => {
                let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
                return tcp.write_all(answer.as_bytes()).await.ok();
            }
            Upgrades::Cut => return None,
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
    let mut far = TcpStream::connect(server).await.ok()?;
    far.write_all(head.as_bytes()).await.ok()?;
    tokio::io::copy_bidirectional(&mut tcp, &mut far)
        .await
        .ok()?;
    Some(())
}
