//! Which follow-ups a touchpoint brings about, who never gets one, and what stands in it.

use super::*;
use crate::id::{LeadId, OfferRef, PublisherId, TouchpointId};
use crate::limits::FOLLOW_UP_TEXT_BYTES_MAX;
use crate::touchpoint::Customer;
use proptest::prelude::*;
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_millis(1_795_168_800_000);

fn template(text: &str) -> Template {
    Template::parse(text, FOLLOW_UP_TEXT_BYTES_MAX).unwrap_or_else(|it| panic!("{text}: {it}"))
}

fn follow_up(id: u128, offers: &str, step: Interest, audience: Audience, destination: u32) -> FollowUp {
    let mut words = PerLanguage::default();
    for (language, text) in [
        (Language::En, "Hello {{customer.name}}"),
        (Language::Hu, "Kedves {{customer.name}}"),
        (Language::Tr, "Sayın {{customer.name | title}}"),
    ] {
        words.put(language, Words { subject: template("{{offer_title}}"), text: template(text) });
    }
    FollowUp {
        id: FollowUpId::new(id),
        offers: Offers::parse(offers).unwrap(),
        step,
        audience,
        destination: DestinationNo::new(destination),
        digest_at: None,
        words,
    }
}

fn touchpoint(first: &str, last: &str, country: &str) -> Touchpoint {
    let text = |it: &str| (!it.is_empty()).then(|| it.to_owned());
    Touchpoint {
        offer: Some(OfferRef::parse("contoso.crm-pro").unwrap()),
        offer_title: text("CRM Pro"),
        customer: Customer {
            first_name: text(first),
            last_name: text(last),
            email: text("ada@example.com"),
            country: text(country),
            ..Customer::default()
        },
        ..Touchpoint::default()
    }
}

fn ids(touchpoint: &Touchpoint, step: Interest, all: &[FollowUp]) -> Vec<u128> {
    due(touchpoint, NOW, step, all).iter().map(|it| it.id.bits()).collect()
}

fn said(follow_up: &FollowUp, touchpoint: &Touchpoint) -> Message {
    said_with(follow_up, touchpoint, None)
}

fn said_with(follow_up: &FollowUp, touchpoint: &Touchpoint, stop_url: Option<&str>) -> Message {
    let publisher = PublisherId::parse("contoso").unwrap();
    write(
        follow_up,
        &Subject {
            touchpoint,
            publisher: &publisher,
            lead: LeadId::new(7),
            id: TouchpointId::new(8),
            received_at: NOW,
            standing: Seen::default(),
            language: Language::En,
        },
        stop_url.map(str::to_owned),
    )
}

#[test]
fn the_narrowest_is_sent_and_a_customer_gets_one() {
    use Audience::{Customer, Team};
    use Interest::{Active, Initial};
    let all = [
        follow_up(1, "*", Initial, Customer, 1),
        follow_up(2, "crm-*", Initial, Customer, 2),
        follow_up(3, "crm-pro", Active, Customer, 1),
        follow_up(4, "*", Initial, Team, 3),
        follow_up(5, "crm-pro", Initial, Team, 3),
        follow_up(6, "*", Initial, Team, 4),
    ];
    let ada = touchpoint("Ada", "Lovelace", "");
    assert_eq!(ids(&ada, Initial, &all), [5, 2, 6]);
    assert_eq!(ids(&ada, Active, &all), [3]);
    let elsewhere = Touchpoint { offer: None, ..ada };
    assert_eq!(ids(&elsewhere, Initial, &all), [1, 4, 6]);
}

#[test]
fn nothing_follows_a_test_or_an_action_of_long_ago() {
    let all = [follow_up(1, "*", Interest::Initial, Audience::Team, 1)];
    let ada = touchpoint("Ada", "Lovelace", "");
    assert!(ids(&Touchpoint { test: true, ..ada.clone() }, Interest::Initial, &all).is_empty());
    assert_eq!(ids(&Touchpoint { preview: true, ..ada.clone() }, Interest::Initial, &all), [1]);
    let ago =
        |it: Duration| Some(Timestamp::from_millis(NOW.millis() - i64::try_from(it.as_millis()).unwrap()));
    let fresh = Touchpoint { occurred_at: ago(FOLLOW_UP_AGE_MAX), ..ada.clone() };
    assert_eq!(ids(&fresh, Interest::Initial, &all), [1]);
    let old = Touchpoint { occurred_at: ago(FOLLOW_UP_AGE_MAX + Duration::from_millis(1)), ..ada };
    assert!(ids(&old, Interest::Initial, &all).is_empty());
}

#[test]
fn a_customer_is_written_to_with_consent_and_an_address_only() {
    let ada = touchpoint("Ada", "Lovelace", "");
    let stands = |do_not_contact, consent| Seen { do_not_contact, consent, ..Seen::default() };
    assert_eq!(held(Audience::Customer, stands(false, true), &ada), None);
    assert_eq!(held(Audience::Customer, stands(false, false), &ada), Some("no_consent"));
    assert_eq!(held(Audience::Customer, stands(true, true), &ada), Some("do_not_contact"));
    assert_eq!(held(Audience::Team, stands(true, true), &ada), Some("do_not_contact"));
    assert_eq!(held(Audience::Team, stands(false, false), &ada), None);
    for email in [None, Some("ada at example".to_owned())] {
        let unreachable = Touchpoint { customer: Customer { email, ..Customer::default() }, ..ada.clone() };
        assert_eq!(held(Audience::Customer, stands(false, true), &unreachable), Some("no_address"));
    }
}

#[test]
fn names_stand_in_the_order_of_the_language_and_with_its_capitals() {
    let to = follow_up(1, "*", Interest::Initial, Audience::Customer, 1);
    let text = |first: &str, last: &str, country: &str| said(&to, &touchpoint(first, last, country)).text;
    assert_eq!(text("Ada", "Lovelace", "GB"), "Hello Ada Lovelace");
    assert_eq!(text("Ilona", "Kovács", "Hungary"), "Kedves Kovács Ilona");
    assert_eq!(text("İNCİ", "IŞIK", "TR"), "Sayın İnci Işık");
    let mut by_form = touchpoint("Ilona", "Kovács", "TR");
    by_form.custom.push(("language".to_owned(), Json::text("hu")));
    assert_eq!(said(&to, &by_form).text, "Kedves Kovács Ilona");
    let team = follow_up(1, "*", Interest::Initial, Audience::Team, 1);
    assert_eq!(said(&team, &by_form).text, "Hello Ilona Kovács");
    assert!(said(&to, &by_form).language == Language::Hu && said(&to, &by_form).subject == "CRM Pro");
}

#[test]
fn a_digest_is_due_at_the_next_such_minute() {
    let mut it = follow_up(1, "*", Interest::Initial, Audience::Team, 1);
    assert_eq!(it.due_at(NOW), NOW);
    // NOW is 10:00 UTC.
    for (at, hours) in [("10:01", 1.0 / 60.0), ("10:00", 24.0), ("08:00", 22.0), ("00:00", 14.0)] {
        it.digest_at = DayMinute::parse(at);
        assert_eq!(it.due_at(NOW), NOW.plus(Duration::from_secs_f64(hours * 3600.0)), "{at}");
        assert_eq!(it.digest_at.unwrap().to_string(), at);
    }
    for bad in ["", "8:00", "24:00", "10:60", "10", "+1:00", "10:00:00"] {
        assert_eq!(DayMinute::parse(bad), None, "{bad}");
    }
}

#[test]
fn bad_words_say_what_is_wrong() {
    let refused = |text: &str, max| Template::parse(text, max).unwrap_err().message;
    assert!(refused(" \n", 100).contains("no words"));
    assert!(refused("12345", 4).contains("5 bytes"));
    assert!(refused("Dear {{customer.first_name", 100).contains("not closed"));
    assert!(refused("Dear {{customer.nick}}", 100).contains("customer.nick"));
    assert!(refused(&"{{offer}}".repeat(100), 10_000).contains("places"));
    let kept = template("a {{ customer.title | default('}}') }} b");
    assert_eq!(kept.source(), "a {{ customer.title | default('}}') }} b");
    let mut it = follow_up(1, "*", Interest::Initial, Audience::Team, 1);
    it.words.put(Language::En, Words { subject: template("x"), text: kept });
    assert_eq!(said(&it, &touchpoint("Ada", "", "")).text, "a }} b");
}

#[test]
fn a_strangers_link_is_not_carried_to_a_customer() {
    let it = follow_up(1, "*", Interest::Initial, Audience::Customer, 1);
    for spam in ["see https://spam.example", "www.spam.example", "spam.example/x", "write to x@spam.example"]
    {
        assert_eq!(said(&it, &touchpoint(spam, "", "")).text, "Hello ", "{spam}");
    }
    assert_eq!(said(&it, &touchpoint("Ada\r\nBcc: x", "J. R.", "")).text, "Hello Ada Bcc: x J. R.");
}

#[test]
fn a_customer_is_told_where_to_say_no_and_the_team_is_not() {
    let url = "https://leads.example.com/stop/x";
    let mut it = follow_up(1, "*", Interest::Initial, Audience::Customer, 1);
    let told = said_with(&it, &touchpoint("Ilona", "Kovács", "HU"), Some(url));
    assert_eq!(told.text, format!("Kedves Kovács Ilona\n\nHa nem kér tőlünk több üzenetet: {url}"));
    assert_eq!(told.stop_url.as_deref(), Some(url));
    it.words.put(Language::En, Words { subject: template("x"), text: template("No more: {{stop_link}}.") });
    assert_eq!(said_with(&it, &touchpoint("Ada", "", ""), Some(url)).text, format!("No more: {url}."));
    assert_eq!(said(&it, &touchpoint("Ada", "", "")).text, "No more: .");
    let team = follow_up(1, "*", Interest::Initial, Audience::Team, 1);
    let told = said_with(&team, &touchpoint("Ada", "", ""), Some(url));
    assert!(told.stop_url.is_none() && !told.text.contains("stop"));
}

proptest! {
    #[test]
    fn a_message_to_a_customer_has_no_line_or_link_of_theirs(first in "\\PC{0,200}", last in any::<String>()) {
        let it = follow_up(1, "*", Interest::Initial, Audience::Customer, 1);
        let message = said(&it, &touchpoint(&first, &last, ""));
        prop_assert!(!message.text.contains(['\n', '\r', '@']) && !message.text.contains("://"));
        prop_assert!(!message.subject.contains(['\n', '\r']));
    }

    #[test]
    fn nobody_who_must_not_be_contacted_gets_a_follow_up(consent: bool, is_team: bool, email in "\\PC{0,20}") {
        let audience = if is_team { Audience::Team } else { Audience::Customer };
        let customer = Customer { email: Some(email), ..Customer::default() };
        let touchpoint = Touchpoint { customer, ..Touchpoint::default() };
        let standing = Seen { do_not_contact: true, consent, ..Seen::default() };
        prop_assert_eq!(held(audience, standing, &touchpoint), Some("do_not_contact"));
    }
}
