//! Where to connect to, as whom, and how.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use hyper::Uri;
use im_core::{
    Call as _, CallError, Code, Command, Credential, DeviceClass, DeviceId, OpenSession, Rejection,
    port::BoxFuture,
};

use super::{connection::WsConnection, dial};
use crate::ws::encoding::Format;

/// Opens WebSocket links for one device.
///
/// ```
/// use im_transport::ws::Connector;
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
    token: TokenSource,
    url: Uri,
}

/// Where the token of a connector comes from.
///
/// A text is one token: when it ends, so does the session, with [`CloseReason::Unauthenticated`]. A source is asked again,
/// and the session goes on; it ends when the server refuses what the source gave, or when the source itself refuses.
///
/// [`CloseReason::Unauthenticated`]: im_core::CloseReason::Unauthenticated
#[derive(Clone)]
pub struct TokenSource(Source);

#[derive(Clone)]
enum Source {
    Asked(Arc<dyn Fn() -> BoxFuture<Result<String, Rejection>> + Send + Sync>),
    Fixed(String),
}

impl TokenSource {
    /// Asks for a token each time that a link is opened, also when the last one has ended.
    ///
    /// ```
    /// use im_transport::ws::client::TokenSource;
    ///
    /// let tokens = TokenSource::from_fn(|| async { Ok("a fresh token".to_owned()) });
    /// ```
    pub fn from_fn<F>(ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, Rejection>> + Send + 'static,
    {
        Self(Source::Asked(Arc::new(move || Box::pin(ask()))))
    }

    async fn token(&self) -> Result<String, Rejection> {
        match &self.0 {
            Source::Asked(ask) => ask().await,
            Source::Fixed(token) => Ok(token.clone()),
        }
    }
}

impl<T: Into<String>> From<T> for TokenSource {
    fn from(token: T) -> Self {
        Self(Source::Fixed(token.into()))
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSource")
    }
}

impl Connector {
    /// A connector to `url`, which begins with `ws://` or `http://`.
    ///
    /// # Errors
    /// `invalid_request` when the URL is none, or one that needs TLS, which this connector does not speak yet.
    pub fn new(
        url: &str,
        token: impl Into<TokenSource>,
        device: DeviceId,
    ) -> Result<Self, Rejection> {
        let refuse = |why| Rejection::new(Code::InvalidRequest, format!("{url:?} {why}"));
        let parsed: Uri = url.parse().map_err(|_| refuse("is no URL"))?;
        match parsed.scheme_str() {
            Some("ws" | "http") => {}
            Some("wss" | "https") => {
                return Err(refuse(
                    "needs TLS, which is not supported yet; use ws:// and a proxy",
                ));
            }
            _ => return Err(refuse("must begin with ws:// or http://")),
        }
        Ok(Self {
            class: DeviceClass::default(),
            connect_timeout: Duration::from_secs(10),
            device,
            format: Format::MessagePack,
            token: token.into(),
            url: parsed,
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

    /// How frames are written. Default MessagePack, which is smaller and faster; JSON is easier to watch.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    async fn open(&self) -> Result<WsConnection, CallError> {
        let token = self.token.token().await?;
        let (reader, writer, early) = dial::dial(&self.url, self.format).await?;
        let link = WsConnection::start(self.format, reader, writer, &early);
        let open = OpenSession {
            token: Some(token),
            device: self.device.clone(),
            class: self.class,
        };
        let reply = link.send(Command::OpenSession(open)).await?;
        // Replies are read as what their method gives, so that it cannot be another.
        let opened = OpenSession::reply_of(reply).ok_or(CallError::Lost)?;
        Ok(WsConnection::new(link, opened))
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
        match self.token.0 {
            Source::Asked(_) => Credential::Renewable,
            Source::Fixed(_) => Credential::Fixed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_work_is_refused_at_once() {
        for url in [
            "wss://chat.example",
            "chat.example",
            "",
            "/v1/ws",
            "ftp://chat.example",
        ] {
            let device = DeviceId::new("d").unwrap();
            assert!(Connector::new(url, "t", device).is_err(), "{url}");
        }
    }
}
