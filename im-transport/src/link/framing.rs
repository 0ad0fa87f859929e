//! How frames become bytes: all that one transport's connections have and another's have not.

use im_core::{port::Encoding, wire::Format};

/// A transport's framing, as a server speaks it. It has no state of its own; what is half-read is in its decoder.
pub(crate) trait Framing: Send + Unpin + 'static {
    /// Bytes in, pieces out.
    type Decoder: Decode;

    /// A decoder for frames of at most `max_message` bytes.
    fn decoder(max_message: u32) -> Self::Decoder;

    /// How the engine encodes pushes for a link: one frame each, several in one piece of bytes.
    fn encoding(format: Format) -> &'static Encoding;

    /// Appends one frame, whose inside `write` appends.
    fn append(format: Format, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>));

    /// Appends the answer to a ping.
    fn append_pong(out: &mut Vec<u8>, payload: &[u8]);

    /// Appends the last frame. Without a code it answers a peer that closed without one.
    fn append_close(out: &mut Vec<u8>, code: Option<u16>, reason: &str);
}

/// The receiving half of a framing. Between frames it owns no heap.
pub(crate) trait Decode: Send + Unpin + 'static {
    /// What one read of the socket holds.
    type Fed<'a>: Fed
    where
        Self: 'a;

    /// Takes what a read of the socket returned; the pieces in it are to be taken out until there are no more.
    fn feed<'a>(&'a mut self, bytes: &'a mut [u8]) -> Self::Fed<'a>;

    /// Bytes that are kept of a frame that is half-sent.
    fn buffered(&self) -> usize;

    /// Whether the peer owes nothing: no frame is half-sent.
    fn is_idle(&self) -> bool;

    /// Replaces the bound from the next frame on.
    fn set_max_message(&mut self, max_message: u32);
}

/// The pieces of one read.
pub(crate) trait Fed {
    /// The next piece; `None` when the input is used up, or after a close or an error.
    fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Broken>;

    /// How many bytes are behind the last piece, to be fed again by whoever stops in the middle.
    fn rest(&self) -> usize;
}

/// Something complete that the peer sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Piece<'a> {
    /// The last thing, with a code if it has one.
    Close(Option<u16>),
    /// The inside of a frame, and what the peer says that it is.
    Frame(Format, &'a [u8]),
    /// To be answered by a pong with the same inside.
    Ping(&'a [u8]),
    /// An answer to a ping, or a heartbeat.
    Pong,
}

/// What the peer did wrong. Nothing after it can be decoded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Broken {
    pub(crate) code: u16,
    pub(crate) reason: String,
}
