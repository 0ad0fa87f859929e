//! The two halves of a stream of bytes: a raw TCP socket wherever that is possible, else anything that can be read and
//! written, such as TLS.
//!
//! The raw socket is the point: it can be written from any task, without a copy and without waking anybody.

use std::{
    fmt, io,
    io::IoSlice,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf, WriteHalf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// What is no raw socket. Boxed: of each connection over TLS this is the one piece more, and others do not pay for it.
pub(crate) type Other = Box<dyn Duplex>;

/// A stream in both directions.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// The receiving half.
pub(crate) enum Reader {
    Tcp(OwnedReadHalf),
    Other(ReadHalf<Other>),
}

/// The sending half, which many may share.
pub(crate) enum Writer {
    Tcp(OwnedWriteHalf),
    Other(Mutex<OtherWriter>),
}

// Both are in every connection: what TLS needs is behind a pointer.
const _: () = assert!(size_of::<Reader>() <= 16 && size_of::<Writer>() <= 32);

/// A sending half that may keep back what it has taken, as TLS does.
pub(crate) struct OtherWriter {
    half: WriteHalf<Other>,
    /// Whether it was not told to let go of everything yet.
    is_unflushed: bool,
}

/// The halves of a raw socket.
pub(crate) fn socket(tcp: TcpStream) -> (Reader, Writer) {
    // Frames are written whole; waiting for more would only delay them. If it cannot be set they still arrive.
    let _ = tcp.set_nodelay(true);
    let (reader, writer) = tcp.into_split();
    (Reader::Tcp(reader), Writer::Tcp(writer))
}

/// The halves of any other stream.
pub(crate) fn other(stream: Other) -> (Reader, Writer) {
    let (reader, half) = tokio::io::split(stream);
    let writer = Mutex::new(OtherWriter {
        half,
        is_unflushed: false,
    });
    (Reader::Other(reader), Writer::Other(writer))
}

impl Reader {
    /// Reads what is there; 0 at the end.
    pub(crate) fn poll_read(
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
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(writer) => writer.try_write(bytes),
            Self::Other(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Writes what the socket takes at once, or arranges for a wake-up. One task only, which in the end calls
    /// [`Writer::poll_flush`].
    pub(crate) fn poll_write(
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
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
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
    pub(crate) fn poll_finish(&self, cx: &mut Context<'_>) -> Poll<()> {
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
    pub(crate) fn abort(&self) {
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
