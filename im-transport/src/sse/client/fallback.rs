//! A WebSocket where it gets through, and events where it does not.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use im_core::{CallError, Code, Connection, Connector as _, Credential, DeviceId, Rejection};
use tokio::time::Instant;

use super::{
    Connector,
    memory::{Memory, Way},
};
use crate::{
    client::{self, TokenSource},
    tls::Trust,
};

/// Opens links of one device over whichever of two ways works: a WebSocket, or server-sent events where something between
/// here and the server breaks WebSockets. What worked is remembered, and a WebSocket is tried again after five minutes.
///
/// TCP is not among the ways, also where the server's `GET /v1/capabilities` names a link of that kind: what breaks
/// WebSockets lets no other ports through as a rule, and often without a word, so that each attempt would be waited for. A
/// program that wants TCP opens a [`client::Connector`] to that address.
///
/// ```
/// use im_transport::sse::Fallback;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let device = im_core::DeviceId::new("laptop")?;
/// let connector = Fallback::to("http://localhost:8080", "a token", device)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Fallback {
    events: Connector,
    memory: Mutex<Memory>,
    since: Instant,
    websocket: client::Connector,
}

impl Fallback {
    /// Tries `websocket`, then `events`. Both are for the same device and user.
    #[must_use]
    pub fn new(websocket: client::Connector, events: Connector) -> Self {
        Self {
            events,
            memory: Mutex::default(),
            since: Instant::now(),
            websocket,
        }
    }

    /// To a server at `url`, which begins with `http://` or `https://`: its root, below which the doors are `/v1/ws` and `/v1/events`, or
    /// the address of its WebSocket, beside which the events are.
    ///
    /// # Errors
    /// `invalid_request` when the URL is none, or another one.
    pub fn to(
        url: &str,
        token: impl Into<TokenSource>,
        device: DeviceId,
    ) -> Result<Self, Rejection> {
        let token = token.into();
        let (websocket, events) = doors(url);
        Ok(Self::new(
            client::Connector::new(&websocket, token.clone(), device.clone())?,
            Connector::new(&events, token, device)?,
        ))
    }

    /// Whose certificates are taken for those of the server, over TLS. Default [`Trust::web`].
    #[must_use]
    pub fn trust(self, trust: Trust) -> Self {
        Self {
            events: self.events.trust(trust.clone()),
            websocket: self.websocket.trust(trust),
            ..self
        }
    }

    async fn by_websocket(&self) -> Result<Box<dyn Connection>, CallError> {
        let failure = match self.websocket.connect().await {
            Ok(link) => {
                self.memory().websocket_worked();
                return Ok(link);
            }
            Err(failure) if may_be_the_way(&failure) => failure,
            Err(failure) => return Err(failure),
        };
        if !self.memory().websocket_failed() {
            return Err(failure);
        }
        tracing::debug!("no WebSocket gets through: {failure}");
        let link = self.events.connect().await?;
        tracing::info!("no WebSocket gets through, and server-sent events do");
        self.memory().events_worked(self.since.elapsed());
        Ok(link)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl im_core::Connector for Fallback {
    /// # Cancel safety
    /// Dropping the future closes what it has opened so far.
    async fn connect(&self) -> Result<Box<dyn Connection>, CallError> {
        let first = self.memory().first(self.since.elapsed());
        match first {
            Way::WebSocket => self.by_websocket().await,
            Way::Events => {
                let link = self.events.connect().await;
                if link.is_err() {
                    self.memory().events_failed();
                }
                link
            }
        }
    }

    fn credential(&self) -> Credential {
        self.events.credential()
    }
}

/// Whether what failed can be the fault of something on the way, and not what the server says to this user.
fn may_be_the_way(failure: &CallError) -> bool {
    match failure {
        CallError::Lost => true,
        CallError::Rejected(rejection) => matches!(
            rejection.code,
            Code::Forbidden | Code::InvalidRequest | Code::NotFound
        ),
        CallError::Closed(_) => false,
    }
}

/// The addresses of the two doors.
fn doors(url: &str) -> (String, String) {
    let url = url.trim_end_matches('/');
    let events = |base: &str| format!("{base}/events");
    match url.strip_suffix("/ws") {
        Some(base) => (url.to_owned(), events(base)),
        None => (format!("{url}/v1/ws"), events(&format!("{url}/v1"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_doors_are_beside_each_other() {
        let both = |url| {
            let (websocket, events) = doors(url);
            format!("{websocket} {events}")
        };

        let expected = "http://a/v1/ws http://a/v1/events";
        assert_eq!(both("http://a"), expected);
        assert_eq!(both("http://a/"), expected);
        assert_eq!(both("http://a/v1/ws"), expected);
        assert_eq!(
            both("http://a/chat/ws"),
            "http://a/chat/ws http://a/chat/events"
        );
    }
}
