//! The subprotocols, and pushes as the frames of each.

use std::convert::Infallible;

use im_core::{Push, port::Encoding, wire};

use super::codec::{Opcode, append_frame_with};

pub(crate) use im_core::wire::Format;

/// The name of a format in `Sec-WebSocket-Protocol`.
pub(crate) const fn name(format: Format) -> &'static str {
    match format {
        Format::Json => "im.v1.json",
        Format::MessagePack => "im.v1.msgpack",
    }
}

pub(crate) fn by_name(name: &str) -> Option<Format> {
    [Format::Json, Format::MessagePack]
        .into_iter()
        .find(|&format| self::name(format) == name)
}

/// What the data frames of a format are.
pub(crate) const fn opcode(format: Format) -> Opcode {
    match format {
        Format::Json => Opcode::Text,
        Format::MessagePack => Opcode::Binary,
    }
}

/// How the engine encodes pushes for a link: one WebSocket frame each, several in one piece of bytes.
///
/// These two take slots 0 and 1 of [`im_core::port::Broadcast`]; TCP has slot 3.
pub(crate) const fn encoding(format: Format) -> &'static Encoding {
    match format {
        Format::Json => &JSON,
        Format::MessagePack => &MESSAGE_PACK,
    }
}

static JSON: Encoding = Encoding {
    slot: 0,
    write: |pushes, out| append_pushes(Format::Json, pushes, out),
};

static MESSAGE_PACK: Encoding = Encoding {
    slot: 1,
    write: |pushes, out| append_pushes(Format::MessagePack, pushes, out),
};

fn append_pushes(format: Format, pushes: &[Push], out: &mut Vec<u8>) {
    for push in pushes {
        append(format, out, |out| wire::write_push(format, push, out));
    }
}

/// Appends one data frame of the format, as a server sends it.
pub(crate) fn append(format: Format, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let Ok(()) = append_frame_with(out, opcode(format), |out| {
        write(out);
        Ok::<(), Infallible>(())
    });
}

#[cfg(test)]
mod tests {
    use im_core::{
        CloseReason, SessionClosing,
        port::{Broadcast, Urgency},
        wire::Incoming,
    };

    use super::super::codec::{Decoder, Limits, Message, Role};
    use super::*;

    #[test]
    fn a_batch_is_one_frame_for_each_push_in_either_format() {
        let push = |retry_after_ms| {
            Push::SessionClosing(SessionClosing {
                reason: CloseReason::GoingAway,
                retry_after_ms,
            })
        };
        let broadcast = Broadcast::new(Urgency::Control, vec![push(1), push(2)]);

        for format in [Format::Json, Format::MessagePack] {
            let mut bytes = broadcast.bytes(encoding(format)).to_vec();
            let mut decoder = Decoder::new(Limits::for_messages(1_000), Role::Client);
            let mut messages = decoder.feed(&mut bytes);
            for n in 1..=2 {
                let payload = match (format, messages.next_message().unwrap().unwrap()) {
                    (Format::Json, Message::Text(text)) => text.as_bytes(),
                    (Format::MessagePack, Message::Binary(bytes)) => bytes,
                    (_, other) => panic!("{other:?}"),
                };
                let read = Incoming::read(format, payload).unwrap();
                assert_eq!(read, Incoming::Push(push(n)));
            }
            assert_eq!(messages.next_message(), Ok(None));
        }
    }
}
