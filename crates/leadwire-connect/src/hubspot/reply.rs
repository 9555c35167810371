//! Reads HubSpot's answers: from status and body to what came of each contact. Pure.
//!
//! Results are not in the order of the request, so they are found by trace id, and by the key where there is none.

use super::Contact;
use super::errors::ERRORS;
use crate::catalogue::{Known, evidence};
use crate::egress::Answer;
use crate::retry_after;
use leadwire_core::limits::ATTEMPTS_BEFORE_PAUSE;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Receipt, Tried};
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;

/// What came of one contact of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is written, under this id.
    Written(String),
    /// It was there before, under this id if that is told.
    Exists(Option<String>),
    /// Anything else.
    Other(Box<Tried>),
}

/// What came of every contact of a batch call, in their order.
pub(super) fn batch(answer: &Answer, contacts: &[&Contact], now: Timestamp) -> Vec<Fate> {
    let known: Vec<&str> = contacts.iter().flat_map(|it| it.known.iter().map(String::as_str)).collect();
    if !answer.status.is_success() {
        let fate = whole(answer, contacts.len(), &known, now);
        return vec![fate; contacts.len()];
    }
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let Some(json) = json.filter(|it| it.get("results").is_some_and(Value::is_array)) else {
        return vec![Fate::Other(Box::new(unreadable(answer, &known))); contacts.len()];
    };
    let places = places(contacts);
    let mut fates: Vec<Option<Fate>> = vec![None; contacts.len()];
    for result in json.get("results").and_then(Value::as_array).into_iter().flatten() {
        let id = result.get("id").and_then(Value::as_str);
        if let (Some(at), Some(id)) = (place_of(result, &places), id) {
            fates[at] = Some(Fate::Written(id.to_owned()));
        }
    }
    for error in json.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let traces = error.pointer("/context/objectWriteTraceId").and_then(Value::as_array);
        let keys = error.pointer("/context/ids").and_then(Value::as_array);
        for name in traces.into_iter().chain(keys).flatten().filter_map(Value::as_str) {
            if let Some(at) = places.get(&name.to_lowercase()) {
                fates[*at] = Some(one(error, answer, &known));
            }
        }
    }
    // A success that says nothing of a contact proves nothing for it.
    let unaccounted = || {
        let message = "HubSpot answered success and did not say what became of this contact".to_owned();
        let evidence = evidence(answer, &known, ("unaccounted", message, ""));
        Fate::Other(Box::new(Tried { outcome: Outcome::Unknown, evidence }))
    };
    fates.into_iter().map(|it| it.unwrap_or_else(unaccounted)).collect()
}

/// A contact that a read found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: String,
    created_at: Option<Timestamp>,
}

impl Found {
    /// Whether it was there before a moment. One that does not tell counts as older: a note too many says what the contact
    /// says, and one too few says nothing.
    pub(super) fn is_older_than(&self, moment: Timestamp) -> bool {
        self.created_at.is_none_or(|it| it < moment)
    }
}

/// Which contacts a read found, in the order of the contacts.
pub(super) fn found(
    answer: &Answer,
    contacts: &[&Contact],
    now: Timestamp,
) -> Result<Vec<Option<Found>>, Box<Tried>> {
    if !answer.status.is_success() {
        return match whole(answer, contacts.len(), &[], now) {
            Fate::Other(tried) => Err(tried),
            Fate::Written(_) | Fate::Exists(_) => Ok(vec![None; contacts.len()]),
        };
    }
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let results = json.as_ref().and_then(|it| it.get("results")).and_then(Value::as_array);
    let Some(results) = results else {
        // Nothing was written, so it is not unknown.
        let mut tried = unreadable(answer, &[]);
        tried.outcome = Outcome::NotDone(Fault::RetryAfter(None));
        return Err(Box::new(tried));
    };
    let places = places(contacts);
    let mut ids = vec![None; contacts.len()];
    for result in results {
        let id = result.get("id").and_then(Value::as_str);
        if let (Some(at), Some(id)) = (place_of(result, &places), id) {
            let created_at = result.get("createdAt").and_then(Value::as_str).and_then(rfc3339::parse);
            ids[at] = Some(Found { id: id.to_owned(), created_at });
        }
    }
    Ok(ids)
}

/// A call that was refused, or failed, as a whole.
pub(super) fn whole(answer: &Answer, count: usize, known: &[&str], now: Timestamp) -> Fate {
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = code_of(&json);
    let other = |outcome, (cause, message, fix): (&str, String, &str)| {
        let evidence = evidence(answer, known, (cause, message, fix));
        Fate::Other(Box::new(Tried { outcome, evidence }))
    };
    let status = answer.status.as_u16();
    match (status, code.as_deref()) {
        (409, _) if count == 1 => Fate::Exists(existing_id(&json)),
        (409, _) => other(
            Outcome::NotDone(Fault::SmallerBatch),
            (
                "conflict",
                "one of the contacts is there already, and HubSpot refused all of them".to_owned(),
                "",
            ),
        ),
        (400, _) if has_duplicate_ids(&json) => other(
            Outcome::NotDone(Fault::SmallerBatch),
            ("repeated_in_batch", "two leads of the batch are one contact".to_owned(), ""),
        ),
        (400 | 401 | 403, Some(code)) => match Known::find(ERRORS, code) {
            // What is wrong with one contact fails the whole call when HubSpot does not tell them apart.
            Some(entry) if entry.fault == Fault::Park && count > 1 => smaller(answer, known),
            Some(entry) => Fate::Other(Box::new(entry.tried(answer, known))),
            None if status == 400 && count > 1 => smaller(answer, known),
            None => by_status(answer, known, now),
        },
        (429, Some(code)) => {
            let entry = Known::find(ERRORS, code).or_else(|| Known::find(ERRORS, "RATE_LIMITS"));
            entry.map_or_else(
                || by_status(answer, known, now),
                |it| Fate::Other(Box::new(it.tried(answer, known))),
            )
        }
        (400, None) if count > 1 => smaller(answer, known),
        _ => by_status(answer, known, now),
    }
}

fn smaller(answer: &Answer, known: &[&str]) -> Fate {
    let message = "HubSpot refused the batch for one of its contacts, and did not say for which".to_owned();
    let evidence = evidence(answer, known, ("batch_refused", message, ""));
    Fate::Other(Box::new(Tried { outcome: Outcome::NotDone(Fault::SmallerBatch), evidence }))
}

fn by_status(answer: &Answer, known: &[&str], now: Timestamp) -> Fate {
    let status = answer.status.as_u16();
    let hint = || retry_after::read(&answer.headers, now);
    let sometimes = Fault::RetryThenPause { attempts: ATTEMPTS_BEFORE_PAUSE };
    let (outcome, fix) = match status {
        400 => (Outcome::NotDone(Fault::Park), "see HubSpot's words in the attempt"),
        401 | 403 => (Outcome::NotDone(Fault::Pause), "check the key and its scopes"),
        404 => (Outcome::NotDone(Fault::Pause), "check the API version in the settings"),
        413 => (Outcome::NotDone(Fault::SmallerBatch), "the lead is too large for HubSpot"),
        // Heavy load on one account (HubSpot, error handling: wait at least two seconds).
        423 => (Outcome::NotDone(Fault::HoldLane(Some(Duration::from_secs(2)))), ""),
        429 => (Outcome::NotDone(Fault::HoldLane(hint().or(Some(Duration::from_secs(10))))), ""),
        // The account is being moved between data centres.
        477 => (Outcome::NotDone(Fault::HoldLane(hint().or(Some(Duration::from_secs(3600))))), ""),
        503 | 521..=523 | 525 => (Outcome::NotDone(Fault::RetryAfter(hint())), ""),
        500..=599 => (Outcome::Unknown, ""),
        300..=399 => (Outcome::NotDone(Fault::Pause), "the API address redirects; enter HubSpot's own"),
        402..=499 => (Outcome::NotDone(Fault::Pause), "see HubSpot's words in the attempt"),
        _ => (Outcome::NotDone(sometimes), "something other than HubSpot answered; check the API address"),
    };
    let message = format!("HubSpot answered {status}");
    let evidence = evidence(answer, known, (&format!("http_{status}"), message, fix));
    Fate::Other(Box::new(Tried { outcome, evidence }))
}

/// One entry of `errors`.
fn one(error: &Value, answer: &Answer, known: &[&str]) -> Fate {
    let code = code_of(error);
    if code.as_deref() == Some("CONFLICT") {
        return Fate::Exists(existing_id(error));
    }
    let entry = code.as_deref().and_then(|it| Known::find(ERRORS, it));
    Fate::Other(Box::new(match entry {
        Some(entry) => entry.tried(answer, known),
        None => Tried {
            outcome: Outcome::NotDone(Fault::Park),
            evidence: evidence(
                answer,
                known,
                ("refused", "HubSpot refused the contact".to_owned(), "see HubSpot's words in the attempt"),
            ),
        },
    }))
}

/// The most telling code of an error: one embedded in the message, the policy of a limit, or the category.
fn code_of(error: &Value) -> Option<String> {
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    let message = text("message").unwrap_or_default();
    // `Property values were not valid: [{"isValid":false,…,"error":"PROPERTY_DOESNT_EXIST",…}]`
    let embedded = message.find('[').and_then(|at| serde_json::from_str::<Value>(&message[at..]).ok());
    let embedded = embedded.as_ref().and_then(|it| it.get(0)?.get("error")?.as_str());
    let nested = error.pointer("/errors/0/code").and_then(Value::as_str);
    let policy = text("policyName");
    let is_email = message.ends_with("is not a valid email").then_some("INVALID_EMAIL");
    let candidates = [embedded, nested, policy, is_email, text("category"), text("errorType")];
    let is_known = |it: &&str| *it == "CONFLICT" || Known::find(ERRORS, it).is_some();
    let candidates = candidates.into_iter().flatten();
    candidates.clone().find(is_known).or_else(|| candidates.clone().next()).map(str::to_owned)
}

fn has_duplicate_ids(json: &Value) -> bool {
    json.get("message").and_then(Value::as_str).is_some_and(|it| it.starts_with("Duplicate IDs found"))
}

/// `Contact already exists. Existing ID: 12345`
fn existing_id(json: &Value) -> Option<String> {
    let message = json.get("message")?.as_str()?;
    let (_, id) = message.rsplit_once("Existing ID:")?;
    let id: String = id.trim().chars().take_while(char::is_ascii_digit).collect();
    (!id.is_empty()).then_some(id)
}

fn unreadable(answer: &Answer, known: &[&str]) -> Tried {
    let is_page = answer.body.iter().find(|it| !it.is_ascii_whitespace()) == Some(&b'<');
    let (cause, message, fix) = if is_page {
        (
            "answer_html",
            "a web page came instead of HubSpot's answer",
            "something between here and HubSpot answers for it: check proxies and the API address",
        )
    } else {
        ("answer_unreadable", "HubSpot's answer could not be read", "")
    };
    Tried { outcome: Outcome::Unknown, evidence: evidence(answer, known, (cause, message.to_owned(), fix)) }
}

fn places(contacts: &[&Contact]) -> HashMap<String, usize> {
    let mut places = HashMap::with_capacity(2 * contacts.len());
    for (at, contact) in contacts.iter().enumerate() {
        places.insert(contact.trace.to_lowercase(), at);
        places.insert(contact.key.to_lowercase(), at);
    }
    places
}

fn place_of(result: &Value, places: &HashMap<String, usize>) -> Option<usize> {
    let trace = result.get("objectWriteTraceId").and_then(Value::as_str);
    let by_trace = trace.and_then(|it| places.get(&it.to_lowercase()));
    let properties = result.get("properties").and_then(Value::as_object).into_iter().flatten();
    let mut by_key = properties.filter_map(|(_, value)| places.get(&value.as_str()?.to_lowercase()));
    by_trace.copied().or_else(|| by_key.next().copied())
}

/// A contact that HubSpot has.
pub(super) fn delivered(record: String, note: &str, contact: &Contact) -> Tried {
    let mut message = note.to_owned();
    for more in &contact.mapped.notes {
        message.push_str(if message.is_empty() { "" } else { "; " });
        message.push_str(more);
    }
    let evidence = Evidence { message, ..Evidence::default() };
    Tried { outcome: Outcome::Done(Receipt::Confirmed { record }), evidence }
}
