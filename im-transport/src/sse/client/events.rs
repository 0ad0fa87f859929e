//! Bytes of a `text/event-stream`, cut into events (HTML, 9.2.6).

/// Bytes of one event at most: as much as a message from a server.
const MAX_EVENT: usize = 32 * 1024 * 1024;

/// What is there of an event that is not complete.
#[derive(Debug, Default)]
pub(super) struct Events {
    data: Vec<u8>,
    line: Vec<u8>,
    name: Vec<u8>,
}

/// An event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Event {
    pub(super) data: Vec<u8>,
    pub(super) kind: Kind,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Close,
    Frame,
    Link,
    Unknown,
}

/// An event beyond the bound.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct TooLarge;

impl Events {
    /// Takes what was read and hands out the events that are complete.
    pub(super) fn feed(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(Event),
    ) -> Result<(), TooLarge> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            let mut line = std::mem::take(&mut self.line);
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            if let Some(event) = self.take_line(&line) {
                take(event);
            }
            self.check()?;
        }
        self.line.extend_from_slice(bytes);
        self.check()
    }

    fn take_line(&mut self, line: &[u8]) -> Option<Event> {
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            let data = std::mem::take(&mut self.data);
            let kind = match &*name {
                b"" | b"message" => Kind::Frame,
                b"close" => Kind::Close,
                b"link" => Kind::Link,
                _ => Kind::Unknown,
            };
            return (!data.is_empty()).then_some(Event { data, kind });
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => self.name = value.to_vec(),
            b"data" => {
                if !self.data.is_empty() {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            // A comment, `retry`, or what nobody defined.
            _ => {}
        }
        None
    }

    fn check(&self) -> Result<(), TooLarge> {
        if self.line.len() + self.data.len() > MAX_EVENT {
            return Err(TooLarge);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "retry: 1000\ndata: {1}\n\n:\n\nevent: link\ndata: a\r\n\r\nevent:close\ndata:b\ndata: c\n\nevent: x\ndata: d\n\ndata: half";

    fn event(kind: Kind, data: &str) -> Event {
        let data = data.into();
        Event { data, kind }
    }

    #[test]
    fn events_are_the_same_however_the_stream_is_cut() {
        for size in 1..STREAM.len() {
            let (mut events, mut found) = (Events::default(), Vec::new());
            for piece in STREAM.as_bytes().chunks(size) {
                events.feed(piece, |event| found.push(event)).unwrap();
            }
            let expected = [
                event(Kind::Frame, "{1}"),
                event(Kind::Link, "a"),
                event(Kind::Close, "b\nc"),
                event(Kind::Unknown, "d"),
            ];
            assert_eq!(found, expected, "{size}");
        }
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let mut events = Events::default();
        let piece = vec![b'x'; MAX_EVENT / 2 + 1];

        events.feed(&piece, |_| unreachable!()).unwrap();

        assert_eq!(events.feed(&piece, |_| unreachable!()), Err(TooLarge));
    }
}
