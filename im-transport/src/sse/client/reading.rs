//! The task that reads the stream: pushes go into the inbox, and what ends the stream ends the link.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use im_core::{
    Call as _, CallError, CloseReason, OpenSession, SessionOpened,
    wire::{Format, Incoming as Read},
};
use tokio::time::timeout;

use super::{
    events::{Event, Events, Kind},
    http::Wire,
    posting::LAST_WORDS,
    shared::Shared,
};
use crate::close;

/// A stream of events.
pub(super) struct Stream {
    body: Incoming,
    events: Events,
    /// Events that were read and not taken.
    ready: VecDeque<Event>,
    /// Held, because the connection ends with it.
    _wire: Wire,
}

/// What a stream begins with.
pub(super) struct Beginning {
    pub(super) link: String,
    pub(super) opened: SessionOpened,
}

impl Stream {
    pub(super) fn new(wire: Wire, body: Incoming) -> Self {
        Self {
            body,
            events: Events::default(),
            ready: VecDeque::new(),
            _wire: wire,
        }
    }

    /// Reads the answer to `session.open` and the name of the link.
    pub(super) async fn beginning(&mut self) -> Result<Beginning, CallError> {
        let mut opened = None;
        loop {
            let event = self.next().await.ok_or(CallError::Lost)?;
            match event.kind {
                Kind::Frame => opened = Some(opened_by(&event.data)?),
                Kind::Link => {
                    let named: serde_json::Value =
                        serde_json::from_slice(&event.data).unwrap_or_default();
                    let link = named["link"].as_str().ok_or(CallError::Lost)?.to_owned();
                    let opened = opened.ok_or(CallError::Lost)?;
                    return Ok(Beginning { link, opened });
                }
                Kind::Close => return Err(CallError::Lost),
                Kind::Unknown => {}
            }
        }
    }

    /// The next event; `None` when the stream is over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let bytes = self.read().await?;
            let ready = &mut self.ready;
            let fed = self.events.feed(&bytes, |event| ready.push_back(event));
            if fed.is_err() {
                tracing::warn!("the server sent an event without end");
                return None;
            }
        }
    }

    /// What comes next, also when it is no event.
    async fn read(&mut self) -> Option<Bytes> {
        loop {
            let frame = self.body.frame().await?;
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(bytes)) => return Some(bytes),
                Ok(Err(_trailers)) => {}
                Err(error) => {
                    tracing::debug!("a stream broke: {error}");
                    return None;
                }
            }
        }
    }

    /// Reads until the link is over. A stream that is silent for so long is.
    pub(super) async fn run(mut self, shared: Arc<Shared>, silence: Duration) {
        // Made before looking, so that the end is not missed in between.
        let ended = shared.ended.notified();
        let reason = if shared.over().is_none() {
            tokio::select! {
                reason = self.take_in(&shared, silence) => reason,
                () = ended => CloseReason::Asked,
            }
        } else {
            CloseReason::Asked
        };
        shared.end(reason);
    }

    async fn take_in(&mut self, shared: &Shared, silence: Duration) -> CloseReason {
        loop {
            while let Some(event) = self.ready.pop_front() {
                match event.kind {
                    Kind::Frame => {
                        if let Err(reason) = shared.handle_frame(&event.data) {
                            return reason;
                        }
                    }
                    Kind::Close => {
                        let reason = reason_of(&event.data);
                        shared.news.notify_waiters();
                        // Replies come another way, and may be behind.
                        let ended = shared.ended.notified();
                        shared.close(reason);
                        let _ = timeout(LAST_WORDS, ended).await;
                        return reason;
                    }
                    Kind::Link | Kind::Unknown => {}
                }
            }
            shared.news.notify_waiters();
            let Ok(Some(bytes)) = timeout(silence, self.read()).await else {
                return CloseReason::IdleTimeout;
            };
            let ready = &mut self.ready;
            if self
                .events
                .feed(&bytes, |event| ready.push_back(event))
                .is_err()
            {
                tracing::warn!("the server sent an event without end");
                return CloseReason::ProtocolError;
            }
        }
    }
}

fn opened_by(frame: &[u8]) -> Result<SessionOpened, CallError> {
    match Read::read(Format::Json, frame) {
        Ok(Read::Failed(_, rejection)) => Err(rejection.into()),
        Ok(Read::Reply(_)) => Read::reply(Format::Json, OpenSession::METHOD, frame)
            .ok()
            .flatten()
            .and_then(OpenSession::reply_of)
            .ok_or(CallError::Lost),
        Ok(Read::Push(_) | Read::Ignored) | Err(_) => Err(CallError::Lost),
    }
}

fn reason_of(data: &[u8]) -> CloseReason {
    let closed: serde_json::Value = serde_json::from_slice(data).unwrap_or_default();
    let code = closed["code"].as_u64();
    close::reason_of(code.and_then(|code| u16::try_from(code).ok()))
}
