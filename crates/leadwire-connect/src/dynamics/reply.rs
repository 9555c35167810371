//! Reads answers of Dataverse: one fate for each lead, by the code of the error before its status.
//!
//! The same status means several things: 412 is a lead that is there, a duplicate, a key that is taken, or a lead that
//! changed. Statuses and codes: learn.microsoft.com, `webapi/compose-http-requests-handle-errors`.

use super::errors::ERRORS;
use super::request::{Act, Duplicates};
use crate::catalogue::{self, Known};
use crate::egress::Answer;
use crate::token::Age;
use crate::{multipart, retry_after};
use http::StatusCode;
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Receipt, Tried};
use leadwire_core::time::Timestamp;
use serde_json::Value;

/// What reading an answer depends on besides the answer.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    /// The token the request showed.
    pub(super) age: Age,
    pub(super) now: Timestamp,
    /// The column of the alternate key, when leads are known by it.
    pub(super) key_column: Option<&'a str>,
    pub(super) duplicates: Duplicates,
}

/// What came of a request about a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was written.
    Written(Tried),
    /// It is there, with its id if that was told, and may be written.
    Open(Option<String>),
    /// It is there, and was qualified or disqualified: nobody may write it.
    Closed(Option<String>),
    /// It is not there.
    Missing,
    /// Something else.
    Other(Tried),
}

/// The answers to the requests of a batch, in order; none for one that was not answered, with what came of it.
pub(super) enum Batch {
    Each(Vec<Result<Answer, Box<Tried>>>),
    /// The batch was refused as a whole.
    Refused(Tried),
}

/// Takes a batch's answer apart. Only a batch that was executed is several answers, whatever its status.
pub(super) fn read_batch(answer: &Answer, count: usize, about: &About<'_>) -> Batch {
    let Some(read) = multipart::answers(&answer.headers, &answer.body, count) else {
        return Batch::Refused(if answer.status.is_success() {
            unreadable(answer)
        } else {
            refused_whole(answer, count, about)
        });
    };
    let each = read.answers.into_iter().map(|it| {
        Ok(Answer {
            status: it.status,
            headers: it.headers,
            body: it.body,
            is_truncated: false,
            peer: answer.peer,
            timings: answer.timings,
        })
    });
    let mut each: Vec<Result<Answer, Box<Tried>>> = each.collect();
    // Without `continue-on-error`, which something in between may have taken away, the status is that of the lead the
    // batch ended at, and what follows was not tried.
    let is_stopped = read.is_whole && !answer.status.is_success();
    let rest = if is_stopped { of(answer, entry("batch_stopped"), &[], about) } else { unreadable(answer) };
    each.resize(count, Err(Box::new(rest)));
    Batch::Each(each)
}

fn refused_whole(answer: &Answer, count: usize, about: &About<'_>) -> Tried {
    let mut tried = refusal(answer, &[], about);
    let may_be_one = tried.outcome == Outcome::NotDone(Fault::Park);
    if may_be_one && count > 1 {
        tried.outcome = Outcome::NotDone(Fault::SmallerBatch);
    }
    tried
}

/// What came of one request. `known` are values that were sent.
pub(super) fn read(answer: &Answer, act: Act, known: &[&str], about: &About<'_>) -> Fate {
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    if answer.status.is_success() {
        return match act {
            Act::Look => read_look(answer, json.as_ref()),
            Act::Create | Act::Own | Act::Whole => read_written(answer, act, json.as_ref()),
        };
    }
    let (code, text) = problem(json.as_ref());
    let found = find(code, text);
    let name = found.map_or("", |it| it.code);
    let is_write = act != Act::Look;
    let about_key = about.key_column.is_some_and(|it| text.to_lowercase().contains(it));
    match (answer.status, name) {
        (_, "0x80040237") if act == Act::Create => Fate::Open(None),
        (_, "0x80060892") if act == Act::Create && about_key => Fate::Open(None),
        (_, "0x80040333") if is_write && about.duplicates == Duplicates::Deliver => {
            let message = "a duplicate detection rule found the person there already";
            Fate::Written(done(answer, Receipt::Accepted, "duplicate_found", message))
        }
        (_, "0x8004022e") if is_write => Fate::Closed(None),
        (_, "0x80040217" | "0x80060891") if act != Act::Create => Fate::Missing,
        (StatusCode::NOT_FOUND, "") if act != Act::Create && is_error(json.as_ref()) => Fate::Missing,
        (StatusCode::PRECONDITION_FAILED, "") if act == Act::Create && is_error(json.as_ref()) => {
            Fate::Open(None)
        }
        _ => Fate::Other(refusal(answer, known, about)),
    }
}

fn read_look(answer: &Answer, json: Option<&Value>) -> Fate {
    let id = json.and_then(|it| it.get("leadid")?.as_str()).filter(|it| is_guid(it));
    let state = json.and_then(|it| it.get("statecode")?.as_i64());
    match (id, state) {
        (Some(id), Some(0)) => Fate::Open(Some(id.to_owned())),
        (Some(id), Some(_)) => Fate::Closed(Some(id.to_owned())),
        _ => Fate::Other(not_written(unreadable(answer))),
    }
}

fn read_written(answer: &Answer, act: Act, json: Option<&Value>) -> Fate {
    let address = answer.headers.get("odata-entityid").and_then(|it| it.to_str().ok());
    let told = address.and_then(|it| it.rsplit_once('(')?.1.strip_suffix(')'));
    let id = json.and_then(|it| it.get("leadid")?.as_str()).or(told).filter(|it| is_guid(it));
    let receipt = match (answer.status.as_u16(), id) {
        (200 | 201, Some(id)) | (204, Some(id)) => Receipt::Confirmed { record: id.to_owned() },
        (204, None) if answer.body.trim_ascii().is_empty() => Receipt::Accepted,
        _ => return Fate::Other(unreadable(answer)),
    };
    let message = if act == Act::Create { "the lead was created" } else { "the lead was updated" };
    Fate::Written(done(answer, receipt, "", message))
}

/// An answer that refuses a request.
pub(super) fn refusal(answer: &Answer, known: &[&str], about: &About<'_>) -> Tried {
    let status = answer.status.as_u16();
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let (code, text) = problem(json.as_ref());
    if status == 401 {
        let mut tried = of(answer, entry("token_refused"), known, about);
        if let Age::Cached(_) = about.age {
            tried.outcome = Outcome::NotDone(Fault::RetryNow);
        }
        return tried;
    }
    let found = find(code, text).or_else(|| match status {
        301..=399 => Some(entry("address_wrong")),
        // Not the lead: those who look for it have said so already.
        404 if is_error(json.as_ref()) => Some(entry("0x80040217")),
        404 => Some(entry("address_wrong")),
        405 | 406 | 415 | 501 => Some(entry("request_refused")),
        412 => Some(entry("0x80060882")),
        413 => Some(entry("http_413")),
        _ => None,
    });
    if let Some(found) = found {
        return of(answer, found, known, about);
    }
    let wait = retry_after::read(&answer.headers, about.now);
    let (outcome, fix) = match status {
        // A gateway gave up waiting, so the lead may have been written.
        504 | 524 => (Outcome::Unknown, ""),
        429 => (Outcome::NotDone(Fault::HoldLane(wait)), ""),
        408 | 425 | 500..=599 => (Outcome::NotDone(Fault::RetryAfter(wait)), ""),
        403 => (Outcome::NotDone(Fault::Pause), entry("0x80040220").fix),
        // The environment's own rules may refuse anything: one lead, as far as anybody knows.
        400 if is_error(json.as_ref()) => (
            Outcome::NotDone(Fault::Park),
            "see the answer; change the mapping or the rule in Dynamics, then retry",
        ),
        _ => (
            Outcome::NotDone(Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE }),
            entry("address_wrong").fix,
        ),
    };
    let reason = answer.status.canonical_reason().unwrap_or_default();
    let shown = if is_code(code) { format!(" ({code})") } else { String::new() };
    let message = format!("Dynamics answered {status} {reason}").trim_end().to_owned() + &shown;
    let cause = if outcome == Outcome::NotDone(Fault::Park) {
        "refused".to_owned()
    } else {
        format!("http_{status}")
    };
    Tried { outcome, evidence: catalogue::evidence(answer, known, (&cause, message, fix)) }
}

fn of(answer: &Answer, found: &'static Known, known: &[&str], about: &About<'_>) -> Tried {
    let mut tried = found.tried(answer, known);
    let wait = retry_after::read(&answer.headers, about.now);
    tried.outcome = match tried.outcome {
        Outcome::NotDone(Fault::HoldLane(None)) => Outcome::NotDone(Fault::HoldLane(wait)),
        Outcome::NotDone(Fault::RetryAfter(None)) => Outcome::NotDone(Fault::RetryAfter(wait)),
        other => other,
    };
    tried
}

/// The catalogue's entry for an error: by its code, or by its text where codes are shared or left out.
fn find(code: &str, text: &str) -> Option<&'static Known> {
    // This one says nothing by itself.
    let by_code = Known::find(ERRORS, code).filter(|it| it.code != "0x0");
    by_code.or_else(|| {
        let text = text.to_lowercase();
        ERRORS.iter().find(|it| it.texts.iter().any(|piece| text.contains(&piece.to_lowercase())))
    })
}

/// The entry of that code.
pub(super) fn entry(code: &str) -> &'static Known {
    Known::find(ERRORS, code).expect("the catalogue has the codes the reader names")
}

fn problem(json: Option<&Value>) -> (&str, &str) {
    let part = |name: &str| json.and_then(|it| it.get("error")?.get(name)?.as_str()).unwrap_or_default();
    // What never reaches Dataverse itself is told without an error object.
    let bare = json.and_then(|it| it.get("Message")?.as_str()).unwrap_or_default();
    (part("code"), Some(part("message")).filter(|it| !it.is_empty()).unwrap_or(bare))
}

/// Whether a body is an error of the service, and not of something in between.
fn is_error(json: Option<&Value>) -> bool {
    json.and_then(|it| it.get("error")?.get("message")).is_some()
}

fn is_code(text: &str) -> bool {
    text.len() <= 12 && text.strip_prefix("0x").is_some_and(|it| it.bytes().all(|it| it.is_ascii_hexdigit()))
}

pub(super) fn is_guid(text: &str) -> bool {
    let is_fit = |(at, it): (usize, u8)| match at {
        8 | 13 | 18 | 23 => it == b'-',
        _ => it.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_fit)
}

/// A success status with a body that says nothing: the lead may have been written.
pub(super) fn unreadable(answer: &Answer) -> Tried {
    let is_html = answer.body.trim_ascii_start().first() == Some(&b'<');
    let (cause, message) = if is_html {
        ("answer_html", "a page for browsers came instead of an answer")
    } else {
        ("answer_unreadable", "the answer cannot be read, so the lead may or may not have been written")
    };
    let fix = if is_html { "check the environment URL, and what stands in between" } else { "" };
    let evidence = catalogue::evidence(answer, &[], (cause, message.to_owned(), fix));
    // Not the body: what it is, is not known, so neither is what it repeats.
    Tried { outcome: Outcome::Unknown, evidence: Evidence { answer: String::new(), ..evidence } }
}

/// For requests that only read: whatever came of them, nothing was written.
pub(super) fn not_written(mut tried: Tried) -> Tried {
    if tried.outcome == Outcome::Unknown {
        tried.outcome = Outcome::NotDone(Fault::RetryAfter(None));
    }
    tried
}

pub(super) fn done(answer: &Answer, receipt: Receipt, cause: &str, message: &str) -> Tried {
    let evidence = catalogue::evidence(answer, &[], (cause, message.to_owned(), ""));
    Tried { outcome: Outcome::Done(receipt), evidence: Evidence { answer: String::new(), ..evidence } }
}
