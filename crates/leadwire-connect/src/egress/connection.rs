//! One HTTP/1.1 connection: dialled, secured, used for one request after another, and driven by whoever uses it.
//!
//! No task is spawned for it. The future of a request drives the connection too, so dropping the future closes
//! the connection, and an idle one costs nothing but its socket.

use super::stream::Stream;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use leadwire_core::limits::ANSWER_HEAD_BYTES_MAX;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Counts the bytes of requests handed to the stream: the proof that nothing was written.
struct Counted {
    stream: Stream,
    written: Arc<AtomicU64>,
}

pub(super) struct Connection {
    peer: SocketAddr,
    written: Arc<AtomicU64>,
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Driver,
}

struct Driver {
    connection: http1::Connection<TokioIo<Counted>, Full<Bytes>>,
    is_ended: bool,
}

/// The body of an answer, as far as it was read.
pub(super) struct Body {
    pub(super) bytes: Bytes,
    /// There was more than the caller wanted; the connection must not be used again.
    pub(super) is_truncated: bool,
}

impl Connection {
    pub(super) async fn start(stream: Stream, peer: SocketAddr) -> Result<Self, hyper::Error> {
        let written = Arc::new(AtomicU64::new(0));
        let io = TokioIo::new(Counted { stream, written: Arc::clone(&written) });
        let (sender, connection) =
            http1::Builder::new().max_buf_size(ANSWER_HEAD_BYTES_MAX).handshake::<_, Full<Bytes>>(io).await?;
        Ok(Self { peer, written, sender, driver: Driver { connection, is_ended: false } })
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Bytes of requests written so far.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Whether a connection that was idle can be used: [`Connection::is_ready`], after the runtime had a turn to
    /// hear that the peer closed. Without it, a request right behind the close would be written in vain.
    pub(super) async fn is_alive(&mut self) -> bool {
        tokio::task::yield_now().await;
        self.is_ready().await
    }

    /// Whether another request can be sent: the last one is finished and the peer has not closed.
    pub(super) async fn is_ready(&mut self) -> bool {
        poll_fn(|context| {
            // The first turn ends the last exchange or notices that the peer closed, the second asks for more.
            self.driver.turn(context);
            self.driver.turn(context);
            Poll::Ready(
                !self.driver.is_ended && matches!(self.sender.poll_ready(context), Poll::Ready(Ok(()))),
            )
        })
        .await
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn send(
        &mut self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<http::Response<Incoming>, hyper::Error> {
        let answer = self.sender.send_request(request);
        self.driver.drive(answer).await
    }

    /// Reads a body, but no more than `bytes_max`.
    pub(super) async fn read(&mut self, mut body: Incoming, bytes_max: usize) -> Result<Body, hyper::Error> {
        let mut bytes = BytesMut::new();
        while let Some(frame) = self.driver.drive(body.frame()).await {
            let Ok(data) = frame?.into_data() else { continue };
            let room = bytes_max - bytes.len();
            bytes.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() > room {
                return Ok(Body { bytes: bytes.freeze(), is_truncated: true });
            }
        }
        Ok(Body { bytes: bytes.freeze(), is_truncated: false })
    }
}

impl Driver {
    fn turn(&mut self, context: &mut Context<'_>) {
        // An error also reaches the request or body it belongs to, so it is not lost here.
        if !self.is_ended && Pin::new(&mut self.connection).poll(context).is_ready() {
            self.is_ended = true;
        }
    }

    async fn drive<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            self.turn(context);
            work.as_mut().poll(context)
        })
        .await
    }
}

impl Counted {
    fn count(&self, result: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = result {
            self.written.fetch_add(u64::try_from(*bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.count(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.count(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
