//! Accepting connections, for hosts that do not do it themselves.

use std::{convert::Infallible, io, time::Duration};

use tokio::net::{TcpListener, TcpStream};

/// How long to wait when no connection can be accepted, mostly for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Gives every connection that comes to `take`.
///
/// # Errors
/// When the listener fails for good. Running out of file descriptors is waited for.
pub(crate) async fn accept(
    listener: TcpListener,
    take: impl Fn(TcpStream),
) -> io::Result<Infallible> {
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => take(tcp),
            // What the client did before we got to it.
            Err(error) if is_of_one_client(&error) => {}
            Err(error) if error.raw_os_error().is_some() => {
                tracing::warn!("cannot accept connections for the moment: {error}");
                tokio::time::sleep(PAUSE).await;
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
