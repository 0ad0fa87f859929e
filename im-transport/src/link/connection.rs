//! One connection after its handshakes: a task that reads, asks, answers, and ends in order.
//!
//! While nothing happens it owns no buffer and no timer. Requests are [`crate::drive`]'s, pushes are
//! [`super::outlet`]'s, last words are [`super::farewell`]'s.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf as _, BytesMut};
use im_core::{CloseReason, wire::Format};

use super::{
    door::{Door, Place},
    farewell::{End, Farewell},
    framing::{Decode as _, Fed as _, Framing, Piece},
    outlet::{LinkOutlet, Mode},
    replies::Replies,
    scratch::{self, Scratch},
    stream::Reader,
    sweeper::{Deadline, Missed},
};
use crate::drive::{Credential, Drive, Flow};

/// Bytes read at once from a peer that has not authenticated: what it may make us keep is little.
const READ_BEFORE_OPEN: usize = 16 * 1024;

/// Bytes of replies that may wait for a peer that has not authenticated: some refusals, which are short.
const QUEUE_BEFORE_OPEN: usize = 8 * 1024;

// There is one of each per connection, so their sizes are part of what an idle connection costs.
pub(crate) const MAX_SIZE: usize = 384;
const _: () = assert!(size_of::<LinkOutlet>() <= 192);

/// The task of one connection.
pub(crate) struct Connection<F: Framing> {
    /// Bytes that were read and have to wait: for the session to open, or for running requests.
    backlog: BytesMut,
    /// Since when something waits of which the socket takes nothing.
    blocked_since_ms: Option<u64>,
    decoder: F::Decoder,
    drive: Drive,
    farewell: Option<Box<Farewell>>,
    format: Format,
    idle_frames: Budget,
    /// When the peer was last heard; when it came, as long as its session is not open.
    heard_ms: u64,
    /// Since when a message is half-read.
    message_since_ms: Option<u64>,
    outlet: Arc<LinkOutlet>,
    place: Place,
    reader: Reader,
}

/// What a connection begins with.
pub(crate) struct Opening<'a> {
    pub(crate) credential: Credential,
    /// Bytes that came with the handshake.
    pub(crate) early: &'a [u8],
    pub(crate) format: Format,
}

/// Why reading stopped.
enum Read {
    /// There is nothing more, and the task will be woken.
    Drained,
    /// Something must be done first.
    Paused,
}

impl<F: Framing> Connection<F> {
    pub(super) fn new(
        place: Place,
        outlet: Arc<LinkOutlet>,
        reader: Reader,
        opening: Opening<'_>,
    ) -> Self {
        let door = place.door();
        let bounds = &door.bounds;
        let decoder = F::decoder(bounds.max_message_before_open);
        let drive = Drive::new(door.im.clone(), opening.credential, bounds.in_flight);
        let now_ms = door.sweeper.now_ms();
        Self {
            backlog: BytesMut::from(opening.early),
            blocked_since_ms: None,
            decoder,
            drive,
            farewell: None,
            format: opening.format,
            idle_frames: Budget::default(),
            heard_ms: now_ms,
            message_since_ms: None,
            outlet,
            place,
            reader,
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Poll<()> {
        let asked = self.outlet.begin(cx.waker());
        if self.farewell.is_none() {
            let Some(end) = self.work(cx, scratch, asked.map(End::Reason)) else {
                return Poll::Pending;
            };
            // The session ends here, whatever becomes of its last words.
            self.drive.end();
            self.backlog = BytesMut::new();
            self.outlet.end(end.reason());
            let span = self.place.door().bounds.close_timeout;
            let Some(farewell) = Farewell::begin::<F>(&end, span, &mut scratch.write) else {
                self.outlet.writer().abort();
                return Poll::Ready(());
            };
            self.farewell = Some(Box::new(farewell));
        }
        let Some(farewell) = &mut self.farewell else {
            return Poll::Ready(());
        };
        let done = farewell.poll(
            &self.outlet,
            &mut self.reader,
            &mut self.decoder,
            cx,
            scratch,
        );
        if done.is_ready() {
            self.outlet.writer().abort();
        }
        done
    }

    /// Does all there is to do, and tells whether the link has to end.
    fn work(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
        mut end: Option<End>,
    ) -> Option<End> {
        loop {
            let read = match end {
                None => self.read(cx, scratch),
                Some(end) => Err(end),
            };
            let paused = matches!(read, Ok(Read::Paused));
            end = read.err();
            let (tail, waker) = (&mut scratch.write, cx.waker());
            let mut link = Replies::<F>::new(&self.outlet, self.format, tail, waker);
            match self.drive.poll(&mut link, cx) {
                Flow::Continue | Flow::Wasted => {}
                Flow::Opened => self.opened(&mut scratch.write),
                Flow::Close(reason) => end = end.or(Some(End::Reason(reason))),
            }
            let mode = self.mode();
            if let Poll::Ready(Err(error)) = self.outlet.flush(&mut scratch.write, mode, cx) {
                tracing::debug!("a connection broke: {error}");
                return Some(End::Gone);
            }
            if end.is_some() {
                return end;
            }
            if !(paused && self.may_read(0)) {
                break;
            }
        }
        // What it does not read, has half said, and has asked for, is held together.
        let held = self.decoder.buffered() + self.drive.in_flight_bytes();
        if self.outlet.is_overflowing(held) {
            return Some(End::Reason(CloseReason::TooSlow));
        }
        let settled = self.outlet.settle();
        if settled.progressed || settled.queued == 0 {
            self.blocked_since_ms = None;
        }
        let deadline = self.deadline(settled.queued);
        self.outlet.set_deadline(deadline);
        settled.closing.map(End::Reason)
    }

    fn read(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Result<Read, End> {
        while self.may_read(scratch.write.len()) {
            if !self.backlog.is_empty() {
                let mut bytes = std::mem::take(&mut self.backlog);
                let used = self.decode(&mut bytes, cx, &mut scratch.write)?;
                bytes.advance(used);
                if !bytes.is_empty() {
                    self.backlog = bytes;
                }
                continue;
            }
            let is_open = self.drive.session().is_some();
            let size = if is_open {
                scratch.read.len()
            } else {
                READ_BEFORE_OPEN
            };
            let bytes = &mut scratch.read[..size];
            let count = match self.reader.poll_read(cx, bytes) {
                Poll::Pending => return Ok(Read::Drained),
                Poll::Ready(Ok(0) | Err(_)) => return Err(End::Gone),
                Poll::Ready(Ok(count)) => count,
            };
            if is_open {
                self.heard_ms = self.place.door().sweeper.now_ms();
            }
            let used = self.decode(&mut bytes[..count], cx, &mut scratch.write)?;
            if used < count {
                self.backlog = BytesMut::from(&bytes[used..count]);
            }
        }
        Ok(Read::Paused)
    }

    /// Takes frames until there are no more or one must be waited for, and tells how many bytes that took.
    fn decode(
        &mut self,
        bytes: &mut [u8],
        cx: &mut Context<'_>,
        tail: &mut Vec<u8>,
    ) -> Result<usize, End> {
        let total = bytes.len();
        let mut link = Replies::<F>::new(&self.outlet, self.format, tail, cx.waker());
        let mut pieces = self.decoder.feed(bytes);
        while let Some(piece) = pieces.next_piece().map_err(End::Broken)? {
            let flow = match piece {
                Piece::Close(code) => return Err(End::Peer(code)),
                Piece::Ping(payload) => {
                    link.pong(payload);
                    Flow::Wasted
                }
                Piece::Pong => Flow::Wasted,
                Piece::Frame(format, frame) if format == self.format => {
                    self.message_since_ms = None;
                    self.drive.handle_frame(frame, &mut link, cx)
                }
                Piece::Frame(..) => {
                    self.message_since_ms = None;
                    link.refuse_format();
                    Flow::Wasted
                }
            };
            let rest = pieces.rest();
            match flow {
                Flow::Continue => {}
                Flow::Opened => {
                    drop(pieces);
                    self.opened(tail);
                    return Ok(total - rest);
                }
                Flow::Wasted => {
                    let door = self.place.door();
                    let now_ms = door.sweeper.now_ms();
                    if !self.idle_frames.spend(now_ms, door.idle_frames) {
                        return Err(End::Reason(CloseReason::ProtocolError));
                    }
                }
                Flow::Close(reason) => return Err(End::Reason(reason)),
            }
            let gathered = link.gathered();
            if !may_ask(&self.drive, &self.outlet, self.place.door(), gathered) {
                return Ok(total - rest);
            }
        }
        Ok(total)
    }

    /// Gives the peer what the authenticated get. The reply that says so, which is the last of `tail`, leaves before what
    /// was pushed to the session meanwhile.
    fn opened(&mut self, tail: &mut Vec<u8>) {
        self.outlet.put_before_pushes(tail);
        self.place.opened();
        let door = self.place.door();
        self.decoder.set_max_message(door.bounds.max_message);
        self.heard_ms = door.sweeper.now_ms();
    }

    fn may_read(&self, gathered: usize) -> bool {
        may_ask(&self.drive, &self.outlet, self.place.door(), gathered)
    }

    fn mode(&self) -> Mode {
        if self.drive.is_opening() {
            Mode::Opening
        } else if self.drive.is_busy() {
            Mode::Busy
        } else {
            Mode::Idle
        }
    }

    /// The first moment at which something is overdue.
    fn deadline(&mut self, queued: usize) -> Deadline {
        let door = self.place.door();
        let bounds = &door.bounds;
        let mut deadline = match self.drive.session() {
            None => Deadline::new(self.heard_ms, bounds.open_timeout, Missed::Heartbeat),
            Some(session) => {
                let span = bounds.silence(Duration::from_millis(session.heartbeat_ms));
                Deadline::new(self.heard_ms, span, Missed::Heartbeat)
            }
        };
        if self.decoder.is_idle() {
            self.message_since_ms = None;
        } else {
            let now_ms = door.sweeper.now_ms();
            let since_ms = *self.message_since_ms.get_or_insert(now_ms);
            let span = bounds.message_timeout;
            deadline = deadline.min(Deadline::new(since_ms, span, Missed::Progress));
        }
        if queued > 0 {
            let now_ms = door.sweeper.now_ms();
            let since_ms = *self.blocked_since_ms.get_or_insert(now_ms);
            let span = bounds.write_timeout;
            deadline = deadline.min(Deadline::new(since_ms, span, Missed::Progress));
        }
        deadline
    }
}

impl<F: Framing> Future for Connection<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        scratch::with(|scratch| self.turn(cx, scratch))
    }
}

/// Whether the peer may ask for more: not beyond what runs at a time, and not before it has read its replies, of which
/// `gathered` bytes have not been offered to the socket yet.
fn may_ask(drive: &Drive, outlet: &LinkOutlet, door: &Door, gathered: usize) -> bool {
    let bound = match drive.session() {
        Some(_) => door.bounds.queue_bytes,
        None => door.bounds.queue_bytes.min(QUEUE_BEFORE_OPEN),
    };
    drive.is_ready() && outlet.queued() + gathered < bound
}

/// How many frames that ask for nothing a peer may still send.
#[derive(Debug, Default)]
struct Budget {
    /// The lower half of the clock: whether it has moved is all that matters.
    since_ms: u32,
    spent: u32,
}

impl Budget {
    /// Spends one of `limit` per tick of the clock; `false` when there is none left.
    fn spend(&mut self, now_ms: u64, limit: u32) -> bool {
        let since_ms = now_ms as u32;
        if self.since_ms != since_ms {
            *self = Self { since_ms, spent: 0 };
        }
        self.spent += 1;
        self.spent <= limit
    }
}
