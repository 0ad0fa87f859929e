//! A listener for hosts that do not accept connections themselves.

use std::{convert::Infallible, io};

use tokio::net::TcpListener;

use super::server::{TcpServer, run};
use crate::{
    drive::Credential,
    link::{accept::accept, stream},
    tls::Certificate,
};

/// Serves links for as long as the returned future is polled. What comes beyond
/// [`Bounds::max_connections`](crate::Bounds::max_connections) is closed as it comes.
///
/// # Errors
/// When the listener fails for good. Running out of file descriptors is waited for.
///
/// # Cancel safety
/// Dropping the future ends accepting. Connections live on; end them with the engine.
pub async fn serve(listener: TcpListener, server: TcpServer) -> io::Result<Infallible> {
    let take = |tcp| {
        if let Some(place) = server.enter() {
            run(place, stream::socket(tcp), Credential::None);
        }
    };
    accept(listener, take).await
}

/// [`serve`] over TLS, whose handshake may take [`Bounds::open_timeout`](crate::Bounds::open_timeout).
///
/// # Errors
/// When the listener fails for good. Running out of file descriptors is waited for.
///
/// # Cancel safety
/// Dropping the future ends accepting. Connections live on; end them with the engine.
pub async fn serve_tls(
    listener: TcpListener,
    server: TcpServer,
    certificate: Certificate,
) -> io::Result<Infallible> {
    let span = server.bounds().open_timeout;
    let take = |tcp| {
        // Before the handshake, so that those who do not finish it are counted too.
        let Some(place) = server.enter() else { return };
        let certificate = certificate.clone();
        tokio::spawn(async move {
            if let Some(tls) = certificate.accept_within(tcp, span).await {
                run(place, stream::other(Box::new(tls)), Credential::None);
            }
        });
    };
    accept(listener, take).await
}
