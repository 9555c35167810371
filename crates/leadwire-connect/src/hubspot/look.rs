//! Looks at a HubSpot account without writing a lead, and at the one a test wrote.

use super::HubSpot;
use super::reply::{self, Fate};
use crate::Moment;
use crate::egress::{Answer, Egress, Request};
use crate::feedback::{self, Position};
use crate::mapped;
use crate::validation::{Checked, Step, Verdict};
use http::Method;
use leadwire_core::mapping::{Kind, Length, Rule};
use leadwire_core::outcome::{Receipt, Tried};
use serde_json::{Map, Value};
use std::time::Duration;

pub(super) async fn check(hubspot: &HubSpot, moment: Moment, egress: &Egress) -> Checked {
    let mut checked = Checked::default();
    let url = hubspot.place.contacts("?limit=1");
    let title = "Sign in and read contacts";
    match ask(hubspot, url, (Method::GET, moment), egress).await {
        Ok(answer) => {
            let message =
                "the key is good and may read contacts; the test lead shows whether it may write them";
            checked.add(Step::passed("token", title, message).took(took(&answer)));
        }
        Err(tried) => {
            checked.add(Step::of_attempt("token", title, &tried));
            return checked;
        }
    }
    checked.steps.extend(hubspot.notes_permission(&super::notes::Way { moment, egress }).await);
    let title = "Read the contact properties";
    match ask(hubspot, hubspot.place.properties(), (Method::GET, moment), egress).await {
        Ok(answer) => properties(hubspot, &answer, &mut checked),
        Err(tried) => {
            // Leads do not need this right, so it is no failure.
            let step = Step::of_attempt("metadata", title, &tried);
            let fix = "give the key the scope crm.schemas.contacts.read, so that values can be held to what HubSpot takes";
            checked.add(step.but(Verdict::Warned, &tried.evidence.cause, fix));
        }
    }
    if hubspot.reading.every.is_some() {
        let asked = super::feedback::ask(hubspot, &Position::at(moment.now), moment, egress).await;
        checked.add(feedback::permission(&asked));
    }
    checked
}

/// Learns what the mapped properties take, and complains of those that are not there.
fn properties(hubspot: &HubSpot, answer: &Answer, checked: &mut Checked) {
    let title = "Read the contact properties";
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let all = json.get("results").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut rules = Map::new();
    let mut missing = Vec::new();
    let targets = hubspot.map.targets().map(str::to_owned);
    let key = Some(hubspot.id_property.clone()).filter(|it| it != "email");
    for target in targets.chain(key) {
        match all.iter().find(|it| it.get("name").and_then(Value::as_str) == Some(&target)) {
            Some(property) => drop(rules.insert(target, mapped::rule_json(&rule(property)))),
            None => missing.push(target),
        }
    }
    let step = if missing.is_empty() {
        Step::passed("metadata", title, format!("all {} mapped properties are there", rules.len()))
    } else {
        let message = format!("HubSpot has no contact property called {}", missing.join(", "));
        let fix = "make the property in HubSpot, or take its row out of the mapping; names are internal names, not labels";
        Step::passed("metadata", title, message).but(Verdict::Failed, "field_unknown", fix)
    };
    checked.add(step.took(took(answer)));
    checked.field_rules = Some(Value::Object(rules));
}

fn rule(property: &Value) -> Rule {
    let text = |name: &str| property.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = match (text("type"), text("name")) {
        (_, "email") => Kind::Email,
        ("number", _) => Kind::Number,
        ("bool", _) => Kind::Bool,
        _ => Kind::Text,
    };
    let options = property.get("options").and_then(Value::as_array).into_iter().flatten();
    let choices = match text("type") {
        "enumeration" => options.filter_map(|it| Some(it.get("value")?.as_str()?.to_owned())).collect(),
        _ => Vec::new(),
    };
    Rule { kind, longest: Some(Length::Utf16(65_536)), choices, required: false }
}

pub(super) async fn read_back(
    hubspot: &HubSpot,
    receipt: &Receipt,
    moment: Moment,
    egress: &Egress,
) -> Option<Step> {
    let Receipt::Confirmed { record } = receipt else { return None };
    let title = "Read the test contact back";
    let url = hubspot.place.contacts(&format!("/{record}"));
    Some(match ask(hubspot, url, (Method::GET, moment), egress).await {
        Ok(answer) => Step::passed("read_back", title, "the contact is there").took(took(&answer)),
        Err(tried) => Step::of_attempt("read_back", title, &tried),
    })
}

pub(super) async fn clean_up(
    hubspot: &HubSpot,
    receipt: &Receipt,
    moment: Moment,
    egress: &Egress,
) -> Option<Step> {
    let Receipt::Confirmed { record } = receipt else { return None };
    let title = "Take the test contact away again";
    let url = hubspot.place.contacts(&format!("/{record}"));
    Some(match ask(hubspot, url, (Method::DELETE, moment), egress).await {
        Ok(answer) => {
            Step::passed("clean_up", title, "the contact is in HubSpot's recycle bin").took(took(&answer))
        }
        Err(tried) => {
            // The lead arrived; a contact that stays is a nuisance only.
            let step = Step::of_attempt("clean_up", title, &tried);
            step.but(Verdict::Warned, &tried.evidence.cause, "delete the test contact in HubSpot")
        }
    })
}

async fn ask(
    hubspot: &HubSpot,
    url: url::Url,
    (method, moment): (Method, Moment),
    egress: &Egress,
) -> Result<Answer, Box<Tried>> {
    let request: Request = hubspot.place.request(method, url);
    let answer = egress.send(request).await.map_err(|error| Box::new(error.tried()))?;
    if answer.status.is_success() {
        return Ok(answer);
    }
    match reply::whole(&answer, 1, &[], moment.now) {
        Fate::Other(tried) => Err(tried),
        Fate::Written(_) | Fate::Exists(_) => Ok(answer),
    }
}

fn took(answer: &Answer) -> Duration {
    Duration::from_micros(answer.timings.total_us.unwrap_or(0).into())
}
