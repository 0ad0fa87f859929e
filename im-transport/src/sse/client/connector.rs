//! Where to get events from, as whom.

use std::time::Duration;

use async_trait::async_trait;
use hyper::Uri;
use im_core::{CallError, Code, Credential, DeviceClass, DeviceId, Rejection};

use super::{connection::EventsConnection, http::Server, reading::Stream};
use crate::{
    client::{Scheme, TokenSource},
    tls::Trust,
};

/// Opens links of server-sent events and posts for one device.
///
/// ```
/// use im_transport::sse::Connector;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let device = im_core::DeviceId::new("laptop")?;
/// let connector = Connector::new("http://localhost:8080/v1/events", "a token", device)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Connector {
    class: DeviceClass,
    connect_timeout: Duration,
    device: DeviceId,
    scheme: Scheme,
    token: TokenSource,
    trust: Option<Trust>,
    url: Uri,
}

impl Connector {
    /// A connector to `url`, which begins with `http://` or `https://`. The token goes with every request, so that it is no
    /// ticket.
    ///
    /// # Errors
    /// `invalid_request` when the URL is none, or another one.
    pub fn new(
        url: &str,
        token: impl Into<TokenSource>,
        device: DeviceId,
    ) -> Result<Self, Rejection> {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let detail = format!("{url:?} must begin with http:// or https://");
            return Err(Rejection::new(Code::InvalidRequest, detail));
        }
        let (scheme, url) = Scheme::of(url)?;
        Ok(Self {
            class: DeviceClass::default(),
            connect_timeout: Duration::from_secs(10),
            device,
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

    /// Whose certificates are taken for those of the server, over TLS. Default [`Trust::web`].
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    async fn open(&self) -> Result<EventsConnection, CallError> {
        let token = self.token.token().await?;
        let server = Server::new(self.scheme, &self.url, &token)?.trust(self.trust.clone());
        let mut wire = server.connect().await?;
        let class = serde_json::to_value(self.class).unwrap_or_default();
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("device", self.device.as_str())
            .append_pair("class", class.as_str().unwrap_or_default())
            .finish();
        let response = server.events(&mut wire, &query).await?;
        let mut stream = Stream::new(wire, response.into_body());
        let beginning = stream.beginning().await?;
        Ok(EventsConnection::start(server, stream, beginning))
    }
}

#[async_trait]
impl im_core::Connector for Connector {
    /// # Cancel safety
    /// Dropping the future closes what it has opened so far.
    async fn connect(&self) -> Result<Box<dyn im_core::Connection>, CallError> {
        match tokio::time::timeout(self.connect_timeout, Box::pin(self.open())).await {
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
            "tcp://chat.example:1",
            "chat.example",
            "",
            "/v1/events",
            "ws://chat.example",
        ] {
            let device = DeviceId::new("d").unwrap();
            assert!(Connector::new(url, "t", device).is_err(), "{url}");
        }
    }
}
