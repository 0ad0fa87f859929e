//! People with an account and a session, who mean no good.

use std::io;

use serde_json::json;
use tests::frames;

use super::{
    Ready, Target,
    links::{all_but_one, piece},
    peer::{Peer, request},
};

/// The longest message and the longest body.
const LONGEST: usize = 512 * 1024;

pub(super) async fn half(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::open(&target).await?;
    peer.write(&all_but_one(LONGEST)).await?;
    ready.tell();
    peer.wait().await
}

pub(super) async fn half_body(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::connect(target.address).await?;
    let length = format!("Content-Length: {LONGEST}");
    peer.write(head(&target, &length).as_bytes()).await?;
    peer.write(&vec![b' '; LONGEST - 1]).await?;
    ready.tell();
    peer.wait().await
}

pub(super) async fn crumbs(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::connect(target.address).await?;
    peer.write(head(&target, "Transfer-Encoding: chunked").as_bytes())
        .await?;
    peer.write("1\r\n \r\n".repeat(LONGEST / 4).as_bytes())
        .await?;
    ready.tell();
    peer.wait().await
}

pub(super) async fn fragments(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::open(&target).await?;
    peer.write(&piece(0x01, b"x")).await?;
    ready.tell();
    peer.flood(&piece(0x00, b"").repeat(64)).await
}

pub(super) async fn pings(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::open(&target).await?;
    ready.tell();
    peer.flood(&piece(0x89, &[b'x'; 125]).repeat(16)).await
}

pub(super) async fn greed(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::open(&target).await?;
    let history = json!({"conversation": target.library, "after_seq": 0, "limit": 200});
    for _ in 0..20 {
        peer.ask("message.history", &history).await?;
    }
    ready.tell();
    // And as much as it may say on top of that.
    peer.flood(&all_but_one(LONGEST)).await?;
    peer.hold().await
}

pub(super) async fn pages(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::connect(target.address).await?;
    let ask = format!(
        "GET /v1/conversations/{}/messages?after_seq=0&limit=200 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        target.library, target.token
    );
    peer.write(ask.repeat(20).as_bytes()).await?;
    ready.tell();
    peer.hold().await
}

pub(super) async fn talk(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::open(&target).await?;
    let mut frames = Vec::new();
    for _ in 0..8 {
        let content = json!({"kind": "custom", "name": "x", "data": "x".repeat(60 * 1024)});
        let key = uuid::Uuid::new_v4().to_string();
        let say = json!({"conversation": target.library, "client_id": key, "content": content});
        frames::append(
            frames::TEXT,
            request("message.send", &say).as_bytes(),
            &mut frames,
        );
    }
    ready.tell();
    peer.write(&frames).await?;
    peer.hold().await
}

pub(super) async fn deaf(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::open(&target).await?;
    // Each of the others hears it, and nobody listens.
    let content = json!({"kind": "custom", "name": "x", "data": "x".repeat(4 * 1024)});
    let key = uuid::Uuid::new_v4().to_string();
    let say = json!({"conversation": target.library, "client_id": key, "content": content});
    peer.ask("message.send", &say).await?;
    ready.tell();
    peer.hold().await
}

fn head(target: &Target, more: &str) -> String {
    format!(
        "POST /v1/sync HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n{more}\r\n\r\n",
        target.token
    )
}
