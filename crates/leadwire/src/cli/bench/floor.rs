//! The floors: HTTP and JSON, a group-committed insert of the same bytes, and, end to end, a bare client to a sink.

use super::load::Connection;
use anyhow::Context;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use leadwire_core::json;
use leadwire_store::floor::{Floor, Rows};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Bare senders end to end: as many as a destination has requests in flight.
const SENDERS: usize = 32;
/// Bodies waiting for a sender.
const WAITING_MAX: usize = 4000;

/// A running floor.
pub(super) struct FloorServer {
    pub(super) address: SocketAddr,
    accepting: tokio::task::JoinHandle<()>,
}

struct Shared {
    floor: Floor,
    next: AtomicU64,
    outbox: Option<mpsc::Sender<(u64, Bytes)>>,
}

impl FloorServer {
    /// Starts it over a file of its own; with a sink, each body is sent on after its commit.
    pub(super) async fn start(file: &Path, rows: Rows, sink: Option<SocketAddr>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        let outbox = match sink {
            None => None,
            Some(sink) => {
                let (outbox, waiting) = mpsc::channel(WAITING_MAX);
                let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
                for _ in 0..SENDERS {
                    let connection = Connection::open(sink).await?;
                    tasks.spawn(send_on(connection, Arc::clone(&waiting)));
                }
                Some(outbox)
            }
        };
        let floor = Floor::start(file, rows).context("the floor's file")?;
        let shared = Arc::new(Shared { floor, next: AtomicU64::new(1), outbox });
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // An error costs latency only.
                stream.set_nodelay(true).ok();
                let shared = Arc::clone(&shared);
                tasks.spawn(async move {
                    let service = service_fn(|request| answer(&shared, request));
                    // An error is a client that left.
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
                });
            }
        });
        Ok(Self { address, accepting })
    }
}

impl Drop for FloorServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let done = async {
        let body = request.into_body().collect().await.ok()?.to_bytes();
        json::parse(&body).ok()?;
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        shared.floor.insert(u128::from(number), body.clone()).await.ok()?;
        if let Some(outbox) = &shared.outbox {
            outbox.send((number, body)).await.ok()?;
        }
        Some(format!(r#"{{"id":"{number}"}}"#))
    };
    let (status, text) = match done.await {
        Some(text) => (StatusCode::ACCEPTED, text),
        None => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    Ok(response)
}

async fn send_on(mut connection: Connection, waiting: Arc<tokio::sync::Mutex<mpsc::Receiver<(u64, Bytes)>>>) {
    loop {
        let next = waiting.lock().await.recv().await;
        let Some((number, body)) = next else { return };
        let head = format!(
            "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nwebhook-id: floor_{number}\r\nwebhook-timestamp: 0\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let request = [head.as_bytes(), &body].concat();
        if connection.exchange(&request, 200).await.is_err() {
            return;
        }
    }
}
