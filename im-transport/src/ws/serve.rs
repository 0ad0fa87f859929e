//! A listener for hosts that have no HTTP server of their own.

use std::{convert::Infallible, io, time::Duration};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use super::server::WebSocketServer;

/// Bytes of an HTTP request line with its headers; hyper refuses less than 8 KiB.
const MAX_REQUEST: usize = 16 * 1024;

/// Serves WebSockets, on every path, for as long as the returned future is polled.
///
/// A client has [`Options::open_timeout`](super::Options::open_timeout) for its request, whose headers may have 16 KiB.
/// There is no TLS: put a proxy before it, or mount [`WebSocketServer::upgrade`] where TLS is.
///
/// # Errors
/// When the listener fails for good. Running out of file descriptors is waited for.
///
/// # Cancel safety
/// Dropping the future ends accepting. Connections live on; end them with the engine.
pub async fn serve(listener: TcpListener, server: WebSocketServer) -> io::Result<Infallible> {
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => {
                tokio::spawn(Box::pin(answer(tcp, server.clone())));
            }
            // What the client did before we got to it.
            Err(error) if is_of_one_client(&error) => {}
            Err(error) if error.raw_os_error().is_some() => {
                tracing::warn!("cannot accept connections for the moment: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_of_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

async fn answer(tcp: TcpStream, server: WebSocketServer) {
    let span = server.options().open_timeout;
    let service = service_fn(move |mut request: Request<Incoming>| {
        let response = server.upgrade(&mut request);
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(span)
        .keep_alive(false)
        .max_buf_size(MAX_REQUEST)
        .serve_connection(TokioIo::new(tcp), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!("a handshake failed: {error}");
    }
}
