//! Tests of whose lead a touchpoint belongs to: one rule, one customer, and never two by chance.

use super::*;
use crate::id::{OfferId, OfferRef, PublisherId};
use proptest::prelude::*;

fn touchpoint(email: &str, phone: &str, country: &str, name: &str) -> Touchpoint {
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    let field = |text: &str| text::non_blank(text).map(str::to_owned);
    let customer = Customer {
        first_name: field(first),
        last_name: field(last),
        email: field(email),
        phone: field(phone),
        country: field(country),
        ..Customer::default()
    };
    Touchpoint { customer, ..Touchpoint::default() }
}

fn key(email: &str, phone: &str, country: &str, name: &str) -> Option<[u8; 16]> {
    of(&touchpoint(email, phone, country, name)).key()
}

#[test]
fn one_address_is_one_customer_whatever_else_differs() {
    let ada = key("ada@example.com", "", "", "Ada Lovelace");
    assert!(ada.is_some());
    assert_eq!(ada, key(" <ADA@Example.com> ", "+36201234567", "HU", "A. Lovelace"));
    assert_ne!(ada, key("bob@example.com", "", "", "Ada Lovelace"));
}

#[test]
fn without_an_address_number_and_name_tell_customers_apart() {
    let ada = key("", "06 20 123 4567", "HU", "Ada Lovelace");
    assert!(ada.is_some());
    assert_eq!(ada, key("not an address", "+36 20 123-4567", "", "ADA  LOVELACE"));
    assert_ne!(ada, key("", "+36 20 123 4567", "", "Bob Lovelace"));
    assert_ne!(
        key("", "+36201234567", "", "Ada"),
        key("", "+36201234567", "", " Ada"),
        "first is not last name"
    );
}

#[test]
fn a_customer_without_either_is_alone() {
    for (email, phone, name) in
        [("", "", "Ada Lovelace"), ("a@b", "12", "Ada Lovelace"), ("", "+36201234567", "")]
    {
        let identity = of(&touchpoint(email, phone, "", name));
        assert_eq!(identity, Identity::Alone, "{email} {phone} {name}");
        assert_eq!(identity.key(), None);
    }
}

#[test]
fn a_test_or_a_preview_never_folds_into_a_customer() {
    for mut touchpoint in [
        touchpoint("ada@example.com", "", "", "Ada Lovelace"),
        touchpoint("", "+36201234567", "", "Ada Lovelace"),
    ] {
        let customer = of(&touchpoint).key();
        for (test, preview) in [(true, false), (false, true), (true, true)] {
            (touchpoint.test, touchpoint.preview) = (test, preview);
            assert_ne!(of(&touchpoint).key(), customer);
            assert!(of(&touchpoint).key().is_some());
        }
    }
}

#[test]
fn the_key_is_stored_so_it_never_changes() {
    let hex = |key: Option<[u8; 16]>| key.map(|key| key.map(|byte| format!("{byte:02x}")).concat());
    // Checked with `printf 'leadwire-identity-1\nemail\nada@example.com' | sha256sum`.
    assert_eq!(hex(key("ada@example.com", "", "", "")).as_deref(), Some("52b2c5183c6f0675af9f718cce2e2f59"));
    assert_eq!(
        hex(key("", "+36201234567", "", "Ada Lovelace")).as_deref(),
        Some("eeac2c685c571e7f51eeda5b1b491962")
    );
}

#[test]
fn an_identity_does_not_print_itself() {
    assert_eq!(format!("{:?}", of(&touchpoint("ada@example.com", "", "", ""))), "Email(***)");
}

#[test]
fn a_shared_mailbox_tells_nobody_from_anybody() {
    let shared = |text: &str| SharedMailbox::parse(text).unwrap();
    let rules = IdentityRules {
        shared: vec![shared("INFO@reseller.example"), shared("@Bücher.example")],
        ..IdentityRules::default()
    };
    let key = |email: &str, phone: &str| rules.identify(&touchpoint(email, phone, "", "Ada Lovelace"));
    for email in ["info@Reseller.example", "anyone@bücher.example", "x@xn--bcher-kva.example"] {
        assert_eq!(key(email, ""), Identity::Alone, "{email}");
        assert_eq!(key(email, "+36201234567").rule().0, "phone_and_name", "{email}");
    }
    assert_eq!(key("ada@reseller.example", "").rule().0, "email");
    assert_eq!(SharedMailbox::parse("reseller.example"), None);
    assert_eq!(SharedMailbox::parse("@"), None);
}

#[test]
fn rules_are_asked_in_their_order_and_none_twice() {
    let rules = |rules: &[Rule]| IdentityRules { rules: rules.to_vec(), ..IdentityRules::default() };
    let ada = touchpoint("ada@example.com", "+36201234567", "", "Ada Lovelace");
    for (all, expected) in [
        (&[Rule::Phone, Rule::Email][..], "phone"),
        (&[Rule::PhoneAndName, Rule::Phone][..], "phone_and_name"),
        (&[][..], "alone"),
    ] {
        assert_eq!(rules(all).identify(&ada).rule().0, expected);
        assert_eq!(rules(all).check(), Ok(()));
    }
    assert_eq!(rules(&[Rule::Email, Rule::Email]).check(), Err(BadRules::Twice(Rule::Email)));
}

fn any_touchpoint() -> impl Strategy<Value = Touchpoint> {
    let text = |all: &'static [&'static str]| proptest::sample::select(all);
    (
        text(&["", "ada@x.example", "ADA@x.example", "info@x.example", "bob@y.example", "no address"]),
        text(&["", "+36201234567", "06 20 123 4567", "+36201234568", "12"]),
        text(&["", "Ada Lovelace", "ADA lovelace", "Ada", "Lovelace Ada"]),
        text(&["", "crm", "erp"]),
        any::<(bool, bool)>(),
    )
        .prop_map(|(email, phone, name, offer, (test, preview))| {
            let mut it = touchpoint(email, phone, "HU", name);
            (it.test, it.preview) = (test, preview && !test);
            let publisher = PublisherId::parse("contoso").unwrap();
            it.offer = OfferId::parse(offer).ok().map(|offer| OfferRef { publisher, offer });
            it
        })
}

fn any_rules() -> impl Strategy<Value = IdentityRules> {
    let rules = proptest::sample::subsequence(Rule::ALL.to_vec(), 0..=3).prop_shuffle();
    let shared = proptest::sample::subsequence(vec!["info@x.example", "@y.example"], 0..=2);
    (rules, proptest::sample::select(&Scope::ALL[..]), shared).prop_map(|(rules, scope, shared)| {
        let shared = shared.into_iter().map(|it| SharedMailbox::parse(it).unwrap()).collect();
        IdentityRules { rules, scope, shared }
    })
}

proptest! {
    #[test]
    fn nothing_folds_without_a_rule_whose_fields_match(
        one in any_touchpoint(), other in any_touchpoint(), rules in any_rules(),
    ) {
        let (a, b) = (rules.identify(&one), rules.identify(&other));
        if a.key().is_some() && a.key() == b.key() {
            // What the rule compares, found in another way.
            let address = |it: &Touchpoint| it.customer.email.clone().map(|it| it.to_lowercase());
            let number = |it: &Touchpoint| {
                it.customer.phone.clone().map(|it| it.replace(' ', "").replacen("06", "+36", 1))
            };
            let name = |it: &Touchpoint| {
                let Customer { first_name, last_name, .. } = it.customer.clone();
                (first_name.map(|it| it.to_lowercase()), last_name.map(|it| it.to_lowercase()))
            };
            prop_assert_eq!(a.rule(), b.rule());
            match a.rule().0 {
                "email" => prop_assert_eq!(address(&one), address(&other)),
                "phone" => prop_assert_eq!(number(&one), number(&other)),
                _ => prop_assert_eq!((number(&one), name(&one)), (number(&other), name(&other))),
            }
            prop_assert_eq!((one.test, one.preview), (other.test, other.preview), "no trial is a customer");
            prop_assert!(rules.scope == Scope::Publisher || one.offer == other.offer);
            prop_assert!(rules.rules.iter().any(|it| it.as_str() == a.rule().0));
        }
        // Two publishers' rules never meet in one key either, unless scope and rule are the same.
        if let Some(key) = a.key() {
            let (found, scope) = folded_by(&one, key).unwrap();
            prop_assert!(found == a && scope == rules.scope);
        }
    }
}
