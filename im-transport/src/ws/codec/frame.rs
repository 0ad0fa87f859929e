//! One frame: its header in both directions, and its masking.
//!
//! Everything here looks at a single frame. What depends on the frames before it (fragments, limits, whole texts)
//! is in [`super::decoder`].

use super::error::ProtocolError;

/// The longest header on the wire, in bytes: two fixed ones, a 64-bit length and a mask key.
pub const MAX_HEADER: usize = 14;

/// The longest payload of a close, ping or pong frame, in bytes (RFC 6455, 5.5).
pub const MAX_CONTROL_PAYLOAD: usize = 125;

const FIN: u8 = 0x80;
const RSV: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LEN: u8 = 0x7f;
const LEN_16: u8 = 126;
const LEN_64: u8 = 127;

/// What a frame says of itself before its payload, already checked as far as one frame can be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FrameHeader {
    /// Whether this is the last, or only, frame of its message.
    pub fin: bool,
    /// What the payload is.
    pub opcode: Opcode,
    /// The key that the payload is masked with; clients must have one, servers must not.
    pub mask: Option<[u8; 4]>,
    /// Payload length in bytes as claimed by the peer; never larger than `i64::MAX`.
    pub len: u64,
}

impl FrameHeader {
    /// The header of an unfragmented, unmasked frame, as servers send it.
    pub fn whole(opcode: Opcode, len: usize) -> Self {
        Self {
            fin: true,
            opcode,
            mask: None,
            len: len as u64,
        }
    }

    /// Reads the header at the front of `bytes` and tells how many bytes it took; `None` when they end before it does.
    ///
    /// # Errors
    /// As early as the bytes show it: reserved bits, unknown opcodes, long or fragmented control frames, and lengths
    /// that have a shorter encoding or the top bit set.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, ProtocolError> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        if first & RSV != 0 {
            return Err(ProtocolError::ReservedBits);
        }
        let opcode = Opcode::from_bits(first & OPCODE)?;
        let fin = first & FIN != 0;
        if opcode.is_control() && !fin {
            return Err(ProtocolError::FragmentedControl);
        }

        let Some((&second, rest)) = rest.split_first() else {
            return Ok(None);
        };
        if opcode.is_control() && usize::from(second & LEN) > MAX_CONTROL_PAYLOAD {
            return Err(ProtocolError::LongControl);
        }
        let Some((len, rest)) = parse_len(second & LEN, rest)? else {
            return Ok(None);
        };

        let (mask, rest) = if second & MASKED == 0 {
            (None, rest)
        } else {
            let Some((key, rest)) = rest.split_first_chunk() else {
                return Ok(None);
            };
            (Some(*key), rest)
        };
        let header = Self {
            fin,
            opcode,
            mask,
            len,
        };
        Ok(Some((header, bytes.len() - rest.len())))
    }

    /// Appends the header in its shortest encoding, with the mask key if there is one. Masking the payload is left
    /// to the caller.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        let mut head = [0; 10];
        let size = self.encode_up_to_mask(&mut head);
        if let Some(key) = self.mask {
            head[1] |= MASKED;
            out.extend_from_slice(&head[..size]);
            out.extend_from_slice(&key);
        } else {
            out.extend_from_slice(&head[..size]);
        }
    }

    fn encode_up_to_mask(&self, out: &mut [u8; 10]) -> usize {
        out[0] = if self.fin { FIN } else { 0 } | self.opcode as u8;
        if let Ok(len) = u8::try_from(self.len)
            && len < LEN_16
        {
            out[1] = len;
            2
        } else if let Ok(len) = u16::try_from(self.len) {
            out[1] = LEN_16;
            out[2..4].copy_from_slice(&len.to_be_bytes());
            4
        } else {
            out[1] = LEN_64;
            out[2..].copy_from_slice(&self.len.to_be_bytes());
            10
        }
    }
}

/// The length that `short` announces, and what follows it; `None` when `rest` is too short.
fn parse_len(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, ProtocolError> {
    let (len, shortest, rest) = match short {
        LEN_16 => {
            let Some((len, rest)) = rest.split_first_chunk() else {
                return Ok(None);
            };
            (u64::from(u16::from_be_bytes(*len)), u64::from(LEN_16), rest)
        }
        LEN_64 => {
            let Some((len, rest)) = rest.split_first_chunk() else {
                return Ok(None);
            };
            (u64::from_be_bytes(*len), u64::from(u16::MAX) + 1, rest)
        }
        _ => (u64::from(short), 0, rest),
    };
    if len > i64::MAX as u64 {
        return Err(ProtocolError::LengthTopBit);
    }
    if len < shortest {
        return Err(ProtocolError::LongLengthEncoding);
    }
    Ok(Some((len, rest)))
}

/// What the payload of a frame is (RFC 6455, 5.2), with the bits of the wire as discriminants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Opcode {
    /// More of the message that an earlier frame began.
    Continuation = 0x0,
    /// UTF-8 text, or its first fragment.
    Text = 0x1,
    /// Bytes, or their first fragment.
    Binary = 0x2,
    /// The last frame that its sender sends.
    Close = 0x8,
    /// To be answered by a pong with the same payload.
    Ping = 0x9,
    /// An answer to a ping, or a heartbeat of its own accord.
    Pong = 0xa,
}

impl Opcode {
    fn from_bits(bits: u8) -> Result<Self, ProtocolError> {
        match bits {
            0x0 => Ok(Self::Continuation),
            0x1 => Ok(Self::Text),
            0x2 => Ok(Self::Binary),
            0x8 => Ok(Self::Close),
            0x9 => Ok(Self::Ping),
            0xa => Ok(Self::Pong),
            unknown => Err(ProtocolError::UnknownOpcode(unknown)),
        }
    }

    /// Whether it is close, ping or pong: short, never fragmented, allowed between the fragments of a message.
    pub fn is_control(self) -> bool {
        match self {
            Self::Close | Self::Ping | Self::Pong => true,
            Self::Continuation | Self::Text | Self::Binary => false,
        }
    }
}

/// Encodes the header of an unfragmented, unmasked frame and tells its size; the rest of `out` is left alone.
///
/// For a payload that goes to the socket from where it is, in one `writev`; else use [`append_frame`].
pub fn encode_header(opcode: Opcode, len: usize, out: &mut [u8; 10]) -> usize {
    FrameHeader::whole(opcode, len).encode_up_to_mask(out)
}

/// Appends one unfragmented, unmasked frame; `out` may hold other frames already.
///
/// The caller sees to it that text is UTF-8 and that a control payload is within [`MAX_CONTROL_PAYLOAD`].
pub fn append_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    debug_assert!(!opcode.is_control() || payload.len() <= MAX_CONTROL_PAYLOAD);
    let mut head = [0; 10];
    let size = encode_header(opcode, payload.len(), &mut head);
    out.reserve(size + payload.len());
    out.extend_from_slice(&head[..size]);
    out.extend_from_slice(payload);
}

/// Appends one unfragmented, unmasked frame whose payload `write` appends in place, as serializers do.
///
/// Room is left for the header of a payload of 126 to 65,535 bytes, so only a payload that is tiny or huge is moved.
///
/// # Errors
/// Those of `write`; `out` is then as it was before.
///
/// # Panics
/// If `write` shortens `out` below what it was given.
pub fn append_frame_with<E>(
    out: &mut Vec<u8>,
    opcode: Opcode,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    let payload = out.len();
    if let Err(error) = write(out) {
        out.truncate(start);
        return Err(error);
    }

    let len = out.len().checked_sub(payload);
    let len = len.expect("the writer of a payload only appends");
    debug_assert!(!opcode.is_control() || len <= MAX_CONTROL_PAYLOAD);
    let mut head = [0; 10];
    let size = encode_header(opcode, len, &mut head);
    out.splice(start..payload, head[..size].iter().copied());
    Ok(())
}

/// Appends one unfragmented frame as a client must send it, masked with `key`.
///
/// The key should be fresh and unpredictable for each frame (RFC 6455, 5.3).
pub fn append_masked_frame(out: &mut Vec<u8>, opcode: Opcode, key: [u8; 4], payload: &[u8]) {
    debug_assert!(!opcode.is_control() || payload.len() <= MAX_CONTROL_PAYLOAD);
    let header = FrameHeader {
        mask: Some(key),
        ..FrameHeader::whole(opcode, payload.len())
    };
    out.reserve(MAX_HEADER + payload.len());
    header.append_to(out);
    let start = out.len();
    out.extend_from_slice(payload);
    apply_mask(&mut out[start..], key);
}

/// Appends an unmasked close frame; a reason above 123 bytes is cut before the character that does not fit.
pub fn append_close(out: &mut Vec<u8>, code: u16, reason: &str) {
    let reason = &reason[..reason.floor_char_boundary(MAX_CONTROL_PAYLOAD - 2)];
    let mut head = [0; 10];
    let size = encode_header(Opcode::Close, 2 + reason.len(), &mut head);
    out.extend_from_slice(&head[..size]);
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
}

/// Masks or unmasks `bytes`, whose first byte belongs to the first byte of `key`.
pub(super) fn apply_mask(bytes: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, tail) = bytes.as_chunks_mut();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(bytes: &[u8]) -> Result<Option<(FrameHeader, usize)>, ProtocolError> {
        FrameHeader::parse(bytes)
    }

    fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        append_frame(&mut out, opcode, payload);
        out
    }

    #[test]
    fn the_examples_of_the_rfc_encode_as_printed() {
        let mut masked = Vec::new();
        append_masked_frame(
            &mut masked,
            Opcode::Text,
            [0x37, 0xfa, 0x21, 0x3d],
            b"Hello",
        );
        let mut pong = Vec::new();
        append_masked_frame(&mut pong, Opcode::Pong, [0x37, 0xfa, 0x21, 0x3d], b"Hello");

        assert_eq!(frame(Opcode::Text, b"Hello"), b"\x81\x05Hello");
        assert_eq!(masked, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
        assert_eq!(frame(Opcode::Ping, b"Hello"), b"\x89\x05Hello");
        assert_eq!(pong, b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
        assert_eq!(
            frame(Opcode::Binary, &[0; 256])[..5],
            *b"\x82\x7e\x01\x00\x00"
        );
        assert_eq!(
            frame(Opcode::Binary, &[0; 65_536])[..11],
            *b"\x82\x7f\0\0\0\0\0\x01\0\0\0"
        );
    }

    #[test]
    fn a_length_takes_the_fewest_bytes_that_hold_it() {
        for (len, size) in [
            (0, 2),
            (125, 2),
            (126, 4),
            (65_535, 4),
            (65_536, 10),
            (1 << 40, 10),
        ] {
            let mut out = [0; 10];

            assert_eq!(encode_header(Opcode::Binary, len, &mut out), size);

            let header = FrameHeader::whole(Opcode::Binary, len);
            assert_eq!(parse(&out), Ok(Some((header, size))));
        }
    }

    #[test]
    fn a_header_is_refused_by_the_first_byte_that_shows_why() {
        let cases: [(&[u8], ProtocolError); 14] = [
            (&[0xc1], ProtocolError::ReservedBits),
            (&[0xa1], ProtocolError::ReservedBits),
            (&[0x91], ProtocolError::ReservedBits),
            (&[0x83], ProtocolError::UnknownOpcode(0x3)),
            (&[0x87], ProtocolError::UnknownOpcode(0x7)),
            (&[0x8b], ProtocolError::UnknownOpcode(0xb)),
            (&[0x8f], ProtocolError::UnknownOpcode(0xf)),
            (&[0x09], ProtocolError::FragmentedControl),
            (&[0x08], ProtocolError::FragmentedControl),
            (&[0x89, 0xfe], ProtocolError::LongControl),
            (&[0x88, 0x7f], ProtocolError::LongControl),
            (&[0x82, 0xfe, 0x00, 0x7d], ProtocolError::LongLengthEncoding),
            (
                &[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
                ProtocolError::LongLengthEncoding,
            ),
            (
                &[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0],
                ProtocolError::LengthTopBit,
            ),
        ];

        for (bytes, error) in cases {
            assert_eq!(parse(bytes), Err(error), "{bytes:02x?}");
            assert_eq!(parse(&bytes[..bytes.len() - 1]), Ok(None), "{bytes:02x?}");
        }
    }

    #[test]
    fn a_payload_written_in_place_gets_the_header_of_its_length() {
        for len in [0, 1, 125, 126, 200, 65_535, 65_536, 70_000] {
            let payload: Vec<u8> = (0..len).map(|i: u32| i as u8).collect();
            let mut expected = b"before".to_vec();
            append_frame(&mut expected, Opcode::Binary, &payload);
            append_frame(&mut expected, Opcode::Text, b"after");

            let mut out = b"before".to_vec();
            let written = append_frame_with(&mut out, Opcode::Binary, |out| {
                out.extend_from_slice(&payload);
                Ok::<(), ()>(())
            });
            append_frame(&mut out, Opcode::Text, b"after");

            assert_eq!(written, Ok(()));
            assert!(out == expected, "{len} bytes");
        }
    }

    #[test]
    fn a_payload_that_cannot_be_written_leaves_no_trace() {
        let mut out = b"before".to_vec();

        let written = append_frame_with(&mut out, Opcode::Text, |out| {
            out.extend_from_slice(b"half a pay");
            Err("no more")
        });

        assert_eq!(written, Err("no more"));
        assert_eq!(out, b"before");
    }

    #[test]
    fn a_close_reason_is_cut_between_characters() {
        let mut short = Vec::new();
        append_close(&mut short, 1000, "bye");
        let mut long = Vec::new();
        append_close(&mut long, 1001, &"ä".repeat(100));

        assert_eq!(short, b"\x88\x05\x03\xe8bye");
        assert_eq!(long[..4], *b"\x88\x7c\x03\xe9");
        assert_eq!(long[4..], *"ä".repeat(61).as_bytes());
    }

    proptest! {
        #[test]
        fn any_header_survives_the_wire_and_waits_for_its_last_byte(
            fin: bool, code in 0..6_u8, mask: Option<[u8; 4]>, len in 0..=i64::MAX as u64, shift in 0..63_u32,
        ) {
            let opcode = [
                Opcode::Continuation, Opcode::Text, Opcode::Binary, Opcode::Close, Opcode::Ping, Opcode::Pong,
            ][usize::from(code)];
            let (fin, len) = if opcode.is_control() { (true, len % 126) } else { (fin, len >> shift) };
            let header = FrameHeader { fin, opcode, mask, len };

            let mut out = Vec::new();
            header.append_to(&mut out);

            for end in 0..out.len() {
                prop_assert_eq!(FrameHeader::parse(&out[..end]), Ok(None));
            }
            prop_assert_eq!(FrameHeader::parse(&out), Ok(Some((header, out.len()))));
        }

        #[test]
        fn masking_is_the_loop_of_the_rfc(bytes: Vec<u8>, key: [u8; 4], offset in 0..16_usize) {
            let offset = offset.min(bytes.len());
            let bytes = &bytes[offset..];
            let expected: Vec<u8> = bytes.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect();

            let mut masked = bytes.to_vec();
            apply_mask(&mut masked, key);

            prop_assert_eq!(masked, expected);
        }
    }
}
