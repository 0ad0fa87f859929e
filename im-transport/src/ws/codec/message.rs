//! What comes out of the decoder: messages, borrowed from the bytes that were fed or, if they came in pieces, from
//! the copy that the decoder kept.
//!
//! How bytes become messages is in [`super::decoder`].

use std::borrow::Cow;

use super::decoder::Decoder;
use super::error::ProtocolError;

/// What one read of the socket holds, message by message.
///
/// Dropped early, it loses the rest of the input: save [`Messages::rest`] first, or drop the connection as well.
#[must_use = "bytes are decoded only as messages are taken out"]
pub struct Messages<'a> {
    current: Cow<'a, [u8]>,
    decoder: &'a mut Decoder,
    input: &'a mut [u8],
}

impl<'a> Messages<'a> {
    pub(super) fn new(decoder: &'a mut Decoder, input: &'a mut [u8]) -> Self {
        Self {
            current: Cow::Borrowed(&[]),
            decoder,
            input,
        }
    }

    /// The next complete message; `None` when the input is used up, or after a close frame or an error.
    ///
    /// # Errors
    /// When the peer breaks the protocol or a limit. The decoder is then over.
    pub fn next_message(&mut self) -> Result<Option<Message<'_>>, ProtocolError> {
        self.current = Cow::Borrowed(&[]);
        let message = match self.decoder.read(&mut self.input) {
            Ok(None) => return Ok(None),
            Ok(Some(payload)) => {
                self.current = payload.bytes;
                Message::parse(payload.kind, &self.current)
            }
            Err(error) => Err(error),
        };
        if message.is_err() {
            self.decoder.end();
        }
        message.map(Some)
    }

    /// The input behind the last message, untouched; to be fed again by whoever stops in the middle.
    pub fn rest(&self) -> &[u8] {
        self.input
    }
}

/// Something complete that the peer sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Message<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
    /// To be answered by a pong with these bytes, at most 125.
    Ping(&'a [u8]),
    /// An answer to a ping, or a heartbeat.
    Pong(&'a [u8]),
    /// The last thing that the peer sends, to be answered by a close frame.
    Close(Option<CloseFrame<'a>>),
}

impl<'a> Message<'a> {
    fn parse(kind: Kind, payload: &'a [u8]) -> Result<Self, ProtocolError> {
        Ok(match kind {
            Kind::Text => {
                Self::Text(std::str::from_utf8(payload).map_err(|_| ProtocolError::InvalidUtf8)?)
            }
            Kind::Binary => Self::Binary(payload),
            Kind::Ping => Self::Ping(payload),
            Kind::Pong => Self::Pong(payload),
            Kind::Close => Self::Close(CloseFrame::parse(payload)?),
        })
    }
}

/// Why the peer closes, as it says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CloseFrame<'a> {
    /// A code that RFC 6455, 7.4 and the IANA registry allow on the wire: 1000-1003, 1007-1014 or 3000-4999.
    pub code: u16,
    /// For people, at most 123 bytes, often empty. Written by the peer: not to be trusted, nor logged unescaped.
    pub reason: &'a str,
}

impl<'a> CloseFrame<'a> {
    /// Reads the payload of a close frame; `None` when it is empty, which is allowed.
    fn parse(payload: &'a [u8]) -> Result<Option<Self>, ProtocolError> {
        let Some((code, reason)) = payload.split_first_chunk() else {
            return match payload {
                [] => Ok(None),
                [..] => Err(ProtocolError::ShortClose),
            };
        };
        let code = u16::from_be_bytes(*code);
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => {}
            _ => return Err(ProtocolError::CloseCode(code)),
        }
        let reason = std::str::from_utf8(reason).map_err(|_| ProtocolError::InvalidUtf8)?;
        Ok(Some(Self { code, reason }))
    }
}

/// What a message is; unlike an opcode it is the same for all fragments.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Kind {
    /// Whether it may come between the fragments of another message.
    pub(super) fn is_control(self) -> bool {
        match self {
            Self::Close | Self::Ping | Self::Pong => true,
            Self::Text | Self::Binary => false,
        }
    }
}

/// A complete payload that is not looked into yet.
pub(super) struct Payload<'a> {
    pub(super) kind: Kind,
    pub(super) bytes: Cow<'a, [u8]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(payload: &[u8]) -> Result<Option<CloseFrame<'_>>, ProtocolError> {
        CloseFrame::parse(payload)
    }

    #[test]
    fn exactly_the_close_codes_of_the_registry_are_allowed() {
        for code in 0..=u16::MAX {
            let allowed = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);

            let parsed = close(&code.to_be_bytes()).map(|frame| frame.map(|frame| frame.code));

            let expected = if allowed {
                Ok(Some(code))
            } else {
                Err(ProtocolError::CloseCode(code))
            };
            assert_eq!(parsed, expected);
        }
    }

    #[test]
    fn a_close_may_be_empty_but_not_half_a_code_nor_bad_text() {
        let reason = "läuft";

        assert_eq!(close(b""), Ok(None));
        assert_eq!(close(b"\x03"), Err(ProtocolError::ShortClose));
        assert_eq!(
            close(b"\x03\xe8l\xc3\xa4uft"),
            Ok(Some(CloseFrame { code: 1000, reason }))
        );
        assert_eq!(close(b"\x03\xe8l\xc3"), Err(ProtocolError::InvalidUtf8));
    }
}
