//! Reads what Salesforce says of a bulk job: its state, and the rows of its files. Pure.

use super::errors::ERRORS;
use super::names::{is_field_name, is_id};
use super::reply::done;
use crate::bulk::{is_handle, rows};
use crate::catalogue::Known;
use crate::egress::Answer;
use crate::redact;
use leadwire_core::lane::goes_by_batches;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use serde_json::Value;

/// A job, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) failed: u64,
    /// Why it failed as a whole; empty when it did not.
    pub(super) error: String,
}

/// Longest part of an error's text that is kept.
const ERROR_CHARS_MAX: usize = 200;

/// The job of an answer.
pub(super) fn job(answer: &Answer) -> Option<Job> {
    let json: Value = serde_json::from_slice(&answer.body).ok()?;
    let text = |name: &str| json.get(name)?.as_str().map(str::to_owned);
    Some(Job {
        id: text("id").filter(|it| is_handle(it))?,
        state: text("state")?,
        failed: json.get("numberRecordsFailed").and_then(Value::as_u64).unwrap_or(0),
        error: text("errorMessage").unwrap_or_default().chars().take(ERROR_CHARS_MAX).collect(),
    })
}

/// The active rule, if there is one. None: the answer cannot be read.
pub(super) fn rule(answer: &Answer) -> Option<Option<String>> {
    let json: Value = serde_json::from_slice(&answer.body).ok()?;
    let records = json.get("records")?.as_array()?;
    match records.first() {
        None => Some(None),
        Some(first) => first.get("Id")?.as_str().filter(|it| is_id(it)).map(|it| Some(it.to_owned())),
    }
}

/// What was written, by key.
pub(super) fn written(answer: &Answer, key: &str) -> Option<Vec<(String, Tried)>> {
    let rows = rows(&answer.body, &[key, "sf__Id", "sf__Created"])?;
    let said = |row: Vec<String>| {
        let is_created = row[2].eq_ignore_ascii_case("true");
        let message = if is_created {
            "the lead was created by a bulk job"
        } else {
            "the lead was written by a bulk job"
        };
        (row[0].to_lowercase(), done(answer, Some(&row[1]), "", message))
    };
    Some(rows.into_iter().map(said).collect())
}

/// What was refused, by key.
pub(super) fn failed(answer: &Answer, key: &str) -> Option<Vec<(String, Tried)>> {
    let rows = rows(&answer.body, &[key, "sf__Error"])?;
    Some(rows.into_iter().map(|row| (row[0].to_lowercase(), refusal(answer, &row[1]))).collect())
}

/// An error of one row: `CODE:text:fields --`. What is wrong with the lead alone is for a person; all else goes by batches, which
/// look what is there, link duplicates, and tell a lock from a refusal.
fn refusal(answer: &Answer, error: &str) -> Tried {
    let (code, rest) = error.split_once(':').unwrap_or((error, ""));
    let (text, fields) = rest.rsplit_once(':').unwrap_or((rest, ""));
    let known = Known::find(ERRORS, code);
    let fields: Vec<&str> =
        fields.trim_end_matches("--").split(',').map(str::trim).filter(|it| is_field_name(it)).collect();
    let mut message = known.map_or("Salesforce refused the row", |it| it.message).to_owned();
    if !fields.is_empty() {
        message.push_str(&format!(": {}", fields.join(", ")));
    }
    if let Some(code) = redact::code(code) {
        message.push_str(&format!(" ({code})"));
    }
    let evidence = Evidence {
        cause: known.map_or("refused", |it| it.cause).to_owned(),
        message,
        fix: known.map_or("", |it| it.fix).to_owned(),
        // Not the text: it repeats values, and what was sent is not at hand to take them out by.
        ..done(answer, None, "", "").evidence
    };
    let is_busy = text.contains("UNABLE_TO_LOCK_ROW") || text.contains("Too many SOQL queries");
    let is_of_the_lead = known.is_some_and(|it| it.fault == Fault::Park)
        && !matches!(code, "DUPLICATES_DETECTED" | "DUPLICATE_VALUE")
        && !is_busy;
    let tried = Tried { outcome: Outcome::NotDone(Fault::Park), evidence };
    if is_of_the_lead { tried } else { goes_by_batches(tried) }
}

/// What is said of rows that a job did not come to.
pub(super) fn ended_early(answer: &Answer, job: &Job) -> Tried {
    let (cause, word) =
        if job.state == "Failed" { ("job_failed", "failed") } else { ("job_aborted", "was aborted") };
    let why = job.error.split(|it: char| !(it.is_ascii_alphanumeric() || it == '_' || it == ' ')).next();
    let why = why.unwrap_or_default().trim();
    let more = if why.is_empty() { String::new() } else { format!(" ({why})") };
    done(answer, None, cause, &format!("the bulk job {word}{more}"))
}
