//! A stream for servers of HTTP: who asks and does not read is not waited for without end.

use std::{
    fmt,
    future::poll_fn,
    io,
    io::IoSlice,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::task::AtomicWaker;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// A stream on which writing fails with `TimedOut` once the other side has taken nothing for a while.
///
/// It has a timer only while something waits. A door that is mounted on it takes the TCP socket out and keeps times of
/// its own ([`Bounds::write_timeout`](crate::Bounds::write_timeout)).
pub struct Impatient<S> {
    backlog: Backlog,
    /// Runs while the other side takes nothing.
    blocked: Option<Pin<Box<Sleep>>>,
    span: Duration,
    stream: S,
}

/// Whether something waits for the other side of an [`Impatient`] stream to take it. A server asks it before it works on
/// the next of several requests: else answers pile up for who asks for many at once and reads none.
#[derive(Clone, Debug, Default)]
pub struct Backlog {
    waiting: Arc<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    is_blocked: AtomicBool,
    /// The one who waits for the end of that: requests of a connection come one after the other.
    task: AtomicWaker,
}

impl Backlog {
    /// Waits until nothing does.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn gone(&self) {
        poll_fn(|cx| {
            self.waiting.task.register(cx.waker());
            if self.waiting.is_blocked.load(Ordering::Acquire) {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }

    fn set(&self, is_blocked: bool) {
        self.waiting.is_blocked.store(is_blocked, Ordering::Release);
        if !is_blocked {
            self.waiting.task.wake();
        }
    }
}

impl<S> Impatient<S> {
    /// Waits no longer than `span` for the other side to take a byte.
    #[must_use]
    pub fn new(stream: S, span: Duration) -> Self {
        Self {
            backlog: Backlog::default(),
            blocked: None,
            span,
            stream,
        }
    }

    /// What tells whether something waits here.
    #[must_use]
    pub fn backlog(&self) -> Backlog {
        self.backlog.clone()
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
            if self.blocked.take().is_some() {
                self.backlog.set(false);
            }
            return outcome;
        }
        if self.blocked.is_none() {
            self.backlog.set(true);
        }
        let span = self.span;
        let timer = self.blocked.get_or_insert_with(|| Box::pin(sleep(span)));
        ready!(timer.as_mut().poll(cx));
        self.blocked = None;
        self.backlog.set(false);
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
    use futures_util::FutureExt as _;
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
    async fn what_waits_is_known_until_it_is_taken() {
        let (mut near, mut far) = stream();
        let backlog = near.backlog();
        backlog.gone().await;
        let write = tokio::spawn(async move { near.write_all(b"12345678").await });
        tokio::task::yield_now().await;

        assert!(backlog.gone().now_or_never().is_none());

        far.read_exact(&mut [0; 8]).await.unwrap();
        backlog.gone().await;
        write.await.unwrap().unwrap();
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
