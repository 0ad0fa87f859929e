//! A stream for servers of HTTP: who asks and does not read is not waited for without end.

use std::{
    fmt, io,
    io::IoSlice,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// A stream on which writing fails with `TimedOut` once the other side has taken nothing for a while.
///
/// It has a timer only while something waits. A door that is mounted on it takes the TCP socket out and keeps times of
/// its own ([`ws::Options::write_timeout`](crate::ws::Options::write_timeout)).
pub struct Impatient<S> {
    /// Runs while the other side takes nothing.
    blocked: Option<Pin<Box<Sleep>>>,
    span: Duration,
    stream: S,
}

impl<S> Impatient<S> {
    /// Waits no longer than `span` for the other side to take a byte.
    #[must_use]
    pub const fn new(stream: S, span: Duration) -> Self {
        Self {
            blocked: None,
            span,
            stream,
        }
    }

    /// The stream inside.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.stream
    }

    fn bounded<T>(
        &mut self,
        outcome: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.blocked = None;
            return outcome;
        }
        let span = self.span;
        let timer = self.blocked.get_or_insert_with(|| Box::pin(sleep(span)));
        ready!(timer.as_mut().poll(cx));
        self.blocked = None;
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.bounded(outcome, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.bounded(outcome, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        self.bounded(outcome, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.bounded(outcome, cx)
    }
}

impl<S> fmt::Debug for Impatient<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Impatient")
            .field("span", &self.span)
            .field("is_blocked", &self.blocked.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        time::{Instant, advance},
    };

    use super::*;

    const SPAN: Duration = Duration::from_secs(30);

    /// A stream on which 4 bytes can wait.
    fn stream() -> (Impatient<DuplexStream>, DuplexStream) {
        let (near, far) = duplex(4);
        (Impatient::new(near, SPAN), far)
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_not_waited_for_without_end() {
        let (mut near, _far) = stream();
        let start = Instant::now();

        let outcome = near.write_all(b"12345").await;

        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() >= SPAN);
    }

    #[tokio::test(start_paused = true)]
    async fn each_byte_that_is_taken_buys_as_much_time_again() {
        let (mut near, mut far) = stream();
        let write = tokio::spawn(async move { near.write_all(&[7; 12]).await });

        for _ in 0..12 {
            tokio::task::yield_now().await;
            advance(SPAN - Duration::from_secs(1)).await;
            assert_eq!(far.read_u8().await.unwrap(), 7);
        }

        write.await.unwrap().unwrap();
    }
}
