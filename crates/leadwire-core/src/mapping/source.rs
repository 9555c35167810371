//! Where a value comes from: a field of the touchpoint, one of its ids, or a text of the publisher.

use super::expression::BadExpression;
use super::transform::capped;
use super::{Subject, Value};
use crate::json::Json;
use crate::language::Language;
use crate::lead_source::LeadSource;
use crate::rfc3339;
use crate::touchpoint::{Source as TouchpointSource, Touchpoint};
use std::fmt::Write as _;

type Read = fn(&Subject<'_>) -> Option<Value>;

/// A source with a name of its own.
pub struct NamedSource {
    /// What a row calls it.
    pub name: &'static str,
    /// What it is.
    pub summary: &'static str,
    read: Read,
}

/// Every source with a name of its own; `custom.NAME` and `campaign.NAME` come on top.
pub const SOURCES: &[NamedSource] = &[
    named("customer.first_name", "given name", |it| of(&it.touchpoint.customer.first_name)),
    named("customer.last_name", "family name", |it| of(&it.touchpoint.customer.last_name)),
    named("customer.name", "given and family name, in the order of the message's language", |it| {
        name_of(it.touchpoint, it.language).and_then(|it| text_value(&it))
    }),
    named("customer.email", "e-mail address", |it| of(&it.touchpoint.customer.email)),
    named("customer.phone", "telephone number", |it| of(&it.touchpoint.customer.phone)),
    named("customer.country", "country, as the sender wrote it", |it| of(&it.touchpoint.customer.country)),
    named("customer.company", "organisation", |it| of(&it.touchpoint.customer.company)),
    named("customer.title", "job title", |it| of(&it.touchpoint.customer.title)),
    named("source", "where the customer acted, such as AzureMarketplace", |it| {
        text_value(it.touchpoint.source.as_str())
    }),
    named("action", "what the customer did, such as INS", |it| text_value(it.touchpoint.action.as_str())),
    named("lead_source", "Source-Action|publisher.offer, as Microsoft writes it", |it| {
        lead_source(it.touchpoint).and_then(|it| text_value(&it))
    }),
    named("offer", "offer, as publisher.offer", |it| text_value(&it.touchpoint.offer.as_ref()?.to_string())),
    named("offer_title", "the offer's name, or its id", |it| text_value(&offer_title(it.touchpoint)?)),
    named("publisher", "publisher", |it| text_value(it.publisher.as_str())),
    named("notes", "the customer's own words, or the marketplace's description", |it| {
        of(&it.touchpoint.notes)
    }),
    named("details", "everything that is known of the touchpoint, as lines of text", |it| {
        text_value(&details(it))
    }),
    named("occurred_at", "when the customer acted, or when the touchpoint came", |it| {
        let at = it.touchpoint.occurred_at.unwrap_or(it.received_at);
        text_value(&rfc3339::format(at))
    }),
    named("received_at", "when the touchpoint came", |it| text_value(&rfc3339::format(it.received_at))),
    named("lead_id", "the lead's id: the same for all touchpoints of one customer", |it| {
        text_value(&it.lead.to_string())
    }),
    named("touchpoint_id", "the touchpoint's id", |it| text_value(&it.id.to_string())),
    named("do_not_contact", "whether the customer must not be contacted", |it| {
        Some(Value::Bool(it.do_not_contact()))
    }),
    named("interest", "how interested the customer is: initial or active; the lead's, which rises", |it| {
        text_value(it.standing.interest?.as_str())
    }),
    named("test", "whether no customer stands behind it: a test of the connection, or a preview", |it| {
        Some(Value::Bool(it.touchpoint.is_trial()))
    }),
    named("consent.shared", "whether the customer agreed to share", |it| {
        Some(Value::Bool(it.touchpoint.consent.as_ref()?.shared))
    }),
    named("consent.text_version", "which text the customer agreed to", |it| {
        of(&it.touchpoint.consent.as_ref()?.text_version)
    }),
    named("consent.at", "when the customer agreed", |it| {
        text_value(&rfc3339::format(it.touchpoint.consent.as_ref()?.at?))
    }),
];

const fn named(name: &'static str, summary: &'static str, read: Read) -> NamedSource {
    NamedSource { name, summary, read }
}

/// A source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Constant(String),
    /// Its place in [`SOURCES`].
    Named(usize),
    Custom(String),
    Campaign(String),
}

/// The source of that name.
pub(super) fn find(name: &str) -> Result<Source, BadExpression> {
    if let Some(place) = SOURCES.iter().position(|it| it.name == name) {
        return Ok(Source::Named(place));
    }
    match name.split_once('.') {
        Some(("custom", key)) if !key.is_empty() => Ok(Source::Custom(key.to_owned())),
        Some(("campaign", key)) if !key.is_empty() => Ok(Source::Campaign(key.to_owned())),
        _ => {
            let names: Vec<&str> = SOURCES.iter().map(|it| it.name).collect();
            Err(BadExpression::new(
                format!("there is no source called `{name}`"),
                format!("use {}, custom.NAME, campaign.NAME, or a text in '…'", names.join(", ")),
            ))
        }
    }
}

impl Source {
    /// What a row calls it; none for a text of the publisher's own.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Self::Constant(_) => None,
            Self::Named(place) => Some(SOURCES[*place].name.to_owned()),
            Self::Custom(key) => Some(format!("custom.{key}")),
            Self::Campaign(key) => Some(format!("campaign.{key}")),
        }
    }

    pub(super) fn value(&self, subject: &Subject<'_>) -> Option<Value> {
        match self {
            Self::Constant(text) => text_value(text),
            Self::Named(place) => (SOURCES[*place].read)(subject),
            Self::Custom(key) => entry(&subject.touchpoint.custom, key),
            Self::Campaign(key) => entry(&subject.touchpoint.campaign, key),
        }
    }
}

fn of(text: &Option<String>) -> Option<Value> {
    text.as_deref().and_then(text_value)
}

fn text_value(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| Value::Text(text.to_owned()))
}

/// What a customer said that a row can read: the name of each field that came, its value, and whether `details` repeats it.
pub(super) fn said(subject: &Subject<'_>) -> Vec<(String, Value, bool)> {
    let named = SOURCES.iter().filter(|it| it.name == "notes" || it.name.starts_with("customer."));
    // The name as a whole is made of two that came.
    let named = named.filter(|it| it.name != "customer.name");
    let mut all: Vec<(String, Value, bool)> =
        named.filter_map(|it| Some((it.name.to_owned(), (it.read)(subject)?, true))).collect();
    let touchpoint = subject.touchpoint;
    for (group, entries, in_details) in
        [("campaign", &touchpoint.campaign, true), ("custom", &touchpoint.custom, false)]
    {
        for (key, _) in entries {
            all.extend(entry(entries, key).map(|value| (format!("{group}.{key}"), value, in_details)));
        }
    }
    all
}

fn entry(entries: &[(String, Json)], key: &str) -> Option<Value> {
    let (_, json) = entries.iter().find(|it| it.0 == key)?;
    match json {
        Json::Null => None,
        Json::Bool(it) => Some(Value::Bool(*it)),
        Json::Number(number) => Some(Value::Number(number.clone())),
        Json::Text(text) => text_value(text),
        other @ (Json::Array(_) | Json::Object(_)) => text_value(&capped(other.to_string())),
    }
}

fn name_of(touchpoint: &Touchpoint, language: Language) -> Option<String> {
    let customer = &touchpoint.customer;
    let mut parts = [&customer.first_name, &customer.last_name];
    if language.puts_family_name_first() {
        parts.reverse();
    }
    let parts: Vec<&str> = parts.into_iter().filter_map(|it| it.as_deref()).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// `Source-Action|publisher.offer`; none when the sender named no source.
pub(super) fn lead_source(touchpoint: &Touchpoint) -> Option<String> {
    if touchpoint.source == TouchpointSource::Missing {
        return None;
    }
    let whole = LeadSource {
        source: touchpoint.source.clone(),
        action: Some(touchpoint.action.clone()),
        offer: touchpoint.offer.as_ref().map(ToString::to_string),
        duplicate: false,
    };
    Some(whole.compose())
}

pub(super) fn offer_title(touchpoint: &Touchpoint) -> Option<String> {
    touchpoint.offer_title.clone().or_else(|| Some(touchpoint.offer.as_ref()?.to_string()))
}

/// What a salesperson reads first. It repeats the contact data, so that nothing is lost that had to be shortened or
/// left out elsewhere.
pub(super) fn details(subject: &Subject<'_>) -> String {
    let touchpoint = subject.touchpoint;
    let customer = &touchpoint.customer;
    let mut out = String::new();
    let mut line = |label: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|it| !it.is_empty()) {
            writeln!(out, "{label}: {value}").expect("a String takes everything");
        }
    };
    if touchpoint.test {
        line("Test", Some("this is a test of the connection, not a customer"));
    } else if touchpoint.preview {
        line("Test", Some("this is from the preview of an offer that is not live, not a customer"));
    }
    line("Offer", offer_title(touchpoint).as_deref());
    line("Lead source", lead_source(touchpoint).as_deref());
    let at = touchpoint.occurred_at.unwrap_or(subject.received_at);
    line("When", Some(&rfc3339::format(at)));
    line("Name", name_of(touchpoint, subject.language).as_deref());
    line("Company", customer.company.as_deref());
    line("Title", customer.title.as_deref());
    line("E-mail", customer.email.as_deref());
    line("Phone", customer.phone.as_deref());
    line("Country", customer.country.as_deref());
    if let Some(interest) = subject.standing.interest {
        line("Interest", Some(interest.as_str()));
    }
    if subject.do_not_contact() {
        line("Consent", Some("the customer does not want to be contacted"));
    }
    for (key, value) in touchpoint.campaign.iter().filter(|it| !it.1.is_null()) {
        let value = match value {
            Json::Text(text) => text.clone(),
            other => other.to_string(),
        };
        line(&format!("Campaign {key}"), Some(&value));
    }
    line("Lead", Some(&subject.lead.to_string()));
    if let Some(notes) = &touchpoint.notes {
        write!(out, "\n{notes}").expect("a String takes everything");
    }
    capped(out.trim_end().to_owned())
}
