//! Reads the envelope of every Marketo answer: most refusals come as HTTP 200 with `success: false`. Pure.
//!
//! Adobe's "Error codes" (rest-api/error-codes.md): codes of the whole call are 6xx and 7xx, and with a 6xx nothing was
//! executed; codes of one record are 1xxx, which may stand for the whole call too.

use super::errors::{self, ERRORS};
use crate::catalogue::{Known, evidence};
use crate::egress::Answer;
use crate::retry_after;
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::{Fault, Outcome, Tried};
use leadwire_core::time::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// What a call was about.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    /// Records in it.
    pub(crate) records: usize,
    /// Values that were sent, which an answer may repeat.
    pub(crate) known: &'a [&'a str],
    pub(crate) now: Timestamp,
}

/// The entries of `result`; none when a read found nothing.
///
/// # Errors
/// What every record of the call came to, when it was refused as a whole or cannot be read.
pub(crate) fn results(answer: &Answer, about: &About<'_>) -> Result<Vec<Value>, Box<Tried>> {
    if !answer.status.is_success() {
        return Err(Box::new(by_status(answer, about)));
    }
    let json: Option<Value> =
        if answer.is_truncated { None } else { serde_json::from_slice(&answer.body).ok() };
    let Some((json, is_success)) = json.and_then(|it| Some((it.get("success")?.as_bool()?, it))).map(swap)
    else {
        return Err(Box::new(unreadable(answer)));
    };
    let result = json.get("result").and_then(Value::as_array);
    match (is_success, first_code(&json)) {
        (true, Some(code)) if result.is_none_or(Vec::is_empty) => {
            Err(Box::new(refused(answer, &code, about)))
        }
        (true, _) => Ok(result.cloned().unwrap_or_default()),
        // Many searches answer success with a warning instead.
        (false, Some(code)) if code == "702" => Ok(Vec::new()),
        (false, Some(code)) => Err(Box::new(refused(answer, &code, about))),
        (false, None) => {
            let message = "Marketo refused the call and gave no reason".to_owned();
            let evidence = evidence(answer, about.known, ("refused_without_reason", message, ""));
            Err(Box::new(Tried { outcome: Outcome::Unknown, evidence }))
        }
    }
}

fn swap((is_success, json): (bool, Value)) -> (Value, bool) {
    (json, is_success)
}

/// The first code of `errors`: a text as documented; a number is read too.
pub(crate) fn first_code(json: &Value) -> Option<String> {
    json.get("errors")?.as_array()?.iter().find_map(code_of)
}

/// The code of one error or reason.
pub(crate) fn code_of(error: &Value) -> Option<String> {
    let code = error.get("code")?;
    code.as_str().map(str::to_owned).or_else(|| code.as_u64().map(|it| it.to_string()))
}

/// Whether the token was refused, so that nothing was executed.
pub(super) fn is_token_refused(answer: &Answer) -> bool {
    /// Refusals are short, and answers about three hundred people need not be read twice.
    const REFUSAL_BYTES_MAX: usize = 4096;
    if answer.body.len() > REFUSAL_BYTES_MAX {
        return false;
    }
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    json.and_then(|it| first_code(&it)).is_some_and(|it| matches!(&*it, "600" | "601" | "602"))
}

/// A call that was refused as a whole with a code.
fn refused(answer: &Answer, code: &str, about: &About<'_>) -> Tried {
    let Some(known) = Known::find(ERRORS, code) else { return unknown_code(answer, code, about) };
    let mut tried = known.tried(answer, about.known);
    tried.outcome = Outcome::NotDone(match (known.fault, code) {
        // Too long a call, or a body that one record spoils: the others must not wait for it.
        (_, "604" | "609") | (Fault::Park, _) if about.records > 1 => Fault::SmallerBatch,
        (_, "607") => Fault::HoldLane(Some(errors::until_reset(about.now))),
        (fault, _) => fault,
    });
    tried
}

fn unknown_code(answer: &Answer, code: &str, about: &About<'_>) -> Tried {
    let is_record = code.len() == 4;
    let (fault, fix) = match (is_record, about.records) {
        (true, 2..) => (Fault::SmallerBatch, ""),
        (true, _) => (Fault::Park, "see Marketo's words in the attempt"),
        (false, _) => (
            Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE },
            "see Marketo's words in the attempt, and Adobe's list of error codes",
        ),
    };
    let shown: String = code.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    let message = format!("Marketo refused with a code that Leadwire does not know ({shown})");
    let evidence = evidence(answer, about.known, ("code_unknown", message, fix));
    Tried { outcome: Outcome::NotDone(fault), evidence }
}

/// An answer that Marketo's gateway, or something before it, gave.
fn by_status(answer: &Answer, about: &About<'_>) -> Tried {
    let status = answer.status.as_u16();
    let hint = retry_after::read(&answer.headers, about.now);
    let sometimes = Outcome::NotDone(Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE });
    let (outcome, fix) = match status {
        300..=399 => (Outcome::NotDone(Fault::Pause), "check the Munchkin ID: its host sends elsewhere"),
        401 | 403 => (Outcome::NotDone(Fault::Pause), "check the Munchkin ID and the API user's role"),
        404 => (Outcome::NotDone(Fault::Pause), "check the Munchkin ID: its host has no REST API"),
        // Over 1 MB (413), or an address over 8 KB (414).
        413 | 414 if about.records > 1 => (Outcome::NotDone(Fault::SmallerBatch), ""),
        413 | 414 => {
            (Outcome::NotDone(Fault::Park), "the lead is too large for Marketo: map fewer or shorter fields")
        }
        408 | 425 => (Outcome::NotDone(Fault::RetryAfter(hint)), ""),
        429 => (Outcome::NotDone(Fault::HoldLane(hint.or(Some(errors::RATE_WINDOW)))), ""),
        503 => (Outcome::NotDone(Fault::RetryAfter(hint)), ""),
        // A 502 or 504 is the gateway that gave up waiting: the records may have been written.
        500..=599 => (Outcome::Unknown, ""),
        _ => (sometimes, "see the answer; something other than Marketo may have given it"),
    };
    let message = format!("Marketo answered {status}");
    Tried { outcome, evidence: evidence(answer, about.known, (&format!("http_{status}"), message, fix)) }
}

/// A success status with a body that says nothing: the records may have been written.
pub(crate) fn unreadable(answer: &Answer) -> Tried {
    let is_page = answer.body.iter().find(|it| !it.is_ascii_whitespace()) == Some(&b'<');
    let (cause, message, fix) = if is_page {
        (
            "answer_html",
            "a web page came instead of Marketo's answer",
            "something between here and Marketo answers for it: check proxies and the Munchkin ID",
        )
    } else {
        ("answer_unreadable", "Marketo's answer could not be read", "")
    };
    let mut evidence = evidence(answer, &[], (cause, message.to_owned(), fix));
    // What it is, is not known, so neither is what it repeats.
    evidence.answer.clear();
    Tried { outcome: Outcome::Unknown, evidence }
}

/// For calls that only read: whatever came of them, nothing was written.
pub(crate) fn not_written(mut tried: Tried) -> Tried {
    if tried.outcome == Outcome::Unknown {
        tried.outcome = Outcome::NotDone(Fault::RetryAfter(None));
    }
    tried
}

/// How long an answer took.
pub(crate) fn took(answer: &Answer) -> Duration {
    Duration::from_micros(answer.timings.total_us.unwrap_or(0).into())
}
