//! The answer to a post: its frames are asked one after the other, and each reply is a line, as soon as it is there.

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf as _, Bytes};
use hyper::body::{Body, Frame};
use im_core::{port::Outlet, wire::Format};
use tokio::sync::OwnedSemaphorePermit;

use super::link::{EventsLink, Turn};
use crate::{
    drive::{Drive, Flow},
    link::Link,
};

/// Replies of a post, as lines: [`EventsServer`](super::EventsServer). What was not asked when it is dropped is not asked.
pub struct Replies {
    drive: Drive,
    /// What was posted and not asked yet.
    frames: Bytes,
    link: Arc<EventsLink>,
    /// Replies that were not written yet.
    lines: Vec<u8>,
    /// Bytes of them beyond which nothing more is asked.
    most: usize,
    _permit: OwnedSemaphorePermit,
}

impl Replies {
    pub(super) fn new(turn: Turn, link: Arc<EventsLink>, frames: Bytes, most: usize) -> Self {
        Self {
            drive: turn.drive,
            frames,
            link,
            lines: Vec::new(),
            most,
            _permit: turn.permit,
        }
    }

    /// Asks as much as may run, and gathers the replies that are there.
    fn ask(&mut self, cx: &mut Context<'_>) {
        while self.drive.is_ready() && self.lines.len() < self.most {
            if self.link.is_over() {
                self.frames = Bytes::new();
            }
            let Some(frame) = next_line(&mut self.frames) else {
                self.drive.take_no_more();
                break;
            };
            let mut answers = Answers {
                outlet: &self.link.outlet,
                lines: &mut self.lines,
            };
            let flow = self.drive.handle_frame(&frame, &mut answers, cx);
            self.follow(flow);
        }
        let mut answers = Answers {
            outlet: &self.link.outlet,
            lines: &mut self.lines,
        };
        let flow = self.drive.poll(&mut answers, cx);
        self.follow(flow);
    }

    fn follow(&mut self, flow: Flow) {
        if let Flow::Close(reason) = flow {
            self.link.end(reason);
            self.drive.take_no_more();
        }
    }
}

impl Body for Replies {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            self.ask(cx);
            if !self.lines.is_empty() {
                let lines = std::mem::take(&mut self.lines);
                return Poll::Ready(Some(Ok(Frame::data(lines.into()))));
            }
            if self.drive.is_ready() {
                // Something was answered that wanted no reply, and there is room again.
                continue;
            }
            return if self.drive.is_busy() {
                Poll::Pending
            } else {
                Poll::Ready(None)
            };
        }
    }
}

impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies").finish_non_exhaustive()
    }
}

/// Takes the next line that is not empty.
fn next_line(text: &mut Bytes) -> Option<Bytes> {
    loop {
        if text.is_empty() {
            return None;
        }
        let end = text.iter().position(|byte| *byte == b'\n');
        let line = text.split_to(end.unwrap_or(text.len()));
        if end.is_some() {
            text.advance(1);
        }
        if !line.trim_ascii().is_empty() {
            return Some(line);
        }
    }
}

/// What [`crate::drive`] sees of a post.
struct Answers<'a> {
    outlet: &'a Arc<super::outlet::EventsOutlet>,
    lines: &'a mut Vec<u8>,
}

impl Link for Answers<'_> {
    fn format(&self) -> Format {
        Format::Json
    }

    fn outlet(&self) -> Arc<dyn Outlet> {
        self.outlet.clone()
    }

    fn send(&mut self, write: impl FnOnce(Format, &mut Vec<u8>)) {
        write(Format::Json, self.lines);
        self.lines.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_one_by_one_and_empty_ones_passed_over() {
        let mut text = Bytes::from_static(b"\n{1}\r\n\n  \n{2}");
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut text) {
            lines.push(line);
        }
        assert_eq!(lines, [&b"{1}\r"[..], b"{2}"]);
    }
}
