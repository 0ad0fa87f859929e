//! Replies on their way out: gathered while there is more to do, and never without bound.

use std::{
    marker::PhantomData,
    sync::Arc,
    task::{Context, Waker},
};

use im_core::{
    CloseReason, Code, Rejection,
    port::Outlet,
    wire::{self, Format},
};

use super::{
    Link,
    framing::Framing,
    outlet::{LinkOutlet, Mode},
};

/// Replies are written when so many bytes have come together, even when more are to come.
const FLUSH_AT: usize = 64 * 1024;

/// What [`crate::drive`] sees of a connection while it is at work.
pub(super) struct Replies<'a, F> {
    format: Format,
    framing: PhantomData<F>,
    outlet: &'a Arc<LinkOutlet>,
    tail: &'a mut Vec<u8>,
    waker: &'a Waker,
}

impl<'a, F: Framing> Replies<'a, F> {
    pub(super) fn new(
        outlet: &'a Arc<LinkOutlet>,
        format: Format,
        tail: &'a mut Vec<u8>,
        waker: &'a Waker,
    ) -> Self {
        Self {
            format,
            framing: PhantomData,
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
        F::append_pong(self.tail, payload);
        self.bound();
    }

    /// Answers a frame that is in another format than the link.
    pub(super) fn refuse_format(&mut self) {
        let detail = match self.format {
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
        let mut cx = Context::from_waker(self.waker);
        if self.outlet.is_overflowing(self.tail.len()) {
            // Unless it can go by now.
            let _ = self.outlet.flush(&mut Vec::new(), Mode::Running, &mut cx);
        }
        if self.outlet.is_overflowing(self.tail.len()) {
            // The peer asks and does not read. Its requests were executed; resuming tells it what came of them.
            self.tail.clear();
            self.outlet.end(CloseReason::TooSlow);
            return;
        }
        // A failure shows again at the end of the turn.
        let _ = self.outlet.flush(self.tail, Mode::Running, &mut cx);
    }
}

impl<F: Framing> Link for Replies<'_, F> {
    fn format(&self) -> Format {
        self.format
    }

    fn outlet(&self) -> Arc<dyn Outlet> {
        self.outlet.clone()
    }

    fn send(&mut self, write: impl FnOnce(Format, &mut Vec<u8>)) {
        let format = self.format;
        F::append(format, self.tail, |out| write(format, out));
        self.bound();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::{
        Bounds,
        link::{
            stream,
            sweeper::{Deadline, Missed},
        },
        tcp::framing::Framing as Tcp,
    };

    #[tokio::test]
    async fn pongs_are_written_like_replies_when_much_has_come_together() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap());
        let (_, writer) = stream::socket(near.await.unwrap());
        let deadline = Deadline::new(0, Duration::MAX, Missed::Heartbeat);
        let format = Format::MessagePack;
        let encoding = Tcp::encoding(format);
        let outlet = LinkOutlet::new(writer, encoding, Arc::new(Bounds::default()), deadline);
        let outlet = Arc::new(outlet);
        let mut tail = vec![0; FLUSH_AT - 1];

        Replies::<Tcp>::new(&outlet, format, &mut tail, Waker::noop()).pong(b"");

        assert!(tail.is_empty(), "nothing is gathered beyond the bound");
    }
}
