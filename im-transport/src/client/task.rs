//! The task of a link: it reads, answers pings, keeps the session, and closes the socket.

use std::{
    future::Future,
    ops::ControlFlow,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use im_core::CloseReason;
use tokio::time::{Instant, Sleep, sleep};

use super::{
    framing::{Decoder, Framing},
    shared::Shared,
};
use crate::{
    close,
    link::{
        framing::Piece,
        scratch::{self, Scratch},
        stream::Reader,
    },
};

/// How long closing may take.
const CLOSE: Duration = Duration::from_secs(2);

pub(super) struct Task {
    decoder: Decoder,
    early: Vec<u8>,
    heard: Instant,
    heartbeat: Duration,
    reader: Reader,
    shared: Arc<Shared>,
    stage: Stage,
    /// The next heartbeat; when closing, the end of patience.
    timer: Pin<Box<Sleep>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Open,
    /// The last frame is sent, or waits to be. What the server still says is not looked at.
    Closing {
        server_closed: bool,
    },
}

impl Task {
    pub(super) fn new(shared: Arc<Shared>, decoder: Decoder, reader: Reader, early: &[u8]) -> Self {
        let heartbeat = shared.heartbeat();
        Self {
            decoder,
            early: early.to_vec(),
            heard: Instant::now(),
            heartbeat,
            reader,
            shared,
            stage: Stage::Open,
            timer: Box::pin(sleep(heartbeat)),
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Poll<()> {
        self.shared.task.register(cx.waker());
        if self.stage == Stage::Open && self.read(cx, scratch).is_err() {
            return self.finish(CloseReason::IdleTimeout);
        }
        if self.stage == Stage::Open {
            self.keep_alive(cx);
        }
        if self.stage == Stage::Open
            && let Some(reason) = self.shared.over()
        {
            self.close(Some(close::code_of(reason)), false);
        }
        match self.shared.poll_flush(cx) {
            Poll::Ready(Err(_)) => return self.finish(CloseReason::IdleTimeout),
            Poll::Ready(Ok(())) => match self.stage {
                Stage::Open => {}
                Stage::Closing {
                    server_closed: true,
                } => return self.finish(CloseReason::Asked),
                Stage::Closing {
                    server_closed: false,
                } => self.say_that_all_is_said(cx),
            },
            Poll::Pending => {}
        }
        if self.stage == Stage::Open {
            return Poll::Pending;
        }
        self.drain(cx, scratch)
    }

    /// Reads what is there. `Err` when the stream is over.
    fn read(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Result<(), ()> {
        if !self.early.is_empty() {
            let mut early = std::mem::take(&mut self.early);
            self.decode(&mut early);
        }
        while self.stage == Stage::Open {
            let count = match self.reader.poll_read(cx, &mut scratch.read) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0) | Err(_)) => return Err(()),
                Poll::Ready(Ok(count)) => count,
            };
            self.heard = Instant::now();
            self.decode(&mut scratch.read[..count]);
        }
        Ok(())
    }

    fn decode(&mut self, bytes: &mut [u8]) {
        let mut pushed = false;
        let mut end = None;
        let shared = &self.shared;
        let fed = self.decoder.feed(bytes, |piece| {
            let handled = match piece {
                Piece::Frame(format, frame) if format == shared.format() => {
                    pushed = true;
                    shared.handle_frame(frame)
                }
                Piece::Frame(..) => Err(CloseReason::ProtocolError),
                Piece::Ping(payload) => {
                    shared.send_control(|framing, out| framing.append_pong(out, payload));
                    Ok(())
                }
                Piece::Pong => Ok(()),
                Piece::Close(code) => {
                    end = Some((close::reason_of(code), code, true));
                    return ControlFlow::Break(());
                }
            };
            if let Err(reason) = handled {
                end = Some((reason, Some(close::code_of(reason)), false));
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        if let Err(broken) = fed {
            tracing::warn!("the server broke the protocol: {}", broken.reason);
            end = Some((CloseReason::ProtocolError, Some(broken.code), false));
        }
        if pushed {
            self.shared.news.notify_waiters();
        }
        if let Some((reason, code, server_closed)) = end {
            self.shared.end(reason);
            self.close(code, server_closed);
        }
    }

    /// Sends the last frame, or answers the server's.
    fn close(&mut self, code: Option<u16>, server_closed: bool) {
        self.stage = Stage::Closing { server_closed };
        let append = |framing: &mut Framing, out: &mut Vec<u8>| framing.append_close(out, code);
        self.shared.send_control(append);
        self.timer.as_mut().reset(Instant::now() + CLOSE);
    }

    /// Where there is no frame for it, the end of the stream tells the server that nothing more comes.
    fn say_that_all_is_said(&self, cx: &mut Context<'_>) {
        match self.decoder {
            // What is not finished at once is with the next turn; nobody waits for it.
            Decoder::Tcp(_) => {
                let _ = self.shared.writer.poll_finish(cx);
            }
            Decoder::WebSocket(_) => {}
        }
    }

    /// Sends a heartbeat when it is time, and gives up on a server that answers none.
    fn keep_alive(&mut self, cx: &mut Context<'_>) {
        let heartbeat = self.shared.heartbeat();
        if heartbeat != self.heartbeat {
            self.heartbeat = heartbeat;
            // The first one earlier, so that clients which came together do not beat together.
            let first = heartbeat.mul_f32(0.5 + jitter() / 2.0);
            self.timer.as_mut().reset(Instant::now() + first);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if self.heard.elapsed() > self.heartbeat.mul_f32(2.5) {
                self.shared.end(CloseReason::IdleTimeout);
                return;
            }
            self.shared.send_control(Framing::append_ping);
            self.timer.as_mut().reset(Instant::now() + self.heartbeat);
        }
    }

    /// Waits until the server has closed too, but not for long.
    fn drain(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Poll<()> {
        loop {
            match self.reader.poll_read(cx, &mut scratch.read) {
                Poll::Ready(Ok(count)) if count > 0 => {}
                Poll::Ready(_) => return self.finish(CloseReason::Asked),
                Poll::Pending => break,
            }
        }
        match self.timer.as_mut().poll(cx) {
            Poll::Ready(()) => self.finish(CloseReason::Asked),
            Poll::Pending => Poll::Pending,
        }
    }

    fn finish(&mut self, reason: CloseReason) -> Poll<()> {
        self.shared.end(reason);
        self.shared.writer.abort();
        Poll::Ready(())
    }
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        scratch::with(|scratch| self.turn(cx, scratch))
    }
}

impl Drop for Task {
    /// Also when the runtime shuts down: nobody waits for ever.
    fn drop(&mut self) {
        self.shared.end(CloseReason::IdleTimeout);
    }
}

/// A number from 0 to 1, different for each link.
fn jitter() -> f32 {
    use std::hash::{BuildHasher as _, RandomState};
    (RandomState::new().hash_one(()) >> 40) as f32 / (1u64 << 24) as f32
}
