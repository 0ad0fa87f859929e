//! Frames behind their lengths, without I/O: bytes in, frames out, and back. Free of memory while nothing is half-read.
//!
//! What a frame means is not here, but for the two that are the transport's own: the empty one, which keeps a link alive,
//! and the last one, which says why a server ends it.

use std::borrow::Cow;

/// Bytes of a length.
pub(crate) const HEAD: usize = 4;

/// Bytes of a reason in the last frame at most: what `str 8` of MessagePack holds.
const MAX_REASON: usize = 255;

/// How the last frame begins: an array of two, the first a `uint 16`. All others are maps.
const LAST: [u8; 2] = [0x92, 0xcd];

/// MessagePack's `str 8`.
const STR_8: u8 = 0xd9;

// There is one per connection, so its size is part of what an idle connection costs.
const _: () = assert!(size_of::<Decoder>() <= 48);

/// A length above the bound. Told from the length alone, before anything else arrives.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a frame of {len} bytes is too large; at most {max} are taken")]
pub struct TooLarge {
    len: u32,
    max: u32,
}

/// The receiving half of a connection.
///
/// A frame that arrives in one piece is handed out where it lies; only one that is still incomplete is copied. Memory
/// follows the bytes that arrived, never the length that a peer claims: it is at most twice the former, and at most the
/// latter. It has no `Debug`, because it holds what people write.
#[allow(missing_debug_implementations, reason = "it holds what people write")]
pub struct Decoder {
    kept: Vec<u8>,
    max: u32,
    phase: Phase,
}

/// Where in the stream of frames the next byte belongs.
#[derive(Clone, Copy)]
enum Phase {
    /// In a length, of which `have` bytes have come.
    Head {
        bytes: [u8; HEAD],
        have: u8,
    },
    /// In a frame, of which `left` bytes have not come.
    Body {
        left: u32,
    },
    Over,
}

impl Phase {
    const BOUNDARY: Self = Self::Head {
        bytes: [0; HEAD],
        have: 0,
    };
}

impl Decoder {
    /// A decoder before its first byte, for frames of at most `max` bytes.
    #[must_use]
    pub const fn new(max: u32) -> Self {
        Self {
            kept: Vec::new(),
            max,
            phase: Phase::BOUNDARY,
        }
    }

    /// Takes what a read of the socket returned; the frames in it are to be taken out until there are no more.
    pub const fn feed<'a>(&'a mut self, bytes: &'a [u8]) -> Frames<'a> {
        Frames {
            current: Cow::Borrowed(&[]),
            decoder: self,
            input: bytes,
        }
    }

    /// Replaces the bound from the next frame on.
    pub(crate) const fn set_max(&mut self, max: u32) {
        self.max = max;
    }

    /// Bytes kept of a frame that is half-read; 0 between frames.
    #[must_use]
    pub const fn buffered(&self) -> usize {
        self.kept.len()
    }

    /// Whether the peer owes nothing.
    pub(crate) const fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Head { have: 0, .. } | Phase::Over)
    }

    /// Consumes input up to the end of the next frame, or all of it.
    fn read<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, TooLarge> {
        loop {
            match self.phase {
                Phase::Over => {
                    *input = &[];
                    return Ok(None);
                }
                Phase::Head { .. } if input.is_empty() => return Ok(None),
                Phase::Head { bytes, have } => self.phase = self.read_head(bytes, have, input)?,
                Phase::Body { left } => {
                    let Some(body) = self.read_body(left, input) else {
                        return Ok(None);
                    };
                    self.phase = Phase::BOUNDARY;
                    return Ok(Some(body));
                }
            }
        }
    }

    fn read_head(
        &mut self,
        mut bytes: [u8; HEAD],
        have: u8,
        input: &mut &[u8],
    ) -> Result<Phase, TooLarge> {
        let have = usize::from(have);
        let (taken, rest) = input.split_at(input.len().min(HEAD - have));
        bytes[have..have + taken.len()].copy_from_slice(taken);
        *input = rest;
        let have = have + taken.len();
        if have < HEAD {
            let have = have as u8;
            return Ok(Phase::Head { bytes, have });
        }
        let (len, max) = (u32::from_be_bytes(bytes), self.max);
        if len > max {
            self.phase = Phase::Over;
            return Err(TooLarge { len, max });
        }
        Ok(Phase::Body { left: len })
    }

    fn read_body<'a>(&mut self, left: u32, input: &mut &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let size = input.len().min(left as usize);
        let (taken, rest) = input.split_at(size);
        *input = rest;
        let left = left as usize - size;
        if left == 0 && self.kept.is_empty() {
            return Some(Cow::Borrowed(taken));
        }
        self.keep(taken, left);
        if left == 0 {
            return Some(Cow::Owned(std::mem::take(&mut self.kept)));
        }
        self.phase = Phase::Body { left: left as u32 };
        None
    }

    /// Room grows by doubling, but not past the end of the frame.
    fn keep(&mut self, bytes: &[u8], left: usize) {
        let needed = self.kept.len() + bytes.len();
        if needed > self.kept.capacity() {
            let room = (2 * self.kept.capacity()).clamp(needed, needed + left);
            self.kept.reserve_exact(room - self.kept.len());
        }
        self.kept.extend_from_slice(bytes);
    }
}

/// What one read of the socket holds, frame by frame. Dropped early, it loses the rest of the input.
#[allow(missing_debug_implementations, reason = "it holds what people write")]
pub struct Frames<'a> {
    current: Cow<'a, [u8]>,
    decoder: &'a mut Decoder,
    input: &'a [u8],
}

impl Frames<'_> {
    /// The next complete frame, without its length; `None` when the input is used up, or after an error.
    ///
    /// # Errors
    /// [`TooLarge`], once; nothing comes after it.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, TooLarge> {
        self.current = Cow::Borrowed(&[]);
        let Some(frame) = self.decoder.read(&mut self.input)? else {
            return Ok(None);
        };
        self.current = frame;
        Ok(Some(&self.current))
    }

    /// How many bytes are behind the last frame.
    pub(crate) const fn rest(&self) -> usize {
        self.input.len()
    }
}

/// Appends a frame whose inside `write` appends.
pub(crate) fn append(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD]);
    write(out);
    let len = u32::try_from(out.len() - start - HEAD).expect("a frame is far below 4 GiB");
    out[start..start + HEAD].copy_from_slice(&len.to_be_bytes());
}

/// Appends the last frame: why the link ends. A reason that is too long is cut.
pub(crate) fn append_last(out: &mut Vec<u8>, code: u16, reason: &str) {
    let reason = &reason[..reason.floor_char_boundary(MAX_REASON)];
    append(out, |out| {
        out.extend_from_slice(&LAST);
        out.extend_from_slice(&code.to_be_bytes());
        out.extend_from_slice(&[STR_8, reason.len() as u8]);
        out.extend_from_slice(reason.as_bytes());
    });
}

/// The code of a last frame; `None` for any other.
#[must_use]
pub fn last_code(frame: &[u8]) -> Option<u16> {
    let rest = frame.strip_prefix(&LAST)?;
    let code = rest.first_chunk()?;
    Some(u16::from_be_bytes(*code))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(frames: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for frame in frames {
            append(&mut bytes, |out| out.extend(frame));
        }
        bytes
    }

    fn read(decoder: &mut Decoder, bytes: &[u8]) -> Result<Vec<Vec<u8>>, TooLarge> {
        let mut frames = decoder.feed(bytes);
        let mut found = Vec::new();
        while let Some(frame) = frames.next_frame()? {
            found.push(frame.to_vec());
        }
        Ok(found)
    }

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in_however_they_are_cut(
            frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..10),
            cuts in prop::collection::vec(1..60_usize, 1..40),
        ) {
            let bytes = written(&frames);
            let mut decoder = Decoder::new(50);
            let (mut at, mut found) = (0, Vec::new());

            for cut in cuts.iter().cycle() {
                let end = bytes.len().min(at + cut);
                found.extend(read(&mut decoder, &bytes[at..end]).unwrap());
                at = end;
                if at == bytes.len() {
                    break;
                }
            }

            prop_assert_eq!(found, frames);
            prop_assert!(decoder.is_idle());
            prop_assert_eq!(decoder.kept.capacity(), 0);
        }
    }

    #[test]
    fn a_length_above_the_bound_is_refused_before_anything_follows() {
        let mut decoder = Decoder::new(8);

        assert_eq!(read(&mut decoder, &[0, 0, 0]), Ok(vec![]));
        let refused = read(&mut decoder, &[9]);

        assert_eq!(refused, Err(TooLarge { len: 9, max: 8 }));
        assert_eq!(read(&mut decoder, &written(&[vec![1]])), Ok(vec![]));
        assert_eq!(decoder.kept.capacity(), 0);
    }

    #[test]
    fn memory_follows_what_came_and_not_what_is_claimed() {
        let mut decoder = Decoder::new(u32::MAX);

        read(&mut decoder, &[0xff; HEAD]).unwrap();
        read(&mut decoder, &[1; 100]).unwrap();

        assert!(decoder.kept.capacity() <= 200);
        assert!(!decoder.is_idle());
    }

    #[test]
    fn a_length_that_trickles_in_owes_the_rest() {
        let mut decoder = Decoder::new(8);
        assert!(decoder.is_idle());

        read(&mut decoder, &[0]).unwrap();

        assert!(!decoder.is_idle());
        assert_eq!(read(&mut decoder, &[0, 0, 0]), Ok(vec![vec![]]));
        assert!(decoder.is_idle());
    }

    #[test]
    fn the_last_frame_is_an_array_of_a_code_and_a_text() {
        let mut bytes = Vec::new();

        append_last(&mut bytes, 1009, "too large");
        let frame = &bytes[HEAD..];

        assert_eq!(frame, b"\x92\xcd\x03\xf1\xd9\x09too large");
        assert_eq!(last_code(frame), Some(1009));
        assert_eq!(last_code(b"\x83\xa2id\x01"), None);
        assert_eq!(last_code(b"\x92\xcd\x03"), None);
    }

    #[test]
    fn a_reason_that_is_too_long_is_cut_between_characters() {
        let mut bytes = Vec::new();

        append_last(&mut bytes, 1009, &"ä".repeat(200));

        assert_eq!(bytes.len(), HEAD + 6 + 254);
    }
}
