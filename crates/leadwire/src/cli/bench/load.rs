//! The load: many connections, each sending one lead at a time and waiting for its answer.
//!
//! It speaks HTTP/1.1 with bytes it prepares itself, so that on two cores the load costs little beside the program.

use crate::clock::Stopwatch;
use anyhow::{Context, bail};
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a run of load came to.
pub(super) struct Loaded {
    /// How long it took.
    pub(super) elapsed: Duration,
    /// How long each answer took, sorted.
    pub(super) latencies: Vec<Duration>,
    /// The ids in the answers.
    pub(super) ids: Vec<String>,
}

impl Loaded {
    /// Answers for each second.
    pub(super) fn rate(&self) -> f64 {
        self.ids.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency below which this share of the answers came, in milliseconds.
    pub(super) fn percentile_ms(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let at = ((last as f64) * share).round() as usize;
        self.latencies.get(at).map_or(0.0, |it| it.as_secs_f64() * 1000.0)
    }
}

/// Where leads go to.
#[derive(Clone)]
pub(super) struct Target<'a> {
    pub(super) address: SocketAddr,
    pub(super) key: &'a str,
    /// Of so many publishers, one after the other.
    pub(super) publishers: u64,
}

/// The name of one of the publishers.
pub(super) fn publisher(number: u64) -> String {
    if number == 0 { "contoso".to_owned() } else { format!("contoso{number}") }
}

/// Sends `count` leads over `connections` connections; every one must be answered 202.
pub(super) async fn send(
    target: &Target<'_>,
    run: &str,
    count: u64,
    connections: usize,
) -> anyhow::Result<Loaded> {
    let next = Arc::new(AtomicU64::new(0));
    let watch = Stopwatch::start();
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (next, key, run) = (Arc::clone(&next), target.key.to_owned(), run.to_owned());
        let (address, publishers) = (target.address, target.publishers);
        senders.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut answered = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok::<_, anyhow::Error>(answered);
                }
                let request = lead_request(&key, &run, number, &publisher(number % publishers));
                let watch = Stopwatch::start();
                let body = connection.exchange(&request, 202).await?;
                answered.push((watch.elapsed(), id_in(&body)?));
            }
        });
    }
    let mut latencies = Vec::with_capacity(usize::try_from(count)?);
    let mut ids = Vec::with_capacity(usize::try_from(count)?);
    while let Some(answered) = senders.join_next().await {
        for (latency, id) in answered?? {
            latencies.push(latency);
            ids.push(id);
        }
    }
    let elapsed = watch.elapsed();
    latencies.sort();
    Ok(Loaded { elapsed, latencies, ids })
}

/// A lead of usual size, of a customer of its own, under a key of its own.
fn lead_request(key: &str, run: &str, number: u64, publisher: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"source":"AzureMarketplace","action":"INS","offer":"{publisher}.crm-pro","occurred_at":"2026-11-20T10:00:00Z","customer":{{"first_name":"Ada","last_name":"Lovelace","email":"ada-{run}-{number}@example.com","phone":"+36201234567","country":"HU","company":"Analytical Engines Limited","title":"Chief Technology Officer"}},"notes":"Interested in the yearly plan for about forty people; please call in the afternoon, Central European Time.","campaign":{{"utm_source":"newsletter","utm_medium":"email","utm_campaign":"autumn"}},"consent":{{"shared":true,"text_version":"2026-01","at":"2026-11-20T10:00:00Z"}},"custom":{{"plan":"standard","seats":"40"}},"preview":false,"test":false}}"#
    );
    let head = format!(
        "POST /v1/leads HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\nidempotency-key: {run}-{number}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

fn id_in(body: &[u8]) -> anyhow::Result<String> {
    let body: serde_json::Value = serde_json::from_slice(body)?;
    Ok(body.get("id").and_then(|it| it.as_str()).context("an answer without an id")?.to_owned())
}

/// A connection that is used for one request after the other.
pub(super) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(4096) })
    }

    /// Sends a request and reads the answer's body; another status is an error.
    pub(super) async fn exchange(&mut self, request: &[u8], status: u16) -> anyhow::Result<Bytes> {
        self.stream.write_all(request).await?;
        self.read.clear();
        let (head_len, body_len) = loop {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                bail!("the connection was closed before an answer");
            }
            if let Some(at) = self.read.windows(4).position(|it| it == b"\r\n\r\n") {
                break (at + 4, content_length(&self.read[..at])?);
            }
        };
        while self.read.len() < head_len + body_len {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                bail!("the connection was closed in the middle of an answer");
            }
        }
        let expected = format!("HTTP/1.1 {status} ");
        if !self.read.starts_with(expected.as_bytes()) {
            bail!("expected {status}, got: {}", String::from_utf8_lossy(&self.read));
        }
        Ok(Bytes::copy_from_slice(&self.read[head_len..head_len + body_len]))
    }
}

fn content_length(head: &[u8]) -> anyhow::Result<usize> {
    let head = std::str::from_utf8(head)?.to_ascii_lowercase();
    let line = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    line.map_or(Ok(0), |it| it.trim().parse().context("a content length"))
}
