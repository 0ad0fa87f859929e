//! Where to connect to, as whom, and how.

use std::time::Duration;

use async_trait::async_trait;
use hyper::Uri;
use im_core::{
    Call as _, CallError, Command, Credential, DeviceClass, DeviceId, OpenSession, Rejection,
    wire::Format,
};

use super::{Scheme, connection::LinkConnection, token::TokenSource};
use crate::tls::Trust;

/// Opens links for one device: over WebSocket or TCP, with TLS or without, as the URL says.
///
/// | URL begins with | link |
/// |---|---|
/// | `ws://`, `http://` | WebSocket |
/// | `wss://`, `https://` | WebSocket over TLS |
/// | `tcp://host:port` | TCP, always in MessagePack |
/// | `tcps://host:port` | TCP over TLS |
///
/// ```
/// use im_transport::Connector;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let device = im_core::DeviceId::new("laptop")?;
/// let connector = Connector::new("ws://localhost:8080/v1/ws", "a token", device)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Connector {
    class: DeviceClass,
    connect_timeout: Duration,
    device: DeviceId,
    format: Format,
    scheme: Scheme,
    token: TokenSource,
    trust: Option<Trust>,
    url: Uri,
}

impl Connector {
    /// A connector to `url`.
    ///
    /// # Errors
    /// `invalid_request` when the URL is none, or begins with something else than the table says.
    pub fn new(
        url: &str,
        token: impl Into<TokenSource>,
        device: DeviceId,
    ) -> Result<Self, Rejection> {
        let (scheme, url) = Scheme::of(url)?;
        Ok(Self {
            class: DeviceClass::default(),
            connect_timeout: Duration::from_secs(10),
            device,
            format: Format::MessagePack,
            scheme,
            token: token.into(),
            trust: None,
            url,
        })
    }

    /// What kind of device this is. Default [`DeviceClass::Other`].
    #[must_use]
    pub fn class(mut self, class: DeviceClass) -> Self {
        self.class = class;
        self
    }

    /// How long it may take until a session is open. Default 10 s, what servers allow.
    #[must_use]
    pub fn connect_timeout(mut self, span: Duration) -> Self {
        self.connect_timeout = span;
        self
    }

    /// How frames are written over WebSocket. Default MessagePack, which is smaller and faster; JSON is easier to watch.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Whose certificates are taken for those of the server, over TLS. Default [`Trust::web`].
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    async fn open(&self) -> Result<LinkConnection, CallError> {
        let token = self.token.token().await?;
        let format = self.scheme.format(self.format);
        let dialed = self.scheme.dial(&self.url, format, self.trust.as_ref());
        let link = LinkConnection::start(format, dialed.await?);
        let open = OpenSession {
            token: Some(token),
            device: self.device.clone(),
            class: self.class,
        };
        let reply = link.send(Command::OpenSession(open)).await?;
        // Replies are read as what their method gives, so that it cannot be another.
        let opened = OpenSession::reply_of(reply).ok_or(CallError::Lost)?;
        Ok(LinkConnection::new(link, opened))
    }
}

#[async_trait]
impl im_core::Connector for Connector {
    /// # Cancel safety
    /// Dropping the future closes what it has opened so far.
    async fn connect(&self) -> Result<Box<dyn im_core::Connection>, CallError> {
        match tokio::time::timeout(self.connect_timeout, self.open()).await {
            Ok(link) => Ok(Box::new(link?)),
            Err(_) => {
                tracing::debug!(url = %self.url, "no session in time");
                Err(CallError::Lost)
            }
        }
    }

    fn credential(&self) -> Credential {
        self.token.credential()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_work_is_refused_at_once() {
        for url in [
            "chat.example",
            "",
            "/v1/ws",
            "ftp://chat.example",
            "tcp://chat.example",
            "tcps://chat.example",
        ] {
            let device = DeviceId::new("d").unwrap();
            assert!(Connector::new(url, "t", device).is_err(), "{url}");
        }
    }
}
