//! What every simulated service shares below its rules: taking connections, reading bodies, and answers that break off.

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Most connections at a time; the next one waits in the kernel's queue.
const CONNECTIONS_MAX: usize = 1024;
/// One piece of an endless body, in bytes.
const PIECE: &[u8] = &[b'x'; 64 * 1024];
/// What arrives of an answer that is cut or stalls.
const FIRST_PART: &[u8] = b"{\"status\":\"acc";
/// The length announced for it, in bytes.
const ANNOUNCED_BYTES: u64 = 4096;

/// Takes connections until told to stop, and then closes them all.
pub(crate) async fn accept<Serve, Served>(
    listener: TcpListener,
    mut stopped: watch::Receiver<bool>,
    serve: Serve,
) where
    Serve: Fn(Request<Incoming>) -> Served + Clone + Send + 'static,
    Served: Future<Output = Result<Response<AnswerBody>, Cut>> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let slot = Arc::clone(&slots).acquire_owned();
        let next = async { (slot.await.expect("the semaphore is never closed"), listener.accept().await) };
        tokio::select! {
            biased;
            _ = stopped.changed() => return connections.shutdown().await,
            // Finished ones are taken out, so that the set holds open connections only.
            Some(_) = connections.join_next() => {}
            // Cancel safe: both halves are, and a slot that was taken is given back.
            (slot, accepted) = next => {
                // A connection that was gone before it was accepted is the client's affair.
                let Ok((stream, _)) = accepted else { continue };
                // A failure costs latency only, and a closed connection shows up in the first read.
                drop(stream.set_nodelay(true));
                let serve = serve.clone();
                connections.spawn(async move {
                    let served = hyper::server::conn::http1::Builder::new()
                        .pipeline_flush(true)
                        .serve_connection(TokioIo::new(stream), service_fn(serve));
                    // An error is a client that left or an answer that was cut on purpose.
                    drop(served.await);
                    drop(slot);
                });
            }
        }
    }
}

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoBody {
    TooLarge,
    Cut,
}

/// Reads a body of at most so many bytes.
pub(crate) async fn read(mut body: Incoming, bytes_max: usize) -> Result<Bytes, NoBody> {
    if body.size_hint().lower() > u64::try_from(bytes_max).unwrap_or(u64::MAX) {
        return Err(NoBody::TooLarge);
    }
    // Most bodies arrive in one piece, which is then not copied.
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| NoBody::Cut)?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > bytes_max {
            return Err(NoBody::TooLarge);
        }
        if first.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&data);
        }
    }
    if rest.is_empty() { Ok(first) } else { Ok([&first[..], &rest[..]].concat().into()) }
}

/// Tells hyper to close the connection.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the simulated endpoint cuts the connection")]
pub(crate) struct Cut;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    /// Hyper sends what it has only when nothing more is ready, so a cut pauses for one turn first.
    Pause,
    Cut,
    Stall,
}

/// The body of an answer, well-behaved or not.
#[derive(Debug)]
pub(crate) enum AnswerBody {
    Whole(Option<Bytes>),
    Part { then: Then, sent: bool },
    Endless { left: u64 },
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let data = |bytes| Poll::Ready(Some(Ok(Frame::data(bytes))));
        match self.get_mut() {
            Self::Whole(body) => body.take().map_or(Poll::Ready(None), data),
            Self::Part { sent, .. } if !*sent => {
                *sent = true;
                data(Bytes::from_static(FIRST_PART))
            }
            Self::Part { then: then @ Then::Pause, .. } => {
                *then = Then::Cut;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Part { then: Then::Cut, .. } => Poll::Ready(Some(Err(Cut))),
            // Never woken: the client, or `stop`, ends the connection.
            Self::Part { then: Then::Stall, .. } => Poll::Pending,
            Self::Endless { left: 0 } => Poll::Ready(None),
            Self::Endless { left } => {
                let piece = PIECE.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= u64::try_from(piece).expect("a piece is small");
                data(Bytes::from_static(&PIECE[..piece]))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => {
                let bytes = body.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(bytes).expect("a length fits"))
            }
            Self::Part { .. } => SizeHint::with_exact(ANNOUNCED_BYTES),
            Self::Endless { .. } => SizeHint::default(),
        }
    }
}
