//! The verdict corpus: documented and recorded answers, each with what must come of it.
//!
//! Every connector keeps its own in `verdicts.json`, and its tests run all of them through its reply reader.

use crate::egress::Answer;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use leadwire_core::outcome::{Fault, Outcome, Receipt, Timings, Tried};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};

/// One answer and what must come of it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) answer: Answer,
    /// One verdict for each payload of the batch.
    pub(crate) expected: Vec<String>,
    /// The cause of the first payload that is not delivered.
    pub(crate) cause: Option<String>,
    /// The entry as it stands, for what only one connector needs.
    pub(crate) entry: Value,
}

/// Reads a corpus.
pub(crate) fn cases(corpus: &str) -> Vec<Case> {
    let entries: Vec<Value> = serde_json::from_str(corpus).expect("the corpus is JSON");
    entries.into_iter().map(case).collect()
}

fn case(entry: Value) -> Case {
    let name = entry["name"].as_str().expect("a name").to_owned();
    assert!(entry["source"].as_str().is_some_and(|it| !it.is_empty()), "{name}: where is it from?");
    let mut headers = HeaderMap::new();
    for (header, value) in entry["headers"].as_object().into_iter().flatten() {
        let header: HeaderName = header.parse().expect("a header's name");
        headers.insert(
            header,
            HeaderValue::from_str(value.as_str().expect("a text")).expect("a header's value"),
        );
    }
    let body = match &entry["body"] {
        Value::Null => Bytes::new(),
        Value::String(text) => Bytes::from(text.clone()),
        json => Bytes::from(json.to_string()),
    };
    let status = u16::try_from(entry["status"].as_u64().expect("a status")).expect("a status is small");
    let answer = Answer {
        status: StatusCode::from_u16(status).expect("a status"),
        headers,
        body,
        is_truncated: entry["truncated"].as_bool().unwrap_or(false),
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        timings: Timings::default(),
    };
    let expected = match &entry["expect"] {
        Value::String(one) => vec![one.clone()],
        many => {
            let many = many.as_array().expect("verdicts").iter();
            many.map(|it| it.as_str().expect("a verdict").to_owned()).collect()
        }
    };
    let cause = entry["cause"].as_str().map(str::to_owned);
    Case { name, answer, expected, cause, entry }
}

/// Compares what came of a case with what must.
#[track_caller]
pub(crate) fn check(case: &Case, tried: &[Tried]) {
    let seen: Vec<&str> = tried.iter().map(|it| verdict(&it.outcome)).collect();
    assert_eq!(seen, case.expected, "{}: {tried:?}", case.name);
    let bad = tried.iter().find(|it| !matches!(it.outcome, Outcome::Done(_)));
    if let (Some(cause), Some(bad)) = (&case.cause, bad) {
        assert_eq!(&bad.evidence.cause, cause, "{}: {bad:?}", case.name);
    }
    for it in tried
        .iter()
        .filter(|it| matches!(it.outcome, Outcome::NotDone(Fault::Pause | Fault::Park | Fault::Stop)))
    {
        assert!(!it.evidence.fix.is_empty(), "{}: a person is needed, and is not told what to do", case.name);
    }
    for it in tried {
        if let Outcome::Done(Receipt::Confirmed { record }) = &it.outcome {
            let said = String::from_utf8_lossy(&case.answer.body);
            let headers = format!("{:?}", case.answer.headers);
            let is_told = said.contains(record.as_str()) || headers.contains(record.as_str());
            assert!(
                is_told || case.entry["known_record"].is_string(),
                "{}: confirmed without evidence",
                case.name
            );
        }
        assert!(!it.evidence.cause.is_empty() || matches!(it.outcome, Outcome::Done(_)), "{}", case.name);
    }
}

/// Compares what came of one case that is not an answer by HTTP with what must.
#[track_caller]
pub(crate) fn check_one(case: &Value, tried: &Tried) {
    assert_eq!(verdict(&tried.outcome), case["expect"], "{}: {tried:?}", case["name"]);
    if let Some(cause) = case["cause"].as_str() {
        assert_eq!(tried.evidence.cause, cause, "{}", case["name"]);
    }
    if let Outcome::NotDone(Fault::Pause | Fault::Park | Fault::Stop) = tried.outcome {
        let name = &case["name"];
        assert!(!tried.evidence.fix.is_empty(), "{name}: a person is needed, and is not told what to do");
    }
}

fn verdict(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(Receipt::Accepted) => "accepted",
        Outcome::Done(Receipt::Confirmed { .. }) => "delivered",
        Outcome::Unknown => "unknown",
        Outcome::NotDone(fault) => match fault {
            Fault::RetryNow => "retry_now",
            Fault::RetryAfter(_) => "retry",
            Fault::HoldLane(_) => "hold",
            Fault::SmallerBatch => "smaller",
            Fault::RetryThenPause { .. } => "retry_then_pause",
            Fault::Pause => "pause",
            Fault::Stop => "stop",
            Fault::Park => "park",
            Fault::Withhold => "withhold",
        },
    }
}
