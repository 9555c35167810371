//! What came of one attempt: done, not done, or unknown; with evidence that people read and nothing branches on.

use std::net::IpAddr;
use std::time::Duration;

/// What one attempt came to. There are three cases because an answer can be lost after the work was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The destination has it.
    Done(Receipt),
    /// The destination does not have it, for sure.
    NotDone(Fault),
    /// The destination may have it. It is sent again under the same identity, never counted as delivered.
    Unknown,
}

/// Proof of arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// The destination took it and names no record.
    Accepted,
    /// The destination named the record it made or changed.
    Confirmed {
        /// The record's id there.
        record: String,
    },
}

/// A kind of failure, told by what the engine does about it. A new variant needs a new behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Try again at once, one time only: something on our side was stale, such as an access token.
    RetryNow,
    /// Try again later; the destination may have said when.
    RetryAfter(Option<Duration>),
    /// Nothing will be taken from anybody for so long: it has had too much, or its day's allowance is used up. Holds
    /// the whole lane back, which spares the destination a refusal per delivery.
    HoldLane(Option<Duration>),
    /// The batch was refused as a whole, for its size or for one of the records in it. Try again at once in smaller
    /// batches, until the culprit is alone.
    SmallerBatch,
    /// Try again later, but after this many attempts of the same delivery a person is needed.
    RetryThenPause {
        /// Attempts after which the lane pauses.
        attempts: u32,
    },
    /// Nothing will be taken until a person acts. Pauses the lane, which keeps everything and probes.
    Pause,
    /// The destination asked for no more. Pauses the lane until a person resumes it; never probes.
    Stop,
    /// This one will never be taken as it is. It is parked alone, and the lane goes on.
    Park,
    /// This one must not be sent any more, for a reason that came up after it was claimed. Nothing was tried; it is
    /// suppressed, and says nothing of the destination.
    Withhold,
}

/// What a person reads about an attempt. Holds no secret, and of the answer only a bounded, redacted part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Stable name of the cause, such as `http_503` or `dns_not_found`: failures are grouped by it.
    pub cause: String,
    /// What happened, in one sentence without a full stop.
    pub message: String,
    /// What to do about it; empty when nothing needs doing.
    pub fix: String,
    /// Status of the answer, when there was one.
    pub http_status: Option<u16>,
    /// The first part of the answer's body, redacted.
    pub answer: String,
    /// The address that was dialled.
    pub peer: Option<IpAddr>,
    /// Where the time went.
    pub timings: Timings,
}

/// How long each phase of a request took, in microseconds; a phase that did not happen has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Finding the address; absent on a connection used before.
    pub dns_us: Option<u32>,
    /// Opening the TCP connection.
    pub connect_us: Option<u32>,
    /// The TLS handshake.
    pub tls_us: Option<u32>,
    /// From the first byte written to the head of the answer.
    pub answer_us: Option<u32>,
    /// From start to end.
    pub total_us: Option<u32>,
}

/// One delivery's share of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// What came of it.
    pub outcome: Outcome,
    /// For people.
    pub evidence: Evidence,
}
