//! Reads the service's answers: from status and body to what came of each row. Pure.
//!
//! The code counts first, from whichever of four places it is in; then the status; the message last.

use super::entity::Entity;
use super::errors::ERRORS;
use super::request::Verb;
use crate::catalogue::{Known, evidence};
use crate::egress::Answer;
use crate::multipart;
use crate::retry_after;
use crate::token::Age;
use http::header::CONTENT_TYPE;
use leadwire_core::limits::{RETRY_AFTER_LONGEST, RETRY_SHORTEST};
use leadwire_core::outcome::{Evidence, Fault, Outcome, Receipt, Tried};
use leadwire_core::time::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// Most parts read of an answer: a hundred operations, and one to spare.
const PARTS_MAX: usize = 101;

/// What is known about a call besides its answer.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    /// Values that were sent.
    pub(super) known: &'a [&'a str],
    /// The token the call went out with, if any.
    pub(super) age: Option<Age>,
    pub(super) now: Timestamp,
}

/// What came of a call that writes rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// Every row is written.
    All,
    /// The row at this place was refused, and therefore none was written.
    But(usize, Refused),
    /// There is no such table.
    NoTable(Box<Tried>),
    /// The call went wrong as a whole.
    Whole(Box<Tried>),
}

/// Why one row was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// A row with its keys is there.
    Exists,
    /// Anything else that is about this row.
    Other(Box<Tried>),
}

/// What the service said was wrong.
#[derive(Default)]
struct Problem {
    code: String,
    message: String,
    /// The place of the operation that was refused: what stands in front of the message of a transaction.
    at: Option<usize>,
}

impl Problem {
    fn of(answer: &Answer) -> Self {
        let header = answer.headers.get("x-ms-error-code").and_then(|it| it.to_str().ok());
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text =
            |pointers: &[&str]| pointers.iter().find_map(|it| json.pointer(it)?.as_str()).map(str::to_owned);
        let xml = |name: &str| in_xml(&answer.body, name);
        let code = header.map(str::to_owned).filter(|it| !it.is_empty());
        let code = code
            .or_else(|| text(&["/odata.error/code", "/error/code", "/code"]).filter(|it| !it.is_empty()))
            .or_else(|| xml("Code"))
            .unwrap_or_default();
        let message =
            text(&["/odata.error/message/value", "/error/message", "/error/message/value", "/message"])
                .or_else(|| xml("Message"))
                .unwrap_or_default();
        let (at, message) = match message.split_once(':') {
            Some((number, rest)) if !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit()) => {
                (number.parse().ok(), rest.trim().to_owned())
            }
            _ => (None, message),
        };
        Self { code, message, at }
    }

    /// The entry for its code; without a code, the one that knows the message.
    fn known(&self) -> Option<&'static Known> {
        if !self.code.is_empty() {
            return Known::find(ERRORS, &self.code);
        }
        // The longest text that fits tells most: one message may be the beginning of another.
        let fitting = ERRORS.iter().flat_map(|entry| entry.texts.iter().map(move |text| (text, entry)));
        let fitting = fitting.filter(|(text, _)| self.message.contains(**text));
        fitting.max_by_key(|(text, _)| text.len()).map(|it| it.1)
    }

    /// Whether it is about one row, and says nothing of the others.
    fn is_of_one_row(&self, status: u16) -> bool {
        match self.known() {
            Some(entry) => {
                entry.fault == Fault::Park || matches!(entry.cause, "record_gone" | "changed_meanwhile")
            }
            None => matches!(status, 400 | 404 | 409 | 412),
        }
    }
}

/// What came of an operation that was sent alone.
pub(super) fn single(answer: &Answer, verb: Verb, about: &About<'_>) -> Came {
    match answer.status.as_u16() {
        // 201 when the service did not heed `Prefer`.
        204 | 201 if !is_page(answer) => Came::All,
        200..=299 => Came::Whole(Box::new(unreadable(answer))),
        _ => operation(answer, &[verb], Some(0), about),
    }
}

/// What came of a transaction. The outer status is 202 even when it was refused; the parts tell.
pub(super) fn transaction(answer: &Answer, verbs: &[Verb], about: &About<'_>) -> Came {
    if !answer.status.is_success() {
        return operation(answer, verbs, None, about);
    }
    let parts = multipart::answers(&answer.headers, &answer.body, PARTS_MAX);
    let parts = parts.filter(|it| it.is_whole && !it.answers.is_empty()).map(|it| it.answers);
    let Some(parts) = parts else { return Came::Whole(Box::new(unreadable(answer))) };
    let Some(bad) = parts.iter().find(|it| !it.status.is_success()) else {
        // A success that does not say so of every row proves nothing.
        return if parts.len() == verbs.len() {
            Came::All
        } else {
            Came::Whole(Box::new(unaccounted(answer)))
        };
    };
    let inner = Answer {
        status: bad.status,
        headers: bad.headers.clone(),
        body: bad.body.clone(),
        is_truncated: false,
        ..answer.clone()
    };
    operation(&inner, verbs, None, about)
}

/// A refusal, and whose it is. `at`: the place, when it is known without being said.
fn operation(answer: &Answer, verbs: &[Verb], at: Option<usize>, about: &About<'_>) -> Came {
    let problem = Problem::of(answer);
    let status = answer.status.as_u16();
    let at = at.or(problem.at).filter(|it| *it < verbs.len());
    let mut tried = judged(answer, &problem, about);
    let inserts = at.map_or_else(|| verbs.contains(&Verb::Insert), |it| verbs[it] == Verb::Insert);
    // Nothing but the table can be missing where a row is made.
    let is_missing = problem.code == "TableNotFound" || (inserts && problem.code == "ResourceNotFound");
    if status == 404 && is_missing {
        return Came::NoTable(Box::new(of_entry("TableNotFound", answer, about)));
    }
    let exists = match problem.code.as_str() {
        "EntityAlreadyExists" | "ResourceAlreadyExists" => true,
        "" => problem.message.contains("entity already exists"),
        _ => false,
    };
    match at {
        Some(at) if status == 409 && exists => Came::But(at, Refused::Exists),
        Some(at) if problem.is_of_one_row(status) && !is_too_many(&problem) => {
            Came::But(at, Refused::Other(Box::new(tried)))
        }
        _ => {
            // One of the rows is why, and it is not said which.
            let is_one = exists || problem.is_of_one_row(status);
            if is_one && verbs.len() > 1 {
                tried.outcome = Outcome::NotDone(Fault::SmallerBatch);
            }
            Came::Whole(Box::new(tried))
        }
    }
}

/// `n:The batch request operation exceeds the maximum 100 changes per change set.`: its number is nobody's place.
fn is_too_many(problem: &Problem) -> bool {
    problem.message.contains("exceeds the maximum 100 changes")
}

/// A call that was refused, or failed, as a whole.
pub(super) fn refused(answer: &Answer, about: &About<'_>) -> Tried {
    judged(answer, &Problem::of(answer), about)
}

/// The code of a refusal; empty when there is none.
pub(super) fn code(answer: &Answer) -> String {
    Problem::of(answer).code
}

fn judged(answer: &Answer, problem: &Problem, about: &About<'_>) -> Tried {
    let status = answer.status.as_u16();
    let hint = hint(answer, about.now);
    let entry = problem.known();
    let outcome = match (entry, status) {
        _ if is_too_many(problem) => Outcome::NotDone(Fault::SmallerBatch),
        (Some(Known { code: "InternalError" | "OperationTimedOut", .. }), _) => Outcome::Unknown,
        (Some(Known { fault: Fault::HoldLane(usual), .. }), _) => {
            Outcome::NotDone(Fault::HoldLane(hint.or(*usual)))
        }
        (Some(Known { fault: Fault::RetryAfter(_), .. }), _) => Outcome::NotDone(Fault::RetryAfter(hint)),
        (Some(entry), _) => Outcome::NotDone(entry.fault),
        (None, 413) => Outcome::NotDone(Fault::SmallerBatch),
        (None, 429 | 503) => Outcome::NotDone(Fault::HoldLane(hint)),
        // The table may have been written to before the time was up.
        (None, 408 | 500..=599) => Outcome::Unknown,
        (None, 409 | 412 | 425) => Outcome::NotDone(Fault::RetryAfter(hint)),
        (None, 400) => Outcome::NotDone(Fault::Park),
        (None, _) => Outcome::NotDone(Fault::Pause),
    };
    let (mut cause, mut message, mut fix) = match entry {
        Some(it) => (it.cause.to_owned(), format!("{} ({})", it.message, it.code), it.fix),
        None => (format!("http_{status}"), format!("the service answered {status}"), by_status(status)),
    };
    if is_too_many(problem) {
        "too_many_at_once".clone_into(&mut cause);
        "the transaction has too many rows".clone_into(&mut message);
        fix = "";
    }
    let mut tried = Tried { outcome, evidence: evidence(answer, about.known, (&cause, message, fix)) };
    if status == 401 && matches!(about.age, Some(Age::Cached(_))) {
        tried.outcome = Outcome::NotDone(Fault::RetryNow);
        "token_refused".clone_into(&mut tried.evidence.cause);
    }
    tried
}

fn of_entry(code: &str, answer: &Answer, about: &About<'_>) -> Tried {
    Known::find(ERRORS, code).expect("the catalogue has the code").tried(answer, about.known)
}

fn by_status(status: u16) -> &'static str {
    match status {
        400 => "see the service's words in the attempt",
        401 | 403 => "check the connection string, the account's firewall and the roles",
        404 => "check the endpoint in the connection string, and the table's name",
        300..=399 => "the address redirects; enter the endpoint as the portal shows it",
        402..=499 => "see the service's words in the attempt",
        _ => "something other than the table service answered; check the endpoint in the connection string",
    }
}

/// How long to wait: `Retry-After`, or Cosmos DB's own header in milliseconds.
fn hint(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let millis =
        answer.headers.get("x-ms-retry-after-ms").and_then(|it| it.to_str().ok()?.trim().parse().ok());
    let own = millis.map(|it| Duration::from_millis(it).clamp(RETRY_SHORTEST, RETRY_AFTER_LONGEST));
    retry_after::read(&answer.headers, now).or(own)
}

/// Row keys on a page of a look, and the keys from which on more follow.
pub(super) fn page(answer: &Answer, about: &About<'_>) -> Result<Page, Box<Tried>> {
    if answer.status.as_u16() != 200 {
        let tried = if answer.status.is_success() { unreadable(answer) } else { refused(answer, about) };
        return Err(Box::new(not_written(tried)));
    }
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok().filter(|_| !answer.is_truncated);
    let rows = json.as_ref().and_then(|it| it.get("value")).and_then(Value::as_array);
    let Some(rows) = rows else { return Err(Box::new(not_written(unreadable(answer)))) };
    let header = |name: &str| {
        let value = answer.headers.get(name).and_then(|it| it.to_str().ok()).filter(|it| !it.is_empty());
        value.map(str::to_owned)
    };
    let keys = rows.iter().filter_map(|it| it.get("RowKey")?.as_str()).map(str::to_owned).collect();
    let next = header("x-ms-continuation-nextpartitionkey");
    Ok(Page { keys, next: next.zip(header("x-ms-continuation-nextrowkey")) })
}

/// What a look found.
pub(super) struct Page {
    pub(super) keys: Vec<String>,
    /// Partition and row key at which the next page starts.
    pub(super) next: Option<(String, String)>,
}

/// A row that the table has.
pub(super) fn done(entity: &Entity, message: &str) -> Tried {
    let mut message = message.to_owned();
    for note in &entity.notes {
        message.push_str("; ");
        message.push_str(note);
    }
    let evidence = Evidence { message, ..Evidence::default() };
    Tried { outcome: Outcome::Done(Receipt::Confirmed { record: entity.keys.record() }), evidence }
}

/// For calls that only read: whatever came of them, nothing was written.
pub(super) fn not_written(mut tried: Tried) -> Tried {
    if tried.outcome == Outcome::Unknown {
        tried.outcome = Outcome::NotDone(Fault::RetryAfter(None));
    }
    tried
}

fn unaccounted(answer: &Answer) -> Tried {
    let message = "the service answered success and did not say what became of each row".to_owned();
    Tried { outcome: Outcome::Unknown, evidence: evidence(answer, &[], ("unaccounted", message, "")) }
}

/// A success that says nothing: the rows may have been written.
pub(super) fn unreadable(answer: &Answer) -> Tried {
    let (cause, message, fix) = if is_page(answer) {
        (
            "answer_html",
            "a web page came instead of the table service's answer",
            "something between here and the service answers for it: check proxies and the endpoint",
        )
    } else {
        ("answer_unreadable", "the answer cannot be read, so the lead may or may not have been written", "")
    };
    let mut evidence = evidence(answer, &[], (cause, message.to_owned(), fix));
    // What it is, is not known, so neither is what it repeats.
    evidence.answer.clear();
    Tried { outcome: Outcome::Unknown, evidence }
}

fn is_page(answer: &Answer) -> bool {
    let content_type = answer.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    content_type.starts_with("text/html")
}

/// The text of the first `<name>` of `<Error><Code>…</Code><Message>…</Message></Error>`, or of `<m:code>`.
fn in_xml(body: &[u8], name: &str) -> Option<String> {
    let text =
        std::str::from_utf8(body).ok().map(str::trim_start).filter(|it| it.starts_with(['<', '\u{feff}']))?;
    let lower = text.to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    [format!("<{name}"), format!("<m:{name}")].iter().find_map(|tag| {
        let at = lower.find(tag.as_str())? + tag.len();
        // Not the beginning of a longer name.
        text[at..].starts_with(['>', ' ']).then_some(())?;
        let (_, rest) = text[at..].split_once('>')?;
        Some(rest.split('<').next()?.trim().to_owned())
    })
}
