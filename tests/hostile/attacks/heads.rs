//! Before there is a request.

use std::io;

use super::{Ready, Target, peer::Peer};

/// A little less than the longest head.
const HALF: usize = 15 * 1024;

pub(super) async fn silence(target: Target, ready: Ready) -> io::Result<()> {
    let peer = Peer::connect(target.address).await?;
    ready.tell();
    peer.wait().await
}

pub(super) async fn half(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::connect(target.address).await?;
    let head = format!(
        "GET /v1/ws HTTP/1.1\r\nHost: x\r\nX-Long: {}",
        "x".repeat(HALF)
    );
    peer.write(head.as_bytes()).await?;
    ready.tell();
    peer.wait().await
}

pub(super) async fn endless(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::connect(target.address).await?;
    peer.write(b"GET /v1/ws HTTP/1.1\r\nHost: x\r\n").await?;
    ready.tell();
    let line = format!("X-Long: {}\r\n", "x".repeat(1_000));
    peer.flood(line.as_bytes()).await
}

pub(super) async fn pipeline(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::connect(target.address).await?;
    let asks = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    peer.write(asks.as_bytes()).await?;
    ready.tell();
    peer.flood(asks.as_bytes()).await?;
    peer.hold().await
}
