//! Reads what came of each record of a call: entries are in the order of the request. Pure.

use super::envelope::{self, About};
use super::errors::ERRORS;
use crate::catalogue::{Known, evidence};
use crate::egress::Answer;
use crate::redact;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Receipt, Tried};
use serde_json::Value;

/// What came of one record of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is written, under this id if that is told.
    Written(Option<String>, &'static str),
    /// A person with this key is there already, under this id if that is told.
    Exists(Option<String>),
    /// No person with this key is there.
    Missing,
    /// The person is there, and the company cannot be changed this way.
    CompanyLocked(Box<Tried>),
    /// Anything else.
    Other(Box<Tried>),
}

/// What came of every record of a call, in their order.
///
/// # Errors
/// What all of them came to, when the call was refused as a whole.
pub(crate) fn read(answer: &Answer, known: &[&[&str]], about: &About<'_>) -> Result<Vec<Fate>, Box<Tried>> {
    let results = envelope::results(answer, about)?;
    if results.len() != known.len() {
        // A success that says nothing of a record proves nothing for it.
        let message = "Marketo answered success and did not say what became of each lead".to_owned();
        let evidence = evidence(answer, about.known, ("unaccounted", message, ""));
        return Err(Box::new(Tried { outcome: Outcome::Unknown, evidence }));
    }
    Ok(results.iter().zip(known).map(|(entry, known)| one(answer, entry, known)).collect())
}

/// One entry of `result`.
fn one(answer: &Answer, entry: &Value, known: &[&str]) -> Fate {
    let id = entry.get("id").and_then(id_of);
    let status = entry.get("status").and_then(Value::as_str);
    // `reasons` as documented; `reason`, one object, in Adobe's own interface description.
    let reasons = entry.get("reasons").and_then(Value::as_array).and_then(|it| it.first());
    let reason = reasons.or_else(|| entry.get("reason").filter(|it| it.is_object()));
    let said = |outcome, (cause, message, fix): (&str, String, &str)| {
        let evidence = Evidence {
            answer: redact::redact(entry.to_string().as_bytes(), known.iter().copied()),
            ..evidence(answer, known, (cause, message, fix))
        };
        Box::new(Tried { outcome, evidence })
    };
    if let Some(reason) = reason {
        let code = envelope::code_of(reason).unwrap_or_default();
        let entry = Known::find(ERRORS, &code);
        return match (&*code, entry) {
            ("1005", _) => Fate::Exists(id),
            ("1037", _) => {
                Fate::Written(id, "the person has this status of the programme, or a later one, already")
            }
            ("1004", _) => Fate::Missing,
            (code, Some(entry)) => {
                let message = format!("{} ({code})", entry.message);
                let tried = said(Outcome::NotDone(entry.fault), (entry.cause, message, entry.fix));
                if code == "1021" { Fate::CompanyLocked(tried) } else { Fate::Other(tried) }
            }
            (_, None) => {
                let message = "Marketo refused the lead with a code that Leadwire does not know".to_owned();
                let fix = "see Marketo's words in the attempt, mend the lead or the mapping, then retry it";
                Fate::Other(said(Outcome::NotDone(Fault::Park), ("code_unknown", message, fix)))
            }
        };
    }
    match (status, id) {
        (Some("created"), id) => Fate::Written(id, "the person was made"),
        (Some("updated"), id) => Fate::Written(id, "the person was updated"),
        // Push answers entries without a status.
        (None, Some(id)) => Fate::Written(Some(id), "the person was pushed"),
        (Some("skipped"), _) => {
            let message = "Marketo skipped the lead and gave no reason".to_owned();
            let fix = "look for the person in Marketo, then retry the lead";
            Fate::Other(said(Outcome::NotDone(Fault::Park), ("skipped_without_reason", message, fix)))
        }
        (Some(_), _) | (None, None) => {
            let message = "Marketo did not say what became of the lead".to_owned();
            Fate::Other(said(Outcome::Unknown, ("unaccounted", message, "")))
        }
    }
}

/// An id: a number, or a text of digits.
pub(crate) fn id_of(id: &Value) -> Option<String> {
    let text = id.as_str().filter(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()));
    id.as_u64().filter(|it| *it > 0).map(|it| it.to_string()).or_else(|| text.map(str::to_owned))
}

/// A person that Marketo has.
pub(crate) fn delivered(record: Option<String>, message: &str) -> Tried {
    let receipt = record.map_or(Receipt::Accepted, |record| Receipt::Confirmed { record });
    let evidence = Evidence { message: message.to_owned(), ..Evidence::default() };
    Tried { outcome: Outcome::Done(receipt), evidence }
}
