//! RFC 6455 as the framing of a link.

use im_core::{port::Encoding, wire::Format};

use super::{
    codec::{
        Decoder, Limits, Message, Messages, Opcode, ProtocolError, Role, append_close, append_frame,
    },
    encoding,
};
use crate::link::{
    connection::{Connection, MAX_SIZE},
    framing::{self, Broken, Decode, Fed, Piece},
};

/// WebSocket, as a server speaks it.
pub(crate) struct Framing;

const _: () = assert!(size_of::<Connection<Framing>>() <= MAX_SIZE);

impl framing::Framing for Framing {
    type Decoder = Decoder;

    fn decoder(max_message: u32) -> Decoder {
        Decoder::new(Limits::for_messages(max_message), Role::Server)
    }

    fn encoding(format: Format) -> &'static Encoding {
        encoding::encoding(format)
    }

    fn append(format: Format, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        encoding::append(format, out, write);
    }

    fn append_pong(out: &mut Vec<u8>, payload: &[u8]) {
        append_frame(out, Opcode::Pong, payload);
    }

    fn append_close(out: &mut Vec<u8>, code: Option<u16>, reason: &str) {
        match code {
            Some(code) => append_close(out, code, reason),
            None => append_frame(out, Opcode::Close, b""),
        }
    }
}

impl Decode for Decoder {
    type Fed<'a> = Messages<'a>;

    fn feed<'a>(&'a mut self, bytes: &'a mut [u8]) -> Messages<'a> {
        Self::feed(self, bytes)
    }

    fn buffered(&self) -> usize {
        Self::buffered(self)
    }

    fn is_idle(&self) -> bool {
        Self::is_idle(self)
    }

    fn set_max_message(&mut self, max_message: u32) {
        self.set_limits(Limits::for_messages(max_message));
    }
}

impl Fed for Messages<'_> {
    fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Broken> {
        let message = self.next_message()?;
        Ok(message.map(|message| match message {
            Message::Binary(bytes) => Piece::Frame(Format::MessagePack, bytes),
            Message::Close(frame) => Piece::Close(frame.map(|frame| frame.code)),
            Message::Ping(payload) => Piece::Ping(payload),
            Message::Pong(_) => Piece::Pong,
            Message::Text(text) => Piece::Frame(Format::Json, text.as_bytes()),
        }))
    }

    fn rest(&self) -> usize {
        Self::rest(self).len()
    }
}

impl From<ProtocolError> for Broken {
    fn from(error: ProtocolError) -> Self {
        Self {
            code: error.close_code(),
            reason: error.to_string(),
        }
    }
}
