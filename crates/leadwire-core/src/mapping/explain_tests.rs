//! What is told of a mapping is what it does, and a form's parts are the row they were taken from.

use super::super::parts::Parts;
use super::super::trial::{Tally, difference};
use super::super::{Change, Expression, Fate, Kind, Length, Mapping, Rules, Subject, Target, Value, Write};
use crate::id::{LeadId, PublisherId, TouchpointId};
use crate::json::Json;
use crate::language::Language;
use crate::limits::BACK_TEST_EXAMPLES_MAX;
use crate::standing::Seen;
use crate::time::Timestamp;
use crate::touchpoint::{Customer, Touchpoint};
use proptest::prelude::*;

const TARGETS: &[Target] = &[
    Target {
        name: "Company",
        label: "Company",
        kind: Kind::Text,
        longest: Some(Length::Utf16(5)),
        required: true,
    },
    Target { name: "Email", label: "E-mail", kind: Kind::Email, longest: None, required: false },
];
const OWN: &[(&str, &str)] = &[
    ("Company", "customer.company | default('none')"),
    ("Email", "customer.email"),
    ("Title", "customer.title | upper"),
];

fn touchpoint(company: &str, email: &str) -> Touchpoint {
    let text = |it: &str| Some(it.to_owned()).filter(|it| !it.is_empty());
    Touchpoint {
        customer: Customer {
            company: text(company),
            email: text(email),
            title: text("cto"),
            ..Customer::default()
        },
        custom: vec![("seats".to_owned(), Json::Number("12".to_owned()))],
        ..Touchpoint::default()
    }
}

fn with<T>(touchpoint: &Touchpoint, look: impl FnOnce(&Subject<'_>) -> T) -> T {
    let publisher = PublisherId::parse("contoso").unwrap();
    look(&Subject {
        touchpoint,
        publisher: &publisher,
        lead: LeadId::new(7),
        id: TouchpointId::new(8),
        received_at: Timestamp::from_millis(0),
        standing: Seen::default(),
        language: Language::En,
    })
}

fn mapping(changes: &[(&str, Option<&str>)]) -> Mapping {
    Mapping::compose(OWN, changes.iter().copied()).unwrap()
}

#[test]
fn each_row_says_what_came_what_is_sent_and_what_was_done() {
    let told =
        with(&touchpoint("Analytical", "no address"), |it| mapping(&[]).explain(it, &Rules::known(TARGETS)));
    let [company, email, title] = &told.rows[..] else { panic!("three rows") };
    assert_eq!(company.sent.as_ref().map(Value::as_text), Some("Analy"));
    assert_eq!((&company.changes[..], &company.fate), (&[Change::Shortened][..], &Fate::Sent));
    assert_eq!(company.came[0].0, "customer.company");
    let Fate::LeftOut(why) = &email.fate else { panic!("it is left out") };
    assert!(why.contains("is not an e-mail address") && !why.contains("no address"), "{why}");
    assert_eq!(
        (title.sent.as_ref().map(Value::as_text), &title.changes[..]),
        (Some("CTO"), &[Change::Transformed][..])
    );
    let unread: Vec<&str> = told.unread.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(unread, ["custom.seats"], "what no row reads is told");
    let told = with(&touchpoint("", ""), |it| mapping(&[]).explain(it, &Rules::known(TARGETS)));
    assert_eq!((&told.rows[0].changes[..], &told.rows[1].fate), (&[Change::Default][..], &Fate::Empty));
}

#[test]
fn what_cannot_become_a_record_names_its_field_and_goes_on() {
    let rows = mapping(&[("Company", Some("customer.company")), ("Note", Some("details"))]);
    let told = with(&touchpoint("", "ada@example.com"), |it| rows.explain(it, &Rules::known(TARGETS)));
    assert_eq!(told.rows[0].fate, Fate::Refused);
    assert_eq!(told.refused.as_ref().map(|it| it.target.as_str()), Some("Company"));
    assert_eq!(told.sent("Email").map(Value::as_text), Some("ada@example.com"));
}

#[test]
fn a_back_test_counts_each_field_and_keeps_few_examples() {
    let rules = Rules::known(TARGETS);
    let (before, after) = (
        mapping(&[]),
        mapping(&[("Title", None), ("Company", Some("customer.company")), ("Seats", Some("custom.seats"))]),
    );
    let mut tally = Tally::default();
    for (number, company) in ["A", "", "C", "D", "E", "F"].into_iter().enumerate() {
        with(&touchpoint(company, "ada@example.com"), |it| {
            let id = TouchpointId::new(number as u128);
            tally.add(id, &before.explain(it, &rules), &after.explain(it, &rules));
        });
    }
    assert_eq!((tally.looked_at, tally.differing, tally.no_longer_refused), (6, 6, 0));
    assert_eq!(tally.newly_refused.len(), 1);
    let of = |name: &str| tally.fields.iter().find(|it| it.target == name).unwrap();
    assert_eq!((of("Title").emptied, of("Seats").filled, of("Company").emptied), (6, 6, 1));
    assert_eq!(of("Seats").examples.len(), BACK_TEST_EXAMPLES_MAX);
    let same = with(&touchpoint("A", ""), |it| before.explain(it, &rules));
    let mut tally = Tally::default();
    tally.add(TouchpointId::new(1), &same, &same);
    assert_eq!((tally.looked_at, tally.differing, tally.fields.len()), (1, 0, 0));
}

#[test]
fn versions_differ_in_the_rows_that_hold_and_not_in_how_they_are_kept() {
    let row = |name: &str, text: Option<&str>| (name.to_owned(), text.map(str::to_owned));
    let kept = [row("Email", Some("customer.email")), row("Title", None)];
    let found = difference(OWN, &[], &kept);
    assert_eq!(found, [("Title".to_owned(), Some("customer.title | upper".to_owned()), None)]);
    assert_eq!(difference(OWN, &kept, &kept), []);
    let added = difference(OWN, &[], &[row("Seats", Some("custom.seats"))]);
    assert_eq!(added, [("Seats".to_owned(), None, Some("custom.seats".to_owned()))]);
}

#[test]
fn a_row_is_taken_apart_as_people_read_it() {
    let parts = Parts::of("join(' | ', customer.company, source) | trim | default('it''s none') | always");
    assert_eq!(parts.from, "join(' | ', customer.company, source)");
    assert_eq!((parts.steps.as_str(), parts.otherwise.as_str()), ("trim", "it's none"));
    assert_eq!(parts.write, Write::Always);
    let inner = Parts::of("customer.company | default('-') | prefix('x')");
    assert_eq!((inner.steps.as_str(), inner.otherwise.as_str()), ("default('-') | prefix('x')", ""));
    assert_eq!(Parts::of("").text(), "");
    assert!(
        Expression::parse(&Parts { from: String::new(), ..parts }.text()).is_err(),
        "a default alone is no row"
    );
}

fn rows() -> impl Strategy<Value = String> {
    let from = prop_oneof![
        Just("customer.company".to_owned()),
        Just("first(customer.title, 'a|b')".to_owned()),
        Just("join(\" | \", customer.email, custom.seats)".to_owned()),
        "[a-z '|]{0,6}".prop_map(|it| format!("'{}'", it.replace('\'', "''"))),
    ];
    let quoted = "[a-z '|\\n]{0,5}".prop_map(|it| it.replace('\'', "''"));
    let step = prop_oneof![
        Just("trim".to_owned()),
        Just("upper".to_owned()),
        Just("always".to_owned()),
        Just("once".to_owned()),
        Just("truncate(3)".to_owned()),
        quoted.clone().prop_map(|it| format!("default('{it}')")),
        quoted.prop_map(|it| format!("suffix('{it}')")),
    ];
    let steps = prop::collection::vec(step, 0..5);
    let gap = prop_oneof![Just("|"), Just(" | "), Just("  |")];
    (from, steps, gap)
        .prop_map(|(from, steps, gap)| std::iter::once(from).chain(steps).collect::<Vec<_>>().join(gap))
}

proptest! {
    #[test]
    fn what_is_taken_apart_and_put_together_means_the_same(row in rows(), company in "[A-Za-z ]{0,6}") {
        let before = Expression::parse(&row).unwrap();
        let again = Parts::of(&row).text();
        let after = Expression::parse(&again).unwrap_or_else(|it| panic!("{row} became {again}: {it}"));
        prop_assert_eq!(before.write(), after.write());
        with(&touchpoint(&company, ""), |it| {
            prop_assert!(before.value(it) == after.value(it), "{} became {}", row, again);
            Ok(())
        })?;
        prop_assert_eq!(Parts::of(&again).text(), again, "once put together, it stays");
    }

    #[test]
    fn any_text_is_taken_apart(row in ".{0,80}") {
        drop(Parts::of(&row).text());
    }

    #[test]
    fn what_is_told_is_what_is_done(all in prop::collection::vec(rows(), 0..4), company in "[A-Za-z ]{0,9}", email in "[a-z@.]{0,9}") {
        let names = ["Company", "Email", "Title", "Note"];
        let changes: Vec<_> = names.into_iter().zip(all.iter().map(|it| Some(it.as_str()))).collect();
        let (mapping, rules) = (mapping(&changes), Rules::known(TARGETS));
        with(&touchpoint(&company, &email), |it| {
            let told = mapping.explain(it, &rules);
            match mapping.apply(it, &rules) {
                Ok(mapped) => {
                    prop_assert!(told.refused.is_none());
                    let sent: Vec<_> = told.rows.iter().filter_map(|it| Some((&it.target, it.sent.as_ref()?))).collect();
                    let made: Vec<_> = mapped.fields.iter().map(|it| (&it.target, &it.value)).collect();
                    prop_assert!(sent == made);
                }
                Err(why) => prop_assert_eq!(told.refused, Some(why)),
            }
            Ok(())
        })?;
    }
}
