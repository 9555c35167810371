//! Reading what a marketplace posts about a lead: every documented spelling, and forgiving where documents are silent.
//!
//! Documented by Microsoft: the HTTPS body ("Lead management instructions, HTTPS endpoint"), the packed `CustomerInfo`
//! of "Get customer leads" and of the Azure table, and the test leads of the "Lead management FAQ". Documents
//! disagree about the case of keys, and about whether `LeadSource` holds the action and the offer, so this reader
//! takes all of it. The sender never sends twice: what can be understood is taken, what cannot is kept in `custom`.

mod form;

use crate::json::{self, BadJsonKind, Json, TopLevel, pointer_step};
use crate::lead_source::LeadSource;
use crate::limits;
use crate::refusal::Refusal;
use crate::rfc3339;
use crate::text;
use crate::touchpoint::canonical::fill_offer;
use crate::touchpoint::collect::{Collected, customer_field, customer_name};
use crate::touchpoint::{Action, Source, Touchpoint};
use std::borrow::Cow;

/// Reads a body: JSON, JSON with the one mistake documents print, or a form.
///
/// The test lead printed by Microsoft lacks the comma behind `OfferTitle`. Where strict reading stops at a key that
/// follows a string without a comma, one comma is put in and the body is read once more. Nothing else is mended.
///
/// # Errors
/// As [`parse`] and [`parse_form`], and when the bytes are neither; then the mistake is that of the JSON.
pub fn parse_bytes(bytes: &[u8]) -> Result<Touchpoint, Vec<Refusal>> {
    let bad = match json::parse(bytes) {
        Ok(json) => return parse(&json),
        Err(bad) => bad,
    };
    if bad.kind == BadJsonKind::MissingComma
        && bytes[..bad.offset].trim_ascii_end().ends_with(b"\"")
        && let Ok(json) = json::parse(&[&bytes[..bad.offset], b",", &bytes[bad.offset..]].concat())
    {
        return parse(&json);
    }
    if json::top_level(bytes) == TopLevel::Other && bytes.contains(&b'=') {
        return parse_form(bytes);
    }
    Err(vec![bad.into()])
}

/// Reads an `application/x-www-form-urlencoded` body, whose fields may have any name [`parse`] knows; documented
/// are those of Web-to-Lead.
///
/// # Errors
/// As [`parse`]; and for a malformed escape, text that is not UTF-8 or holds NUL, an empty body, and a key that
/// occurs twice with different values.
pub fn parse_form(bytes: &[u8]) -> Result<Touchpoint, Vec<Refusal>> {
    parse(&form::read(bytes)?)
}

/// Reads a lead in any documented shape.
///
/// Keys are compared without case, `_`, `-` and spaces. The customer's fields may be in `UserDetails`, in
/// `CustomerInfo` (an object, or a text that holds one) or at the top. Numbers and booleans count as their text,
/// `null` and blank text as missing. Of two values for one field the first wins, those of the customer's object
/// first of all; the other is kept in `custom`, as is everything unknown, what is not a text where one is
/// expected, and a time that is not RFC 3339.
///
/// # Errors
/// When the body is not an object, a text is above [`limits::FIELD_BYTES_MAX`] or [`limits::NOTES_BYTES_MAX`], or
/// there are more than [`limits::ENTRIES_MAX`] unknown fields. All such mistakes are told at once.
pub fn parse(json: &Json) -> Result<Touchpoint, Vec<Refusal>> {
    let Some(entries) = json.as_object() else {
        let (message, fix) = ("expected an object", "send one lead as a JSON object");
        return Err(vec![Refusal::new("", "wrong_type", message, fix)]);
    };
    let mut body = Body::default();
    let plain: Vec<String> = entries.iter().map(|(key, _)| plain_name(key)).collect();
    let (customer, other): (Vec<_>, Vec<_>) = plain
        .iter()
        .zip(entries)
        .partition(|(plain, _)| matches!(plain.as_str(), "userdetails" | "customerinfo"));
    for (_, (key, value)) in customer {
        body.take_customer(key, value);
    }
    for (plain, (key, value)) in other {
        body.take(plain, key, value);
    }
    body.finish()
}

/// A field's name without case and separators: `first_name`, `FirstName` and `First Name` are one.
pub(crate) fn plain_name(name: &str) -> String {
    let separators = |byte: &u8| !matches!(byte, b'_' | b'-' | b' ');
    let bytes: Vec<u8> = name.bytes().filter(separators).map(|byte| byte.to_ascii_lowercase()).collect();
    String::from_utf8(bytes).expect("only ASCII was taken out and changed")
}

/// Takes a description apart into notes and the value of `campaigns`.
///
/// A publisher saw `"Campaigns: "` and `" "` in an Azure table, where no customer had written anything.
pub(crate) fn split_description(description: &str) -> (Option<&str>, Option<&str>) {
    const LABEL: &str = "Campaigns:";
    let description = text::trim(description);
    match description.split_at_checked(LABEL.len()) {
        Some((label, campaigns)) if label.eq_ignore_ascii_case(LABEL) => (None, text::non_blank(campaigns)),
        _ => (text::non_blank(description), None),
    }
}

/// A field as sent: its key, to keep it under, and its text.
type Field = Option<(String, String)>;

#[derive(Default)]
struct Body {
    collected: Collected,
    lead_source: Field,
    action_code: Field,
    offer_title: Field,
    description: Field,
    created_time: Field,
    timestamp: Field,
}

impl Body {
    fn slot(&mut self, plain: &str) -> Option<&mut Field> {
        match plain {
            "leadsource" => Some(&mut self.lead_source),
            "actioncode" => Some(&mut self.action_code),
            "offertitle" | "offerdisplayname" => Some(&mut self.offer_title),
            "description" => Some(&mut self.description),
            "createdtime" => Some(&mut self.created_time),
            "timestamp" => Some(&mut self.timestamp),
            _ => None,
        }
    }

    /// Takes `UserDetails` or `CustomerInfo`.
    fn take_customer(&mut self, key: &str, value: &Json) {
        // The Azure table packs the customer into one column, as JSON text.
        let unpacked = value.as_text().and_then(|packed| json::parse(packed.as_bytes()).ok());
        let Some(entries) = unpacked.as_ref().unwrap_or(value).as_object() else {
            return self.keep_unless_blank(key, value);
        };
        let pointer = pointer_step(key);
        for (name, value) in entries {
            let kept_as = format!("customer.{name}");
            match customer_name(&plain_name(name)) {
                Some(known) => {
                    self.take_customer_field(
                        known,
                        &kept_as,
                        &format!("{pointer}{}", pointer_step(name)),
                        value,
                    );
                }
                None => self.collected.keep(&kept_as, value.clone()),
            }
        }
    }

    fn take_customer_field(&mut self, known: &str, kept_as: &str, pointer: &str, value: &Json) {
        let Some(content) = shown(value) else { return self.keep_unless_blank(kept_as, value) };
        let Some(content) = self.collected.bounded(pointer, &content, limits::FIELD_BYTES_MAX) else {
            return;
        };
        let slot = customer_field(&mut self.collected.touchpoint.customer, known);
        let slot = slot.expect("the name is one of the fields");
        match slot {
            None => *slot = Some(content),
            Some(first) if *first == content => {}
            Some(_) => self.collected.keep(kept_as, value.clone()),
        }
    }

    /// Takes one field of the top level.
    fn take(&mut self, plain: &str, key: &str, value: &Json) {
        if let Some(known) = customer_name(plain) {
            return self.take_customer_field(known, key, &pointer_step(key), value);
        }
        if self.slot(plain).is_none() {
            return self.collected.keep(key, value.clone());
        }
        let Some(content) = shown(value) else { return self.keep_unless_blank(key, value) };
        let bytes_max =
            if plain == "description" { limits::NOTES_BYTES_MAX } else { limits::FIELD_BYTES_MAX };
        let Some(content) = self.collected.bounded(&pointer_step(key), &content, bytes_max) else { return };
        match self.slot(plain).expect("it was there before") {
            Some((_, first)) if *first == content => {}
            Some(_) => self.collected.keep(key, value.clone()),
            empty => *empty = Some((key.to_owned(), content)),
        }
    }

    fn keep_unless_blank(&mut self, key: &str, value: &Json) {
        if shown(value).is_none_or(|content| text::non_blank(&content).is_some()) {
            self.collected.keep(key, value.clone());
        }
    }

    /// Puts together what several fields say about one thing.
    fn finish(mut self) -> Result<Touchpoint, Vec<Refusal>> {
        self.collected.touchpoint.offer_title = self.offer_title.take().map(|(_, title)| title);
        self.settle_source_and_action();
        self.settle_time();
        if let Some((_, description)) = self.description.take() {
            let (notes, campaigns) = split_description(&description);
            self.collected.touchpoint.notes = notes.map(str::to_owned);
            if let Some(campaigns) = campaigns {
                self.collected.keep_campaign("campaigns", Json::text(campaigns));
            }
        }
        let touchpoint = &mut self.collected.touchpoint;
        touchpoint.test = touchpoint.has_test_marker();
        self.collected.finish()
    }

    fn settle_source_and_action(&mut self) {
        let (key, whole) = self.lead_source.take().unwrap_or_default();
        let mut lead_source = LeadSource::parse(&whole);
        let coded = self.action_code.take();
        let code = coded.as_ref().map(|(_, code)| Action::parse(code)).unwrap_or_default();
        // A code that is not known yet still ends the source when a field of its own says that it is the code.
        if lead_source.action.is_none()
            && code != Action::Missing
            && let Source::Other(name) = &lead_source.source
            && let Some((source, action)) = name.rsplit_once('-')
            && text::trim(action).eq_ignore_ascii_case(code.as_str())
        {
            lead_source.source = Source::parse(source);
        }
        let written = lead_source.action.take().unwrap_or_default();
        let touchpoint = &mut self.collected.touchpoint;
        touchpoint.source = lead_source.source;
        if let Some(offer) = lead_source.offer {
            fill_offer(touchpoint, offer);
        }
        if code == Action::Missing || (written.is_known() && !code.is_known()) {
            touchpoint.action = written;
            if let Some((key, code)) = coded {
                self.collected.keep(&key, Json::Text(code));
            }
        } else {
            touchpoint.action = code;
            if written != Action::Missing && written != self.collected.touchpoint.action {
                self.collected.keep(&key, Json::Text(whole));
            }
        }
        if lead_source.duplicate {
            self.collected.keep("lead_source_duplicate", Json::Bool(true));
        }
    }

    /// `CreatedTime` is the customer's; `Timestamp` is set by the table service when the row is written.
    fn settle_time(&mut self) {
        for (key, content) in [self.created_time.take(), self.timestamp.take()].into_iter().flatten() {
            let occurred_at = &mut self.collected.touchpoint.occurred_at;
            match rfc3339::parse(&content) {
                Some(moment) if occurred_at.is_none() => *occurred_at = Some(moment),
                _ => self.collected.keep(&key, Json::Text(content)),
            }
        }
    }
}

/// The text a value counts as; `None` for what has no text.
pub(crate) fn shown(value: &Json) -> Option<Cow<'_, str>> {
    match value {
        Json::Text(content) => Some(Cow::Borrowed(content)),
        Json::Number(written) => Some(Cow::Borrowed(written)),
        Json::Bool(value) => Some(Cow::Owned(value.to_string())),
        Json::Null => Some(Cow::Borrowed("")),
        Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
#[path = "partner_center_tests.rs"]
mod tests;
