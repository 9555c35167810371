//! Makes the request for one lead: a pure function from settings, payload and clock to headers and body.

use crate::Payload;
use crate::notice::{Item, Notice};
use crate::signing::{self, SigningSecret};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use leadwire_core::json::Json;
use leadwire_core::lead_source::LeadSource;
use leadwire_core::limits;
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Action, Source, Touchpoint};
use std::borrow::Cow;

/// What kind of event a body is about: a lead's touchpoint, or what is to be said after one.
fn event(payload: &Payload) -> &'static str {
    if payload.message.is_some() { "lead.follow_up" } else { "lead.touchpoint" }
}

/// What kind of event says that a person was erased.
const ERASED: &str = "lead.erased";

/// What requests look like.
pub(super) struct Shape {
    pub(super) format: Format,
    pub(super) lead_source: LeadSourceShape,
    pub(super) signing: Vec<SigningSecret>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// The envelope Standard Webhooks proposes, around the canonical touchpoint.
    Leadwire,
    /// The body Partner Center posts to an HTTPS lead destination (Microsoft, "Use an HTTPS endpoint to manage
    /// commercial marketplace leads").
    PartnerCenter,
    /// CloudEvents 1.0, HTTP binding, structured mode.
    CloudEvents,
    /// CloudEvents 1.0, HTTP binding, binary mode.
    CloudEventsBinary,
}

/// What Partner Center's `LeadSource` holds; its sample shows the bare form, its lists the compound one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeadSourceShape {
    Compound,
    Bare,
}

/// Headers, but for signing in, and body.
pub(super) fn compose(shape: &Shape, payload: &Payload, now: Timestamp) -> (HeaderMap, String) {
    let id = payload.delivery.to_string();
    let content_type = match shape.format {
        Format::Leadwire | Format::PartnerCenter | Format::CloudEventsBinary => "application/json",
        Format::CloudEvents => "application/cloudevents+json; charset=utf-8",
    };
    let body = match shape.format {
        Format::Leadwire => leadwire(payload, &id),
        // Partner Center's body has no place for words.
        Format::PartnerCenter if payload.message.is_some() => leadwire(payload, &id),
        Format::PartnerCenter => partner_center(&as_sent(payload), shape.lead_source),
        Format::CloudEvents => cloud_event(payload, &id),
        Format::CloudEventsBinary => data(payload),
    };
    let body = body.to_string();
    let mut headers = signed(shape, &id, (now, content_type), &body);
    if shape.format == Format::CloudEventsBinary {
        for (name, value) in cloud_attributes(payload, &id) {
            let value = HeaderValue::try_from(value).expect("names, ids and times are visible ASCII");
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    (headers, body)
}

/// Headers, but for signing in, and body of a notice: the same envelope and signature as a lead, and another type.
pub(super) fn compose_notice(shape: &Shape, notice: &Notice, now: Timestamp) -> (HeaderMap, String) {
    let first = notice.items.first().cloned().unwrap_or_default();
    let mut data = vec![
        ("publisher", Json::text(&*notice.publisher)),
        ("subject", Json::text(notice.subject())),
        ("waiting", Json::Number(notice.waiting().to_string())),
        ("text", Json::text(notice.text())),
        ("count", Json::Number(notice.items.len().to_string())),
        ("items", Json::Array(notice.items.iter().take(limits::NOTICE_ITEMS_SENT_MAX).map(item).collect())),
    ];
    if notice.items.len() == 1 {
        data.extend([
            ("destination", Json::text(first.name)),
            ("system", Json::text(first.system)),
            ("cause", Json::text(first.cause)),
            ("message", Json::text(first.message)),
            ("fix", Json::text(first.fix)),
        ]);
    }
    let at = if notice.items.len() == 1 { first.at } else { notice.at };
    let body = Json::object([
        ("type", Json::text(notice.event())),
        ("id", Json::text(&*notice.id)),
        ("timestamp", Json::text(rfc3339::format(at))),
        ("data", Json::object(data)),
    ]);
    let body = body.to_string();
    (signed(shape, &notice.id, (now, "application/json"), &body), body)
}

/// One thing that a notice tells.
fn item(it: &Item) -> Json {
    Json::object([
        ("type", Json::text(&*it.event)),
        ("name", Json::text(&*it.name)),
        ("system", Json::text(&*it.system)),
        ("timestamp", Json::text(rfc3339::format(it.at))),
        ("cause", Json::text(&*it.cause)),
        ("message", Json::text(&*it.message)),
        ("fix", Json::text(&*it.fix)),
        ("waiting", Json::Number(it.waiting.to_string())),
        ("times_told", Json::Number(it.times_told.to_string())),
        ("link", Json::text(&*it.link)),
    ])
}

/// Headers, but for signing in, and body of an erasure: the same envelope and signature as a lead, another type, and
/// nothing of the person but ids. None: the format has no word for it.
pub(super) fn compose_erasure(
    shape: &Shape,
    payload: &Payload,
    now: Timestamp,
) -> Option<(HeaderMap, String)> {
    let id = payload.delivery.to_string();
    let data = Json::object([
        ("publisher", Json::text(payload.publisher.as_str())),
        ("lead", Json::text(payload.lead.to_string())),
    ]);
    let mut attributes = cloud_attributes(payload, &id);
    attributes[3].1 = format!("leadwire.{ERASED}");
    let (content_type, body) = match shape.format {
        Format::PartnerCenter => return None,
        Format::Leadwire => (
            "application/json",
            Json::object([
                ("type", Json::text(ERASED)),
                ("id", Json::text(&*id)),
                ("timestamp", Json::text(rfc3339::format(payload.received_at))),
                ("data", data),
            ]),
        ),
        Format::CloudEventsBinary => ("application/json", data),
        Format::CloudEvents => {
            let attributes =
                attributes.iter().map(|(name, value)| (name.trim_start_matches("ce-"), Json::text(&**value)));
            let rest = [("datacontenttype", Json::text("application/json")), ("data", data)];
            ("application/cloudevents+json; charset=utf-8", Json::object(attributes.chain(rest)))
        }
    };
    let body = body.to_string();
    let mut headers = signed(shape, &id, (now, content_type), &body);
    if shape.format == Format::CloudEventsBinary {
        for (name, value) in attributes {
            let value = HeaderValue::try_from(value).expect("names, ids and times are visible ASCII");
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Some((headers, body))
}

/// The headers every request has: what it holds, by which a repetition is recognised, and the signature.
fn signed(shape: &Shape, id: &str, (now, content_type): (Timestamp, &str), body: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: &str| {
        let value = HeaderValue::try_from(value).expect("ids, times and base64 are visible ASCII");
        headers.insert(HeaderName::from_static(name), value);
    };
    put(CONTENT_TYPE.as_str(), content_type);
    put("webhook-id", id);
    put("webhook-timestamp", &signing::unix_seconds(now).to_string());
    if !shape.signing.is_empty() {
        put("webhook-signature", &signing::sign(&shape.signing, id, now, body.as_bytes()));
    }
    // A structured-field string, so in quotes (draft-ietf-httpapi-idempotency-key-header-07, 2.1).
    put("idempotency-key", &format!("\"{id}\""));
    headers
}

fn leadwire(payload: &Payload, id: &str) -> Json {
    Json::object([
        ("type", Json::text(event(payload))),
        ("id", Json::text(id)),
        ("timestamp", Json::text(rfc3339::format(payload.received_at))),
        ("data", data(payload)),
    ])
}

/// The canonical touchpoint, with whose it is. Never `null`: a Power Automate trigger refuses it where its schema
/// says string (`TriggerInputSchemaMismatch`).
fn data(payload: &Payload) -> Json {
    let touchpoint = &payload.touchpoint;
    let mut entries = vec![
        ("lead".to_owned(), Json::text(payload.lead.to_string())),
        ("touchpoint".to_owned(), Json::text(payload.delivery.touchpoint.to_string())),
        ("received_at".to_owned(), Json::text(rfc3339::format(payload.received_at))),
    ];
    if let Json::Object(fields) = without_nulls(touchpoint.canonical_json()) {
        entries.extend(fields);
    }
    if let Some(lead_source) = lead_source(touchpoint, LeadSourceShape::Compound) {
        entries.push(("lead_source".to_owned(), Json::Text(lead_source)));
    }
    if let Some(interest) = payload.standing.interest {
        entries.push(("interest".to_owned(), Json::text(interest.as_str())));
    }
    entries.push(("do_not_contact".to_owned(), Json::Bool(payload.do_not_contact())));
    if let Some(message) = &payload.message {
        let mut words = vec![
            ("audience", Json::text(message.audience.as_str())),
            ("language", Json::text(message.language.code())),
            ("subject", Json::text(&*message.subject)),
            ("text", Json::text(&*message.text)),
        ];
        words.extend(message.stop_url.as_deref().map(|it| ("stop_url", Json::text(it))));
        let message = Json::object(words);
        entries.push(("message".to_owned(), message));
    }
    Json::Object(entries)
}

fn without_nulls(json: Json) -> Json {
    match json {
        Json::Object(entries) => Json::Object(
            entries
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        Json::Array(items) => {
            Json::Array(items.into_iter().filter(|it| !it.is_null()).map(without_nulls).collect())
        }
        other @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_)) => other,
    }
}

/// Partner Center's body has one word for a customer who must not be contacted: the action `DNC`. What the customer
/// did after asking for that is sent under it too, or the receiver would take it for a contact.
fn as_sent(payload: &Payload) -> Cow<'_, Touchpoint> {
    if payload.do_not_contact() && payload.touchpoint.action != Action::DoNotContact {
        Cow::Owned(Touchpoint { action: Action::DoNotContact, ..Touchpoint::clone(&payload.touchpoint) })
    } else {
        Cow::Borrowed(&payload.touchpoint)
    }
}

fn partner_center(touchpoint: &Touchpoint, shape: LeadSourceShape) -> Json {
    let customer = &touchpoint.customer;
    let user = [
        ("FirstName", &customer.first_name),
        ("LastName", &customer.last_name),
        ("Email", &customer.email),
        ("Phone", &customer.phone),
        ("Country", &customer.country),
        ("Company", &customer.company),
        ("Title", &customer.title),
    ];
    let user = user.into_iter().filter_map(|(key, value)| Some((key, Json::text(value.as_ref()?))));
    let action = Some(touchpoint.action.as_str()).filter(|it| !it.is_empty()).map(str::to_owned);
    // The offer's full name where no title is known: publishers with several offers could not tell them apart.
    let title = touchpoint.offer_title.clone().or_else(|| Some(touchpoint.offer.as_ref()?.to_string()));
    let rest = [
        ("LeadSource", lead_source(touchpoint, shape)),
        ("ActionCode", action),
        ("OfferTitle", title),
        ("Description", touchpoint.notes.clone()),
    ];
    let rest = rest.into_iter().filter_map(|(key, value)| Some((key, Json::Text(value?))));
    Json::object(std::iter::once(("UserDetails", Json::object(user))).chain(rest))
}

fn lead_source(touchpoint: &Touchpoint, shape: LeadSourceShape) -> Option<String> {
    let source = touchpoint.source.clone();
    if source == Source::Missing {
        return None;
    }
    let whole = match shape {
        LeadSourceShape::Bare => LeadSource { source, ..LeadSource::default() },
        LeadSourceShape::Compound => LeadSource {
            source,
            action: Some(touchpoint.action.clone()),
            offer: touchpoint.offer.as_ref().map(ToString::to_string),
            ..LeadSource::default()
        },
    };
    Some(whole.compose())
}

/// The attributes as headers. None needs percent-encoding: names and ids hold no space, quote, `%` or non-ASCII.
fn cloud_attributes(payload: &Payload, id: &str) -> [(&'static str, String); 5] {
    let source = match &payload.touchpoint.offer {
        Some(offer) => format!("/publishers/{}/offers/{}", payload.publisher, offer.offer),
        None => format!("/publishers/{}", payload.publisher),
    };
    let time = payload.touchpoint.occurred_at.unwrap_or(payload.received_at);
    [
        ("ce-specversion", "1.0".to_owned()),
        ("ce-id", id.to_owned()),
        ("ce-source", source),
        ("ce-type", format!("leadwire.{}", event(payload))),
        ("ce-time", rfc3339::format(time)),
    ]
}

fn cloud_event(payload: &Payload, id: &str) -> Json {
    let attributes = cloud_attributes(payload, id);
    let attributes =
        attributes.into_iter().map(|(name, value)| (name.trim_start_matches("ce-"), Json::Text(value)));
    Json::object(
        attributes.chain([("datacontenttype", Json::text("application/json")), ("data", data(payload))]),
    )
}
