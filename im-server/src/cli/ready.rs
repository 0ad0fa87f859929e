//! Asking a server on this machine whether it is ready: what a container without a shell has for its health check.

mod tls;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::Failure;
use crate::Config;

/// How long the answer may take: longer than the server waits for its store.
const PATIENCE: Duration = Duration::from_secs(4);

/// Bytes of an answer that are looked at.
const HEAD: usize = 64;

pub(super) async fn ready(config: &Config) -> Result<(), Failure> {
    let listen = config.listen;
    match timeout(PATIENCE, status(config)).await {
        Ok(Ok(200)) => {
            println!("ready");
            Ok(())
        }
        Ok(Ok(status)) => Err(format!("{listen} is not ready: it answers {status}").into()),
        Ok(Err(error)) => Err(format!("{listen} does not answer: {error}").into()),
        Err(_) => Err(format!("{listen} does not answer in time").into()),
    }
}

/// The status that `/readyz` answers with; 0 for what is no answer.
async fn status(config: &Config) -> io::Result<u16> {
    let address = reachable(config.listen);
    let tcp = TcpStream::connect(address).await?;
    match config.tls {
        None => ask(address, tcp).await,
        Some(_) => ask(address, tls::connect(address, tcp).await?).await,
    }
}

async fn ask(
    address: SocketAddr,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<u16> {
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut head = Vec::with_capacity(HEAD);
    stream.take(HEAD as u64).read_to_end(&mut head).await?;
    let head = String::from_utf8_lossy(&head);
    let status = head
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3));
    Ok(status
        .and_then(|text| text.parse().ok())
        .unwrap_or_default())
}

/// Where this machine reaches a server that listens on `listen`: one that listens everywhere does so here too.
const fn reachable(listen: SocketAddr) -> SocketAddr {
    let here = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    SocketAddr::new(here, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_asked_here() {
        for (listen, asked) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("192.0.2.1:8080", "192.0.2.1:8080"),
        ] {
            let (listen, asked): (SocketAddr, SocketAddr) = (
                listen.parse().expect("an address"),
                asked.parse().expect("an address"),
            );
            assert_eq!(reachable(listen), asked);
        }
    }
}
