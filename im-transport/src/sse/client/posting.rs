//! The task that posts: what waits goes up together, in order, one post after the other; and a heartbeat when nothing does.

use std::{sync::Arc, time::Duration};

use http_body_util::BodyExt as _;
use im_core::{
    CallError, CloseReason, Code, Command, Ping,
    wire::{self, Format},
};
use tokio::time::timeout;

use super::{
    http::{Server, Wire},
    shared::Shared,
};

/// How long what ends may take.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(2);

/// Bytes of one reply at most, as over a WebSocket.
const MAX_REPLY: usize = 32 * 1024 * 1024;

/// What posts to one link.
pub(super) struct Posting {
    pub(super) heartbeat: Duration,
    pub(super) link: String,
    pub(super) server: Server,
    pub(super) shared: Arc<Shared>,
}

impl Posting {
    /// Posts until the link is over.
    pub(super) async fn run(self) {
        let mut wire = None;
        let mut beat = Vec::new();
        // An id of its own, which no call has: calls begin at 1.
        let id = wire::RequestId::Number(0);
        wire::write_request(Format::Json, &id, &Command::Ping(Ping {}), &mut beat);
        let reason = loop {
            if let Some(reason) = self.shared.closing() {
                break reason;
            }
            let mut frames = self.shared.take_post();
            if frames.is_empty() {
                let waited = timeout(self.heartbeat, self.shared.outgoing.notified()).await;
                if waited.is_ok() {
                    continue;
                }
                frames.clone_from(&beat);
            }
            if let Err(error) = self.post(&mut wire, frames).await {
                break self.reason_of(&error).await;
            }
        };
        self.shared.end(reason);
    }

    /// Posts frames, and sorts in the replies as they come.
    async fn post(&self, wire: &mut Option<Wire>, frames: Vec<u8>) -> Result<(), CallError> {
        let mut open = match wire.take() {
            Some(wire) if wire.is_usable() => wire,
            _ => self.server.connect().await?,
        };
        // Made before looking, so that the end is not missed in between.
        let ended = self.shared.ended.notified();
        if self.shared.over().is_some() {
            return Ok(());
        }
        tokio::select! {
            answered = self.answered(&mut open, frames) => answered?,
            // The stream is over; so is what waits for an answer.
            () = ended => return Ok(()),
        }
        open.used();
        *wire = Some(open);
        Ok(())
    }

    async fn answered(&self, wire: &mut Wire, frames: Vec<u8>) -> Result<(), CallError> {
        let response = self.server.post(wire, &self.link, frames.into()).await?;
        let mut body = response.into_body();
        let mut rest = Vec::new();
        while let Some(frame) = body.frame().await {
            let bytes = frame.map_err(|_| CallError::Lost)?.into_data();
            let bytes = bytes.unwrap_or_default();
            rest.extend_from_slice(&bytes);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                self.shared.handle_frame(&line).map_err(CallError::Closed)?;
            }
            if rest.len() > MAX_REPLY {
                return Err(CallError::Closed(CloseReason::ProtocolError));
            }
        }
        Ok(())
    }

    /// What a failed post means for the link. The session goes on over another one wherever that can help.
    async fn reason_of(&self, error: &CallError) -> CloseReason {
        let code = match error {
            CallError::Closed(reason) => return *reason,
            CallError::Lost => return CloseReason::IdleTimeout,
            CallError::Rejected(rejection) => rejection.code,
        };
        if code == Code::Unauthenticated {
            return CloseReason::Unauthenticated;
        }
        if code == Code::TooLarge {
            return CloseReason::TooLarge;
        }
        if code == Code::NotFound {
            // It is over, and the stream is about to say why.
            let ended = self.shared.ended.notified();
            if self.shared.closing().is_none() {
                let _ = timeout(LAST_WORDS, ended).await;
            }
        }
        self.shared.closing().unwrap_or(CloseReason::IdleTimeout)
    }
}
