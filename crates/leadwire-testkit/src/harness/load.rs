//! Senders: connections that send leads under keys of their own, and write down what was answered.

use crate::app::PATIENCE;
use anyhow::{Context, bail, ensure};
use serde_json::Value;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Connections that send at the same time.
const SENDERS: usize = 16;
/// Leads of one customer: some meet in one commit, some on both sides of a kill.
pub const LEADS_PER_CUSTOMER: u64 = 3;
/// One customer of so many asks for the offer that simulated CRMs are told of, which cost more than the plain receiver.
const KEYED_EVERY: u64 = 40;
/// That offer, and the one of all others.
pub const KEYED_OFFER: &str = "crm-keyed";
/// See [`KEYED_OFFER`].
pub const PLAIN_OFFER: &str = "crm-pro";

/// Whose lead a key stands for.
pub fn customer(number: u64) -> u64 {
    number / LEADS_PER_CUSTOMER
}

/// The offer that a key asks for.
pub fn offer(number: u64) -> &'static str {
    if customer(number).is_multiple_of(KEYED_EVERY) { KEYED_OFFER } else { PLAIN_OFFER }
}

/// A service, and the key that opens it.
#[derive(Clone)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// An operator's key.
    pub key: String,
    /// Whose leads are sent and counted.
    pub publisher: String,
}

/// A lead that was answered 202.
pub struct Answered {
    /// Number of its key.
    pub number: u64,
    /// Id in the answer.
    pub id: String,
    /// Whether the answer says that it was there before.
    pub duplicate: bool,
    /// Whether the fault had begun to strike before the whole answer was read.
    pub late: bool,
}

/// A lead that was answered, but not 202.
pub struct Refused {
    /// Number of its key.
    pub number: u64,
    /// Status of the answer.
    pub status: u16,
}

/// What the senders know at the end.
#[derive(Default)]
pub struct Loaded {
    /// Leads whose 202 was read.
    pub acknowledged: Vec<Answered>,
    /// Numbers of the keys that were sent, or begun to be sent, without an answer.
    pub unanswered: Vec<u64>,
    /// Leads that were answered with a refusal.
    pub refused: Vec<Refused>,
}

/// What is sent, and when something happens to the program.
#[derive(Clone, Copy)]
pub struct Load {
    /// Number of the first key.
    pub first: u64,
    /// How many keys at most.
    pub count: u64,
    /// The answer, counted from 1, at which the fault strikes.
    pub strike_at: u64,
    /// What a sender does when it is refused or cut off.
    pub then: Then,
}

/// What a sender does when it is refused or cut off.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It ends.
    Ends,
    /// It goes on with the next lead, until no connection opens any more.
    GoesOn,
}

/// Sends leads until they are all sent or the program is gone; `strike` is called once, when the time has come.
///
/// # Errors
/// When the program hangs, or answers something that is no answer.
pub async fn send(
    target: &Target,
    load: Load,
    strike: impl Fn() + Clone + Send + 'static,
) -> anyhow::Result<Loaded> {
    let next = Arc::new(AtomicU64::new(load.first));
    let answers = Arc::new(AtomicU64::new(0));
    let struck = Arc::new(AtomicBool::new(false));
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let (next, answers, struck) = (Arc::clone(&next), Arc::clone(&answers), Arc::clone(&struck));
        let (target, strike) = (target.clone(), strike.clone());
        senders.spawn(async move {
            let mut loaded = Loaded::default();
            // A connection that cannot be opened was late: the program is gone already.
            let Ok(mut connection) = Connection::open(&target).await else { return anyhow::Ok(loaded) };
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= load.first.saturating_add(load.count) {
                    return Ok(loaded);
                }
                let Ok((status, body)) = connection.exchange(&lead(&target, number)).await else {
                    loaded.unanswered.push(number);
                    if load.then == Then::Ends {
                        return Ok(loaded);
                    }
                    let Ok(anew) = Connection::open(&target).await else { return Ok(loaded) };
                    connection = anew;
                    continue;
                };
                let late = struck.load(Ordering::SeqCst);
                if answers.fetch_add(1, Ordering::Relaxed) + 1 == load.strike_at {
                    struck.store(true, Ordering::SeqCst);
                    strike();
                }
                if status != 202 {
                    loaded.refused.push(Refused { number, status });
                    match load.then {
                        Then::Ends => return Ok(loaded),
                        Then::GoesOn => continue,
                    }
                }
                let answered = Answered { late, ..answered(number, status, &body)? };
                ensure!(!answered.duplicate, "a new key was called a duplicate");
                loaded.acknowledged.push(answered);
            }
        });
    }
    let mut all = Loaded::default();
    // A program on a server that stands still answers late.
    while let Some(sender) = timeout(PATIENCE * 3, senders.join_next()).await.context("the senders hang")? {
        let loaded = sender??;
        all.acknowledged.extend(loaded.acknowledged);
        all.unanswered.extend(loaded.unanswered);
        all.refused.extend(loaded.refused);
    }
    Ok(all)
}

/// Sends leads again, each under its key and with its body, and gives back what was answered.
///
/// # Errors
/// When one of them is not answered 202.
pub async fn send_again(target: &Target, numbers: Vec<u64>) -> anyhow::Result<Vec<Answered>> {
    send_shares(target, &numbers, numbers.len().div_ceil(SENDERS)).await
}

/// Sends leads, each of a customer once the one before is answered: what is sent at the same time has no order.
///
/// # Errors
/// When one of them is not answered 202.
pub async fn send_in_order(target: &Target, numbers: Range<u64>) -> anyhow::Result<Vec<Answered>> {
    let numbers: Vec<u64> = numbers.collect();
    let of_customer = usize::try_from(LEADS_PER_CUSTOMER)?;
    let before = numbers.iter().take_while(|it| !it.is_multiple_of(LEADS_PER_CUSTOMER)).count();
    // The end of a customer whose beginning was sent before.
    let mut all = send_shares(target, &numbers[..before], before).await?;
    let share = (numbers.len() - before).div_ceil(SENDERS).next_multiple_of(of_customer);
    all.extend(send_shares(target, &numbers[before..], share).await?);
    Ok(all)
}

/// Sends leads in shares of this many, the shares at the same time.
async fn send_shares(target: &Target, numbers: &[u64], share: usize) -> anyhow::Result<Vec<Answered>> {
    let mut senders = JoinSet::new();
    for share in numbers.chunks(share.max(1)) {
        let (target, share) = (target.clone(), share.to_vec());
        senders.spawn(async move {
            let mut connection = Connection::open(&target).await?;
            let mut all = Vec::with_capacity(share.len());
            for number in share {
                let (status, body) = connection.exchange(&lead(&target, number)).await?;
                all.push(answered(number, status, &body)?);
            }
            anyhow::Ok(all)
        });
    }
    let mut all = Vec::with_capacity(numbers.len());
    while let Some(sender) = timeout(PATIENCE, senders.join_next()).await.context("the senders hang")? {
        all.extend(sender??);
    }
    Ok(all)
}

/// Sends one lead on a connection of its own; gives back its id.
///
/// # Errors
/// When it is not answered 202.
pub async fn send_one(target: &Target, offer: &str, number: u64) -> anyhow::Result<String> {
    let mut connection = Connection::open(target).await?;
    let answer = timeout(PATIENCE, connection.exchange(&lead_of(target, offer, number))).await;
    let (status, body) = answer.context("no answer to a lead")??;
    Ok(answered(number, status, &body)?.id)
}

fn answered(number: u64, status: u16, body: &[u8]) -> anyhow::Result<Answered> {
    let text = || String::from_utf8_lossy(body).into_owned();
    ensure!(status == 202, "key {number} was answered {status}: {}", text());
    let body: Value = serde_json::from_slice(body).with_context(|| format!("key {number}: {}", text()))?;
    let id = body["id"].as_str().context("an answer has an id")?.to_owned();
    let duplicate = body["duplicate"].as_bool().context("an answer says whether it is a duplicate")?;
    Ok(Answered { number, id, duplicate, late: false })
}

fn lead(target: &Target, number: u64) -> Vec<u8> {
    lead_of(target, &format!("{}.{}", target.publisher, offer(number)), number)
}

fn lead_of(target: &Target, offer: &str, number: u64) -> Vec<u8> {
    let customer = customer(number);
    let body = format!(
        r#"{{"source":"AzureMarketplace","action":"INS","offer":"{offer}","customer":{{"first_name":"Ada","last_name":"Lovelace","email":"ada-{customer}@example.com","company":"Analytical Engines Limited"}},"notes":"Number {number}.","custom":{{"plan":"standard"}}}}"#
    );
    target.request("POST", "/v1/leads", &format!("idempotency-key: kill-{number}\r\n"), &body)
}

impl Target {
    /// The same service, for the leads of this publisher.
    pub fn of(&self, publisher: &str) -> Self {
        Self { publisher: publisher.to_owned(), ..self.clone() }
    }

    /// The publisher's ledger.
    ///
    /// # Errors
    /// When the service does not give it.
    pub async fn ledger(&self) -> anyhow::Result<Value> {
        self.get(&format!("/v1/ledger?publisher={}", self.publisher)).await
    }

    /// `GET` with the key; the answer must be a success.
    ///
    /// # Errors
    /// When it is none.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(&self.request("GET", path, "", ""), path).await
    }

    /// `POST` with the key; the answer must be a success.
    ///
    /// # Errors
    /// When it is none.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(&self.request("POST", path, "", &body.to_string()), path).await
    }

    /// `PATCH` with the key; the answer must be a success.
    ///
    /// # Errors
    /// When it is none.
    pub async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(&self.request("PATCH", path, "", &body.to_string()), path).await
    }

    async fn call(&self, request: &[u8], path: &str) -> anyhow::Result<Value> {
        let mut connection = Connection::open(self).await?;
        let answer = timeout(PATIENCE, connection.exchange(request)).await;
        let (status, body) = answer.with_context(|| format!("no answer from {path}"))??;
        ensure!((200..300).contains(&status), "{path}: {status} {}", String::from_utf8_lossy(&body));
        Ok(serde_json::from_slice(&body)?)
    }

    fn request(&self, method: &str, path: &str, more: &str, body: &str) -> Vec<u8> {
        format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\n{more}content-length: {}\r\n\r\n{body}",
            self.key,
            body.len()
        )
        .into_bytes()
    }
}

/// A connection that is used for one request after the other, with HTTP/1.1 written by hand: no client library
/// stands between an answer and the kill, and none repeats a request by itself.
struct Connection(TcpStream);

impl Connection {
    async fn open(target: &Target) -> std::io::Result<Self> {
        let stream = TcpStream::connect(target.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<(u16, Vec<u8>)> {
        self.0.write_all(request).await?;
        let mut read = Vec::with_capacity(1024);
        let (head_len, body_len) = loop {
            self.read_more(&mut read).await?;
            if let Some(at) = read.windows(4).position(|it| it == b"\r\n\r\n") {
                break (at + 4, content_length(&read[..at])?);
            }
        };
        while read.len() < head_len + body_len {
            self.read_more(&mut read).await?;
        }
        let status = read.strip_prefix(b"HTTP/1.1 ").and_then(|it| str::from_utf8(it.get(..3)?).ok());
        let status = status.context("the answer is not HTTP/1.1")?.parse()?;
        Ok((status, read.split_off(head_len)))
    }

    async fn read_more(&mut self, read: &mut Vec<u8>) -> anyhow::Result<()> {
        if self.0.read_buf(read).await? == 0 {
            bail!("the connection was closed before the whole answer came");
        }
        Ok(())
    }
}

fn content_length(head: &[u8]) -> anyhow::Result<usize> {
    let head = str::from_utf8(head)?.to_ascii_lowercase();
    let line = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    line.map_or(Ok(0), |it| it.trim().parse().context("a content length"))
}
