//! WebSockets on which no session is open.

use std::io;

use serde_json::json;
use tests::frames;

use super::{
    Ready, Target,
    peer::{Peer, request},
};

/// The longest message before a session is open.
const LONGEST: usize = 8 * 1024;

/// A text that goes on.
const OPEN: u8 = 0x01;
/// More of it.
const MORE: u8 = 0x00;

pub(super) async fn silence(target: Target, ready: Ready) -> io::Result<()> {
    let peer = Peer::upgrade(&target).await?;
    ready.tell();
    peer.wait().await
}

pub(super) async fn half(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::upgrade(&target).await?;
    peer.write(&all_but_one(LONGEST)).await?;
    ready.tell();
    peer.wait().await
}

pub(super) async fn trickle(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::upgrade(&target).await?;
    // The end of it in pieces, so that each is a read of its own.
    let frame = all_but_one(LONGEST);
    let (first, last) = frame.split_at(frame.len() - 64);
    peer.write(first).await?;
    for byte in last {
        peer.write(&[*byte]).await?;
        tokio::task::yield_now().await;
    }
    ready.tell();
    peer.wait().await
}

pub(super) async fn fragments(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::upgrade(&target).await?;
    peer.write(&piece(OPEN, b"x")).await?;
    ready.tell();
    peer.flood(&piece(MORE, b"").repeat(64)).await
}

pub(super) async fn unfinished(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::upgrade(&target).await?;
    let mut bytes = piece(OPEN, b"x");
    bytes.extend(piece(MORE, b"xxxxxxx").repeat(1_000));
    peer.write(&bytes).await?;
    ready.tell();
    peer.wait().await
}

pub(super) async fn lie(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::upgrade(&target).await?;
    let mut head = vec![0x81, 0x80 | 127];
    head.extend((u64::MAX >> 1).to_be_bytes());
    head.extend([0; 4]);
    peer.write(&head).await?;
    ready.tell();
    peer.flood(&[b'x'; 4096]).await
}

pub(super) async fn pings(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::upgrade(&target).await?;
    ready.tell();
    peer.flood(&piece(0x89, &[b'x'; 125]).repeat(16)).await
}

pub(super) async fn strangers(target: Target, ready: Ready) -> io::Result<()> {
    let mut peer = Peer::upgrade(&target).await?;
    let mut frame = Vec::new();
    frames::append(
        frames::TEXT,
        request("session.ping", &json!({})).as_bytes(),
        &mut frame,
    );
    ready.tell();
    peer.flood(&frame.repeat(16)).await
}

/// A frame of this length without its last byte.
pub(super) fn all_but_one(length: usize) -> Vec<u8> {
    let mut frame = Vec::new();
    frames::append(frames::TEXT, &vec![b' '; length], &mut frame);
    frame.pop();
    frame
}

/// A short frame with any first byte, masked with zeroes.
pub(super) fn piece(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}
