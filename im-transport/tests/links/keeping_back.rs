//! A stream that keeps back what is written until it is told to let go, and has last words of its own, as TLS has.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use im_core::{Im, Push, TrustEveryone, wire::Incoming};
use im_store::MemoryStore;
use im_transport::{
    Bounds,
    ws::{Options, WebSocketServer},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, DuplexStream, ReadBuf},
    time::timeout,
};

use crate::{
    door::PATIENCE,
    opening::serve_on,
    raw::{CLOSE, Raw},
};

/// Bytes that the stream sends of its own accord at its end, more than the pipe holds.
const LAST_WORDS: usize = 600;

/// Bytes that it keeps at most.
const KEPT: usize = 64 * 1024;

struct KeepingBack {
    kept: Vec<u8>,
    pipe: DuplexStream,
    said_last_words: bool,
}

impl KeepingBack {
    fn poll_let_go(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.kept.is_empty() {
            let written = ready!(Pin::new(&mut self.pipe).poll_write(cx, &self.kept))?;
            self.kept.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for KeepingBack {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(cx, buffer)
    }
}

impl AsyncWrite for KeepingBack {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.kept.len() >= KEPT {
            ready!(self.poll_let_go(cx))?;
        }
        let taken = bytes.len().min(KEPT);
        self.kept.extend(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_let_go(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.said_last_words, true) {
            self.kept.extend([0; LAST_WORDS]);
        }
        ready!(self.poll_let_go(cx))?;
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn what_a_stream_keeps_back_arrives_to_the_last_byte() {
    let im = Im::builder(MemoryStore::new(), TrustEveryone).build();
    let bounds = Bounds {
        // Far away: the end must not come from it.
        close_timeout: Duration::from_secs(600),
        ..Bounds::default()
    };
    let options = Options {
        bounds,
        ..Options::default()
    };
    let (pipe, far) = tokio::io::duplex(512);
    let near = KeepingBack {
        kept: Vec::new(),
        pipe,
        said_last_words: false,
    };
    serve_on(near, WebSocketServer::new(im.clone(), options));
    let mut link = Raw::over(far).await;
    link.open_session("bob", "phone").await;
    let chat = im.direct("alice", "bob").await.unwrap();
    let alice = im.connect("alice", "laptop").await.unwrap();

    let sent = alice.send(&chat, "x".repeat(5_000)).await.unwrap();
    loop {
        match link.incoming().await {
            Incoming::Push(Push::Entry(entry)) if entry.seq == sent.seq => break,
            Incoming::Push(_) => {}
            other => panic!("{other:?}"),
        }
    }
    im.shut_down().await;

    while link.read().await.expect("a close frame").0 != CLOSE {}
    let mut rest = Vec::new();
    let end = timeout(PATIENCE, link.stream.read_to_end(&mut rest)).await;
    end.expect("the stream ends").unwrap();
    assert_eq!(rest, [0; LAST_WORDS]);
}
