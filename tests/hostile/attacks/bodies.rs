//! Bodies of people whom nobody knows.

use std::io;

use super::{Ready, Target, peer::Peer};

/// The longest body that is taken from somebody who is not known, and a little less.
const HALF: usize = 8 * 1024 - 16;

pub(super) async fn half(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::connect(target.address).await?;
    peer.write(head(&format!("Content-Length: {}", HALF + 1)).as_bytes())
        .await?;
    peer.write(&vec![b' '; HALF]).await?;
    ready.tell();
    peer.wait().await
}

pub(super) async fn crumbs(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::connect(target.address).await?;
    peer.write(head("Transfer-Encoding: chunked").as_bytes())
        .await?;
    peer.write("1\r\n \r\n".repeat(HALF).as_bytes()).await?;
    ready.tell();
    peer.wait().await
}

pub(super) async fn lie(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::connect(target.address).await?;
    peer.write(head("Content-Length: 999999999999").as_bytes())
        .await?;
    ready.tell();
    peer.flood(&[b' '; 4096]).await
}

fn head(more: &str) -> String {
    format!(
        "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{more}\r\n\r\n"
    )
}
