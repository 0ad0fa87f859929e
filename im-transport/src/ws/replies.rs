//! Replies on their way out: gathered while there is more to do, and never without bound.

use std::{
    sync::Arc,
    task::{Context, Waker},
};

use im_core::{
    CloseReason, Code, Rejection,
    port::Outlet,
    wire::{self, Format},
};

use super::{
    codec::{Opcode, append_frame},
    encoding,
    outlet::{Mode, WsOutlet},
};
use crate::link::Link;

/// Replies are written when so many bytes have come together, even when more are to come.
const FLUSH_AT: usize = 64 * 1024;

/// What [`crate::drive`] sees of a connection while it is at work.
pub(super) struct WsLink<'a> {
    outlet: &'a Arc<WsOutlet>,
    tail: &'a mut Vec<u8>,
    waker: &'a Waker,
}

impl<'a> WsLink<'a> {
    pub(super) fn new(outlet: &'a Arc<WsOutlet>, tail: &'a mut Vec<u8>, waker: &'a Waker) -> Self {
        Self {
            outlet,
            tail,
            waker,
        }
    }

    /// Bytes that have come together and not been written.
    pub(super) fn gathered(&self) -> usize {
        self.tail.len()
    }

    /// Answers a ping.
    pub(super) fn pong(&mut self, payload: &[u8]) {
        append_frame(self.tail, Opcode::Pong, payload);
        self.bound();
    }

    /// Answers a data frame that is not of the kind that the subprotocol has.
    pub(super) fn refuse_kind(&mut self) {
        let detail = match self.format() {
            Format::Json => "this link speaks im.v1.json: send text frames",
            Format::MessagePack => "this link speaks im.v1.msgpack: send binary frames",
        };
        let rejection = Rejection::new(Code::InvalidFrame, detail);
        self.send(|format, out| wire::write_reply(format, None, &Err(rejection), out));
    }

    /// Writes what has come together once that is much, and ends the link of who lets too much wait.
    fn bound(&mut self) {
        if self.tail.len() < FLUSH_AT {
            return;
        }
        if self.outlet.is_overflowing() {
            // The peer asks and does not read. Its requests were executed; resuming tells it what came of them.
            self.tail.clear();
            self.outlet.end(CloseReason::TooSlow);
            return;
        }
        let mut cx = Context::from_waker(self.waker);
        // A failure shows again at the end of the turn.
        let _ = self.outlet.flush(self.tail, Mode::Running, &mut cx);
    }
}

impl Link for WsLink<'_> {
    fn format(&self) -> Format {
        self.outlet.format()
    }

    fn outlet(&self) -> Arc<dyn Outlet> {
        self.outlet.clone()
    }

    fn send(&mut self, write: impl FnOnce(Format, &mut Vec<u8>)) {
        let format = self.format();
        encoding::append(format, self.tail, |out| write(format, out));
        self.bound();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::ws::{
        options::Options,
        stream::Writer,
        sweeper::{Deadline, Missed},
    };

    #[tokio::test]
    async fn pongs_are_written_like_replies_when_much_has_come_together() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap());
        let writer = Writer::Tcp(near.await.unwrap().into_split().1);
        let deadline = Deadline::new(0, Duration::MAX, Missed::Heartbeat);
        let outlet = WsOutlet::new(writer, Format::Json, Arc::new(Options::default()), deadline);
        let outlet = Arc::new(outlet);
        let mut tail = vec![0; FLUSH_AT - 1];

        WsLink::new(&outlet, &mut tail, Waker::noop()).pong(b"are you there?");

        assert!(tail.is_empty(), "nothing is gathered beyond the bound");
    }
}
