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
mod tests {
    use super::*;
    use crate::json;
    use proptest::prelude::*;

    #[track_caller]
    fn read(body: &str) -> Touchpoint {
        let json = json::parse(body.as_bytes()).unwrap_or_else(|bad| panic!("{body}: {bad}"));
        Touchpoint::parse(&json).unwrap_or_else(|refusals| panic!("{body}: {refusals:?}"))
    }

    #[track_caller]
    fn check_refused(body: &str, expected: &[(&str, &str)]) {
        let json = json::parse(body.as_bytes()).unwrap_or_else(|bad| panic!("{body}: {bad}"));
        let refusals = Touchpoint::parse(&json).expect_err("must be refused");
        let found: Vec<_> = refusals.iter().map(|refusal| (refusal.code, refusal.pointer.as_str())).collect();
        assert_eq!(found, expected, "{body}");
    }

    const WHOLE: &str = r#"{"source":"AzureMarketplace","action":"INS","offer":"contoso.crm-pro","occurred_at":"2026-11-20T10:00:00Z","customer":{"first_name":"Ada","last_name":"Lovelace","email":"ada@example.com","phone":"+36201234567","country":"HU","company":"Analytical","title":"CTO"},"notes":"call","campaign":{"utm_source":"mail"},"consent":{"shared":true,"text_version":"2026-01","at":"2026-11-20T10:00:00Z"},"custom":{"seats":12},"preview":false,"test":false}"#;

    #[test]
    fn the_canonical_form_is_read_and_written() {
        let touchpoint = read(WHOLE);
        assert_eq!(touchpoint.source, Source::AzureMarketplace);
        assert_eq!(touchpoint.action, Action::Installation);
        assert_eq!(touchpoint.occurred_at, Some(Timestamp::from_millis(1_795_168_800_000)));
        assert_eq!(touchpoint.customer.company.as_deref(), Some("Analytical"));
        assert_eq!(touchpoint.consent.as_ref().map(|consent| consent.shared), Some(true));
        assert_eq!(touchpoint.canonical_json().to_string(), WHOLE);
    }

    #[test]
    fn everything_may_be_missing() {
        let missing = r#"{"source":null,"action":" ","offer":"","occurred_at":null,"customer":null,"notes":"","campaign":{},
            "consent":null,"custom":null,"preview":null,"test":null,"lead_source":""}"#;
        for body in ["{}", r#"{"customer":{}}"#, missing] {
            assert_eq!(read(body), Touchpoint::default(), "{body}");
        }
        let nothing = r#"{"customer":{},"preview":false,"test":false}"#;
        assert_eq!(Touchpoint::default().canonical_json().to_string(), nothing);
    }

    #[test]
    fn all_mistakes_are_told_with_their_place() {
        check_refused("[]", &[("wrong_type", "")]);
        check_refused(
            r#"{"source":1,"action":[],"offer":"crm","occurred_at":"today","customer":{"email":5,"phone":{}},"notes":false,
                "campaign":"x","consent":{"shared":"yes","at":1},"custom":[],"preview":"no","test":0,"lead_source":{}}"#,
            &[
                ("wrong_type", "/custom"),
                ("wrong_type", "/source"),
                ("wrong_type", "/action"),
                ("bad_offer", "/offer"),
                ("bad_time", "/occurred_at"),
                ("wrong_type", "/customer/email"),
                ("wrong_type", "/customer/phone"),
                ("wrong_type", "/notes"),
                ("wrong_type", "/campaign"),
                ("wrong_type", "/consent/shared"),
                ("wrong_type", "/consent/at"),
                ("wrong_type", "/preview"),
                ("wrong_type", "/test"),
                ("wrong_type", "/lead_source"),
            ],
        );
        check_refused(r#"{"consent":{}}"#, &[("missing", "/consent/shared")]);
        check_refused(r#"{"customer":"Ada"}"#, &[("wrong_type", "/customer")]);
    }

    #[test]
    fn a_refusal_says_what_to_do_and_repeats_no_value() {
        let json = json::parse(br#"{"customer":{"email":471100}}"#).expect("valid");
        let refusals = Touchpoint::parse(&json).expect_err("a number is no text");
        let expected = Refusal::new(
            "/customer/email",
            "wrong_type",
            "expected text",
            "send a JSON string, in double quotes",
        );
        assert_eq!(refusals, [expected]);
    }

    #[test]
    fn unknown_fields_are_kept_and_clashes_get_a_number() {
        let body = r#"{"score":1,"customer":{"email":"a@b.c","vip":true},"consent":{"shared":true,"ip":"::1"},
            "custom":{"score":2,"customer.vip":"x"},"Email":"b@b.c"}"#;
        assert_eq!(
            Json::Object(read(body).custom).to_string(),
            r#"{"score":2,"customer.vip":"x","score_2":1,"customer.vip_2":true,"consent.ip":"::1","Email":"b@b.c"}"#
        );
    }

    #[test]
    fn the_lead_source_fills_what_no_field_says() {
        let touchpoint = read(r#"{"lead_source":"AppSource-PLT|contoso.crm-pro"}"#);
        assert_eq!((touchpoint.source, touchpoint.action), (Source::Spza, Action::PartnerLedTrial));
        assert_eq!(touchpoint.offer.map(|offer| offer.to_string()).as_deref(), Some("contoso.crm-pro"));
        let touchpoint =
            read(r#"{"lead_source":"SPZA-PLT|CRM Pro","action":"DNC","offer":"a.b","offer_title":"T"}"#);
        assert_eq!((touchpoint.source, touchpoint.action), (Source::Spza, Action::DoNotContact));
        assert_eq!(touchpoint.offer.map(|offer| offer.to_string()).as_deref(), Some("a.b"));
        assert_eq!(touchpoint.offer_title.as_deref(), Some("T"));
    }

    #[test]
    fn the_test_marker_and_the_flag_both_make_a_test() {
        assert!(read(r#"{"test":true}"#).test);
        assert!(read(r#"{"test":false,"customer":{"last_name":"MSFT_TEST_1"}}"#).test);
        assert!(read(r#"{"lead_source":"MSFT_TEST_1-MSFT_TEST_1|x"}"#).test);
        assert!(!read(WHOLE).test);
    }

    #[test]
    fn bounds_hold() {
        let text = |bytes: usize| Json::text("x".repeat(bytes));
        let body = |email: usize, notes: usize| {
            Json::object([("customer", Json::object([("email", text(email))])), ("notes", text(notes))])
                .to_string()
        };
        assert!(!read(&body(limits::FIELD_BYTES_MAX, limits::NOTES_BYTES_MAX)).test);
        let both = [("too_long", "/customer/email"), ("too_long", "/notes")];
        check_refused(&body(limits::FIELD_BYTES_MAX + 1, limits::NOTES_BYTES_MAX + 1), &both);
        let many = Json::object((0..1000).map(|number| (format!("k{number}"), Json::Null)));
        check_refused(&format!("{{\"campaign\":{many}}}"), &[("too_many_entries", "/campaign")]);
        check_refused(&many.to_string(), &[("too_many_entries", "/custom")]);
        let name = "n".repeat(limits::FIELD_BYTES_MAX + 1);
        let refused = Touchpoint::parse(&Json::object([(name, Json::Null)])).expect_err("a long name");
        assert_eq!(refused[0].code, "too_long");
    }

    fn any_touchpoint() -> impl Strategy<Value = Touchpoint> {
        let text = || {
            prop::option::of(
                "\\PC{0,12}".prop_filter_map("blank", |it| crate::text::non_blank(&it).map(str::to_owned)),
            )
        };
        let entries = || {
            let value = prop_oneof![
                Just(Json::Null),
                any::<bool>().prop_map(Json::Bool),
                "\\PC{0,5}".prop_map(Json::Text)
            ];
            prop::collection::btree_map("[a-z.]{0,6}(_[23])?", value, 0..4)
                .prop_map(|map| map.into_iter().collect::<Vec<_>>())
        };
        let moment = || prop::option::of((0_i64..4_000_000_000_000).prop_map(Timestamp::from_millis));
        let words = (
            "AzureMarketplace|AzurePortal|TestDrive|AppSource|\\PC{0,9}",
            "INS|PLT|DNC|Create|StartTestDrive|\\PC{0,9}",
            prop::option::of("[a-z]{1,5}\\.[a-z0-9.-]{1,9}"),
        );
        let customer = prop::collection::vec(text(), CUSTOMER_FIELDS.len());
        let consent = prop::option::of((any::<bool>(), text(), moment()));
        let flags = (any::<bool>(), any::<bool>());
        (words, text(), moment(), customer, text(), entries(), consent, entries(), flags).prop_map(
            |(
                (source, action, offer),
                offer_title,
                occurred_at,
                fields,
                notes,
                campaign,
                consent,
                custom,
                flags,
            )| {
                let mut touchpoint = Touchpoint {
                    source: Source::parse(crate::text::trim(&source)),
                    action: Action::parse(crate::text::trim(&action)),
                    offer: offer.map(|it| OfferRef::parse(&it).expect("made as one")),
                    offer_title,
                    occurred_at,
                    notes,
                    campaign,
                    consent: consent.map(|(shared, text_version, at)| Consent { shared, text_version, at }),
                    custom,
                    preview: flags.0,
                    test: flags.1,
                    ..Touchpoint::default()
                };
                for (name, content) in CUSTOMER_FIELDS.into_iter().zip(fields) {
                    *customer_field(&mut touchpoint.customer, name).expect("a field") = content;
                }
                touchpoint
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(touchpoint in any_touchpoint()) {
            let written = touchpoint.canonical_json().to_string();
            let json = json::parse(written.as_bytes()).expect("written as JSON");
            prop_assert_eq!(Touchpoint::parse(&json), Ok(touchpoint));
        }
    }
}
