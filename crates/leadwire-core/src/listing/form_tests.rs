//! What a form of a listing page takes, and what it says of the rest.

use super::super::{OfferKind, Texts};
use super::*;
use crate::touchpoint::{Action, Source};
use proptest::prelude::*;
use std::time::Duration;

fn good() -> Filled {
    let mut filled = Filled::default();
    for (field, value) in [
        (Field::FirstName, " Işıl "),
        (Field::LastName, "Çağlar"),
        (Field::Email, "isil@example.com"),
        (Field::Company, "İstanbul Lojistik"),
        (Field::Country, "TR"),
        (Field::Notes, "one\r\ntwo\u{7}"),
        (Field::Consent, "yes"),
    ] {
        filled.put(field, value);
    }
    filled
}

#[track_caller]
fn check(field: Field, value: &str, expected: Option<Mistake>) {
    let mut filled = Filled::default();
    filled.put(field, value);
    for (other, value) in good().0 {
        filled.put(other, &value);
    }
    let found = filled.mistakes();
    assert_eq!(found, expected.map(|it| (field, it)).into_iter().collect::<Vec<_>>(), "{value}");
}

#[test]
fn every_mistake_is_told_and_nothing_else() {
    check(Field::Email, "isil@", Some(Mistake::NotAnEmail));
    check(Field::Email, " ", Some(Mistake::Missing));
    check(Field::Phone, "+90 532 123 45 67", None);
    check(Field::Phone, "06 (20) 123-4567 ext 9", None);
    check(Field::Phone, "call me", Some(Mistake::NotAPhone));
    check(Field::Country, "Magyarország", None);
    check(Field::Country, "Atlantis", Some(Mistake::NotACountry));
    check(Field::FirstName, &"x".repeat(300), Some(Mistake::TooLong));
    check(Field::Notes, &"ő".repeat(limits::FORM_NOTES_CHARS_MAX), None);
    let all = Filled::default().mistakes();
    assert!(all.iter().all(|it| it.0.is_required() && it.1 == Mistake::Missing) && all.len() == 6);
}

#[test]
fn a_good_form_says_what_the_documents_define_with_consent_to_the_text_that_was_shown() {
    let mut texts = super::super::PerLanguage::default();
    let word = |it: &str| it.to_owned();
    texts.put(
        Language::Tr,
        Texts { title: word("Yedek"), consent_version: word("2026-11"), ..Texts::default() },
    );
    let listing = Listing {
        kind: OfferKind::Saas,
        offered: Vec::new(),
        texts,
        pictures: Vec::new(),
        privacy_url: None,
        embed_origins: Vec::new(),
    };
    let offer = OfferRef::parse("contoso.backup").expect("an offer");
    let from = SentFrom {
        offer: &offer,
        listing: &listing,
        button: Button::ContactMe,
        language: Language::Tr,
        is_preview: true,
    };
    let now = Timestamp::from_millis(1_795_168_800_000);
    let campaign = [(word("utm_source"), word("mail"))];
    let made = touchpoint(&good(), from, &campaign, now);
    assert_eq!((&made.source, &made.action), (&Source::Spza, &Action::PartnerLedTrial));
    assert_eq!(made.customer.first_name.as_deref(), Some("Işıl"));
    assert_eq!(made.notes.as_deref(), Some("one\ntwo"));
    let consent = made.consent.clone().expect("consent");
    assert_eq!((consent.shared, consent.text_version.as_deref()), (true, Some("2026-11")));
    assert!(made.preview && made.test);
    // What is stored is read again as the same.
    let kept = made.canonical_json().to_string();
    let read = crate::json::parse(kept.as_bytes()).expect("JSON");
    assert_eq!(Touchpoint::parse(&read).expect("a touchpoint"), made);
}

#[test]
fn campaign_parameters_are_kept_and_others_are_not() {
    let long = "x".repeat(5000);
    let given = [
        ("utm_source", "news letter"),
        ("utm_source", "again"),
        ("gclid", "abc"),
        ("utm_<script>", "x"),
        ("session", "secret"),
        ("utm_content", long.as_str()),
        ("referrer", "https://user:pw@blog.example.com/post?email=ada@example.com#x"),
        ("ocid", " "),
    ];
    let kept = campaign(given.into_iter());
    let names: Vec<&str> = kept.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(names, ["utm_source", "gclid", "utm_content", "referrer"]);
    assert_eq!(kept[0].1, "news letter");
    assert_eq!(kept[2].1.len(), limits::CAMPAIGN_VALUE_CHARS_MAX);
    assert_eq!(kept[3].1, "https://blog.example.com/post");
}

#[test]
fn what_is_no_web_address_is_no_referrer() {
    for text in ["", "javascript:alert(1)", "https://", "https:///x", "android-app://x", "https://a b/"] {
        assert_eq!(referrer(text), None, "{text}");
    }
}

#[test]
fn a_form_is_neither_filled_in_at_once_nor_good_for_ever() {
    let shown = Timestamp::from_millis(1_000_000_000_000);
    let after = |it: Duration| Pace::of(shown, shown.plus(it));
    assert_eq!(after(Duration::ZERO), Pace::TooFast);
    assert_eq!(after(limits::FORM_FILLED_MIN), Pace::Human);
    assert_eq!(after(limits::FORM_KEPT), Pace::Human);
    assert_eq!(after(limits::FORM_KEPT + Duration::from_secs(1)), Pace::Expired);
    assert_eq!(Pace::of(shown.plus(Duration::from_secs(60)), shown), Pace::Human);
}

proptest! {
    #[test]
    fn whatever_is_typed_is_judged_and_never_more_than_its_bound_is_taken(text in "\\PC{0,40}", at in 0usize..9) {
        let mut filled = Filled::default();
        filled.put(Field::ALL[at], &text);
        prop_assert!(filled.mistakes().len() <= Field::ALL.len());
        let has_nul = filled.get(Field::ALL[at]).contains('\0');
        prop_assert!(!has_nul);
    }
}
