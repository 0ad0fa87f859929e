//! One connection after its upgrade: a task that reads, asks, answers, and ends in order.
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
    codec::{self, Decoder, Message, Role},
    farewell::{End, Farewell},
    outlet::{Mode, WsOutlet},
    replies::WsLink,
    scratch::{self, Scratch},
    server::Shared,
    stream::Reader,
    sweeper::{Deadline, Missed},
};
use crate::{
    drive::{Credential, Drive, Flow},
    link::Link,
};

/// Bytes read at once from a peer that has not authenticated: what it may make us keep is little.
const READ_BEFORE_OPEN: usize = 16 * 1024;

/// Bytes of replies that may wait for a peer that has not authenticated: some refusals, which are short.
const QUEUE_BEFORE_OPEN: usize = 8 * 1024;

// There is one of each per connection, so their sizes are part of what an idle connection costs.
const _: () = assert!(size_of::<Connection>() <= 384 && size_of::<WsOutlet>() <= 192);

/// The task of one connection.
pub(super) struct Connection {
    /// Bytes that were read and have to wait: for the session to open, or for running requests.
    backlog: BytesMut,
    /// Since when something waits of which the socket takes nothing.
    blocked_since_ms: Option<u64>,
    decoder: Decoder,
    drive: Drive,
    farewell: Option<Box<Farewell>>,
    idle_frames: Budget,
    /// When the peer was last heard; when it came, as long as its session is not open.
    heard_ms: u64,
    /// Since when a message is half-read.
    message_since_ms: Option<u64>,
    outlet: Arc<WsOutlet>,
    reader: Reader,
    server: Arc<Shared>,
    /// Sessions that it has had: none or one.
    sessions: usize,
}

/// Why reading stopped.
enum Read {
    /// There is nothing more, and the task will be woken.
    Drained,
    /// Something must be done first.
    Paused,
}

impl Connection {
    pub(super) fn new(
        server: Arc<Shared>,
        outlet: Arc<WsOutlet>,
        reader: Reader,
        credential: Credential,
        early: &[u8],
    ) -> Self {
        let options = &server.options;
        let limits = codec::Limits::for_messages(options.max_message_before_open);
        let now_ms = server.sweeper.now_ms();
        server.connected();
        Self {
            backlog: BytesMut::from(early),
            blocked_since_ms: None,
            decoder: Decoder::new(limits, Role::Server),
            drive: Drive::new(server.im.clone(), credential, options.in_flight),
            farewell: None,
            idle_frames: Budget::default(),
            heard_ms: now_ms,
            message_since_ms: None,
            outlet,
            reader,
            server,
            sessions: 0,
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
            let span = self.server.options.close_timeout;
            let Some(farewell) = Farewell::begin(end, span, &mut scratch.write) else {
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
            let mut link = WsLink::new(&self.outlet, &mut scratch.write, cx.waker());
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
                self.heard_ms = self.server.sweeper.now_ms();
            }
            let used = self.decode(&mut bytes[..count], cx, &mut scratch.write)?;
            if used < count {
                self.backlog = BytesMut::from(&bytes[used..count]);
            }
        }
        Ok(Read::Paused)
    }

    /// Takes messages until there are no more or one must be waited for, and tells how many bytes that took.
    fn decode(
        &mut self,
        bytes: &mut [u8],
        cx: &mut Context<'_>,
        tail: &mut Vec<u8>,
    ) -> Result<usize, End> {
        let total = bytes.len();
        let mut link = WsLink::new(&self.outlet, tail, cx.waker());
        let mut messages = self.decoder.feed(bytes);
        while let Some(message) = messages.next_message().map_err(End::Protocol)? {
            let flow = match message {
                Message::Close(frame) => return Err(End::Peer(frame.map(|frame| frame.code))),
                Message::Ping(payload) => {
                    link.pong(payload);
                    Flow::Wasted
                }
                Message::Pong(_) => Flow::Wasted,
                Message::Text(text) if link.format() == Format::Json => {
                    self.message_since_ms = None;
                    self.drive.handle_frame(text.as_bytes(), &mut link, cx)
                }
                Message::Binary(bytes) if link.format() == Format::MessagePack => {
                    self.message_since_ms = None;
                    self.drive.handle_frame(bytes, &mut link, cx)
                }
                Message::Text(_) | Message::Binary(_) => {
                    self.message_since_ms = None;
                    link.refuse_kind();
                    Flow::Wasted
                }
            };
            let rest = messages.rest().len();
            match flow {
                Flow::Continue => {}
                Flow::Opened => {
                    self.opened(tail);
                    return Ok(total - rest);
                }
                Flow::Wasted => {
                    let now_ms = self.server.sweeper.now_ms();
                    if !self.idle_frames.spend(now_ms, self.server.idle_frames) {
                        return Err(End::Reason(CloseReason::ProtocolError));
                    }
                }
                Flow::Close(reason) => return Err(End::Reason(reason)),
            }
            if !may_ask(&self.drive, &self.outlet, &self.server, link.gathered()) {
                return Ok(total - rest);
            }
        }
        Ok(total)
    }

    /// Gives the peer what the authenticated get. The reply that says so, which is the last of `tail`, leaves before what
    /// was pushed to the session meanwhile.
    fn opened(&mut self, tail: &mut Vec<u8>) {
        self.outlet.put_before_pushes(tail);
        self.sessions = 1;
        self.server.opened();
        let limits = codec::Limits::for_messages(self.server.options.max_message);
        self.decoder.set_limits(limits);
        self.heard_ms = self.server.sweeper.now_ms();
    }

    fn may_read(&self, gathered: usize) -> bool {
        may_ask(&self.drive, &self.outlet, &self.server, gathered)
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
        let options = &self.server.options;
        let mut deadline = match self.drive.session() {
            None => Deadline::new(self.heard_ms, options.open_timeout, Missed::Heartbeat),
            Some(session) => {
                let span = options.silence(Duration::from_millis(session.heartbeat_ms));
                Deadline::new(self.heard_ms, span, Missed::Heartbeat)
            }
        };
        if self.decoder.is_idle() {
            self.message_since_ms = None;
        } else {
            let now_ms = self.server.sweeper.now_ms();
            let since_ms = *self.message_since_ms.get_or_insert(now_ms);
            let span = options.message_timeout;
            deadline = deadline.min(Deadline::new(since_ms, span, Missed::Progress));
        }
        if queued > 0 {
            let now_ms = self.server.sweeper.now_ms();
            let since_ms = *self.blocked_since_ms.get_or_insert(now_ms);
            let span = options.write_timeout;
            deadline = deadline.min(Deadline::new(since_ms, span, Missed::Progress));
        }
        deadline
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        scratch::with(|scratch| self.turn(cx, scratch))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.server.gone(self.sessions);
    }
}

/// Whether the peer may ask for more: not beyond what runs at a time, and not before it has read its replies, of which
/// `gathered` bytes have not been offered to the socket yet.
fn may_ask(drive: &Drive, outlet: &WsOutlet, server: &Shared, gathered: usize) -> bool {
    let bound = match drive.session() {
        Some(_) => server.options.queue_bytes,
        None => server.options.queue_bytes.min(QUEUE_BEFORE_OPEN),
    };
    drive.is_ready() && outlet.queued() + gathered < bound
}

/// How many frames that ask for nothing a peer may still send.
#[derive(Debug, Default)]
struct Budget {
    since_ms: u64,
    spent: u32,
}

impl Budget {
    /// Spends one of `limit` per tick of the clock; `false` when there is none left.
    fn spend(&mut self, now_ms: u64, limit: u32) -> bool {
        if self.since_ms != now_ms {
            *self = Self {
                since_ms: now_ms,
                spent: 0,
            };
        }
        self.spent += 1;
        self.spent <= limit
    }
}
