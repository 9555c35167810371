//! People masked in answers for whom they are not meant: one place that every answer about leads goes through.
//!
//! It knows which fields of an answer hold nothing of a person. Whatever it does not know is hidden, so that a field that is added
//! somewhere shows too little until it is named here, and never too much.

use super::call::Call;
use super::endpoints::Endpoint;
use super::problem::Problem;
use crate::access::{self, Action};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use leadwire_core::mask;
use serde_json::{Map, Value};

/// Answers about leads that count, and name nobody; and what somebody keeps for themselves.
const OF_NOBODY: [&str; 3] = ["/v1/ledger", "/v1/statements", "/v1/views"];

/// Ids, names of the set-up, states, moments and stable names.
const KEPT: &[&str] = &[
    "id",
    "lead",
    "touchpoint",
    "delivery",
    "destination",
    "offer",
    "follow_up",
    "parent",
    "decision",
    "merged_into",
    "sample",
    "route",
    "goes_to",
    "next",
    "name",
    "label",
    "field",
    "fields",
    "kind",
    "channel",
    "source",
    "action",
    "rule",
    "rules",
    "scope",
    "interest",
    "interest_rule",
    "state",
    "what",
    "only",
    "cause",
    "code",
    "outcome",
    "verdict",
    "write",
    "changes",
    "fate",
    "difference",
    "crm",
    "by",
    "method",
    "language",
    "peer",
    "content_type",
    "company",
    "title",
    "country",
    "offer_title",
    "text_version",
    "who",
    "asked_by",
    "asker",
    "from",
    "to",
    "until",
    "day",
];
/// Sentences of our own, and names that senders and systems give: of a person nothing but an address could stand in them.
const SENTENCES: &[&str] = &[
    "because",
    "summary",
    "why",
    "message",
    "fix",
    "routing_trouble",
    "row",
    "key",
    "filter",
    "pointer",
    "record",
    "lead_source",
];
/// What senders send beside the fields that are known: an object whose values are hidden all.
const FURTHER: &str = "custom";
/// The parameters of a campaign, by which reports are made: nothing but an address could stand in them.
const CAMPAIGN: &str = "campaign";

/// Whether what an endpoint answers is to be masked for whoever asks.
pub(super) fn is_due(endpoint: &Endpoint, call: &Call) -> bool {
    endpoint.action == Action::ReadLeads && !OF_NOBODY.contains(&endpoint.path) && is_for_masked(call)
}

/// Whether whoever asks sees people masked.
pub(super) fn is_for_masked(call: &Call) -> bool {
    call.actor.as_ref().is_none_or(|it| !access::sees_people(it.role))
}

/// An answer without the people in it.
pub(super) async fn masked(answer: Response) -> Result<Response, Problem> {
    let (mut head, body) = answer.into_parts();
    let broken = |_| Problem::internal("an answer of our own broke off");
    let bytes = body.collect().await.map_err(broken)?.to_bytes();
    if bytes.is_empty() {
        return Ok(Response::from_parts(head, Body::empty()));
    }
    let is_json =
        head.headers.get(header::CONTENT_TYPE) == Some(&HeaderValue::from_static("application/json"));
    if !is_json {
        return Err(withheld());
    }
    let mut value: Value = serde_json::from_slice(&bytes)
        .map_err(|it| Problem::internal(format!("an answer of our own: {it}")))?;
    look(("", ""), &mut value);
    // Its length is another one now.
    head.headers.remove(header::CONTENT_LENGTH);
    let text = serde_json::to_vec(&value).expect("what was read as JSON can be written");
    Ok(Response::from_parts(head, Body::from(text)))
}

/// What cannot be masked: bytes as they came.
fn withheld() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "personal_data_masked",
        "this may hold personal data, of which readers see nothing",
        "ask with a key or a user of the role `member`",
    )
}

/// Goes through a value; `of` is what the object is called in which it stands, and `key` what it is called there.
fn look((of, key): (&str, &str), value: &mut Value) {
    match value {
        Value::Object(map) => look_into(key, map),
        Value::Array(items) => items.iter_mut().for_each(|it| look((of, key), it)),
        Value::String(text) => *text = shown((of, key), text),
        Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}

fn look_into(called: &str, map: &mut Map<String, Value>) {
    // What was said of one field over time, and a field with its value: the name of the field says how to mask it.
    let said_of = map.get("field").and_then(Value::as_str).map(str::to_owned);
    let named = map.get("name").and_then(Value::as_str).map(str::to_owned);
    for (key, value) in map {
        match (key.as_str(), value) {
            (FURTHER, value) => hide(value),
            (CAMPAIGN, value) => each_text(value, &mask::sentence),
            ("values", Value::Array(said)) if said_of.is_some() => {
                let field = said_of.as_deref().unwrap_or_default();
                said.iter_mut().filter_map(Value::as_object_mut).for_each(|it| look_at_said(field, it));
            }
            ("value", value) if named.is_some() => {
                let field = named.as_deref().unwrap_or_default();
                each_text(value, &|text| of_field(field, text));
            }
            (key, value) => look((called, key), value),
        }
    }
}

fn look_at_said(field: &str, said: &mut Map<String, Value>) {
    for (key, value) in said {
        match key.as_str() {
            "value" => each_text(value, &|text| of_field(field, text)),
            key => look(("values", key), value),
        }
    }
}

/// A text of an answer, as it is shown.
fn shown(place: (&str, &str), text: &str) -> String {
    match place {
        (_, "first_name" | "last_name" | "email" | "phone") => of_field(place.1, text),
        // The hash of who it is: short numbers could be tried out.
        ("folded", "key") => mask::hidden(text),
        // What a person decided: an interest, or ids of leads.
        ("decisions", "value") | ("unsent", "then") => text.to_owned(),
        // What a connector says of how it writes; the customer's words are called so as well.
        ("", "notes") => mask::sentence(text),
        (_, "url") => host_of(text),
        (_, key) if KEPT.contains(&key) || key.ends_with("_at") => text.to_owned(),
        (_, key) if SENTENCES.contains(&key) => mask::sentence(text),
        _ => mask::hidden(text),
    }
}

/// The value of a field that is known by its name, as mappings call them.
fn of_field(field: &str, text: &str) -> String {
    match field.strip_prefix("customer.").unwrap_or(field) {
        "email" => mask::email(text),
        "first_name" | "last_name" | "name" => mask::name(text),
        "phone" => mask::phone(text),
        "company" | "title" | "country" | "offer" | "offer_title" | "source" | "action" => text.to_owned(),
        _ => mask::hidden(text),
    }
}

/// An address without what follows its host.
fn host_of(url: &str) -> String {
    let host =
        url::Url::parse(url).ok().and_then(|it| Some(format!("{}://{}/", it.scheme(), it.host_str()?)));
    format!("{}{}", host.unwrap_or_default(), mask::HIDDEN)
}

fn each_text(value: &mut Value, change: &dyn Fn(&str) -> String) {
    match value {
        Value::Object(map) => map.values_mut().for_each(|it| each_text(it, change)),
        Value::Array(items) => items.iter_mut().for_each(|it| each_text(it, change)),
        Value::String(text) => *text = change(text),
        Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}

/// Hides every value, whatever it is: a number may be somebody's as well.
fn hide(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(hide),
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::String(text) => *text = mask::hidden(text),
        Value::Number(_) | Value::Bool(_) => *value = Value::from(mask::HIDDEN),
        Value::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(answer: Value, expected: Value) {
        let mut masked = answer;
        look(("", ""), &mut masked);
        assert_eq!(masked, expected);
    }

    #[test]
    fn a_lead_keeps_what_is_no_person() {
        let customer = json!({ "first_name": "Kati", "last_name": "Kis", "email": "kati@x.hu", "phone": "+36 20 123 4567",
            "company": "Arvizturo", "title": "CTO", "country": "HU" });
        let masked = json!({ "first_name": "K***", "last_name": "K***", "email": "k***@x.hu", "phone": "***67",
            "company": "Arvizturo", "title": "CTO", "country": "HU" });
        check(
            json!({ "items": [{ "id": "lead_1", "customer": customer, "test": false, "touchpoints": 3, "created_at": "2026" }] }),
            json!({ "items": [{ "id": "lead_1", "customer": masked, "test": false, "touchpoints": 3, "created_at": "2026" }] }),
        );
    }

    #[test]
    fn what_senders_and_people_wrote_is_hidden_and_numbers_with_it() {
        check(
            json!({ "content": { "notes": "call Kati", "custom": { "tax": 1234567, "a": ["Kati", true, null] },
                "campaign": { "utm_source": "mail", "to": "kati@x.hu" } }, "folded": { "rule": "email", "key": "abcd" } }),
            json!({ "content": { "notes": "***", "custom": { "tax": "***", "a": ["***", "***", null] },
                "campaign": { "utm_source": "mail", "to": "k***@x.hu" } }, "folded": { "rule": "email", "key": "***" } }),
        );
        check(
            json!({ "decisions": [{ "kind": "interest", "value": "active", "reason": "Kati rang", "who": "usr_1" }] }),
            json!({ "decisions": [{ "kind": "interest", "value": "active", "reason": "***", "who": "usr_1" }] }),
        );
    }

    #[test]
    fn a_value_is_masked_as_its_field_is() {
        check(
            json!({ "history": [{ "field": "email", "values": [{ "value": "kati@x.hu", "touchpoint": "tp_1" }] }],
                "came": [{ "name": "customer.name", "value": "Kati Kis" }, { "name": "custom.seats", "value": "7" }],
                "rows": [{ "field": "Email", "row": "customer.email", "sent": "kati@x.hu", "fate": "sent" }] }),
            json!({ "history": [{ "field": "email", "values": [{ "value": "k***@x.hu", "touchpoint": "tp_1" }] }],
                "came": [{ "name": "customer.name", "value": "K*** K***" }, { "name": "custom.seats", "value": "***" }],
                "rows": [{ "field": "Email", "row": "customer.email", "sent": "***", "fate": "sent" }] }),
        );
        check(
            json!({ "requests": [{ "method": "PATCH", "url": "https://crm.example/people/kati%40x.hu?name=Kati", "body": "Kati" }] }),
            json!({ "requests": [{ "method": "PATCH", "url": "https://crm.example/***", "body": "***" }] }),
        );
    }

    #[test]
    fn a_field_that_nobody_named_here_is_hidden() {
        for key in
            ["nickname", "body", "answer", "reason", "subject", "text", "sent", "headers", "value", "x"]
        {
            let mut answer = json!({ "items": [{ key: [{ key: "Kati" }] }] });
            look(("", ""), &mut answer);
            assert_eq!(answer["items"][0][key][0][key], "***", "{key}");
        }
    }
}
