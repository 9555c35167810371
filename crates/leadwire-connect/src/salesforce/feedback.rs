//! Reads back what became of leads: which of those with Leadwire's id changed, how they stand, a page at a time.

use super::Salesforce;
use super::deliver::Way;
use super::reply;
use super::request::{Call, Shape};
use crate::Moment;
use crate::egress::{Answer, Egress};
use crate::feedback::{Asked, Change, Changes, Position, Reading, Row, Said, Whose, moment, whole_seconds};
use http::header::{HeaderName, HeaderValue};
use leadwire_core::feedback::FeedbackKind;
use leadwire_core::id::LeadId;
use serde_json::Value;

/// Statuses an org has from the start, and what most orgs add (Object Reference, `LeadStatus`).
pub(crate) const STATES: &[Row] = &[
    ("Open - Not Contacted", None),
    ("Open", None),
    ("New", None),
    ("Working - Contacted", None),
    ("Working", None),
    ("Contacted", None),
    ("Nurturing", None),
    ("Qualified", Some(FeedbackKind::Qualified)),
    ("Closed - Converted", Some(FeedbackKind::Converted)),
    ("Closed - Not Converted", Some(FeedbackKind::Disqualified)),
    ("Unqualified", Some(FeedbackKind::Disqualified)),
    ("Disqualified", Some(FeedbackKind::Disqualified)),
];

/// The least that may be asked for at a time; pages are bounded so that one is quickly written down.
pub(super) const PAGE: &str = "batchSize=200";
/// Most bytes of the word for the next page.
const NEXT_BYTES_MAX: usize = 500;

impl Shape {
    /// Asks which leads with Leadwire's id changed since, or for the next page of what was asked.
    pub(super) fn changes(&self, position: &Position) -> Call {
        let mut call = match &position.next {
            Some(next) => Call::get(next.clone()),
            None => {
                let (field, from) = (&self.key_field, whole_seconds(position.asked_from()));
                self.query(&format!(
                    "SELECT Id,{field},Status,IsConverted,SystemModstamp FROM Lead \
                     WHERE SystemModstamp >= {from} AND {field} != null ORDER BY SystemModstamp"
                ))
            }
        };
        let options = HeaderName::from_static("sforce-query-options");
        call.headers.insert(options, HeaderValue::from_static(PAGE));
        call
    }
}

/// A page of answers. None: it cannot be read.
pub(super) fn read(
    answer: &Answer,
    position: &Position,
    (shape, reading): (&Shape, &Reading),
) -> Option<Changes> {
    let json: Value = serde_json::from_slice(&answer.body).ok()?;
    let is_end = json.get("done")?.as_bool()?;
    let rows = json.get("records")?.as_array()?;
    let (mut items, mut unknown, mut last) = (Vec::new(), 0, None);
    for row in rows {
        let at = moment(row.get("SystemModstamp")?.as_str()?)?;
        last = Some(at);
        let status = row.get("Status").and_then(Value::as_str).unwrap_or_default();
        let said = match row.get("IsConverted").and_then(Value::as_bool) {
            Some(true) => Said::Became(FeedbackKind::Converted),
            Some(false) | None => reading.of(status),
        };
        let key = row.get(&shape.key_field).and_then(Value::as_str).unwrap_or_default();
        // Somebody may have written something else into the field.
        let lead = LeadId::parse(&key.to_lowercase()).ok();
        match (said, lead) {
            (Said::Became(kind), Some(lead)) => {
                let record = row.get("Id").and_then(Value::as_str).unwrap_or_default();
                items.push(Change::new(Whose::Lead(lead), record, at, (kind, status)));
            }
            (Said::Unknown, Some(_)) => unknown += 1,
            (Said::Nothing, _) | (_, None) => {}
        }
    }
    let next = json.get("nextRecordsUrl").and_then(Value::as_str).filter(|_| !is_end);
    let next = match (next, is_end) {
        (Some(next), false) if is_ours(next, shape) => Some(next.to_owned()),
        (_, false) => return None,
        (_, true) => None,
    };
    let position = position.after(last, next);
    Some(Changes { items, seen: rows.len() as u64, unknown, position, is_end, calls: 0 })
}

/// The word for the next page is a path below the data calls; the token is shown there.
pub(super) fn is_ours(next: &str, shape: &Shape) -> bool {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"/-_.".contains(&it);
    next.len() <= NEXT_BYTES_MAX
        && next.bytes().all(is_plain)
        && !next.contains("..")
        && next.starts_with(&format!("{}/query/", shape.root()))
}

impl Salesforce {
    pub(super) async fn ask_for_changes(
        &self,
        position: &Position,
        moment: Moment,
        egress: &Egress,
    ) -> Asked {
        let mut calls = 0;
        if let super::usage::Reading::Held(usage) = self.gauge.reading(moment.now) {
            return Err(Box::new(self.gauge.hold(usage)));
        }
        let held = self.session.get(moment.now, egress, &mut calls).await?;
        let way = Way { held: &held, moment, egress };
        let (answer, _) = self
            .call(&way, self.shape.changes(position))
            .await
            .map_err(|it| reply::not_written(it.tried()))?;
        calls += 1;
        if !answer.status.is_success() {
            let tried = reply::read_refusal(&answer, &[], &self.about(&way));
            if position.next.is_some() && tried.evidence.cause == EXPIRED {
                // The page is gone, and nothing with it: what was read is marked row by row.
                let position = Position::at(position.from);
                return Ok(Changes {
                    items: Vec::new(),
                    seen: 0,
                    unknown: 0,
                    position,
                    is_end: false,
                    calls,
                });
            }
            return Err(Box::new(reply::not_written(tried)));
        }
        match read(&answer, position, (&self.shape, &self.reading)) {
            Some(changes) => Ok(Changes { calls, ..changes }),
            None => Err(Box::new(reply::not_written(reply::unreadable(&answer)))),
        }
    }
}

/// The cause of a word for the next page that is not good any more.
pub(super) const EXPIRED: &str = "page_expired";

#[cfg(test)]
#[path = "feedback_tests.rs"]
mod tests;
