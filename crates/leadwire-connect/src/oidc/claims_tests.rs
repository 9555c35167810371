//! What a token may claim and what not: each way of being wrong alone, beside one that is right.

use super::claims::{Expected, check};
use leadwire_core::json;
use leadwire_core::limits::PROVIDER_CLOCK_LEEWAY;
use leadwire_core::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

/// 2026-11-22, in seconds.
const NOW: i64 = 1_795_305_600;
const LEEWAY: i64 = PROVIDER_CLOCK_LEEWAY.as_secs().cast_signed();

fn good() -> Value {
    json!({ "iss": "https://idp.example", "aud": "leadwire", "sub": "248289761001", "nonce": "n-0S6",
        "exp": NOW + 300, "iat": NOW - 2, "auth_time": NOW - 3, "email": "ada@example.com", "email_verified": true })
}

fn expected(again: bool) -> Expected<'static> {
    Expected {
        issuer: "https://idp.example",
        client_id: "leadwire",
        nonce: "n-0S6",
        asked_at: Timestamp::from_millis((NOW - 20) * 1000),
        again,
        now: Timestamp::from_millis(NOW * 1000),
    }
}

/// What comes of a token of which this is changed; null takes it out.
fn with(changes: &Value, again: bool) -> Result<super::Person, &'static str> {
    let mut claims = good();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().shift_remove(name).map_or((), |_| ()),
            _ => claims[name] = value.clone(),
        }
    }
    let claims = json::parse(claims.to_string().as_bytes()).unwrap();
    check(&claims, &expected(again)).map_err(|it| it.cause)
}

#[test]
fn a_good_token_says_who_it_is() {
    let person = with(&json!({}), true).unwrap_or_else(|it| panic!("{it}"));
    assert_eq!((person.subject.as_str(), person.email.as_str()), ("248289761001", "ada@example.com"));
    assert!(person.is_email_verified && !person.has_factor);
    assert_eq!(person.issuer, "https://idp.example");
}

#[test]
fn each_wrong_claim_is_refused_by_its_name() {
    let table = [
        (json!({ "iss": "https://idp.example/" }), "wrong_issuer"),
        (json!({ "iss": "https://evil.example" }), "wrong_issuer"),
        (json!({ "iss": null }), "wrong_issuer"),
        (json!({ "iss": ["https://idp.example"] }), "wrong_issuer"),
        (json!({ "aud": "another" }), "wrong_audience"),
        (json!({ "aud": "leadwire2" }), "wrong_audience"),
        (json!({ "aud": ["another"] }), "wrong_audience"),
        (json!({ "aud": [] }), "wrong_audience"),
        (json!({ "aud": null }), "wrong_audience"),
        (json!({ "aud": { "leadwire": true } }), "wrong_audience"),
        (json!({ "aud": ["leadwire", "another"] }), "wrong_party"),
        (json!({ "aud": ["leadwire", "another"], "azp": "another" }), "wrong_party"),
        (json!({ "azp": "another" }), "wrong_party"),
        (json!({ "azp": ["leadwire"] }), "wrong_party"),
        (json!({ "exp": null }), "no_end"),
        (json!({ "exp": "soon" }), "no_end"),
        (json!({ "exp": NOW - LEEWAY }), "expired"),
        (json!({ "exp": -5 }), "no_end"),
        (json!({ "exp": 0 }), "expired"),
        (json!({ "iat": null }), "no_beginning"),
        (json!({ "iat": NOW + LEEWAY + 1 }), "not_yet"),
        (json!({ "nbf": NOW + LEEWAY + 1 }), "not_yet"),
        (json!({ "iat": NOW - 20 - LEEWAY - 1 }), "made_before"),
        (json!({ "nonce": null }), "wrong_nonce"),
        (json!({ "nonce": "" }), "wrong_nonce"),
        (json!({ "nonce": "n-0S7" }), "wrong_nonce"),
        (json!({ "sub": null }), "no_subject"),
        (json!({ "sub": "" }), "no_subject"),
        (json!({ "sub": 7 }), "no_subject"),
        (json!({ "sub": "x".repeat(256) }), "no_subject"),
    ];
    for (changes, cause) in table {
        assert_eq!(with(&changes, false).err(), Some(cause), "{changes}");
    }
}

#[test]
fn clocks_may_be_a_little_apart_and_several_audiences_are_named() {
    for changes in [
        json!({ "exp": NOW - LEEWAY + 1 }),
        json!({ "iat": NOW + LEEWAY }),
        json!({ "exp": (NOW + 300) as f64 + 0.25 }),
        json!({ "aud": ["leadwire"] }),
        json!({ "aud": ["leadwire", "another"], "azp": "leadwire" }),
        json!({ "azp": "leadwire" }),
        json!({ "auth_time": null }),
    ] {
        assert_eq!(with(&changes, false).err(), None, "{changes}");
    }
}

#[test]
fn whoever_is_asked_again_shows_it_anew() {
    for changes in [
        json!({ "auth_time": null }),
        json!({ "auth_time": NOW - 20 - LEEWAY - 1 }),
        json!({ "auth_time": NOW + LEEWAY + 1 }),
        json!({ "auth_time": "now" }),
    ] {
        assert_eq!(with(&changes, true).err(), Some("not_again"), "{changes}");
        assert_eq!(with(&changes, false).err(), None, "{changes}");
    }
}

#[test]
fn an_address_counts_as_verified_when_the_provider_says_so_and_not_otherwise() {
    for (said, is) in [
        (json!(true), true),
        (json!("true"), true),
        (json!(false), false),
        (json!("yes"), false),
        (json!(1), false),
        (Value::Null, false),
    ] {
        let person = with(&json!({ "email_verified": said }), false).unwrap_or_else(|it| panic!("{it}"));
        assert_eq!(person.is_email_verified, is, "{said}");
    }
}

#[test]
fn a_second_factor_was_shown_when_the_provider_says_so() {
    for (changes, has) in [
        (json!({ "amr": ["pwd", "mfa"] }), true),
        (json!({ "amr": ["pwd", "otp"] }), false),
        (json!({ "amr": "mfa" }), false),
        (json!({ "acr": "https://refeds.org/profile/mfa" }), true),
        (json!({ "acr": "phr" }), true),
        (json!({ "acr": "1" }), false),
    ] {
        let person = with(&changes, false).unwrap_or_else(|it| panic!("{it}"));
        assert_eq!(person.has_factor, has, "{changes}");
    }
}

proptest! {
    /// Whatever a token says, it is believed only with our issuer, our name, our question and within its time.
    #[test]
    fn nothing_is_believed_but_what_was_asked_for(
        issuer in "https://idp[.]example/?|[a-z]{0,3}", audience in "leadwire|[a-z]{0,9}", nonce in "n-0S6|[a-z0-9]{0,5}",
        ends in -1000i64..1000, made in -1000i64..1000,
    ) {
        let changes = json!({ "iss": issuer, "aud": audience, "nonce": nonce, "exp": NOW + ends, "iat": NOW + made });
        let is_ours = issuer == "https://idp.example" && audience == "leadwire" && nonce == "n-0S6";
        let is_in_time = ends > -LEEWAY && (-20 - LEEWAY..=LEEWAY).contains(&made);
        prop_assert_eq!(with(&changes, false).is_ok(), is_ours && is_in_time);
    }
}
