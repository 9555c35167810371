//! Receiving ends for measurements: they note when each delivery came, and can begin to crawl or go away.

use leadwire::clock::{Clock, MachineClock, Stopwatch};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

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

/// A receiving end. Dropped, it is gone: its connections end, and new ones are refused.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    crawls: Arc<AtomicBool>,
    _serving: AbortOnDrop,
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        // The listener and the set of connections belong to the task, and go with it.
        self.0.abort();
    }
}

impl Receiver {
    /// Starts one that answers at once and notes what comes.
    pub(crate) async fn start(noted: Arrivals) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let crawls = Arc::new(AtomicBool::new(false));
        let mode = Arc::clone(&crawls);
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    Some(_) = connections.join_next() => {}
                    // Cancel-safe: a connection that was not accepted stays in the queue.
                    accepted = listener.accept() => {
                        let Ok((stream, _)) = accepted else { continue };
                        let (noted, mode) = (noted.clone(), Arc::clone(&mode));
                        connections.spawn(async move {
                            // A connection that breaks is the program's affair: what did not arrive is missed at the end.
                            answer_all(stream, &noted, &mode).await.ok();
                        });
                    }
                }
            }
        });
        Ok(Self { address, crawls, _serving: AbortOnDrop(serving) })
    }

    /// Answers one byte a second from now on.
    pub(crate) fn crawl(&self) {
        self.crawls.store(true, Ordering::Relaxed);
    }
}

async fn answer_all(mut stream: TcpStream, noted: &Arrivals, crawls: &AtomicBool) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let clock = MachineClock::start();
    let mut read = Vec::with_capacity(4096);
    while let Some(id) = request(&mut stream, &mut read).await? {
        noted.note(id);
        if !crawls.load(Ordering::Relaxed) {
            stream.write_all(ANSWER).await?;
            continue;
        }
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
    /// Nothing yet, by this watch.
    pub(crate) fn new(watch: Arc<Stopwatch>) -> Self {
        Self { seen: Arc::default(), count: Arc::new(watch::Sender::new(0)), watch }
    }

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
