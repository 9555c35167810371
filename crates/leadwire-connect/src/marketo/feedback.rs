//! Reads back what became of leads: the activities in which `leadStatus` changed, and whose people they are.

use super::Marketo;
use super::envelope::{self, About, not_written, unreadable};
use super::session::Call;
use crate::Moment;
use crate::egress::{Answer, Egress};
use crate::feedback::{Asked, Change, Changes, Position, Reading, Row, Said, Whose, moment, whole_seconds};
use leadwire_core::feedback::FeedbackKind;
use leadwire_core::id::LeadId;
use leadwire_core::outcome::{Fault, Outcome, Tried};
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::Customer;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use url::form_urlencoded::Serializer;

/// Marketo leaves the words of `leadStatus` to the publisher; these are those that most use.
pub(crate) const STATES: &[Row] = &[
    ("New", None),
    ("Open", None),
    ("Working", None),
    ("Contacted", None),
    ("Recycled", None),
    ("Nurture", None),
    ("Qualified", Some(FeedbackKind::Qualified)),
    ("SQL", Some(FeedbackKind::Qualified)),
    ("Disqualified", Some(FeedbackKind::Disqualified)),
    ("Unqualified", Some(FeedbackKind::Disqualified)),
    ("Rejected", Some(FeedbackKind::Disqualified)),
    ("Converted", Some(FeedbackKind::Converted)),
    ("Customer", Some(FeedbackKind::Converted)),
    ("Won", Some(FeedbackKind::Converted)),
    ("Lost", Some(FeedbackKind::Lost)),
];

/// Activities of one page: as many as there may be, and as many people as one call finds.
const PAGE: &str = "300";
/// Longest word for the next page that is kept, in bytes.
const NEXT_BYTES_MAX: usize = 1000;

/// Asks for the word by which changes since a moment are read.
pub(super) fn token(position: &Position) -> Call {
    let query = Serializer::new(String::new())
        .append_pair("sinceDatetime", &whole_seconds(position.asked_from()))
        .finish();
    Call::get(format!("rest/v1/activities/pagingtoken.json?{query}"))
}

/// Asks for a page of changes.
pub(super) fn changes(next: &str) -> Call {
    let query = Serializer::new(String::new())
        .append_pair("nextPageToken", next)
        .append_pair("fields", "leadStatus")
        .append_pair("batchSize", PAGE)
        .finish();
    Call::get(format!("rest/v1/activities/leadchanges.json?{query}"))
}

/// Asks who people are.
pub(super) fn people(ids: &BTreeSet<u64>, lookup: &str) -> Call {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    let fields = if lookup == "email" { "id,email".to_owned() } else { format!("id,email,{lookup}") };
    let query = Serializer::new(String::new())
        .append_pair("filterType", "id")
        .append_pair("filterValues", &ids.join(","))
        .append_pair("fields", &fields)
        .finish();
    Call::get(format!("rest/v1/leads.json?{query}"))
}

/// One change of a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StatusChange {
    pub(super) person: u64,
    pub(super) at: Timestamp,
    pub(super) kind: FeedbackKind,
    pub(super) word: String,
}

/// A page of changes: those that say something, how many say what nobody explained, and the last moment.
pub(super) fn read(
    results: &[Value],
    reading: &Reading,
) -> Option<(Vec<StatusChange>, u64, Option<Timestamp>)> {
    let (mut found, mut unknown, mut last) = (Vec::new(), 0, None);
    for result in results {
        let at = moment(result.get("activityDate")?.as_str()?)?;
        last = last.max(Some(at));
        let person = result.get("leadId")?.as_u64()?;
        let fields = result.get("fields").and_then(Value::as_array).into_iter().flatten();
        for field in fields.filter(|it| it.get("name").and_then(Value::as_str) == Some("leadStatus")) {
            let word = field.get("newValue").and_then(Value::as_str).unwrap_or_default();
            match reading.of(word) {
                Said::Became(kind) => found.push(StatusChange { person, at, kind, word: word.to_owned() }),
                Said::Unknown => unknown += 1,
                Said::Nothing => {}
            }
        }
    }
    found.sort_by_key(|it| it.at);
    Some((found, unknown, last))
}

impl Marketo {
    pub(super) async fn ask_for_changes(
        &self,
        position: &Position,
        moment: Moment,
        egress: &Egress,
    ) -> Asked {
        let mut run = Run { marketo: self, moment, egress, calls: 0 };
        let next = match &position.next {
            Some(next) => next.clone(),
            None => {
                let (answer, _) = run.ask(&token(position)).await?;
                word(&answer).ok_or_else(|| Box::new(not_written(unreadable(&answer))))?
            }
        };
        let (answer, results) = match run.ask(&changes(&next)).await {
            // The word is not good any more: the next question asks for another, from what was read last.
            Err(tried) if position.next.is_some() && is_final(&tried) => {
                let (position, calls) = (Position::at(position.from), run.calls);
                return Ok(Changes {
                    items: Vec::new(),
                    seen: 0,
                    unknown: 0,
                    position,
                    is_end: false,
                    calls,
                });
            }
            asked => asked?,
        };
        let bad = || Box::new(not_written(unreadable(&answer)));
        let (found, unknown, last) = read(&results, &self.reading).ok_or_else(bad)?;
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let is_end = json.get("moreResult").and_then(Value::as_bool) != Some(true);
        let next = word(&answer);
        if !is_end && next.is_none() {
            return Err(bad());
        }
        let ids: BTreeSet<u64> = found.iter().map(|it| it.person).collect();
        let whose = if ids.is_empty() { HashMap::new() } else { run.whose(&ids).await? };
        let items = found.into_iter().filter_map(|it| {
            let whose = whose.get(&it.person)?.clone();
            Some(Change::new(whose, it.person.to_string(), it.at, (it.kind, &it.word)))
        });
        let items = items.collect();
        let (seen, position) = (results.len() as u64, position.after(last, next));
        Ok(Changes { items, seen, unknown, position, is_end, calls: run.calls })
    }
}

/// The calls of one question.
struct Run<'a> {
    marketo: &'a Marketo,
    moment: Moment,
    egress: &'a Egress,
    calls: u32,
}

impl Run<'_> {
    async fn ask(&mut self, call: &Call) -> Result<(Answer, Vec<Value>), Box<Tried>> {
        let sent = self.marketo.session.send(call, self.moment.now, self.egress, &mut self.calls).await;
        let answer = sent.map_err(|it| Box::new(not_written(*it)))?;
        let about = About { records: 1, known: &[], now: self.moment.now };
        let results = envelope::results(&answer, &about).map_err(|it| Box::new(not_written(*it)))?;
        Ok((answer, results))
    }

    async fn whose(&mut self, ids: &BTreeSet<u64>) -> Result<HashMap<u64, Whose>, Box<Tried>> {
        let lookup = &self.marketo.shape.lookup;
        let (_, results) = self.ask(&people(ids, lookup)).await?;
        let read = |it: &Value| {
            let text = |name: &str| it.get(name).and_then(Value::as_str);
            let whose = if lookup == "email" {
                let email = text("email").map(str::to_owned);
                Whose::Customer(Box::new(Customer { email, ..Customer::default() }))
            } else {
                Whose::Lead(LeadId::parse(&text(lookup)?.to_lowercase()).ok()?)
            };
            Some((it.get("id")?.as_u64()?, whose))
        };
        Ok(results.iter().filter_map(read).collect())
    }
}

/// The word for the next page.
fn word(answer: &Answer) -> Option<String> {
    let json: Value = serde_json::from_slice(&answer.body).ok()?;
    let word = json.get("nextPageToken")?.as_str()?;
    Some(word.to_owned()).filter(|it| !it.is_empty() && it.len() <= NEXT_BYTES_MAX)
}

/// Whether asking again in the same words would come to the same.
fn is_final(tried: &Tried) -> bool {
    matches!(
        tried.outcome,
        Outcome::NotDone(Fault::Park | Fault::Pause | Fault::Stop | Fault::RetryThenPause { .. })
    )
}

#[cfg(test)]
#[path = "feedback_tests.rs"]
mod tests;
