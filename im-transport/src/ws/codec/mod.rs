//! RFC 6455 frames without I/O: bytes in, messages out, and back. Strict, and free of memory while nothing is
//! half-read.
//!
//! Here belongs what RFC 6455 says about bytes after the handshake: [`Decoder`] turns what arrived on a socket into
//! [`Message`]s, the `append_*` functions turn payloads into frames. What does *not* belong here: sockets, the HTTP
//! upgrade, heartbeats, answering a ping or a close, rate limits, extensions (none is negotiated, so RSV bits are an
//! error), and what a payload means.
//!
//! ```text
//! socket -> shared scratch buffer -> Decoder::feed -> Messages::next_message -> Message<'_>
//!           (one per thread)         (64 bytes, no heap when idle)              (borrows the scratch buffer)
//! ```
//!
//! ```
//! # use im_transport::ws::codec;
//! use codec::{Decoder, Limits, Message, Opcode, Role, append_masked_frame};
//!
//! let mut scratch = Vec::new();
//! append_masked_frame(&mut scratch, Opcode::Text, [7, 1, 9, 4], b"hello");
//!
//! let mut decoder = Decoder::new(Limits::for_messages(65_536), Role::Server);
//! let mut messages = decoder.feed(&mut scratch);
//! assert_eq!(messages.next_message(), Ok(Some(Message::Text("hello"))));
//! assert_eq!(messages.next_message(), Ok(None));
//! ```

mod decoder;
mod error;
mod frame;
mod message;

pub use decoder::{Decoder, Limits, Role};
pub use error::ProtocolError;
pub use frame::{
    FrameHeader, MAX_CONTROL_PAYLOAD, MAX_HEADER, Opcode, append_close, append_frame,
    append_frame_with, append_masked_frame, encode_header,
};
pub use message::{CloseFrame, Message, Messages};
