//! The canonical form is read whole, and what is wrong in it is told.

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
