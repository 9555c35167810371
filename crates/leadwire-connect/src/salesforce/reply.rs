//! Reads answers: pure functions from status, headers and body to what came of each record.
//!
//! Errors come in four shapes (REST API Developer Guide v62.0): an array with `errorCode`, an object, entries of a
//! collection with `statusCode`, and HTML pages of what stands in front of the service.

use super::errors::ERRORS;
use super::names::{is_field_name, is_id, matched};
use super::request::{Duplicates, Sort};
use crate::catalogue::Known;
use crate::egress::Answer;
use crate::redact;
use crate::token::Age;
use crate::touchpoint_notes::LINKED;
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Receipt, Tried};
use serde_json::Value;
use std::collections::HashMap;

/// Attempts after which an unknown code of a whole call needs a person.
const UNKNOWN_CODE_ATTEMPTS: u32 = 2;

/// What is known besides the answer.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    /// Which token it was asked with.
    pub(super) age: Age,
    pub(super) key_field: &'a str,
    pub(super) duplicates: Duplicates,
}

/// What is known of one record that was sent.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) sort: Sort,
    /// Values that the answer may repeat.
    pub(super) known: &'a [&'a str],
}

/// What an answer says of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Said(Tried),
    /// A duplicate rule fired, the settings say to link, and the answer does not name the record that was found.
    AskForMatch(Tried),
}

impl Verdict {
    pub(super) fn into_tried(self) -> Tried {
        match self {
            Self::Said(tried) | Self::AskForMatch(tried) => tried,
        }
    }
}

/// A lead that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Existing {
    pub(super) id: String,
    pub(super) is_converted: bool,
}

/// One error, whatever shape it came in.
struct Problem<'a> {
    code: &'a str,
    text: &'a str,
    fields: Vec<&'a str>,
    whole: &'a Value,
}

impl<'a> Problem<'a> {
    fn of(json: &'a Value) -> Option<Self> {
        let code =
            ["errorCode", "statusCode", "error", "code"].iter().find_map(|it| json.get(it)?.as_str())?;
        let text = ["message", "error_description", "msg"].iter().find_map(|it| json.get(it)?.as_str());
        let fields = json.get("fields").and_then(Value::as_array).into_iter().flatten();
        let fields = fields.filter_map(Value::as_str).filter(|it| is_field_name(it)).collect();
        Some(Self { code, text: text.unwrap_or_default(), fields, whole: json })
    }

    /// The first error of an array, or the object itself.
    fn first(json: &'a Value) -> Option<Self> {
        match json {
            Value::Array(items) => items.iter().find_map(Self::of),
            other => Self::of(other),
        }
    }
}

/// Which leads are there, by key.
pub(super) fn read_look_up(
    answer: &Answer,
    about: &About<'_>,
) -> Result<HashMap<String, Existing>, Box<Tried>> {
    if !answer.status.is_success() {
        return Err(Box::new(not_written(read_refusal(answer, &[], about))));
    }
    let read = || {
        let json: Value = serde_json::from_slice(&answer.body).ok()?;
        // 200 rows always fit in one page, whose size is 200 at least.
        json.get("done")?.as_bool().filter(|it| *it)?;
        let mut found = HashMap::new();
        for row in json.get("records")?.as_array()? {
            let key = row.get(about.key_field)?.as_str()?.to_lowercase();
            let id = row.get("Id")?.as_str()?.to_owned();
            let is_converted = row.get("IsConverted")?.as_bool()?;
            found.insert(key, Existing { id, is_converted });
        }
        Some(found)
    };
    read().ok_or_else(|| Box::new(not_written(unreadable(answer))))
}

/// What came of each record of a collection, in order: the answer has one entry per record, in the order of the
/// request (guide, "Upsert Multiple Records with an External ID").
pub(super) fn read_batch(answer: &Answer, sent: &[Sent<'_>], about: &About<'_>) -> Vec<Verdict> {
    let all = |tried: Tried| vec![Verdict::Said(tried); sent.len()];
    if !answer.status.is_success() {
        let known: Vec<&str> = sent.iter().flat_map(|it| it.known.iter().copied()).collect();
        let mut tried = read_refusal(answer, &known, about);
        // One record may be why the call was refused, and must not take the others with it.
        let may_be_one = match &tried.outcome {
            Outcome::NotDone(Fault::Park) => true,
            Outcome::NotDone(Fault::RetryThenPause { .. }) => answer.status.as_u16() == 400,
            Outcome::NotDone(_) | Outcome::Done(_) | Outcome::Unknown => false,
        };
        if may_be_one && sent.len() > 1 {
            tried.outcome = Outcome::NotDone(Fault::SmallerBatch);
        }
        return all(tried);
    }
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let entries = json.as_ref().and_then(Value::as_array).filter(|it| it.len() == sent.len());
    let Some(entries) = entries else { return all(unreadable(answer)) };
    entries.iter().zip(sent).map(|(entry, sent)| read_entry(answer, entry, sent, about)).collect()
}

/// What came of a record that was sent alone.
pub(super) fn read_single(answer: &Answer, sent: &Sent<'_>, about: &About<'_>) -> Verdict {
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    match (answer.status.as_u16(), &json) {
        (200 | 201, Some(json @ Value::Object(_))) => read_entry(answer, json, sent, about),
        // Up to v45, an update answers without a body.
        (204, None) if answer.body.is_empty() => {
            Verdict::Said(done(answer, None, "", "the lead was updated"))
        }
        (200..=299, _) => Verdict::Said(unreadable(answer)),
        (400, Some(json)) => match Problem::first(json) {
            Some(problem) => read_problem(answer, &problem, sent, about),
            None => Verdict::Said(read_refusal(answer, sent.known, about)),
        },
        _ => Verdict::Said(read_refusal(answer, sent.known, about)),
    }
}

fn read_entry(answer: &Answer, entry: &Value, sent: &Sent<'_>, about: &About<'_>) -> Verdict {
    match entry.get("success").and_then(Value::as_bool) {
        Some(true) => {
            let message = match entry.get("created").and_then(Value::as_bool) {
                Some(true) => "the lead was created",
                Some(false) => "the lead was updated",
                None => "the lead was written",
            };
            Verdict::Said(done(answer, entry.get("id").and_then(Value::as_str), "", message))
        }
        Some(false) => match entry.get("errors").and_then(Problem::first) {
            Some(problem) => read_problem(answer, &problem, sent, about),
            None => Verdict::Said(unreadable(answer)),
        },
        None => Verdict::Said(unreadable(answer)),
    }
}

/// An error that belongs to one record.
fn read_problem(answer: &Answer, problem: &Problem<'_>, sent: &Sent<'_>, about: &About<'_>) -> Verdict {
    let Problem { code, text, .. } = *problem;
    let said = |fault: Fault, cause: &str, message: &str, fix: &str| {
        let evidence = evidence(answer, problem, sent.known, (cause, message, fix));
        Verdict::Said(Tried { outcome: Outcome::NotDone(fault), evidence })
    };
    match code {
        "DUPLICATES_DETECTED" => read_duplicate(answer, problem, sent, about),
        "DUPLICATE_VALUE" if text.starts_with("Duplicate external id specified") => {
            let message = "the same lead was in one request twice";
            said(Fault::SmallerBatch, "key_repeated", message, "")
        }
        "DUPLICATE_VALUE" if text.contains(about.key_field) => {
            let record = text.rsplit(' ').next().filter(|it| is_id(it));
            Verdict::Said(done(
                answer,
                record,
                "already_there",
                "the lead is there already under its Leadwire id",
            ))
        }
        "CANNOT_UPDATE_CONVERTED_LEAD" => Verdict::Said(done(
            answer,
            None,
            "lead_converted",
            "the lead was converted there, and is left alone",
        )),
        "REQUIRED_FIELD_MISSING" if sent.sort == Sort::Owned => {
            let message = "the lead was deleted there just now; it is made anew";
            said(Fault::RetryAfter(None), "record_gone", message, "")
        }
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
            if text.contains("UNABLE_TO_LOCK_ROW") || text.contains("Too many SOQL queries") =>
        {
            said(
                Fault::RetryAfter(None),
                "automation_busy",
                "a trigger or flow in Salesforce failed for now",
                "",
            )
        }
        _ => match Known::find(ERRORS, code) {
            Some(known) => said(known.fault, known.cause, known.message, known.fix),
            // One record with an odd code must not stop all others; a run of them pauses the lane anyway.
            None => said(
                Fault::Park,
                "refused",
                "Salesforce refused the lead with a code Leadwire does not know",
                "see the code and the answer; retry when it is mended",
            ),
        },
    }
}

fn read_duplicate(answer: &Answer, problem: &Problem<'_>, sent: &Sent<'_>, about: &About<'_>) -> Verdict {
    let known = Known::find(ERRORS, problem.code).expect("the catalogue has the code");
    // The misspelling is the service's own; newer versions may have mended it.
    let details = problem.whole.get("duplicateResut").or_else(|| problem.whole.get("duplicateResult"));
    let parked = |message: &str, fix: &str| {
        let evidence = evidence(answer, problem, sent.known, (known.cause, message, fix));
        Tried { outcome: Outcome::NotDone(Fault::Park), evidence }
    };
    match about.duplicates {
        Duplicates::Park => Verdict::Said(parked(known.message, known.fix)),
        Duplicates::Force => Verdict::Said(parked(
            "a duplicate rule that blocks found a record of the same person, and no setting can pass it",
            "let the rule allow saving with an alert, choose `link` for duplicates, or merge the records; then retry",
        )),
        Duplicates::Link => match details {
            None => Verdict::AskForMatch(parked(known.message, known.fix)),
            Some(details) => match matched(details) {
                Some((kind, id)) => {
                    let message =
                        format!("a duplicate rule found the person there already; linked to that {kind}");
                    Verdict::Said(done(answer, Some(id), LINKED, &message))
                }
                None => Verdict::Said(parked(
                    "a duplicate rule found a record of the same person that the integration user cannot see",
                    "give the user access to it, or choose `park` or `force` for duplicates; then retry",
                )),
            },
        },
    }
}

/// An answer that refuses the whole call.
pub(super) fn read_refusal(answer: &Answer, sent: &[&str], about: &About<'_>) -> Tried {
    let status = answer.status.as_u16();
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let problem = json.as_ref().and_then(Problem::first);
    let code = problem.as_ref().map_or("", |it| it.code);
    let text = problem.as_ref().map_or("", |it| it.text);
    let name = match (status, code) {
        (_, "REQUEST_LIMIT_EXCEEDED") if text.starts_with("ConcurrentRequests") => "CONCURRENT_REQUESTS",
        (401 | 403, _)
            if text.contains("not valid for use with the REST API")
                || text.contains("Connected app is not attached") =>
        {
            "session_not_for_api"
        }
        (300, _) => "http_300",
        (410, "") => "http_410",
        (413, "") => "http_413",
        (414 | 431, "") => "http_414",
        (420, "") => "http_420",
        (301..=399, _) => "http_redirect",
        _ => code,
    };
    let known = Known::find(ERRORS, name);
    let mut outcome = match (known, status) {
        (Some(known), _) => Outcome::NotDone(known.fault),
        // A gateway gave up waiting, so the records may have been written.
        (None, 504 | 524) => Outcome::Unknown,
        (None, 429) => Outcome::NotDone(Fault::HoldLane(None)),
        (None, 406 | 408 | 409 | 425 | 500..=599) => Outcome::NotDone(Fault::RetryAfter(None)),
        (None, 401) => Outcome::NotDone(Fault::Pause),
        (None, 400..=499) if code.is_empty() => {
            Outcome::NotDone(Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE })
        }
        (None, _) => Outcome::NotDone(Fault::RetryThenPause { attempts: UNKNOWN_CODE_ATTEMPTS }),
    };
    let mut cause = known.map_or_else(|| format!("http_{status}"), |it| it.cause.to_owned());
    if status == 401 && name != "session_not_for_api" && matches!(about.age, Age::Cached(_)) {
        outcome = Outcome::NotDone(Fault::RetryNow);
        "token_refused".clone_into(&mut cause);
    }
    let reason = answer.status.canonical_reason().unwrap_or_default();
    let message = match known {
        Some(known) => known.message.to_owned(),
        None => format!("Salesforce answered {status} {reason}").trim_end().to_owned(),
    };
    let fix = match (known, status) {
        (Some(known), _) => known.fix,
        (None, 400..=499) => "see the answer; check the My Domain URL and the API version",
        (None, _) => "",
    };
    let empty = Problem { code: "", text: "", fields: Vec::new(), whole: &Value::Null };
    let mut evidence = evidence(answer, problem.as_ref().unwrap_or(&empty), sent, (&cause, &message, fix));
    if problem.is_none() {
        evidence.answer = redact::redact(&answer.body, sent.iter().copied());
    }
    Tried { outcome, evidence }
}

/// A success status with a body that says nothing: the records may have been written.
pub(super) fn unreadable(answer: &Answer) -> Tried {
    let start = answer.body.trim_ascii_start();
    let is_html = start.first() == Some(&b'<');
    let (cause, message) = if is_html {
        ("answer_html", "a page for browsers came instead of an answer")
    } else {
        ("answer_unreadable", "the answer cannot be read, so the lead may or may not have been written")
    };
    Tried {
        outcome: Outcome::Unknown,
        evidence: Evidence {
            cause: cause.to_owned(),
            message: message.to_owned(),
            fix: if is_html { "check the My Domain URL, and what stands in between" } else { "" }.to_owned(),
            // Not the body: what it is, is not known, so neither is what it repeats.
            answer: String::new(),
            ..base(answer)
        },
    }
}

/// For calls that only read: whatever came of them, nothing was written.
pub(super) fn not_written(mut tried: Tried) -> Tried {
    if tried.outcome == Outcome::Unknown {
        tried.outcome = Outcome::NotDone(Fault::RetryAfter(None));
    }
    tried
}

pub(super) fn done(answer: &Answer, record: Option<&str>, cause: &str, message: &str) -> Tried {
    let receipt = match record.filter(|it| is_id(it)) {
        Some(record) => Receipt::Confirmed { record: record.to_owned() },
        None => Receipt::Accepted,
    };
    let evidence = Evidence { cause: cause.to_owned(), message: message.to_owned(), ..base(answer) };
    Tried { outcome: Outcome::Done(receipt), evidence }
}

fn evidence(
    answer: &Answer,
    problem: &Problem<'_>,
    sent: &[&str],
    (cause, message, fix): (&str, &str, &str),
) -> Evidence {
    let mut message = message.to_owned();
    if !problem.fields.is_empty() {
        message.push_str(&format!(": {}", problem.fields.join(", ")));
    }
    if let Some(code) = redact::code(problem.code) {
        message.push_str(&format!(" ({code})"));
    }
    let body = problem.whole.to_string();
    Evidence {
        cause: cause.to_owned(),
        message,
        fix: fix.to_owned(),
        answer: redact::redact(body.as_bytes(), sent.iter().copied()),
        ..base(answer)
    }
}

fn base(answer: &Answer) -> Evidence {
    Evidence {
        http_status: Some(answer.status.as_u16()),
        peer: Some(answer.peer),
        timings: answer.timings,
        ..Evidence::default()
    }
}
