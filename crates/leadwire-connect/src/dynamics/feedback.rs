//! Reads back what became of leads: which rows were modified, in that order, and their state.

use super::Dynamics;
use super::deliver::Way;
use super::reply;
use super::request::{Call, Key, Shape};
use crate::Moment;
use crate::egress::{Answer, Egress};
use crate::feedback::{Asked, Change, Changes, Position, Reading, Row, Said, Whose, moment, whole_seconds};
use leadwire_core::feedback::FeedbackKind;
use leadwire_core::id::LeadId;
use leadwire_core::touchpoint::Customer;
use serde_json::Value;
use url::Url;

/// By number of the status reason; by state where the reason is one of the environment's own. The states have no numbers
/// in common with the reasons, so they are written with a word.
pub(crate) const STATES: &[Row] = &[
    ("1", None),
    ("2", None),
    ("3", Some(FeedbackKind::Qualified)),
    ("4", Some(FeedbackKind::Disqualified)),
    ("5", Some(FeedbackKind::Disqualified)),
    ("6", Some(FeedbackKind::Disqualified)),
    ("7", Some(FeedbackKind::Disqualified)),
    ("state 0", None),
    ("state 1", Some(FeedbackKind::Qualified)),
    ("state 2", Some(FeedbackKind::Disqualified)),
];

/// What the reasons are called that every environment has.
const REASONS: &[(i64, &str)] =
    &[(3, "Qualified"), (4, "Lost"), (5, "Cannot Contact"), (6, "No Longer Interested"), (7, "Canceled")];

/// Rows of one page.
const PAGE: &str = "odata.maxpagesize=200";
/// Most bytes of the word for the next page: a cookie of a few hundred, escaped twice.
const NEXT_BYTES_MAX: usize = 8 * 1024;
const COLUMNS: &str =
    "leadid,statecode,statuscode,modifiedon,emailaddress1,firstname,lastname,telephone1,address1_country";

impl Shape {
    /// Asks which leads were modified since, or for the next page of what was asked.
    pub(super) fn changes(&self, position: &Position) -> Call {
        let path = match &position.next {
            Some(next) => next.clone(),
            None => {
                let own = match &self.key {
                    Key::LeadId => String::new(),
                    Key::Column(column) => format!(",{column}"),
                };
                let from = whole_seconds(position.asked_from());
                format!(
                    "{}/leads?$select={COLUMNS}{own}&$filter=modifiedon%20ge%20{from}&$orderby=modifiedon",
                    self.root
                )
            }
        };
        let mut call = Call::get(path);
        call.headers.push(("Prefer", PAGE.to_owned()));
        call
    }
}

/// A page of rows. None: it cannot be read.
pub(super) fn read(
    answer: &Answer,
    position: &Position,
    (shape, url, reading): (&Shape, &Url, &Reading),
) -> Option<Changes> {
    let json: Value = serde_json::from_slice(&answer.body).ok()?;
    let rows = json.get("value")?.as_array()?;
    let (mut items, mut unknown, mut last) = (Vec::new(), 0, None);
    for row in rows {
        let at = moment(row.get("modifiedon")?.as_str()?)?;
        last = Some(at);
        let number = |name: &str| row.get(name).and_then(Value::as_i64);
        let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        let reason = number("statuscode")?;
        let said = match reading.of(&reason.to_string()) {
            Said::Unknown => reading.of(&format!("state {}", number("statecode")?)),
            known => known,
        };
        let whose = match &shape.key {
            Key::LeadId => Some(Whose::Customer(Box::new(Customer {
                email: text("emailaddress1"),
                first_name: text("firstname"),
                last_name: text("lastname"),
                phone: text("telephone1"),
                country: text("address1_country"),
                ..Customer::default()
            }))),
            Key::Column(column) => {
                let lead = text(column).and_then(|it| LeadId::parse(&it.to_lowercase()).ok());
                lead.map(Whose::Lead)
            }
        };
        match (said, whose) {
            (Said::Became(kind), Some(whose)) => {
                let named = REASONS.iter().find(|it| it.0 == reason);
                let words = named.map_or_else(|| format!("status reason {reason}"), |it| it.1.to_owned());
                items.push(Change::new(whose, text("leadid")?, at, (kind, &words)));
            }
            (Said::Unknown, _) => unknown += 1,
            (Said::Nothing, _) | (_, None) => {}
        }
    }
    let link = json.get("@odata.nextLink").and_then(Value::as_str);
    let next = match link {
        Some(link) => Some(ours(link, shape, url)?),
        None => None,
    };
    let is_end = next.is_none();
    let position = position.after(last, next);
    Some(Changes { items, seen: rows.len() as u64, unknown, position, is_end, calls: 0 })
}

/// Path and query of the word for the next page, if it leads to where leads are: the token is shown there.
fn ours(link: &str, shape: &Shape, url: &Url) -> Option<String> {
    let link = Url::parse(link).ok().filter(|it| it.origin() == url.origin())?;
    let is_leads = link.path() == format!("{}/leads", shape.root);
    let next = format!("{}?{}", link.path(), link.query()?);
    (is_leads && next.len() <= NEXT_BYTES_MAX).then_some(next)
}

impl Dynamics {
    pub(super) async fn ask_for_changes(
        &self,
        position: &Position,
        moment: Moment,
        egress: &Egress,
    ) -> Asked {
        let mut calls = 1;
        let held = self.sign_in.get(moment.now, egress, &mut calls).await?;
        let way = Way { held: &held, moment, egress };
        let sent = egress.send(self.request(self.shape.changes(position), &held.header)).await;
        let answer = sent.map_err(|error| Box::new(reply::not_written(error.tried())))?;
        self.forget_refused(&answer, &way).await;
        if !answer.status.is_success() {
            let tried = reply::not_written(reply::refusal(&answer, &[], &self.about(&way)));
            if position.next.is_some() && answer.status.as_u16() == 400 {
                // The word for the next page is not good any more; what was read is marked.
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
            return Err(Box::new(tried));
        }
        match read(&answer, position, (&self.shape, &self.url, &self.reading)) {
            Some(changes) => Ok(Changes { calls, ..changes }),
            None => Err(Box::new(reply::not_written(reply::unreadable(&answer)))),
        }
    }
}

#[cfg(test)]
#[path = "feedback_tests.rs"]
mod tests;
