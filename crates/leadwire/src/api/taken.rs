//! A connection whose client must take its answers: one that reads nothing is closed, so that its slot comes free.

use std::future::{Future, Pending, pending};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Timeout, timeout};

/// A stream of which a write that makes no way for too long is an error.
pub(super) struct Taken<T> {
    stream: T,
    wait_max: Duration,
    /// Runs while a write waits.
    waiting: Option<Pin<Box<Timeout<Pending<()>>>>>,
}

impl<T> Taken<T> {
    pub(super) fn new(stream: T, wait_max: Duration) -> Self {
        Self { stream, wait_max, waiting: None }
    }

    fn bound<R>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if polled.is_ready() {
            self.waiting = None;
            return polled;
        }
        let limit = || Box::pin(timeout(self.wait_max, pending()));
        let waiting = self.waiting.get_or_insert_with(limit).as_mut().poll(context);
        waiting.map(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Taken<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Taken<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bound(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.bound(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn a_client_that_reads_nothing_is_not_waited_for() {
        let (near, mut far) = duplex(8);
        let mut near = Taken::new(near, Duration::from_millis(1));
        near.write_all(b"12345678").await.expect("it fits");
        let refused = near.write_all(b"9").await.expect_err("nobody reads");
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        // One that reads, however late, is answered.
        far.read_exact(&mut [0; 8]).await.expect("it is there");
        near.write_all(b"9").await.expect("there is room again");
    }
}
