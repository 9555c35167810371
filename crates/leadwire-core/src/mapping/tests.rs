//! Rows as people write them, and the laws that hold for every row and every touchpoint.

use super::*;
use crate::id::{LeadId, PublisherId, TouchpointId};
use crate::json::Json;
use crate::limits::{MAPPED_BYTES_MAX, MAPPING_ROWS_MAX};
use crate::touchpoint::{Action, Consent, Customer, Source as TouchpointSource};
use proptest::prelude::*;

const NO_ROWS: [(&str, Option<&str>); 0] = [];

fn ada() -> Touchpoint {
    let text = |it: &str| Some(it.to_owned());
    Touchpoint {
        source: TouchpointSource::AzureMarketplace,
        action: Action::Installation,
        offer: Some(crate::id::OfferRef::parse("contoso.crm-pro").unwrap()),
        occurred_at: Some(Timestamp::from_millis(1_795_168_800_000)),
        customer: Customer {
            first_name: text("Ada"),
            last_name: text("King Lovelace"),
            email: text("ada@example.com"),
            phone: text("06 20 123 4567"),
            country: text("Hungary"),
            company: text("Analytical"),
            title: None,
        },
        notes: text("call me"),
        campaign: vec![("utm_source".to_owned(), Json::Text("spring".to_owned()))],
        consent: Some(Consent { shared: true, text_version: text("2026-01"), at: None }),
        custom: vec![("seats".to_owned(), Json::Number("12".to_owned()))],
        ..Touchpoint::default()
    }
}

fn value_of(touchpoint: &Touchpoint, row: &str) -> Option<String> {
    let publisher = PublisherId::parse("contoso").unwrap();
    let subject = Subject {
        touchpoint,
        publisher: &publisher,
        lead: LeadId::new(7),
        id: TouchpointId::new(8),
        received_at: Timestamp::from_millis(1_795_168_801_000),
        standing: Seen::default(),
        language: Language::En,
    };
    let expression = Expression::parse(row).unwrap_or_else(|it| panic!("{row}: {it}"));
    expression.value(&subject).map(|it| it.as_text().to_owned())
}

fn apply(touchpoint: &Touchpoint, rows: &[(&str, &str)], targets: &[Target]) -> Result<Mapped, Unmappable> {
    let publisher = PublisherId::parse("contoso").unwrap();
    let subject = Subject {
        touchpoint,
        publisher: &publisher,
        lead: LeadId::new(7),
        id: TouchpointId::new(8),
        received_at: Timestamp::from_millis(0),
        standing: Seen::default(),
        language: Language::En,
    };
    Mapping::compose(rows, NO_ROWS).unwrap().apply(&subject, &Rules::known(targets))
}

#[track_caller]
fn check(row: &str, expected: &str) {
    assert_eq!(value_of(&ada(), row).as_deref(), Some(expected), "{row}");
}

#[track_caller]
fn check_none(row: &str) {
    assert_eq!(value_of(&ada(), row), None, "{row}");
}

#[track_caller]
fn check_refused(row: &str, in_message: &str) {
    let refused = Expression::parse(row).err().unwrap_or_else(|| panic!("{row} was read"));
    assert!(refused.message.contains(in_message), "{row}: {}", refused.message);
    assert!(!refused.fix.is_empty());
}

#[test]
fn sources_give_what_their_name_says() {
    check("customer.first_name", "Ada");
    check("customer.name", "Ada King Lovelace");
    check_none("customer.title");
    check("lead_source", "AzureMarketplace-INS|contoso.crm-pro");
    check("offer_title", "contoso.crm-pro");
    check("custom.seats", "12");
    check("campaign.utm_source", "spring");
    check_none("custom.absent");
    check("'It''s'", "It's");
    check("\"It's\" | suffix(\"\"\"\")", "It's\"");
    check("occurred_at", "2026-11-20T10:00:00Z");
    check("do_not_contact", "false");
    check("consent.shared", "true");
    check("first(customer.title, customer.company)", "Analytical");
    check("join(', ', customer.title, customer.company, 'x')", "Analytical, x");
}

#[test]
fn transforms_do_what_they_say() {
    check("customer.title | default('-')", "-");
    check("customer.last_name | first_word", "King");
    check("customer.last_name | rest", "Lovelace");
    check("customer.last_name|upper|truncate(4)", "KING");
    check("'éclair au chocolat' | title", "Éclair Au Chocolat");
    check("customer.email | domain", "example.com");
    check("customer.phone | e164", "+36201234567");
    check("customer.phone | digits", "06201234567");
    check("customer.country | country_code", "HU");
    check("customer.country | country_code3", "HUN");
    check("'USA' | country_name", "United States");
    check("'Türkiye' | country_name('en')", "Türkiye");
    check("'Atlantis' | country_name", "Atlantis");
    check_none("'Atlantis' | country_code");
    check("action | map('INS', 'Installed', 'PLT', 'Asked')", "Installed");
    check("action | map('PLT', 'Asked', 'Other')", "Other");
    check("customer.title | map('a', 'b', 'none')", "none");
    check("customer.email | replace('@', ' at ') | prefix('<') | suffix('>')", "<ada at example.com>");
    check("'a;b;c' | part(';', 2)", "b");
    check_none("'a;b;c' | part(';', 4)");
    check("occurred_at | date", "2026-11-20");
    check("occurred_at | unix_seconds", "1795168800");
    check("occurred_at | unix_milliseconds", "1795168800000");
    check("consent.shared | yes_no('Y', 'N')", "Y");
    check("consent.shared | not", "false");
    check_none("do_not_contact | only_true");
    check("'yes' | boolean", "true");
    check_none("'maybe' | boolean");
    check_none("'twelve' | number");
    check("'abc' | sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn a_row_that_cannot_be_read_says_what_there_is() {
    check_refused("customer.nme", "no source called `customer.nme`");
    check_refused("customer.name | shout", "no transform called `shout`");
    check_refused("customer.name | truncate", "does not take these arguments");
    check_refused("customer.name | truncate('x')", "does not take these arguments");
    check_refused("customer.name | truncate(0)", "does not take these arguments");
    check_refused("customer.name | default('x'", "expected `)`");
    check_refused("customer.name | default('x", "no closing");
    check_refused("customer.name upper", "expected `|`");
    check_refused("", "expected a name, found the end");
    check_refused("customer.name | country_name('de')", "no such language");
    check_refused(&format!("customer.name{}", " | trim".repeat(17)), "more than 16");
    check_refused(&format!("'{}'", "x".repeat(2000)), "too long");
    check_refused("each(customer.name)", "does not combine");
}

#[test]
fn every_source_and_transform_of_the_tables_can_be_written() {
    for source in SOURCES {
        assert!(Expression::parse(source.name).is_ok(), "{}", source.name);
    }
    for (usage, _) in TRANSFORMS {
        let written = usage.replace("(n)", "(3)").replace(", n)", ", 3)").replace(", …", "");
        let row = format!("customer.name | {written}");
        assert!(Expression::parse(&row).is_ok(), "{row}: {:?}", Expression::parse(&row));
    }
}

#[test]
fn a_publishers_rows_take_the_place_of_the_default_ones() {
    let defaults = [("Company", "customer.company"), ("Title", "customer.title")];
    let changes = [("Title", None), ("Company", Some("'x' | always")), ("Source", Some("source"))];
    let mapping = Mapping::compose(&defaults, changes).unwrap();
    let rows: Vec<_> = mapping.rows().map(|(target, it)| (target, it.text(), it.write())).collect();
    assert_eq!(rows, [("Company", "'x' | always", Write::Always), ("Source", "source", Write::Once)]);
    let bad = Mapping::compose(&defaults, [("A", Some("?")), ("B", Some("nobody"))]).unwrap_err();
    assert_eq!(bad.iter().map(|it| &*it.target).collect::<Vec<_>>(), ["A", "B"]);
    let many: Vec<String> = (0..=MAPPING_ROWS_MAX).map(|it| format!("F{it}")).collect();
    assert_eq!(Mapping::compose(&[], many.iter().map(|it| (&**it, Some("source")))).unwrap_err().len(), 1);
}

const fn target(name: &'static str, kind: Kind, longest: Option<Length>, required: bool) -> Target {
    Target { name, label: "", kind, longest, required }
}

#[test]
fn a_value_is_held_to_its_target_and_the_change_is_told_without_the_value() {
    let targets = [
        target("Name", Kind::Text, Some(Length::Utf16(4)), true),
        target("Mail", Kind::Email, Some(Length::Utf16(80)), false),
        target("Seats", Kind::Number, None, false),
        target("Day", Kind::Moment, None, false),
    ];
    let rows = [
        ("Name", "customer.last_name"),
        ("Mail", "'not an address'"),
        ("Seats", "'many'"),
        ("Day", "occurred_at | date"),
        ("Free", "'anything'"),
    ];
    let mapped = apply(&ada(), &rows, &targets).ok().unwrap();
    let fields: Vec<_> = mapped.fields.iter().map(|it| (&*it.target, it.value.as_text())).collect();
    assert_eq!(fields, [("Name", "King"), ("Day", "2026-11-20"), ("Free", "anything")]);
    assert_eq!(
        mapped.notes,
        [
            "Name was shortened to 4 characters",
            "Mail was left out: its value is not an e-mail address",
            "Seats was left out: its value is not a number",
        ]
    );
}

#[test]
fn a_required_target_without_a_fitting_value_names_itself_and_the_fix() {
    let targets = [target("Title", Kind::Text, None, true)];
    let missing = apply(&ada(), &[("Title", "customer.title")], &targets).err().unwrap();
    assert_eq!((missing.cause, &*missing.target), ("field_missing", "Title"));
    assert!(missing.fix.contains("default"));
    let targets = [target("Mail", Kind::Email, None, true)];
    let invalid = apply(&ada(), &[("Mail", "'x'")], &targets).err().unwrap();
    assert_eq!(invalid.cause, "field_invalid");
}

#[test]
fn choices_are_met_whatever_the_case_and_written_as_the_destination_does() {
    let mut rules = Rules::default();
    let choices = vec!["Web".to_owned(), "Trade Show".to_owned()];
    rules.learn("Source", Rule { kind: Kind::Text, longest: None, choices, required: false });
    let mut notes = Vec::new();
    let mut held = |text: &str| {
        let value = rules.hold("Source", Some(Value::Text(text.to_owned())), &mut notes).ok().unwrap();
        value.map(|it| it.as_text().to_owned())
    };
    assert_eq!(held("trade show").as_deref(), Some("Trade Show"));
    assert_eq!(held("Radio"), None);
    assert_eq!(notes, ["Source was left out: its value is none of the choices there"]);
}

#[test]
fn details_repeat_the_contact_data() {
    let details = value_of(&ada(), "details").unwrap();
    for part in [
        "Ada King Lovelace",
        "ada@example.com",
        "06 20 123 4567",
        "Campaign utm_source: spring",
        "\n\ncall me",
    ] {
        assert!(details.contains(part), "{part}: {details}");
    }
}

proptest! {
    #[test]
    fn no_row_gives_more_than_the_longest_value(text in ".{0,200}", from in ".{1,3}", to in ".{0,50}") {
        let touchpoint = Touchpoint { notes: Some(text.repeat(2000)), ..Touchpoint::default() };
        let quote = |it: &str| it.replace('\'', "''");
        let row = format!("notes | replace('{}', '{}') | replace('e', '{}')", quote(&from), quote(&to), quote(&to));
        let value = value_of(&touchpoint, &row);
        prop_assert!(value.is_none_or(|it| it.len() <= MAPPED_BYTES_MAX));
    }

    #[test]
    fn any_text_is_read_or_refused_without_a_panic(row in ".{0,300}") {
        drop(Expression::parse(&row));
    }

    #[test]
    fn a_shortened_text_fits_in_the_unit_it_is_counted_in(text in ".{0,60}", max in 1usize..40) {
        for longest in [Length::Utf16(max), Length::Bytes(max)] {
            let rule = Rule { kind: Kind::Text, longest: Some(longest), choices: Vec::new(), required: false };
            let mut rules = Rules::default();
            rules.learn("T", rule);
            let held = rules.hold("T", Some(Value::Text(text.clone())), &mut Vec::new()).ok().unwrap().unwrap();
            let length = match longest {
                Length::Utf16(_) => held.as_text().encode_utf16().count(),
                Length::Bytes(_) => held.as_text().len(),
            };
            prop_assert!(length <= max && text.starts_with(held.as_text()));
        }
    }
}
