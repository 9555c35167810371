//! Reading and writing a touchpoint's canonical form: snake_case keys, strict types, every mistake told at once.

use super::collect::{CUSTOMER_FIELDS, Collected, customer_field};
use crate::id::OfferRef;
use crate::json::Json;
use crate::lead_source::{LeadSource, has_test_marker};
use crate::limits;
use crate::refusal::Refusal;
use crate::rfc3339;
use crate::time::Timestamp;
use crate::touchpoint::{Action, Consent, Source, Touchpoint};

impl Touchpoint {
    /// Reads the canonical form. Every field may be missing; `null` and blank text count as missing; texts are
    /// trimmed. Instead of `source` and `action`, `lead_source` may hold both, and the offer.
    ///
    /// A field that is not known is kept in `custom` under its name, one of the customer as `customer.<name>`; when
    /// the name is taken there, as `<name>_2`. Text that starts with the marketplace's test marker sets `test`.
    ///
    /// # Errors
    /// All that is wrong with it, each with a pointer: a wrong type, a malformed offer or time, a text above
    /// [`limits::FIELD_BYTES_MAX`] or [`limits::NOTES_BYTES_MAX`], more than [`limits::ENTRIES_MAX`] entries.
    pub fn parse(json: &Json) -> Result<Self, Vec<Refusal>> {
        let Some(entries) = json.as_object() else {
            return Err(vec![wrong_type("", "an object")]);
        };
        let mut collected = Collected::default();
        // The sender's own entries come first, whatever the order of keys, so that they keep their names.
        if let Some(custom) = object(&mut collected, json.get("custom"), "/custom") {
            for (name, value) in custom {
                collected.keep(name, value.clone());
            }
        }
        let mut lead_source = None;
        for (key, value) in entries {
            known(&mut collected, &mut lead_source, key, value);
        }
        if let Some(lead_source) = lead_source {
            fill_from(&mut collected, LeadSource::parse(&lead_source));
        }
        let touchpoint = &mut collected.touchpoint;
        touchpoint.test = touchpoint.test || touchpoint.has_test_marker();
        collected.finish()
    }

    /// Writes the canonical form, leaving out what is missing. Reading it gives the same touchpoint.
    pub fn canonical_json(&self) -> Json {
        let mut entries: Vec<(&str, Json)> = Vec::with_capacity(12);
        if self.source != Source::Missing {
            entries.push(("source", Json::text(self.source.as_str())));
        }
        if self.action != Action::Missing {
            entries.push(("action", Json::text(self.action.as_str())));
        }
        if let Some(offer) = &self.offer {
            entries.push(("offer", Json::text(offer.to_string())));
        }
        if let Some(title) = &self.offer_title {
            entries.push(("offer_title", Json::text(title)));
        }
        if let Some(moment) = self.occurred_at {
            entries.push(("occurred_at", Json::text(rfc3339::format(moment))));
        }
        entries.push(("customer", self.customer_json()));
        if let Some(notes) = &self.notes {
            entries.push(("notes", Json::text(notes)));
        }
        if !self.campaign.is_empty() {
            entries.push(("campaign", Json::Object(self.campaign.clone())));
        }
        if let Some(consent) = &self.consent {
            entries.push(("consent", consent_json(consent)));
        }
        if !self.custom.is_empty() {
            entries.push(("custom", Json::Object(self.custom.clone())));
        }
        entries.push(("preview", Json::Bool(self.preview)));
        entries.push(("test", Json::Bool(self.test)));
        Json::object(entries)
    }

    fn customer_json(&self) -> Json {
        let mut customer = self.customer.clone();
        Json::object(CUSTOMER_FIELDS.iter().filter_map(|name| {
            let content = customer_field(&mut customer, name)?.take()?;
            Some((*name, Json::Text(content)))
        }))
    }

    /// Whether a field starts with what a marketplace writes into every field of its test lead. The lead otherwise
    /// looks like a real one (documented by Microsoft, "Lead management FAQ").
    pub(crate) fn has_test_marker(&self) -> bool {
        let customer = &self.customer;
        let fields =
            [&customer.first_name, &customer.last_name, &customer.company, &customer.email, &self.notes];
        fields.into_iter().flatten().any(|content| has_test_marker(content))
            || has_test_marker(self.source.as_str())
            || has_test_marker(self.action.as_str())
    }
}

fn consent_json(consent: &Consent) -> Json {
    let mut entries = vec![("shared", Json::Bool(consent.shared))];
    if let Some(version) = &consent.text_version {
        entries.push(("text_version", Json::text(version)));
    }
    if let Some(moment) = consent.at {
        entries.push(("at", Json::text(rfc3339::format(moment))));
    }
    Json::object(entries)
}

/// Takes one top-level field.
fn known(collected: &mut Collected, lead_source: &mut Option<String>, key: &str, value: &Json) {
    match key {
        "source" => {
            let content = field(collected, value, "/source");
            collected.touchpoint.source = content.map_or(Source::Missing, |it| Source::parse(&it));
        }
        "action" => {
            let content = field(collected, value, "/action");
            collected.touchpoint.action = content.map_or(Action::Missing, |it| Action::parse(&it));
        }
        "lead_source" => *lead_source = field(collected, value, "/lead_source"),
        "offer" => collected.touchpoint.offer = offer(collected, value),
        "offer_title" => collected.touchpoint.offer_title = field(collected, value, "/offer_title"),
        "occurred_at" => collected.touchpoint.occurred_at = moment(collected, value, "/occurred_at"),
        "customer" => customer(collected, value),
        "notes" => {
            collected.touchpoint.notes = string(collected, value, "/notes", limits::NOTES_BYTES_MAX);
        }
        "campaign" => {
            for (name, value) in object(collected, Some(value), "/campaign").unwrap_or_default() {
                collected.keep_campaign(name, value.clone());
            }
        }
        "consent" => collected.touchpoint.consent = consent(collected, value),
        "custom" => {}
        "preview" => {
            collected.touchpoint.preview = boolean(collected, value, "/preview").unwrap_or_default();
        }
        "test" => collected.touchpoint.test = boolean(collected, value, "/test").unwrap_or_default(),
        _ => collected.keep(key, value.clone()),
    }
}

fn customer(collected: &mut Collected, value: &Json) {
    for (name, value) in object(collected, Some(value), "/customer").unwrap_or_default() {
        if CUSTOMER_FIELDS.contains(&name.as_str()) {
            let content = field(collected, value, &format!("/customer/{name}"));
            let slot = customer_field(&mut collected.touchpoint.customer, name);
            *slot.expect("the name is one of the fields") = content;
        } else {
            collected.keep(&format!("customer.{name}"), value.clone());
        }
    }
}

fn consent(collected: &mut Collected, value: &Json) -> Option<Consent> {
    let entries = object(collected, Some(value), "/consent")?;
    let (mut shared, mut text_version, mut at) = (None, None, None);
    let refused_before = collected.refusals.len();
    for (name, value) in entries {
        match name.as_str() {
            "shared" => shared = boolean(collected, value, "/consent/shared"),
            "text_version" => text_version = field(collected, value, "/consent/text_version"),
            "at" => at = moment(collected, value, "/consent/at"),
            _ => collected.keep(&format!("consent.{name}"), value.clone()),
        }
    }
    if shared.is_none() && collected.refusals.len() == refused_before {
        collected.refuse("/consent/shared", "missing", "missing", "send `shared` as true or false");
    }
    Some(Consent { shared: shared?, text_version, at })
}

fn offer(collected: &mut Collected, value: &Json) -> Option<OfferRef> {
    let content = field(collected, value, "/offer")?;
    match OfferRef::parse(&content) {
        Ok(offer) => Some(offer),
        Err(bad) => {
            collected.refuse("/offer", "bad_offer", bad.to_string(), "send the offer as `publisher.offer`");
            None
        }
    }
}

/// Fills in what the lead source says and no field of its own has said.
fn fill_from(collected: &mut Collected, lead_source: LeadSource) {
    let touchpoint = &mut collected.touchpoint;
    if touchpoint.source == Source::Missing {
        touchpoint.source = lead_source.source;
    }
    if touchpoint.action == Action::Missing {
        touchpoint.action = lead_source.action.unwrap_or_default();
    }
    if let Some(content) = lead_source.offer {
        fill_offer(touchpoint, content);
    }
    if lead_source.duplicate {
        collected.keep("lead_source_duplicate", Json::Bool(true));
    }
}

/// Takes the offer part of a lead source for what it is: an id such as `bitnami.openedxcypress`, which documents
/// promise, or the offer's name, which test leads and AppExchange carry. Ids are written in lower case.
pub(crate) fn fill_offer(touchpoint: &mut Touchpoint, content: String) {
    let id = OfferRef::parse(&content).ok().filter(|offer| offer.to_string() == content);
    match id {
        Some(offer) => touchpoint.offer = touchpoint.offer.take().or(Some(offer)),
        None => touchpoint.offer_title = touchpoint.offer_title.take().or(Some(content)),
    }
}

fn wrong_type(pointer: &str, expected: &str) -> Refusal {
    let fix = match expected {
        "text" => "send a JSON string, in double quotes",
        "true or false" => "send true or false, without quotes",
        _ => "send a JSON object, in braces",
    };
    Refusal::new(pointer, "wrong_type", format!("expected {expected}"), fix)
}

fn object<'a>(
    collected: &mut Collected,
    value: Option<&'a Json>,
    pointer: &str,
) -> Option<&'a [(String, Json)]> {
    let value = value.filter(|value| !value.is_null())?;
    if value.as_object().is_none() {
        collected.refusals.push(wrong_type(pointer, "an object"));
    }
    value.as_object()
}

fn boolean(collected: &mut Collected, value: &Json, pointer: &str) -> Option<bool> {
    if value.as_bool().is_none() && !value.is_null() {
        collected.refusals.push(wrong_type(pointer, "true or false"));
    }
    value.as_bool()
}

fn field(collected: &mut Collected, value: &Json, pointer: &str) -> Option<String> {
    string(collected, value, pointer, limits::FIELD_BYTES_MAX)
}

fn string(collected: &mut Collected, value: &Json, pointer: &str, bytes_max: usize) -> Option<String> {
    match value {
        Json::Text(content) => collected.bounded(pointer, content, bytes_max),
        Json::Null => None,
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            collected.refusals.push(wrong_type(pointer, "text"));
            None
        }
    }
}

fn moment(collected: &mut Collected, value: &Json, pointer: &str) -> Option<Timestamp> {
    let content = field(collected, value, pointer)?;
    let moment = rfc3339::parse(&content);
    if moment.is_none() {
        let fix = "send RFC 3339, such as 2026-11-20T10:00:00Z";
        collected.refuse(pointer, "bad_time", "not a date and time with an offset", fix);
    }
    moment
}

#[cfg(test)]
#[path = "canonical_tests.rs"]
mod tests;
