//! The end of a connection: why, the last frame, and how long to wait for the other side.

use std::{
    future::Future as _,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use im_core::CloseReason;
use tokio::time::{Sleep, sleep};

use super::{
    framing::{Broken, Decode, Fed as _, Framing, Piece},
    outlet::{LinkOutlet, Mode},
    scratch::Scratch,
    stream::Reader,
};
use crate::close;

/// Why a connection ends.
#[derive(Debug)]
pub(super) enum End {
    /// The stream broke or ended without a word.
    Gone,
    /// The peer closes, with this code if any.
    Peer(Option<u16>),
    /// The peer broke the framing.
    Broken(Broken),
    /// The engine or this side has a reason.
    Reason(CloseReason),
}

impl End {
    pub(super) fn reason(&self) -> CloseReason {
        match self {
            Self::Gone => CloseReason::IdleTimeout,
            Self::Peer(_) => CloseReason::Asked,
            Self::Broken(_) => CloseReason::ProtocolError,
            Self::Reason(reason) => *reason,
        }
    }

    /// Appends the last frame; `false` when there is nobody to send it to.
    fn append<F: Framing>(&self, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Gone => return false,
            Self::Peer(code) => F::append_close(out, *code, ""),
            Self::Broken(broken) => F::append_close(out, Some(broken.code), &broken.reason),
            Self::Reason(reason) => {
                F::append_close(out, Some(close::code_of(*reason)), &reason.to_string());
            }
        }
        true
    }
}

/// A connection that is about to end.
pub(super) struct Farewell {
    /// Whether everything was written and the peer told that nothing more comes.
    finished: bool,
    peer_closed: bool,
    // A timer of its own is affordable: few connections end at a time.
    sleep: Pin<Box<Sleep>>,
}

impl Farewell {
    /// Appends the last frame to what is still to be written; `None` when the connection is over already.
    pub(super) fn begin<F: Framing>(end: &End, span: Duration, tail: &mut Vec<u8>) -> Option<Self> {
        end.append::<F>(tail).then(|| Self {
            finished: false,
            peer_closed: matches!(end, End::Peer(_)),
            sleep: Box::pin(sleep(span)),
        })
    }

    /// Writes what is left, then waits for the peer's last frame or the end of its stream, but not for long.
    ///
    /// What the peer still sends is read and forgotten: closing a socket with unread bytes would reset the connection,
    /// and the peer might lose our last words.
    pub(super) fn poll(
        &mut self,
        outlet: &LinkOutlet,
        reader: &mut Reader,
        decoder: &mut impl Decode,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
    ) -> Poll<()> {
        match outlet.flush(&mut scratch.write, Mode::Running, cx) {
            Poll::Ready(Err(_)) => return Poll::Ready(()),
            Poll::Ready(Ok(())) if !self.finished => {
                self.finished = self.peer_closed || outlet.writer().poll_finish(cx).is_ready();
            }
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        while !(self.finished && self.peer_closed) {
            match reader.poll_read(cx, &mut scratch.read) {
                Poll::Pending => return self.sleep.as_mut().poll(cx),
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(count)) => {
                    let mut pieces = decoder.feed(&mut scratch.read[..count]);
                    while let Ok(Some(piece)) = pieces.next_piece() {
                        self.peer_closed |= matches!(piece, Piece::Close(_));
                    }
                }
            }
        }
        Poll::Ready(())
    }
}
