//! Reads back what became of leads: which contacts changed, oldest change first, and how they stand.

use super::HubSpot;
use super::reply::{self, Fate};
use crate::Moment;
use crate::egress::{Answer, Egress};
use crate::feedback::{Asked, Change, Changes, Position, Reading, Row, Said, Whose, moment};
use leadwire_core::feedback::FeedbackKind;
use leadwire_core::id::LeadId;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::Customer;
use serde_json::{Value, json};

/// The options of `hs_lead_status` and `lifecyclestage` that an account has from the start.
pub(crate) const STATES: &[Row] = &[
    ("NEW", None),
    ("OPEN", None),
    ("IN_PROGRESS", None),
    ("ATTEMPTED_TO_CONTACT", None),
    ("CONNECTED", None),
    ("BAD_TIMING", None),
    ("OPEN_DEAL", Some(FeedbackKind::Qualified)),
    ("UNQUALIFIED", Some(FeedbackKind::Disqualified)),
    ("subscriber", None),
    ("lead", None),
    ("marketingqualifiedlead", None),
    ("evangelist", None),
    ("other", None),
    ("salesqualifiedlead", Some(FeedbackKind::Qualified)),
    ("opportunity", Some(FeedbackKind::Qualified)),
    ("customer", Some(FeedbackKind::Converted)),
];

/// Contacts of one page.
const PAGE: u64 = 100;
/// A search gives out this many results and no more (HubSpot, "Search the CRM").
const RESULTS_MAX: u64 = 10_000;

/// Where a page begins: the moment that is asked from, and how many of its results are behind.
struct Place {
    from: i64,
    after: u64,
}

impl Place {
    fn of(position: &Position) -> Self {
        let read = |text: &str| {
            let (from, after) = text.split_once(':')?;
            Some(Self { from: from.parse().ok()?, after: after.parse().ok()? })
        };
        let new = || Self { from: position.asked_from().millis(), after: 0 };
        position.next.as_deref().and_then(read).unwrap_or_else(new)
    }

    /// The next page is asked for by the last moment of this one, and not by a number of results: contacts that are
    /// changed meanwhile move to the end, and others would move into their places and be passed over. Only where a page
    /// holds one moment and no other is it a number.
    fn next(&self, last: Option<Timestamp>) -> Self {
        match last.map(Timestamp::millis).filter(|it| *it > self.from) {
            Some(from) => Self { from, after: 0 },
            None if self.after + 2 * PAGE <= RESULTS_MAX => {
                Self { from: self.from, after: self.after + PAGE }
            }
            // So many in one millisecond cannot be told apart by any question.
            None => Self { from: self.from + 1, after: 0 },
        }
    }

    fn to_text(&self) -> String {
        format!("{}:{}", self.from, self.after)
    }
}

/// The body of a search.
pub(super) fn search(position: &Position, id_property: &str) -> Value {
    let place = Place::of(position);
    let mut properties = vec!["email", "hs_lead_status", "lifecyclestage", "lastmodifieddate"];
    if id_property != "email" {
        properties.push(id_property);
    }
    let mut body = json!({
        "filterGroups": [{ "filters": [{
            "propertyName": "lastmodifieddate", "operator": "GTE", "value": place.from.to_string(),
        }] }],
        "sorts": [{ "propertyName": "lastmodifieddate", "direction": "ASCENDING" }],
        "properties": properties,
        "limit": PAGE,
    });
    if place.after > 0 {
        body["after"] = json!(place.after.to_string());
    }
    body
}

/// A page of results. None: it cannot be read.
pub(super) fn read(
    answer: &Answer,
    position: &Position,
    (id_property, reading): (&str, &Reading),
) -> Option<Changes> {
    let json: Value = serde_json::from_slice(&answer.body).ok()?;
    // Every search says how many it found; what does not is the answer to something else.
    json.get("total")?.as_u64()?;
    let rows = json.get("results")?.as_array()?;
    let (mut items, mut unknown, mut last) = (Vec::new(), 0, None);
    for row in rows {
        let text = |name: &str| row.get("properties").and_then(|it| it.get(name)?.as_str());
        let changed = text("lastmodifieddate").or_else(|| row.get("updatedAt")?.as_str());
        let at = moment(changed?)?;
        last = Some(at);
        let whose = if id_property == "email" {
            let email = text("email").map(str::to_owned);
            Some(Whose::Customer(Box::new(Customer { email, ..Customer::default() })))
        } else {
            let lead = text(id_property).and_then(|it| LeadId::parse(&it.to_lowercase()).ok());
            lead.map(Whose::Lead)
        };
        let record = row.get("id").and_then(Value::as_str).unwrap_or_default();
        let words = [text("hs_lead_status"), text("lifecyclestage")].map(Option::unwrap_or_default);
        match (said(reading, words), whose) {
            ((Said::Became(kind), word), Some(whose)) => {
                items.push(Change::new(whose, record, at, (kind, word)));
            }
            ((Said::Unknown, _), _) => unknown += 1,
            ((Said::Nothing, _), _) | (_, None) => {}
        }
    }
    let is_end = json.pointer("/paging/next/after").is_none();
    let next = (!is_end).then(|| Place::of(position).next(last).to_text());
    let position = position.after(last, next);
    Some(Changes { items, seen: rows.len() as u64, unknown, position, is_end, calls: 1 })
}

/// What two properties say together, and which word says it: who became a customer did, whatever the lead's status; else
/// the status counts before the stage.
fn said<'a>(reading: &Reading, [status, stage]: [&'a str; 2]) -> (Said, &'a str) {
    let all = [(reading.of(status), status), (reading.of(stage), stage)];
    let is_converted = |it: &&(Said, &str)| it.0 == Said::Became(FeedbackKind::Converted);
    let is_word = |it: &&(Said, &str)| matches!(it.0, Said::Became(_));
    let is_unknown = |it: &&(Said, &str)| it.0 == Said::Unknown;
    let found = all.iter().find(is_converted).or_else(|| all.iter().find(is_word));
    *found.or_else(|| all.iter().find(is_unknown)).unwrap_or(&all[0])
}

pub(super) async fn ask(hubspot: &HubSpot, position: &Position, moment: Moment, egress: &Egress) -> Asked {
    let request = hubspot.place.post("/search", &search(position, &hubspot.id_property));
    let answer = egress.send(request).await.map_err(|error| Box::new(reads_only(error.tried())))?;
    if !answer.status.is_success() {
        return match reply::whole(&answer, 2, &[], moment.now) {
            Fate::Other(tried) => Err(Box::new(reads_only(*tried))),
            Fate::Written(_) | Fate::Exists(_) => Err(unreadable()),
        };
    }
    read(&answer, position, (&hubspot.id_property, &hubspot.reading)).ok_or_else(unreadable)
}

fn reads_only(mut tried: Tried) -> Tried {
    if tried.outcome == Outcome::Unknown {
        tried.outcome = Outcome::NotDone(Fault::RetryAfter(None));
    }
    tried
}

fn unreadable() -> Box<Tried> {
    let evidence = Evidence {
        cause: "answer_unreadable".to_owned(),
        message: "HubSpot's answer to a search could not be read".to_owned(),
        ..Evidence::default()
    };
    Box::new(Tried { outcome: Outcome::NotDone(Fault::RetryAfter(None)), evidence })
}

#[cfg(test)]
#[path = "feedback_tests.rs"]
mod tests;
