//! RFC 6455 frames as a client needs them: small, whole, masked with zeroes, which costs nothing.

/// A text frame.
pub const TEXT: u8 = 1;
/// The peer ends the connection.
pub const CLOSE: u8 = 8;

/// What a server sent.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// What kind of frame.
    pub opcode: u8,
    /// What is in it.
    pub payload: &'a [u8],
}

/// The first frame of `bytes` and its whole length, when all of it is there.
///
/// # Panics
/// When the server sends fragments: ours does not.
#[must_use]
pub fn parse(bytes: &[u8]) -> Option<(Frame<'_>, usize)> {
    let (&[first, second], rest) = bytes.split_first_chunk()?;
    assert!(
        first & 0x80 != 0 && second & 0x80 == 0,
        "a fragment, or a masked frame from a server"
    );
    let (length, head) = match second {
        126 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
        127 => (
            usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).unwrap_or(usize::MAX),
            10,
        ),
        short => (usize::from(short), 2),
    };
    let payload = bytes.get(head..head + length)?;
    let opcode = first & 0x0f;
    Some((Frame { opcode, payload }, head + length))
}

/// Appends a frame as a client sends it.
pub fn append(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    match payload.len() {
        length @ 0..126 => out.push(0x80 | length as u8),
        length @ 126..0x1_0000 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

/// Cuts a stream into frames. Holds bytes only while a frame is incomplete.
#[derive(Debug, Default)]
pub struct Splitter {
    rest: Vec<u8>,
}

impl Splitter {
    /// Takes what was read and hands out the frames that are complete.
    pub fn feed(&mut self, chunk: &[u8], mut take: impl FnMut(Frame<'_>)) {
        if self.rest.is_empty() {
            let used = drain(chunk, &mut take);
            self.rest.extend_from_slice(&chunk[used..]);
        } else {
            self.rest.extend_from_slice(chunk);
            let used = drain(&self.rest, &mut take);
            if used == self.rest.len() {
                self.rest = Vec::new();
            } else {
                self.rest.drain(..used);
            }
        }
    }
}

fn drain(bytes: &[u8], take: &mut impl FnMut(Frame<'_>)) -> usize {
    let mut used = 0;
    while let Some((frame, length)) = parse(&bytes[used..]) {
        take(frame);
        used += length;
    }
    used
}

/// The request for a WebSocket that speaks JSON.
#[must_use]
pub fn upgrade(path: &str, token: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: im.v1.json\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
}

/// Length of the head of an HTTP response, once all of it is there.
#[must_use]
pub fn head_length(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(end + 4)
}
