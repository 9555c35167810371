//! What the simulated endpoint remembers of the requests it got, within a bound.

use super::answer::Answer;
use aws_lc_rs::digest;
use bytes::Bytes;
use http::HeaderMap;
use std::collections::{HashMap, VecDeque};

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The first so many requests with headers and body, and as many distinct ids; later ones are only counted.
    Requests {
        /// Most requests, and most ids.
        count_max: usize,
    },
    /// 16 bytes per distinct id and nothing else: for benchmarks, where a million ids take some 50 MB.
    IdHashes,
}

/// One request that passed the checks, in the order they were read.
#[derive(Clone, Debug)]
pub struct Received {
    /// `webhook-id`
    pub webhook_id: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Bytes,
}

/// What is known of one id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `webhook-id`
    pub webhook_id: String,
    /// Requests with this id.
    pub calls: u32,
    /// Those answered with success.
    pub accepted: u32,
    /// SHA-256 of the first body.
    pub body_sha256: [u8; 32],
    /// Whether a later body differed from the first: a sender must repeat byte for byte.
    pub body_changed: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    calls: u32,
    accepted: u32,
    /// Place in `seen`, when the id is kept there.
    place: Option<u32>,
}

/// The record of one endpoint.
#[derive(Debug)]
pub(super) struct Book {
    keep: Keep,
    pub(super) calls: u64,
    pub(super) refused: u64,
    pub(super) accepted: u64,
    pub(super) script: VecDeque<Answer>,
    pub(super) otherwise: Answer,
    tallies: HashMap<[u8; 16], Tally>,
    pub(super) accepted_distinct: usize,
    pub(super) seen: Vec<Seen>,
    pub(super) received: Vec<Received>,
}

impl Book {
    pub(super) fn new(keep: Keep) -> Self {
        Self {
            keep,
            calls: 0,
            refused: 0,
            accepted: 0,
            script: VecDeque::new(),
            otherwise: Answer::status(200),
            tallies: HashMap::new(),
            accepted_distinct: 0,
            seen: Vec::new(),
            received: Vec::new(),
        }
    }

    /// Ids of requests that passed the checks.
    pub(super) fn distinct(&self) -> usize {
        self.tallies.len()
    }

    /// Whether this id was answered with success at least once.
    pub(super) fn has_accepted(&self, webhook_id: &str) -> bool {
        self.tallies.get(&short_hash(webhook_id)).is_some_and(|it| it.accepted > 0)
    }

    /// Writes down one request that passed the checks, and chooses its answer.
    pub(super) fn enter(&mut self, webhook_id: &str, headers: &HeaderMap, body: &Bytes) -> Answer {
        let answer = self.script.pop_front().unwrap_or_else(|| self.otherwise.clone());
        let accepted = u32::from(answer.is_success());
        self.calls += 1;
        self.accepted += u64::from(accepted);
        let tally = self.tallies.entry(short_hash(webhook_id)).or_default();
        let first = tally.calls == 0;
        tally.calls = tally.calls.saturating_add(1);
        if tally.accepted == 0 && accepted == 1 {
            self.accepted_distinct += 1;
        }
        tally.accepted = tally.accepted.saturating_add(accepted);
        let Keep::Requests { count_max } = self.keep else { return answer };
        if first && self.seen.len() < count_max {
            tally.place = u32::try_from(self.seen.len()).ok();
            let body_sha256 = sha256(body);
            let webhook_id = webhook_id.to_owned();
            self.seen.push(Seen { webhook_id, calls: 1, accepted, body_sha256, body_changed: false });
        } else if let Some(place) = tally.place {
            let seen = &mut self.seen[usize::try_from(place).expect("a place fits")];
            seen.calls = tally.calls;
            seen.accepted = tally.accepted;
            seen.body_changed |= seen.body_sha256 != sha256(body);
        }
        if self.received.len() < count_max {
            let (webhook_id, headers) = (webhook_id.to_owned(), headers.clone());
            self.received.push(Received { webhook_id, headers, body: body.clone() });
        }
        answer
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// Half of SHA-256: two of a billion ids share it with a chance below 1 in 10^20.
fn short_hash(id: &str) -> [u8; 16] {
    *sha256(id.as_bytes()).first_chunk().expect("32 bytes hold 16")
}
