//! How a client's frames are bytes on each kind of link.

use im_core::wire::Format;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::{
    link::framing::{Broken, Fed as _, Piece},
    tcp,
    ws::{
        codec::{self, Limits, Opcode, Role, append_masked_frame},
        encoding,
    },
};

/// Longest message from a server. A page has about 1 MiB, but servers can be told otherwise.
const MAX_MESSAGE: u32 = 32 * 1024 * 1024;

/// The writing half.
pub(crate) enum Framing {
    Tcp,
    WebSocket(Masks),
}

/// The reading half.
pub(super) enum Decoder {
    Tcp(tcp::codec::Decoder),
    WebSocket(codec::Decoder),
}

impl Framing {
    pub(crate) fn web_socket() -> Self {
        Self::WebSocket(Masks::default())
    }

    pub(super) fn decoder(&self) -> Decoder {
        match self {
            Self::Tcp => Decoder::Tcp(tcp::codec::Decoder::new(MAX_MESSAGE)),
            Self::WebSocket(_) => {
                let limits = Limits::for_messages(MAX_MESSAGE);
                Decoder::WebSocket(codec::Decoder::new(limits, Role::Client))
            }
        }
    }

    pub(super) fn append(&mut self, format: Format, out: &mut Vec<u8>, frame: &[u8]) {
        match self {
            Self::Tcp => tcp::codec::append(out, |out| out.extend_from_slice(frame)),
            Self::WebSocket(masks) => {
                append_masked_frame(out, encoding::opcode(format), masks.next(), frame);
            }
        }
    }

    pub(super) fn append_ping(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Tcp => tcp::codec::append(out, |_| {}),
            Self::WebSocket(masks) => append_masked_frame(out, Opcode::Ping, masks.next(), b""),
        }
    }

    /// Answers a ping, which servers send over WebSocket alone.
    pub(super) fn append_pong(&mut self, out: &mut Vec<u8>, payload: &[u8]) {
        match self {
            Self::Tcp => {}
            Self::WebSocket(masks) => {
                append_masked_frame(out, Opcode::Pong, masks.next(), payload);
            }
        }
    }

    /// Says that nothing more comes from here. Over TCP the end of the stream does.
    pub(super) fn append_close(&mut self, out: &mut Vec<u8>, code: Option<u16>) {
        match self {
            Self::Tcp => {}
            Self::WebSocket(masks) => {
                let payload = code.map(u16::to_be_bytes);
                let payload = payload.as_ref().map_or(&[][..], |code| code);
                append_masked_frame(out, Opcode::Close, masks.next(), payload);
            }
        }
    }
}

impl Decoder {
    /// Hands the pieces of `bytes` to `take` until it breaks off.
    ///
    /// # Errors
    /// What the server did wrong.
    pub(super) fn feed(
        &mut self,
        bytes: &mut [u8],
        mut take: impl FnMut(Piece<'_>) -> std::ops::ControlFlow<()>,
    ) -> Result<(), Broken> {
        match self {
            Self::Tcp(decoder) => {
                let mut frames = decoder.feed(bytes);
                while let Some(frame) = frames.next_frame()? {
                    if take(piece(frame)).is_break() {
                        break;
                    }
                }
            }
            Self::WebSocket(decoder) => {
                let mut messages = decoder.feed(bytes);
                while let Some(piece) = messages.next_piece()? {
                    if take(piece).is_break() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What a server's frame is to a client: there an empty one is an answer, and there is a last one.
fn piece(frame: &[u8]) -> Piece<'_> {
    if frame.is_empty() {
        return Piece::Pong;
    }
    match tcp::codec::last_code(frame) {
        Some(code) => Piece::Close(Some(code)),
        None => Piece::Frame(Format::MessagePack, frame),
    }
}

/// Mask keys, fresh and unpredictable for each frame (RFC 6455, 5.3), at one system call for 16 of them.
#[derive(Default)]
pub(crate) struct Masks {
    left: usize,
    pool: [[u8; 4]; 16],
}

impl Masks {
    fn next(&mut self) -> [u8; 4] {
        if self.left == 0 {
            let random = SystemRandom::new();
            for key in &mut self.pool {
                // Without randomness the last keys serve again: masks protect proxies from scripts in browsers, and
                // this is none.
                let _ = random.fill(key);
            }
            self.left = self.pool.len();
        }
        self.left -= 1;
        self.pool[self.left]
    }
}
