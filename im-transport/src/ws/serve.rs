//! A listener for hosts that have no HTTP server of their own.

use std::{convert::Infallible, io};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use super::server::WebSocketServer;
use crate::{
    link::{accept::accept, stream::Duplex},
    tls::Certificate,
};

/// Bytes of an HTTP request line with its headers; hyper refuses less than 8 KiB.
const MAX_REQUEST: usize = 16 * 1024;

/// Serves WebSockets, on every path, for as long as the returned future is polled.
///
/// A client has [`Bounds::open_timeout`](crate::Bounds::open_timeout) for its request, whose headers may have 16 KiB.
///
/// # Errors
/// When the listener fails for good. Running out of file descriptors is waited for.
///
/// # Cancel safety
/// Dropping the future ends accepting. Connections live on; end them with the engine.
pub async fn serve(listener: TcpListener, server: WebSocketServer) -> io::Result<Infallible> {
    let take = |tcp| drop(tokio::spawn(Box::pin(answer(tcp, server.clone()))));
    accept(listener, take).await
}

/// [`serve`] over TLS, whose handshake has [`Bounds::open_timeout`](crate::Bounds::open_timeout) as well.
///
/// # Errors
/// When the listener fails for good. Running out of file descriptors is waited for.
///
/// # Cancel safety
/// Dropping the future ends accepting. Connections live on; end them with the engine.
pub async fn serve_tls(
    listener: TcpListener,
    server: WebSocketServer,
    certificate: Certificate,
) -> io::Result<Infallible> {
    let take = |tcp| {
        let (server, certificate) = (server.clone(), certificate.clone());
        tokio::spawn(async move {
            let span = server.bounds().open_timeout;
            if let Some(tls) = certificate.accept_within(tcp, span).await {
                let stream: Box<dyn Duplex> = Box::new(tls);
                Box::pin(answer(stream, server)).await;
            }
        });
    };
    accept(listener, take).await
}

async fn answer(stream: impl Duplex + 'static, server: WebSocketServer) {
    let span = server.bounds().open_timeout;
    let service = service_fn(move |mut request: Request<Incoming>| {
        let response = server.upgrade(&mut request);
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(span)
        .keep_alive(false)
        .max_buf_size(MAX_REQUEST)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!("a handshake failed: {error}");
    }
}
