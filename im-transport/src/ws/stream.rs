//! The two halves of a byte stream after its handshake: a raw TCP socket wherever that is possible, else anything that
//! hyper upgraded, such as TLS.
//!
//! The raw socket is the point: it can be written from any task, without a copy and without waking anybody.

use std::{
    fmt, io,
    io::IoSlice,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf, WriteHalf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::Impatient;

type Other = TokioIo<Upgraded>;

/// The receiving half.
#[derive(Debug)]
pub(super) enum Reader {
    Tcp(OwnedReadHalf),
    Other(Box<ReadHalf<Other>>),
}

/// The sending half, which many may share.
pub(super) enum Writer {
    Tcp(OwnedWriteHalf),
    Other(Mutex<OtherWriter>),
}

/// A sending half that may keep back what it has taken, as TLS does.
pub(super) struct OtherWriter {
    half: WriteHalf<Other>,
    /// Whether it was not told to let go of everything yet.
    is_unflushed: bool,
}

/// Takes the stream out of what hyper upgraded, with the bytes that hyper has read beyond the handshake.
pub(super) fn take(upgraded: Upgraded) -> (Reader, Writer, Bytes) {
    let (tcp, early) = match socket_of(upgraded) {
        Ok(found) => found,
        Err(upgraded) => {
            let (reader, half) = tokio::io::split(TokioIo::new(upgraded));
            let writer = Writer::Other(Mutex::new(OtherWriter {
                half,
                is_unflushed: false,
            }));
            return (Reader::Other(Box::new(reader)), writer, Bytes::new());
        }
    };
    // Frames are written whole; waiting for more would only delay them. If it cannot be set they still arrive.
    let _ = tcp.set_nodelay(true);
    let (reader, writer) = tcp.into_split();
    // A copy, because what hyper gives pins its whole buffer of 8 KiB.
    let early = Bytes::copy_from_slice(&early);
    (Reader::Tcp(reader), Writer::Tcp(writer), early)
}

/// The socket under what hyper upgraded, wherever hosts usually put it.
fn socket_of(upgraded: Upgraded) -> Result<(TcpStream, Bytes), Upgraded> {
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => return Ok((parts.io.into_inner(), parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    let upgraded = match upgraded.downcast::<TokioIo<Impatient<TcpStream>>>() {
        Ok(parts) => return Ok((parts.io.into_inner().into_inner(), parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    // Under `axum::serve` and hyper-util's automatic connections it sits one layer deeper.
    let parts = hyper_util::server::conn::auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded)?;
    Ok((parts.io.into_inner(), parts.read_buf))
}

impl Reader {
    /// Reads what is there; 0 at the end.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        // A short read clears tokio's readiness: no second system call to hear that there is nothing more.
        ready!(match self {
            Self::Tcp(reader) => Pin::new(reader).poll_read(cx, &mut buffer),
            Self::Other(reader) => Pin::new(reader).poll_read(cx, &mut buffer),
        })?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl Writer {
    /// Writes what the socket takes at once, from any task.
    ///
    /// # Errors
    /// `WouldBlock` when it takes nothing, and always when this is not a raw socket.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(writer) => writer.try_write(bytes),
            Self::Other(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Writes what the socket takes at once, or arranges for a wake-up. One task only, which in the end calls
    /// [`Writer::poll_flush`].
    pub(super) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(writer) => loop {
                match writer.try_write_vectored(slices) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        ready!(writer.as_ref().poll_write_ready(cx))?;
                    }
                    result => return Poll::Ready(result),
                }
            },
            Self::Other(writer) => {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                let written = ready!(Pin::new(&mut writer.half).poll_write_vectored(cx, slices))?;
                writer.is_unflushed = true;
                Poll::Ready(Ok(written))
            }
        }
    }

    /// Sends what was written and is kept back, or arranges for a wake-up. One task only.
    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self::Other(writer) = self else {
            return Poll::Ready(Ok(()));
        };
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.is_unflushed {
            ready!(Pin::new(&mut writer.half).poll_flush(cx))?;
            writer.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Says that nothing more comes from here, when everything was written. Ready when that is said, or never can be.
    pub(super) fn poll_finish(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Tcp(writer) => {
                shut_down(writer, std::net::Shutdown::Write);
                Poll::Ready(())
            }
            Self::Other(writer) => {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                Pin::new(&mut writer.half).poll_shutdown(cx).map(drop)
            }
        }
    }

    /// Ends both directions at once, whoever else still holds a half.
    pub(super) fn abort(&self) {
        match self {
            Self::Tcp(writer) => shut_down(writer, std::net::Shutdown::Both),
            // The stream ends when its last half is dropped.
            Self::Other(_) => {}
        }
    }
}

fn shut_down(writer: &OwnedWriteHalf, how: std::net::Shutdown) {
    // It fails only when the peer was faster.
    let _ = socket2::SockRef::from(writer.as_ref()).shutdown(how);
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(_) => "Tcp",
            Self::Other(_) => "Other",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, time::Duration};

    use http_body_util::Empty;
    use hyper::{Request, Response, body::Incoming, header::UPGRADE, service::service_fn};
    use tokio::{net::TcpListener, sync::mpsc};

    use super::*;

    #[tokio::test]
    async fn the_socket_is_found_in_an_impatient_stream() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (found, mut upgraded) = mpsc::unbounded_channel();
        let service = service_fn(move |mut request: Request<Incoming>| {
            found.send(hyper::upgrade::on(&mut request)).unwrap();
            let response = Response::builder().status(101).header(UPGRADE, "x");
            std::future::ready(Ok::<_, Infallible>(
                response.body(Empty::<Bytes>::new()).unwrap(),
            ))
        });
        let mut client = TcpStream::connect(address).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let server = TokioIo::new(Impatient::new(server, Duration::from_secs(1)));
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(server, service)
            .with_upgrades();
        tokio::spawn(connection);

        let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut client, request)
            .await
            .unwrap();
        let upgraded = upgraded.recv().await.unwrap().await.unwrap();

        let (reader, writer, _) = take(upgraded);
        assert!(matches!(reader, Reader::Tcp(_)));
        assert!(matches!(writer, Writer::Tcp(_)));
    }
}
