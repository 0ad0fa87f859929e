//! The short way to a session over the network.

use std::sync::Arc;

use im_core::{DeviceId, Error, Session, port::TokioRuntime};

use crate::ws::{Connector, client::TokenSource};

/// Opens sessions on a server. They are the same [`Session`]s as in process.
#[derive(Clone, Copy, Debug)]
pub struct Client;

impl Client {
    /// Opens a session of one device, which from then on reconnects and resumes by itself.
    ///
    /// `token` is a text, or a [`TokenSource`] when tokens expire. For another format, device class or patience use
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
        let connector = Connector::new(url, token, device)?;
        Session::open(Arc::new(connector), Arc::new(TokioRuntime)).await
    }
}
