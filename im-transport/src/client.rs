//! The client's end of links: for one device, again and again. Here is which URL leads to which of them.
//!
//! Reconnecting, resuming, and sending again are not here: [`im_core::Session`] does that over any connector.

pub(crate) mod calls;
mod connection;
mod connector;
pub(crate) mod framing;
pub(crate) mod inbox;
mod shared;
mod task;
mod token;

use std::sync::Arc;

use bytes::Bytes;
use hyper::Uri;
use im_core::{
    CallError, Code, DeviceId, Error, Rejection, Session, port::TokioRuntime, wire::Format,
};
use tokio::net::TcpStream;

pub use connector::Connector;
pub use token::TokenSource;

use crate::{
    link::stream::{Reader, Writer},
    sse::Fallback,
    tcp,
    tls::{ClientStream, Trust},
    ws,
};
use framing::Framing;

/// Opens sessions on a server. They are the same [`Session`]s as in process.
#[derive(Clone, Copy, Debug)]
pub struct Client;

impl Client {
    /// Opens a session of one device, which from then on reconnects and resumes by itself. `url` says over which link, see
    /// [`Connector`].
    ///
    /// A URL with `http://` or `https://` is that of a server: then a WebSocket is used where one gets through, and
    /// server-sent events where not ([`Fallback`]).
    ///
    /// `token` is a text, or a [`TokenSource`] when tokens expire. For another format, device class, trust or patience use
    /// [`Connector`] and [`Session::open`].
    ///
    /// # Errors
    /// When `url` or `device` is none, or when the server cannot be reached or refuses.
    ///
    /// # Cancel safety
    /// Dropping the future closes what it has opened so far.
    pub async fn connect(
        url: &str,
        token: impl Into<TokenSource>,
        device: impl TryInto<DeviceId, Error: Into<Error>>,
    ) -> Result<Session, Error> {
        let device = device.try_into().map_err(Into::into)?;
        let connector: Arc<dyn im_core::Connector> = match url.split_once("://") {
            Some(("http" | "https", _)) => Arc::new(Fallback::to(url, token, device)?),
            _ => Arc::new(Connector::new(url, token, device)?),
        };
        Session::open(connector, Arc::new(TokioRuntime)).await
    }
}

/// Where a URL leads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scheme {
    Tcp(Protection),
    WebSocket(Protection),
}

/// Whether what is said on a link can be read on the way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Protection {
    None,
    Tls,
}

/// A stream on which frames can be exchanged.
pub(crate) struct Dialed {
    /// What came beyond the handshake.
    pub(crate) early: Bytes,
    pub(crate) framing: Framing,
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
}

impl Scheme {
    /// Reads a URL. What cannot work is refused before anybody waits for it.
    pub(crate) fn of(url: &str) -> Result<(Self, Uri), Rejection> {
        let refuse = |why| Rejection::new(Code::InvalidRequest, format!("{url:?} {why}"));
        let parsed: Uri = url.parse().map_err(|_| refuse("is no URL"))?;
        let scheme = match parsed.scheme_str() {
            Some("ws" | "http") => Self::WebSocket(Protection::None),
            Some("wss" | "https") => Self::WebSocket(Protection::Tls),
            Some("tcp") => Self::Tcp(Protection::None),
            Some("tcps") => Self::Tcp(Protection::Tls),
            _ => return Err(refuse("must begin with ws://, wss://, tcp:// or tcps://")),
        };
        if matches!(scheme, Self::Tcp(_)) && parsed.port_u16().is_none() {
            return Err(refuse(
                "has no port; write it behind the host, as in tcp://host:8081",
            ));
        }
        Ok((scheme, parsed))
    }

    /// How frames are written, where `wanted` is what the program would like.
    const fn format(self, wanted: Format) -> Format {
        match self {
            Self::Tcp(_) => Format::MessagePack,
            Self::WebSocket(_) => wanted,
        }
    }

    async fn dial(
        self,
        url: &Uri,
        format: Format,
        trust: Option<&Trust>,
    ) -> Result<Dialed, CallError> {
        let stream = self.connect(url, trust).await?;
        match self {
            Self::Tcp(_) => Ok(tcp::dial::dial(stream)),
            Self::WebSocket(_) => ws::dial::dial(url, format, stream).await,
        }
    }

    pub(crate) async fn connect(
        self,
        url: &Uri,
        trust: Option<&Trust>,
    ) -> Result<Stream, CallError> {
        let lost = |error: std::io::Error| {
            tracing::debug!(%url, "cannot connect: {error}");
            CallError::Lost
        };
        let host = url.host().ok_or(CallError::Lost)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = url.port_u16().unwrap_or(self.usual_port());
        let tcp = TcpStream::connect((host, port)).await.map_err(lost)?;
        match self {
            Self::Tcp(Protection::None) | Self::WebSocket(Protection::None) => Ok(Stream::Raw(tcp)),
            Self::Tcp(Protection::Tls) | Self::WebSocket(Protection::Tls) => {
                let trust = trust.cloned().unwrap_or_default();
                let tls = trust.connect(host, tcp).await.map_err(|error| {
                    // Not only a loss: whoever cannot prove who it is does not get better by itself.
                    tracing::warn!(%url, "TLS cannot be agreed on, or the server is not trusted: {error}");
                    CallError::Lost
                })?;
                Ok(Stream::Tls(Box::new(tls)))
            }
        }
    }

    const fn usual_port(self) -> u16 {
        match self {
            Self::Tcp(_) | Self::WebSocket(Protection::Tls) => 443,
            Self::WebSocket(Protection::None) => 80,
        }
    }
}

/// A stream to a server, before anything is said on it.
pub(crate) enum Stream {
    Raw(TcpStream),
    Tls(Box<ClientStream>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_says_which_link_and_whether_it_is_protected() {
        for (url, expected) in [
            ("ws://a/v1/ws", Scheme::WebSocket(Protection::None)),
            ("http://a", Scheme::WebSocket(Protection::None)),
            ("wss://a/v1/ws", Scheme::WebSocket(Protection::Tls)),
            ("https://a", Scheme::WebSocket(Protection::Tls)),
            ("tcp://a:1", Scheme::Tcp(Protection::None)),
            ("tcps://[::1]:1", Scheme::Tcp(Protection::Tls)),
        ] {
            assert_eq!(Scheme::of(url).unwrap().0, expected, "{url}");
        }
    }
}
