//! Messages from the bytes of one connection, in whatever pieces they arrive.
//!
//! Here belongs what depends on more than one frame or on more than one read: roles, fragments, limits, texts as a
//! whole, and the bytes that are kept in between. What a single frame says is in [`super::frame`].

use std::borrow::Cow;

use super::error::ProtocolError;
use super::frame::{FrameHeader, MAX_CONTROL_PAYLOAD, MAX_HEADER, Opcode, apply_mask};
use super::message::{Kind, Messages, Payload};

// There is one per connection, so its size is part of what an idle connection costs.
const _: () = assert!(size_of::<Decoder>() <= 64);

/// The receiving half of one connection after its handshake.
///
/// Between messages it is 64 bytes and owns no heap. A frame that arrives in one piece is unmasked where it lies and
/// handed out borrowed; only the payload of a frame or message that is still incomplete is copied, and that copy is
/// given up together with the message. Memory follows the bytes that arrived, never the length that a peer claims:
/// it is at most twice the former, and at most `max_message + 125` bytes.
///
/// After a close frame or an error it ignores whatever else is fed. It has no `Debug`, because it holds what people
/// write.
pub struct Decoder {
    /// The payload of the message so far, then that of an incomplete control frame.
    kept: Vec<u8>,
    phase: Phase,
    limits: Limits,
    message: Option<Assembly>,
    role: Role,
}

impl Decoder {
    /// A decoder before its first byte; allocates nothing.
    pub fn new(limits: Limits, role: Role) -> Self {
        Self {
            kept: Vec::new(),
            phase: Phase::BOUNDARY,
            limits,
            message: None,
            role,
        }
    }

    /// Takes what a read of the socket returned; the messages in it are to be taken out until there are no more.
    ///
    /// The bytes are unmasked in place, so they are of no use afterwards.
    pub fn feed<'a>(&'a mut self, bytes: &'a mut [u8]) -> Messages<'a> {
        Messages::new(self, bytes)
    }

    /// Replaces the limits from the next frame on, for example when the peer has authenticated.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Bytes kept of what is not complete yet, at most `max_message + 125`; 0 between messages.
    pub fn buffered(&self) -> usize {
        let header = match self.phase {
            Phase::Header { len, .. } => usize::from(len),
            Phase::Payload(_) | Phase::Over => 0,
        };
        header + self.kept.len()
    }

    /// Bytes of heap owned at the moment; 0 between messages.
    pub fn capacity(&self) -> usize {
        self.kept.capacity()
    }

    /// Whether the peer owes nothing: no frame and no fragmented message is half-sent. When this stays false for
    /// long, the peer is stuck or hostile.
    pub fn is_idle(&self) -> bool {
        self.message.is_none()
            && match self.phase {
                Phase::Header { len, .. } => len == 0,
                Phase::Payload(_) => false,
                Phase::Over => true,
            }
    }

    /// Whether a close frame or an error has ended the decoding.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    pub(super) fn end(&mut self) {
        self.kept = Vec::new();
        self.message = None;
        self.phase = Phase::Over;
    }

    /// Consumes input up to the end of the next message, or all of it.
    pub(super) fn read<'a>(
        &mut self,
        input: &mut &'a mut [u8],
    ) -> Result<Option<Payload<'a>>, ProtocolError> {
        loop {
            match self.phase {
                Phase::Over => {
                    *input = &mut [];
                    return Ok(None);
                }
                Phase::Header { bytes, len } => {
                    let Some(header) = self.read_header(&bytes[..usize::from(len)], input)? else {
                        return Ok(None);
                    };
                    self.phase = Phase::Payload(self.begin_frame(header)?);
                }
                Phase::Payload(frame) => {
                    if frame.left > 0 && input.is_empty() {
                        return Ok(None);
                    }
                    if let Some(payload) = self.read_payload(frame, input)? {
                        return Ok(Some(payload));
                    }
                }
            }
        }
    }

    fn read_header(
        &mut self,
        early: &[u8],
        input: &mut &mut [u8],
    ) -> Result<Option<FrameHeader>, ProtocolError> {
        let mut bytes = [0; MAX_HEADER];
        let len = MAX_HEADER.min(early.len() + input.len());
        bytes[..early.len()].copy_from_slice(early);
        bytes[early.len()..len].copy_from_slice(&input[..len - early.len()]);
        if let Some((header, size)) = FrameHeader::parse(&bytes[..len])? {
            take_front(input, size - early.len());
            return Ok(Some(header));
        }
        take_front(input, len - early.len());
        self.phase = Phase::early(&bytes[..len]);
        Ok(None)
    }

    /// Checks a header against the role, the limits and the message in progress.
    fn begin_frame(&mut self, header: FrameHeader) -> Result<Frame, ProtocolError> {
        match (self.role, header.mask) {
            (Role::Server, Some(_)) | (Role::Client, None) => {}
            (Role::Server, None) => return Err(ProtocolError::UnmaskedFrame),
            (Role::Client, Some(_)) => return Err(ProtocolError::MaskedFrame),
        }
        let kind = match header.opcode {
            Opcode::Continuation => self.continue_message()?,
            Opcode::Text => self.begin_message(Kind::Text)?,
            Opcode::Binary => self.begin_message(Kind::Binary)?,
            Opcode::Close => Kind::Close,
            Opcode::Ping => Kind::Ping,
            Opcode::Pong => Kind::Pong,
        };
        let left = u32::try_from(header.len).map_err(|_| ProtocolError::TooLarge)?;
        let total = u64::from(left) + self.kept.len() as u64;
        if !kind.is_control()
            && (left > self.limits.max_frame || total > u64::from(self.limits.max_message))
        {
            return Err(ProtocolError::TooLarge);
        }
        Ok(Frame {
            kind,
            fin: header.fin,
            // XOR with zeros changes nothing, so "no mask" needs no case of its own.
            mask: header.mask.unwrap_or_default(),
            left,
            held: 0,
        })
    }

    fn begin_message(&mut self, kind: Kind) -> Result<Kind, ProtocolError> {
        if self.message.is_some() {
            return Err(ProtocolError::UnfinishedMessage);
        }
        self.message = Some(Assembly {
            kind,
            pending: 0,
            fragments: 1,
        });
        Ok(kind)
    }

    fn continue_message(&mut self) -> Result<Kind, ProtocolError> {
        let Some(message) = &mut self.message else {
            return Err(ProtocolError::StrayContinuation);
        };
        if message.fragments >= self.limits.max_fragments {
            return Err(ProtocolError::TooManyFragments);
        }
        message.fragments += 1;
        Ok(message.kind)
    }

    fn read_payload<'a>(
        &mut self,
        mut frame: Frame,
        input: &mut &'a mut [u8],
    ) -> Result<Option<Payload<'a>>, ProtocolError> {
        let size = input.len().min(frame.left as usize);
        let bytes = take_front(input, size);
        apply_mask(bytes, frame.mask);
        frame.mask.rotate_left(size % 4);
        frame.left -= size as u32;

        let complete = frame.left == 0;
        let start = if frame.kind.is_control() {
            self.kept.len() - usize::from(frame.held)
        } else {
            0
        };
        if complete && frame.fin {
            let bytes = if self.kept.len() == start {
                Cow::Borrowed(&*bytes)
            } else {
                self.keep(&frame, bytes);
                Cow::Owned(self.take_kept(start))
            };
            self.finish(frame.kind);
            return Ok(Some(Payload {
                kind: frame.kind,
                bytes,
            }));
        }

        self.keep(&frame, bytes);
        if frame.kind.is_control() {
            frame.held += size as u8;
        } else if frame.kind == Kind::Text {
            self.check_text(size)?;
        }
        self.phase = if complete {
            Phase::BOUNDARY
        } else {
            Phase::Payload(frame)
        };
        Ok(None)
    }

    /// Appends to what is kept. Room grows by doubling, but not past what the limits, or the end of the message if
    /// it is in sight, can ever ask for.
    fn keep(&mut self, frame: &Frame, bytes: &[u8]) {
        let needed = self.kept.len() + bytes.len();
        if needed > self.kept.capacity() {
            let most = if frame.fin && !frame.kind.is_control() {
                needed + frame.left as usize
            } else {
                needed.max(self.limits.max_message as usize + MAX_CONTROL_PAYLOAD)
            };
            let room = (2 * self.kept.capacity()).clamp(needed, most);
            self.kept.reserve_exact(room - self.kept.len());
        }
        self.kept.extend_from_slice(bytes);
    }

    /// Everything kept from `start` on; the allocation goes with it unless a message needs it.
    fn take_kept(&mut self, start: usize) -> Vec<u8> {
        if start == 0 {
            std::mem::take(&mut self.kept)
        } else {
            self.kept.split_off(start)
        }
    }

    fn finish(&mut self, kind: Kind) {
        self.phase = Phase::BOUNDARY;
        match kind {
            Kind::Text | Kind::Binary => self.message = None,
            Kind::Close => self.end(),
            Kind::Ping | Kind::Pong => {}
        }
    }

    /// Checks the `fresh` bytes of text last kept, so that bad text is refused before the rest arrives. The whole is
    /// checked once more when it is complete, which is the price of a `&str` without unsafe code.
    fn check_text(&mut self, fresh: usize) -> Result<(), ProtocolError> {
        let Some(message) = &mut self.message else {
            return Ok(());
        };
        let unchecked = self.kept.len() - fresh - usize::from(message.pending);
        let text = &self.kept[unchecked..];
        message.pending = match std::str::from_utf8(text) {
            Ok(_) => 0,
            // No error length: it may become valid. That is at most 3 bytes, the start of one character.
            Err(error) if error.error_len().is_none() => (text.len() - error.valid_up_to()) as u8,
            Err(_) => return Err(ProtocolError::InvalidUtf8),
        };
        Ok(())
    }
}

/// How much a peer may make this side hold and do for one message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Longest payload of a text, binary or continuation frame, in bytes.
    pub max_frame: u32,
    /// Longest payload of a message over all its fragments, in bytes. The heap of one connection's decoder is at
    /// most this plus 125.
    pub max_message: u32,
    /// Most frames of one message, so that a message of empty fragments comes to an end.
    pub max_fragments: u32,
}

impl Limits {
    /// Limits for messages of up to `max_message` bytes: in one frame if the peer likes, or in at most 1,024.
    ///
    /// Browsers fragment rarely and in pieces of 16 KiB or more, so that 1,024 suffices for 16 MiB. The Autobahn
    /// suite needs 65,536 (case 9.3.1: 4 MiB in pieces of 64 bytes).
    pub fn for_messages(max_message: u32) -> Self {
        Self {
            max_frame: max_message,
            max_message,
            max_fragments: 1_024,
        }
    }
}

/// Which side this is, hence whose frames are decoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Decodes what a client sends, which must be masked.
    Server,
    /// Decodes what a server sends, which must not be masked.
    Client,
}

/// Where in the stream of frames the next byte belongs.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// In a header, of which `len` bytes have come. They are kept here: a header that trickles in costs no heap.
    Header {
        bytes: [u8; MAX_HEADER - 1],
        len: u8,
    },
    /// In the payload of a frame.
    Payload(Frame),
    /// Behind a close frame or an error.
    Over,
}

impl Phase {
    const BOUNDARY: Self = Self::Header {
        bytes: [0; MAX_HEADER - 1],
        len: 0,
    };

    fn early(header: &[u8]) -> Self {
        let mut bytes = [0; MAX_HEADER - 1];
        bytes[..header.len()].copy_from_slice(header);
        Self::Header {
            bytes,
            len: header.len() as u8,
        }
    }
}

/// The frame whose payload is arriving.
#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    fin: bool,
    /// The mask key, turned so that its first byte belongs to the next byte of the payload.
    mask: [u8; 4],
    /// Bytes of payload that have not come yet.
    left: u32,
    /// Bytes of a control payload at the end of `Decoder::kept`; 0 for data, which is kept from the start.
    held: u8,
}

/// The data message of which at least the first header has come.
#[derive(Clone, Copy, Debug)]
struct Assembly {
    kind: Kind,
    /// Bytes at the end of the text so far that begin a character without ending it.
    pending: u8,
    fragments: u32,
}

fn take_front<'a>(input: &mut &'a mut [u8], size: usize) -> &'a mut [u8] {
    let (front, rest) = std::mem::take(input).split_at_mut(size);
    *input = rest;
    front
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::super::frame::{append_close, append_frame, append_masked_frame};
    use super::super::message::{CloseFrame, Message};
    use super::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    #[derive(Clone, Debug, Eq, PartialEq)]
    enum Got {
        Text(String),
        Binary(Vec<u8>),
        Ping(Vec<u8>),
        Pong(Vec<u8>),
        Close(Option<(u16, String)>),
    }

    impl From<Message<'_>> for Got {
        fn from(message: Message<'_>) -> Self {
            match message {
                Message::Text(text) => Self::Text(text.into()),
                Message::Binary(bytes) => Self::Binary(bytes.into()),
                Message::Ping(bytes) => Self::Ping(bytes.into()),
                Message::Pong(bytes) => Self::Pong(bytes.into()),
                Message::Close(frame) => Self::Close(frame.map(|f| (f.code, f.reason.into()))),
            }
        }
    }

    fn server(max_message: u32) -> Decoder {
        Decoder::new(Limits::for_messages(max_message), Role::Server)
    }

    /// Feeds a copy of `bytes` and collects what comes out up to the end or an error.
    fn feed(decoder: &mut Decoder, bytes: &[u8]) -> (Vec<Got>, Option<ProtocolError>) {
        let mut bytes = bytes.to_vec();
        let mut messages = decoder.feed(&mut bytes);
        let mut got = Vec::new();
        loop {
            match messages.next_message() {
                Ok(Some(message)) => got.push(message.into()),
                Ok(None) => return (got, None),
                Err(error) => return (got, Some(error)),
            }
        }
    }

    /// Feeds `bytes` in pieces of the given sizes, over and over, and checks the promises about memory at each step.
    fn feed_in_pieces(
        decoder: &mut Decoder,
        mut bytes: &[u8],
        sizes: &[usize],
    ) -> (Vec<Got>, Option<ProtocolError>) {
        let most = decoder.limits.max_message as usize + MAX_CONTROL_PAYLOAD;
        let mut all = Vec::new();
        let mut arrived = 0;
        for size in sizes.iter().cycle() {
            let (piece, rest) = bytes.split_at(bytes.len().min(*size));
            arrived += piece.len();
            let (got, error) = feed(decoder, piece);
            all.extend(got);
            assert!(decoder.buffered() <= most.min(arrived));
            assert!(decoder.capacity() <= most.min(2 * arrived));
            assert!(!decoder.is_idle() || decoder.capacity() + decoder.buffered() == 0);
            if error.is_some() || rest.is_empty() {
                return (all, error);
            }
            bytes = rest;
        }
        (all, None)
    }

    /// One masked frame, of which `fin` tells whether it is the last of its message.
    fn frame(fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        append_masked_frame(&mut out, opcode, KEY, payload);
        out[0] &= if fin { 0xff } else { 0x7f };
        out
    }

    fn refused(frames: &[Vec<u8>]) -> ProtocolError {
        let bytes = frames.concat();
        let (got, error) = feed(&mut server(100), &bytes);
        let error = error.expect("the frames are refused");
        for size in 1..4 {
            let mut decoder = server(100);
            let in_pieces = feed_in_pieces(&mut decoder, &bytes, &[size]);
            assert_eq!(in_pieces, (got.clone(), Some(error)), "{size} by {size}");
            assert!(decoder.is_over() && decoder.capacity() == 0);
            assert_eq!(
                feed(&mut decoder, &frame(true, Opcode::Text, b"x")),
                (vec![], None)
            );
        }
        error
    }

    #[test]
    fn the_examples_of_the_rfc_decode_as_told() {
        let mut client = Decoder::new(Limits::for_messages(65_536), Role::Client);
        let wire = [
            &b"\x81\x05Hello"[..],
            b"\x01\x03Hel",
            b"\x89\x05Hello",
            b"\x80\x02lo",
        ]
        .concat();
        let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\
            \x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";

        let hello = || Got::Text("Hello".into());
        let (ping, pong) = (Got::Ping("Hello".into()), Got::Pong("Hello".into()));
        assert_eq!(
            feed(&mut client, &wire),
            (vec![hello(), ping, hello()], None)
        );
        assert_eq!(feed(&mut server(100), masked), (vec![hello(), pong], None));
        for len in [256, 65_536] {
            let mut wire = Vec::new();
            append_frame(&mut wire, Opcode::Binary, &vec![7; len]);
            let expected = vec![Got::Binary(vec![7; len])];
            assert_eq!(feed(&mut client, &wire), (expected, None));
        }
    }

    #[test]
    fn a_whole_frame_is_borrowed_from_the_bytes_that_were_fed() {
        let mut bytes = frame(true, Opcode::Binary, &[5; 90]);
        let payload = bytes.as_ptr_range().end.wrapping_sub(90);
        let mut decoder = server(100);

        let mut messages = decoder.feed(&mut bytes);
        let Ok(Some(Message::Binary(binary))) = messages.next_message() else {
            panic!("a binary message was sent");
        };

        assert_eq!(binary, [5; 90]);
        assert_eq!(binary.as_ptr(), payload);
        assert_eq!(decoder.capacity(), 0);
    }

    #[test]
    fn the_copy_of_a_message_is_given_up_with_it_even_when_the_rest_is_not_read() {
        let wire = frame(true, Opcode::Binary, &[5; 90]);
        let mut decoder = server(100);
        feed(&mut decoder, &wire[..50]);
        assert_eq!(decoder.buffered(), 44);
        assert!(!decoder.is_idle());

        let mut bytes = [&wire[50..], b"\x89"].concat();
        let mut messages = decoder.feed(&mut bytes);
        let message = messages
            .next_message()
            .map(|message| message.map(Got::from));

        assert_eq!(message, Ok(Some(Got::Binary(vec![5; 90]))));
        assert_eq!(messages.rest(), b"\x89");
        assert_eq!((decoder.capacity(), decoder.buffered()), (0, 0));
        assert!(decoder.is_idle());
    }

    #[test]
    fn a_claimed_length_reserves_nothing() {
        let mut decoder = server(1 << 30);
        let mut header = Vec::new();
        FrameHeader {
            mask: Some(KEY),
            ..FrameHeader::whole(Opcode::Binary, 1 << 30)
        }
        .append_to(&mut header);

        assert_eq!(feed(&mut decoder, &header), (vec![], None));
        assert_eq!(decoder.capacity(), 0);
        assert_eq!(feed(&mut decoder, &[0; 3]), (vec![], None));
        assert_eq!(decoder.capacity(), 3);
    }

    #[test]
    fn room_does_not_grow_past_an_end_that_is_in_sight() {
        let mut decoder = server(1_000);
        let wire = frame(true, Opcode::Binary, &[5; 90]);

        feed(&mut decoder, &wire[..66]);
        feed(&mut decoder, &wire[66..70]);

        assert_eq!((decoder.buffered(), decoder.capacity()), (64, 90));
    }

    #[test]
    fn many_small_fragments_do_not_copy_the_message_each_time() {
        let mut decoder = server(1 << 20);
        let mut growths = 0;
        for index in 0..1_024 {
            let before = decoder.capacity();
            let opcode = if index == 0 {
                Opcode::Binary
            } else {
                Opcode::Continuation
            };
            feed(&mut decoder, &frame(false, opcode, &[1; 1_000]));
            let ping = frame(true, Opcode::Ping, &[2; 125]);
            feed(&mut decoder, &ping[..70]);
            growths += usize::from(decoder.capacity() != before);
            assert_eq!(feed(&mut decoder, &ping[70..]).0, [Got::Ping(vec![2; 125])]);
        }

        assert!(growths <= 12, "{growths} growths");
    }

    #[test]
    fn frames_that_fit_the_other_role_are_refused() {
        let mut unmasked = Vec::new();
        append_frame(&mut unmasked, Opcode::Text, b"x");
        let mut client = Decoder::new(Limits::for_messages(100), Role::Client);

        let (_, error) = feed(&mut client, &frame(true, Opcode::Text, b"x"));

        assert_eq!(error, Some(ProtocolError::MaskedFrame));
        assert_eq!(refused(&[unmasked]), ProtocolError::UnmaskedFrame);
    }

    #[test]
    fn malformed_headers_are_refused() {
        let header = |bytes: &[u8]| vec![[bytes, &KEY[..], &[0; 200]].concat()];

        assert_eq!(refused(&header(b"\xc1\x80")), ProtocolError::ReservedBits);
        assert_eq!(
            refused(&header(b"\x83\x80")),
            ProtocolError::UnknownOpcode(3)
        );
        assert_eq!(
            refused(&header(b"\x89\xfe\x00\x7e")),
            ProtocolError::LongControl
        );
        assert_eq!(
            refused(&header(b"\x82\xfe\x00\x05")),
            ProtocolError::LongLengthEncoding
        );
        let top_bit = b"\x82\xff\x80\0\0\0\0\0\0\0";
        assert_eq!(refused(&header(top_bit)), ProtocolError::LengthTopBit);
    }

    #[test]
    fn fragments_out_of_order_are_refused() {
        let first = frame(false, Opcode::Text, b"x");
        let whole = frame(true, Opcode::Binary, b"y");
        let last = frame(true, Opcode::Continuation, b"z");
        let ping = frame(false, Opcode::Ping, b"p");

        let cases = [
            (vec![last.clone()], ProtocolError::StrayContinuation),
            (
                vec![frame(false, Opcode::Continuation, b"")],
                ProtocolError::StrayContinuation,
            ),
            (
                vec![first.clone(), last.clone(), last],
                ProtocolError::StrayContinuation,
            ),
            (
                vec![first.clone(), first.clone()],
                ProtocolError::UnfinishedMessage,
            ),
            (vec![first.clone(), whole], ProtocolError::UnfinishedMessage),
            (vec![first, ping], ProtocolError::FragmentedControl),
        ];
        for (frames, error) in cases {
            assert_eq!(refused(&frames), error);
        }
    }

    #[test]
    fn a_control_frame_of_125_bytes_passes_in_the_middle_of_a_message() {
        let wire = [
            frame(false, Opcode::Binary, b""),
            frame(true, Opcode::Ping, &[1; 125]),
            frame(false, Opcode::Continuation, b"ab"),
            frame(true, Opcode::Pong, b""),
            frame(true, Opcode::Continuation, b"c"),
        ]
        .concat();
        let expected = vec![
            Got::Ping(vec![1; 125]),
            Got::Pong(vec![]),
            Got::Binary(b"abc".to_vec()),
        ];

        for size in 1..=wire.len() {
            let mut decoder = server(3);
            let got = feed_in_pieces(&mut decoder, &wire, &[size]);

            assert_eq!(got, (expected.clone(), None), "{size} by {size}");
            assert!(decoder.is_idle());
        }
    }

    #[test]
    fn nothing_is_decoded_after_a_close() {
        let mut wire = Vec::new();
        append_close(&mut wire, 1001, "läuft");
        append_frame(&mut wire, Opcode::Text, b"late");
        let expected = vec![Got::Close(Some((1001, "läuft".into())))];

        for size in 1..=wire.len() {
            let mut decoder = Decoder::new(Limits::for_messages(100), Role::Client);
            let got = feed_in_pieces(&mut decoder, &wire, &[size]);

            assert_eq!(got, (expected.clone(), None));
            assert!(decoder.is_over() && decoder.is_idle());
        }
    }

    #[test]
    fn a_close_ends_a_message_that_is_not_complete() {
        let mut decoder = server(100);
        let wire = [
            frame(false, Opcode::Text, b"never to be"),
            frame(true, Opcode::Close, b""),
        ]
        .concat();

        assert_eq!(feed(&mut decoder, &wire), (vec![Got::Close(None)], None));
        assert_eq!(decoder.capacity(), 0);
        assert!(decoder.is_idle());
    }

    #[test]
    fn bad_closes_are_refused() {
        let close = |payload: &[u8]| refused(&[frame(true, Opcode::Close, payload)]);

        assert_eq!(close(b"\x03"), ProtocolError::ShortClose);
        assert_eq!(close(b"\x03\xed"), ProtocolError::CloseCode(1005));
        assert_eq!(close(b"\x03\xe8\xff"), ProtocolError::InvalidUtf8);
    }

    #[test]
    fn text_may_break_within_a_character_but_only_between_fragments() {
        let text = "κόσμε 𐍈 \u{10ffff}";
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let wire = [
                    frame(false, Opcode::Text, &text.as_bytes()[..first]),
                    frame(false, Opcode::Continuation, &text.as_bytes()[first..second]),
                    frame(true, Opcode::Continuation, &text.as_bytes()[second..]),
                ]
                .concat();

                for size in [1, 3, wire.len()] {
                    let got = feed_in_pieces(&mut server(100), &wire, &[size]);
                    assert_eq!(got, (vec![Got::Text(text.into())], None));
                }
            }
        }

        assert_eq!(
            refused(&[frame(true, Opcode::Text, "κ".as_bytes().split_at(1).0)]),
            ProtocolError::InvalidUtf8
        );
        assert_eq!(
            refused(&[
                frame(false, Opcode::Text, b"\xe2\x82"),
                frame(true, Opcode::Continuation, b"")
            ]),
            ProtocolError::InvalidUtf8
        );
    }

    #[test]
    fn bad_text_is_refused_at_its_first_impossible_byte() {
        // Autobahn 6.4: 0xf4 may begin a character, but not with 0x90 behind it.
        let wire = frame(true, Opcode::Text, b"ok \xf4\x90\x80\x80 and much more");
        let mut chopped = server(100);
        let mut fragmented = server(100);

        assert_eq!(feed(&mut chopped, &wire[..10]), (vec![], None));
        assert_eq!(
            feed(&mut chopped, &wire[10..11]).1,
            Some(ProtocolError::InvalidUtf8)
        );
        let first = frame(false, Opcode::Text, b"ok \xf4");
        assert_eq!(feed(&mut fragmented, &first), (vec![], None));
        let second = frame(false, Opcode::Continuation, b"\x90");
        assert_eq!(
            feed(&mut fragmented, &second).1,
            Some(ProtocolError::InvalidUtf8)
        );
        assert_eq!(
            refused(&[frame(false, Opcode::Text, b"\xed\xa0")]),
            ProtocolError::InvalidUtf8
        );
    }

    #[test]
    fn what_exceeds_a_limit_is_refused_by_its_header() {
        let limits = Limits {
            max_frame: 10,
            max_message: 15,
            max_fragments: 3,
        };
        let after = |frames: &[Vec<u8>], payload: usize| {
            let mut decoder = Decoder::new(limits, Role::Server);
            assert_eq!(feed(&mut decoder, &frames.concat()), (vec![], None));
            let opcode = if frames.is_empty() {
                Opcode::Binary
            } else {
                Opcode::Continuation
            };
            let bytes = frame(false, opcode, &vec![0; payload]);
            feed(&mut decoder, &bytes[..6]).1
        };
        let first = frame(false, Opcode::Binary, &[0; 10]);
        let next = frame(false, Opcode::Continuation, b"");

        assert_eq!(after(&[], 10), None);
        assert_eq!(after(&[], 11), Some(ProtocolError::TooLarge));
        assert_eq!(after(std::slice::from_ref(&first), 5), None);
        assert_eq!(
            after(std::slice::from_ref(&first), 6),
            Some(ProtocolError::TooLarge)
        );
        assert_eq!(after(&[first.clone(), next.clone()], 0), None);
        assert_eq!(
            after(&[first, next.clone(), next], 0),
            Some(ProtocolError::TooManyFragments)
        );
    }

    #[test]
    fn a_length_beyond_32_bits_is_too_large() {
        let wire = b"\x82\xff\0\0\0\x01\0\0\0\0\x37\xfa\x21\x3d".to_vec();

        assert_eq!(refused(&[wire]), ProtocolError::TooLarge);
    }

    #[test]
    fn new_limits_hold_from_the_next_frame_on() {
        let mut decoder = server(5);
        let wire = frame(true, Opcode::Binary, &[0; 6]);

        decoder.set_limits(Limits::for_messages(6));

        let expected = vec![Got::Binary(vec![0; 6])];
        assert_eq!(feed(&mut decoder, &wire), (expected, None));
        decoder.set_limits(Limits::for_messages(5));
        assert_eq!(
            feed(&mut decoder, &wire),
            (vec![], Some(ProtocolError::TooLarge))
        );
    }

    #[test]
    fn errors_name_their_close_code() {
        assert_eq!(ProtocolError::InvalidUtf8.close_code(), 1007);
        assert_eq!(ProtocolError::TooLarge.close_code(), 1009);
        assert_eq!(ProtocolError::TooManyFragments.close_code(), 1009);
        assert_eq!(ProtocolError::UnmaskedFrame.close_code(), 1002);
        assert_eq!(ProtocolError::CloseCode(5).close_code(), 1002);
    }

    /// A message as a test sends it: where its payload is cut, and the pings that come in each cut.
    type Sent = (Got, Vec<(Index, Option<Vec<u8>>)>);

    fn control_payload() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 0..=MAX_CONTROL_PAYLOAD)
    }

    fn sent() -> impl Strategy<Value = Sent> {
        let data = prop_oneof![
            any::<String>().prop_map(Got::Text),
            prop::collection::vec(any::<u8>(), 0..600).prop_map(Got::Binary),
            control_payload().prop_map(Got::Ping),
            control_payload().prop_map(Got::Pong),
        ];
        let cut = (any::<Index>(), prop::option::of(control_payload()));
        (data, prop::collection::vec(cut, 0..4))
    }

    /// Puts a message on the wire and notes in which order its parts are to come out.
    fn send(sent: &Sent, mask: Option<[u8; 4]>, wire: &mut Vec<u8>, expected: &mut Vec<Got>) {
        let mut put = |fin, opcode, payload: &[u8]| {
            let header = FrameHeader {
                fin,
                mask,
                ..FrameHeader::whole(opcode, payload.len())
            };
            header.append_to(wire);
            let start = wire.len();
            wire.extend_from_slice(payload);
            apply_mask(&mut wire[start..], mask.unwrap_or_default());
        };
        let (mut opcode, payload) = match &sent.0 {
            Got::Text(text) => (Opcode::Text, text.as_bytes()),
            Got::Binary(bytes) => (Opcode::Binary, &bytes[..]),
            Got::Ping(bytes) => (Opcode::Ping, &bytes[..]),
            Got::Pong(bytes) => (Opcode::Pong, &bytes[..]),
            Got::Close(_) => (Opcode::Close, &[][..]),
        };
        let mut at = 0;
        if !opcode.is_control() {
            for (cut, ping) in &sent.1 {
                let end = at + cut.index(payload.len() - at + 1);
                put(false, opcode, &payload[at..end]);
                if let Some(ping) = ping {
                    put(true, Opcode::Ping, ping);
                    expected.push(Got::Ping(ping.clone()));
                }
                (opcode, at) = (Opcode::Continuation, end);
            }
        }
        put(true, opcode, &payload[at..]);
        expected.push(sent.0.clone());
    }

    /// Bytes that often begin like frames, so that random input gets further than its first header.
    fn almost_frames() -> impl Strategy<Value = Vec<u8>> {
        let one = (
            prop_oneof![8 => 0..3_u8, 2 => 8..11_u8, 1 => any::<u8>()],
            prop_oneof![4 => Just(0x80_u8), 6 => Just(0)],
            prop_oneof![8 => 0x80..0x90_u8, 1 => 0xfc..=0xff_u8, 1 => any::<u8>()],
            any::<[u8; 4]>(),
            prop::collection::vec(any::<u8>(), 0..20),
        );
        prop::collection::vec(one, 0..12).prop_map(|frames| {
            let mut bytes = Vec::new();
            for (opcode, fin, len, mask, payload) in frames {
                bytes.extend([opcode | fin, len]);
                bytes.extend(mask);
                let size = payload.len().min(usize::from(len & 0x7f));
                bytes.extend(&payload[..size]);
            }
            bytes
        })
    }

    proptest! {
        #[test]
        fn messages_are_the_same_however_they_are_cut_into_frames_and_reads(
            sent in prop::collection::vec(sent(), 0..8),
            key: [u8; 4],
            role in prop_oneof![Just(Role::Server), Just(Role::Client)],
            sizes in prop::collection::vec(1..300_usize, 1..8),
        ) {
            let mask = (role == Role::Server).then_some(key);
            let (mut wire, mut expected) = (Vec::new(), Vec::new());
            for message in &sent {
                send(message, mask, &mut wire, &mut expected);
            }

            for sizes in [&sizes[..], &[1], &[usize::MAX]] {
                let mut decoder = Decoder::new(Limits::for_messages(4_096), role);
                let (got, error) = feed_in_pieces(&mut decoder, &wire, sizes);

                prop_assert_eq!(&got, &expected);
                prop_assert_eq!(error, None);
                prop_assert!(decoder.is_idle() && !decoder.is_over());
                prop_assert_eq!((decoder.capacity(), decoder.buffered()), (0, 0));
            }
        }

        #[test]
        fn arbitrary_bytes_neither_panic_nor_pile_up_nor_depend_on_reads(
            bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..400), almost_frames()],
            sizes in prop::collection::vec(1..40_usize, 1..8),
        ) {
            let limits = Limits { max_frame: 30, max_message: 50, max_fragments: 4 };

            let whole = feed(&mut Decoder::new(limits, Role::Server), &bytes);
            let pieces = feed_in_pieces(&mut Decoder::new(limits, Role::Server), &bytes, &sizes);

            prop_assert_eq!(whole, pieces);
        }
    }

    #[test]
    fn a_close_is_what_its_sender_wrote() {
        let mut wire = Vec::new();
        append_close(&mut wire, 4_000, "see you");
        let mut decoder = Decoder::new(Limits::for_messages(0), Role::Client);

        let mut messages = decoder.feed(&mut wire);

        let (code, reason) = (4_000, "see you");
        assert_eq!(
            messages.next_message(),
            Ok(Some(Message::Close(Some(CloseFrame { code, reason }))))
        );
    }
}
