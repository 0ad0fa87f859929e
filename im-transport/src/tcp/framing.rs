//! Lengths before frames as the framing of a link.

use im_core::{
    CloseReason, Push,
    port::Encoding,
    wire::{self, Format},
};

use super::codec::{self, Decoder, Frames, TooLarge};
use crate::{
    close,
    link::{
        connection::{Connection, MAX_SIZE},
        framing::{self, Broken, Decode, Fed, Piece},
    },
};

/// TCP, as a server speaks it. The format is always MessagePack.
pub(crate) struct Framing;

const _: () = assert!(size_of::<Connection<Framing>>() <= MAX_SIZE);

/// Slots 0 and 1 of [`im_core::port::Broadcast`] are the WebSocket's.
static ENCODING: Encoding = Encoding {
    slot: 3,
    write: append_pushes,
};

fn append_pushes(pushes: &[Push], out: &mut Vec<u8>) {
    for push in pushes {
        codec::append(out, |out| wire::write_push(Format::MessagePack, push, out));
    }
}

impl framing::Framing for Framing {
    type Decoder = Decoder;

    fn decoder(max_message: u32) -> Decoder {
        Decoder::new(max_message)
    }

    fn encoding(_: Format) -> &'static Encoding {
        &ENCODING
    }

    fn append(_: Format, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        codec::append(out, write);
    }

    fn append_pong(out: &mut Vec<u8>, _: &[u8]) {
        codec::append(out, |_| {});
    }

    fn append_close(out: &mut Vec<u8>, code: Option<u16>, reason: &str) {
        if let Some(code) = code {
            codec::append_last(out, code, reason);
        }
    }
}

impl Decode for Decoder {
    type Fed<'a> = Frames<'a>;

    fn feed<'a>(&'a mut self, bytes: &'a mut [u8]) -> Frames<'a> {
        Self::feed(self, bytes)
    }

    fn buffered(&self) -> usize {
        Self::buffered(self)
    }

    fn is_idle(&self) -> bool {
        Self::is_idle(self)
    }

    fn set_max_message(&mut self, max_message: u32) {
        self.set_max(max_message);
    }
}

impl Fed for Frames<'_> {
    fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Broken> {
        let frame = self.next_frame()?;
        Ok(frame.map(|frame| match frame {
            [] => Piece::Ping(frame),
            [..] => Piece::Frame(Format::MessagePack, frame),
        }))
    }

    fn rest(&self) -> usize {
        Self::rest(self)
    }
}

impl From<TooLarge> for Broken {
    fn from(error: TooLarge) -> Self {
        Self {
            code: close::code_of(CloseReason::TooLarge),
            reason: error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use im_core::{
        SessionClosing,
        port::{Broadcast, Urgency},
        wire::Incoming,
    };

    use super::*;

    #[test]
    fn a_batch_is_one_frame_for_each_push() {
        let push = |retry_after_ms| {
            Push::SessionClosing(SessionClosing {
                reason: CloseReason::GoingAway,
                retry_after_ms,
            })
        };
        let broadcast = Broadcast::new(Urgency::Control, vec![push(1), push(2)]);

        let bytes = broadcast.bytes(&ENCODING);

        let mut decoder = Decoder::new(1_000);
        let mut frames = decoder.feed(&bytes);
        for n in 1..=2 {
            let frame = frames.next_frame().unwrap().unwrap();
            let read = Incoming::read(Format::MessagePack, frame).unwrap();
            assert_eq!(read, Incoming::Push(push(n)));
        }
        assert_eq!(frames.next_frame(), Ok(None));
    }
}
