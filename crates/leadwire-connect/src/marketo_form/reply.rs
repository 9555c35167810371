//! Reads what came of a submission: an entry with the person's id, or what the classic post answers. Pure.

use super::errors::CLASSIC;
use crate::catalogue::{Known, evidence};
use crate::egress::Answer;
use crate::marketo::envelope::{About, unreadable};
use crate::marketo::reply::{self, delivered};
use crate::marketo::settled;
use crate::retry_after;
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::{Fault, Outcome, Tried};
use leadwire_core::time::Timestamp;
use serde_json::Value;

/// What came of a submission through the REST API.
pub(super) fn submitted(answer: &Answer, known: &[&str], now: Timestamp) -> Tried {
    let said = reply::read(answer, &[known], &About { records: 1, known, now });
    said.map_or_else(|it| *it, |mut it| settled(it.remove(0)))
}

/// What came of the post of a browser.
pub(super) fn classic(answer: &Answer, known: &[&str], now: Timestamp) -> Tried {
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let status = answer.status.as_u16();
    let is_taken = json.as_ref().is_some_and(|it| it.get("formId").is_some() || it.get("aliId").is_some());
    let message = json.as_ref().and_then(|it| it.get("message")?.as_str());
    let code = |code: &str| {
        let entry = Known::find(CLASSIC, code).expect("the catalogue has the code");
        entry.tried(answer, known)
    };
    let entry = message.and_then(|it| Known::find(CLASSIC, it));
    match (status, entry) {
        (200, _) if is_taken => delivered(None, "Marketo took the form"),
        (200, Some(entry)) => entry.tried(answer, known),
        (200, None) if json.as_ref().is_some_and(|it| it.get("error").is_some()) => code("Rejected"),
        (200..=299, _) => unreadable(answer),
        (429, _) => code("too_many_posts"),
        (_, Some(entry)) if status < 500 => entry.tried(answer, known),
        _ => by_status(answer, known, now),
    }
}

fn by_status(answer: &Answer, known: &[&str], now: Timestamp) -> Tried {
    let status = answer.status.as_u16();
    let (outcome, fix) = match status {
        503 => (Outcome::NotDone(Fault::RetryAfter(retry_after::read(&answer.headers, now))), ""),
        500..=599 => (Outcome::Unknown, ""),
        408 | 425 => (Outcome::NotDone(Fault::RetryAfter(None)), ""),
        413 => (Outcome::NotDone(Fault::Park), "map fewer or shorter fields"),
        400..=499 => (Outcome::NotDone(Fault::Pause), "check server id, Munchkin ID and form id"),
        _ => (
            Outcome::NotDone(Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE }),
            "check the server id: its host sends elsewhere",
        ),
    };
    let message = format!("Marketo answered {status}");
    Tried { outcome, evidence: evidence(answer, known, (&format!("http_{status}"), message, fix)) }
}
