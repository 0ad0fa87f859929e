//! The body of an answer that is a stream of events.

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use im_core::CloseReason;

use super::{encoding, link::EventsLink, links::Listed};

/// What a session is told, as events: [`EventsServer`](super::EventsServer). Dropping it ends the session.
pub struct EventStream {
    has_ended: bool,
    link: Arc<EventsLink>,
    _listed: Listed,
}

impl EventStream {
    pub(super) const fn new(link: Arc<EventsLink>, listed: Listed) -> Self {
        Self {
            has_ended: false,
            link,
            _listed: listed,
        }
    }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let bytes = match ready!(self.link.outlet.poll_next(cx)) {
            Ok(bytes) => bytes,
            Err(reason) => {
                self.has_ended = true;
                self.link.end(reason);
                encoding::ending(reason).into()
            }
        };
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.link.end(CloseReason::IdleTimeout);
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("has_ended", &self.has_ended)
            .finish_non_exhaustive()
    }
}
