//! Receiving ends for measurements: one that notes when each delivery came, one that answers byte by byte, and one that
//! nobody listens at.

use leadwire::clock::{Clock, MachineClock, Stopwatch};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
/// Between two bytes of a crawling answer.
const CRAWL: Duration = Duration::from_secs(1);

/// Notes when each delivery came first.
#[derive(Clone)]
pub(crate) struct Arrivals {
    seen: Arc<Mutex<HashMap<String, Duration>>>,
    count: Arc<watch::Sender<usize>>,
    watch: Arc<Stopwatch>,
}

/// A receiving end that answers at once.
pub(crate) async fn prompt(watch: Arc<Stopwatch>) -> anyhow::Result<(SocketAddr, Arrivals)> {
    let arrivals = Arrivals { seen: Arc::default(), count: Arc::new(watch::Sender::new(0)), watch };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let noted = arrivals.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let noted = noted.clone();
            tokio::spawn(async move {
                // A connection that breaks is the program's affair: what did not arrive is missed at the end.
                answer_all(stream, |id| noted.note(id)).await.ok();
            });
        }
    });
    Ok((address, arrivals))
}

/// A receiving end that answers one byte a second.
pub(crate) async fn crawling() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                // The program hangs up when it has waited long enough.
                crawl(stream).await.ok();
            });
        }
    });
    Ok(address)
}

/// An address that refuses connections as long as the socket lives.
pub(crate) fn closed() -> anyhow::Result<(SocketAddr, TcpSocket)> {
    // Bound, so that nobody else gets the port, and not listening, so that the kernel refuses.
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    Ok((socket.local_addr()?, socket))
}

async fn answer_all(mut stream: TcpStream, note: impl Fn(String)) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut read = Vec::with_capacity(4096);
    while let Some(id) = request(&mut stream, &mut read).await? {
        note(id);
        stream.write_all(ANSWER).await?;
    }
    Ok(())
}

async fn crawl(mut stream: TcpStream) -> std::io::Result<()> {
    let clock = MachineClock::start();
    let mut read = Vec::with_capacity(4096);
    while request(&mut stream, &mut read).await?.is_some() {
        for byte in ANSWER {
            clock.wait_until(clock.steady().plus(CRAWL)).await;
            stream.write_all(&[*byte]).await?;
        }
    }
    Ok(())
}

/// Reads one request and gives back its `webhook-id`; none at the end.
async fn request(stream: &mut TcpStream, read: &mut Vec<u8>) -> std::io::Result<Option<String>> {
    loop {
        if let Some(at) = read.windows(4).position(|it| it == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..at]).into_owned();
            let header = |name: &str| {
                let lines = head.lines().filter_map(|it| it.split_once(':'));
                let mut found = lines.filter(|it| it.0.eq_ignore_ascii_case(name));
                found.next().map(|it| it.1.trim().to_owned())
            };
            let whole = at + 4 + header("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
            while read.len() < whole {
                if stream.read_buf(read).await? == 0 {
                    return Ok(None);
                }
            }
            read.drain(..whole);
            return Ok(Some(header("webhook-id").unwrap_or_default()));
        }
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
}

impl Arrivals {
    fn note(&self, id: String) {
        let at = self.watch.elapsed();
        let mut seen = self.seen.lock().expect("noting cannot panic");
        seen.entry(id).or_insert(at);
        self.count.send_replace(seen.len());
    }

    /// When this delivery came.
    pub(crate) fn at(&self, id: &str) -> Option<Duration> {
        self.seen.lock().expect("noting cannot panic").get(id).copied()
    }

    /// How many have come.
    pub(crate) fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits until so many have come.
    pub(crate) async fn wait_for(&self, count: usize) {
        // The sender lives as long as this.
        drop(self.count.subscribe().wait_for(|it| *it >= count).await);
    }
}
