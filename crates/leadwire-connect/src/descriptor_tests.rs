//! What is wrong with settings is told field by field, without their values.

use super::*;
use crate::{CONNECTORS, kind};
use serde_json::json;

fn settings(json: Value) -> Settings {
    json.as_object().unwrap().clone()
}

/// Checks which refusals settings of an HTTPS destination give, as `pointer code`.
#[track_caller]
fn check(json: Value, expected: &[&str]) {
    let settings = settings(json);
    let refusals = kind("https").unwrap().open(&settings).err().unwrap_or_default();
    let found: Vec<_> = refusals.iter().map(|it| format!("{} {}", it.pointer, it.code)).collect();
    assert_eq!(found, expected, "{settings:?}");
}

const URL: &str = "https://crm.example.com/leads";

#[test]
fn settings_are_checked_against_the_descriptor() {
    check(json!({"url": URL}), &[]);
    check(json!({}), &["/url missing"]);
    check(json!({"url": null}), &["/url missing"]);
    check(json!({"url": ""}), &["/url blank"]);
    check(json!({"url": 5}), &["/url wrong_type"]);
    check(json!({"url": "crm.example.com"}), &["/url bad_url"]);
    check(json!({"url": "ftp://crm.example.com/"}), &["/url bad_url"]);
    check(json!({"url": "https://me:pw@crm.example.com/"}), &["/url bad_url"]);
    check(json!({"url": "https://crm.example.com/#x"}), &["/url bad_url"]);
    check(json!({"url": format!("https://crm.example.com/{}", "x".repeat(5000))}), &["/url too_long"]);
    check(json!({"url": URL, "format": "xml"}), &["/format not_a_choice"]);
    check(json!({"url": URL, "format": true}), &["/format wrong_type"]);
    check(json!({"url": URL, "in_flight": 1, "timeout_seconds": 60}), &[]);
    check(json!({"url": URL, "in_flight": 0}), &["/in_flight out_of_range"]);
    check(
        json!({"url": URL, "in_flight": 129, "timeout_seconds": 61}),
        &["/in_flight out_of_range", "/timeout_seconds out_of_range"],
    );
    check(json!({"url": URL, "in_flight": "16"}), &["/in_flight wrong_type"]);
    check(json!({"url": URL, "in_flight": 1.5}), &["/in_flight wrong_type"]);
    check(json!({"url": URL, "do_not_contact": "send"}), &[]);
    check(json!({"url": URL, "lead_source_shape": "bare"}), &["/lead_source_shape without_effect"]);
    check(json!({"url": URL, "format": "partner_center", "lead_source_shape": "bare"}), &[]);
    check(json!({"url": URL, "status_overrides": {"400": "retry", "409": "delivered"}}), &[]);
    check(json!({"url": URL, "status_overrides": {"99": "retry"}}), &["/status_overrides bad_status_map"]);
    check(json!({"url": URL, "status_overrides": {"+40": "retry"}}), &["/status_overrides bad_status_map"]);
    check(json!({"url": URL, "status_overrides": {"400": "ignore"}}), &["/status_overrides bad_status_map"]);
    check(json!({"url": URL, "status_overrides": []}), &["/status_overrides wrong_type"]);
    check(json!({"url": URL, "signing_secret": "hunter2"}), &["/signing_secret bad_signing_secret"]);
}

#[test]
fn signing_in_needs_all_of_its_own_settings_and_no_others() {
    let with = |more: Value| {
        let mut all = settings(json!({"url": URL}));
        all.extend(settings(more));
        Value::Object(all)
    };
    check(with(json!({"auth": "basic"})), &["/username missing", "/password missing"]);
    check(with(json!({"auth": "basic", "username": "ann", "password": "x"})), &[]);
    check(with(json!({"auth": "basic", "username": "a:n", "password": "x"})), &["/username bad_username"]);
    check(with(json!({"token": "abc"})), &["/token without_effect"]);
    check(with(json!({"auth": "bearer", "token": "abc"})), &[]);
    check(with(json!({"auth": "bearer", "token": "tökén"})), &["/token not_a_header_value"]);
    check(with(json!({"auth": "bearer", "token": "a\r\nx: y"})), &["/token control_character"]);
    check(with(json!({"auth": "api_key", "api_key": "k"})), &[]);
    check(
        with(json!({"auth": "api_key", "api_key": "k", "api_key_header": "a b"})),
        &["/api_key_header bad_header"],
    );
    for taken in ["Host", "content-length", "webhook-id", "ce-id", "Transfer-Encoding", "idempotency-key"] {
        let settings = json!({"auth": "api_key", "api_key": "k", "api_key_header": taken});
        check(with(settings), &["/api_key_header bad_header"]);
    }
    let missing =
        &["/oauth2_token_url missing", "/oauth2_client_id missing", "/oauth2_client_secret missing"];
    check(with(json!({"auth": "oauth2"})), missing);
    check(
        with(
            json!({"auth": "oauth2", "oauth2_token_url": "https://id.example.com/token", "oauth2_client_id": "a",
                    "oauth2_client_secret": "b"}),
        ),
        &[],
    );
}

#[test]
fn a_misspelt_setting_is_named_with_the_one_that_was_meant() {
    let https = kind("https").unwrap();
    for (name, fix) in [
        ("ulr", "did you mean `url`?"),
        ("formt", "did you mean `format`?"),
        ("signing-secret", "did you mean `signing_secret`?"),
        ("timeout", "did you mean `timeout_seconds`?"),
    ] {
        let mut settings = settings(json!({"url": URL}));
        settings.insert(name.to_owned(), json!("x"));
        let refusals = check_all(https, &settings);
        assert_eq!(
            refusals.iter().map(|it| (it.code, it.fix.as_str())).collect::<Vec<_>>(),
            [("unknown_setting", fix)]
        );
    }
    let refusals = check_all(https, &settings(json!({"url": URL, "zzzzzzzzz": 1})));
    assert!(refusals[0].fix.starts_with("known settings: url, format"), "{}", refusals[0].fix);
}

fn check_all(kind: &crate::ConnectorKind, settings: &Settings) -> Vec<Refusal> {
    super::check(kind.fields(), settings)
}

#[test]
fn no_refusal_repeats_a_value() {
    let https = kind("https").unwrap();
    let bad = "s3cr3t-value";
    for field in https.fields() {
        let mut all = settings(json!({"auth": "basic"}));
        all.insert(field.name.to_owned(), json!(bad));
        for refusal in https.open(&all).err().unwrap_or_default() {
            let text = format!("{refusal:?}");
            assert!(!text.contains(bad), "{text}");
        }
    }
}

#[test]
fn the_egress_policy_is_asked_about_every_url() {
    let https = kind("https").unwrap();
    let all = settings(json!({"url": "https://10.0.0.1/", "auth": "oauth2",
        "oauth2_token_url": "http://id.example.com/", "oauth2_client_id": "a", "oauth2_client_secret": "b"}));
    assert_eq!(check_all(https, &all), []);
    let refusals = https.check_egress(&all, &EgressPolicy::default());
    let found: Vec<_> = refusals.iter().map(|it| (it.pointer.as_str(), it.code)).collect();
    assert_eq!(found, [("/url", "egress_denied"), ("/oauth2_token_url", "egress_denied")]);
}

#[test]
fn typed_text_becomes_what_the_setting_holds() {
    let field = |name: &str| *kind("https").unwrap().fields().find(|it| it.name == name).unwrap();
    assert_eq!(from_text(&field("in_flight"), " 8 "), Ok(json!(8)));
    assert_eq!(
        from_text(&field("status_overrides"), "400=retry, 409=park"),
        Ok(json!({"400": "retry", "409": "park"}))
    );
    assert_eq!(from_text(&field("format"), "cloudevents"), Ok(json!("cloudevents")));
    for (name, text) in
        [("in_flight", "many"), ("in_flight", "0"), ("status_overrides", "400"), ("format", "x"), ("url", "")]
    {
        assert!(from_text(&field(name), text).is_err(), "{name} {text}");
    }
}

#[test]
fn every_descriptor_is_sound() {
    let mut last = "";
    for kind in CONNECTORS {
        assert!(kind.name > last, "sorted by name");
        last = kind.name;
        let fields: Vec<_> = kind.fields().collect();
        for (at, field) in fields.iter().enumerate() {
            let shown = format!("{} {}", kind.name, field.name);
            assert!(fields[..at].iter().all(|it| it.name != field.name), "{shown} twice");
            assert!(!field.label.is_empty() && field.help.ends_with('.'), "{shown}");
            assert!(field.shape != FieldShape::Secret || field.secret, "{shown}");
            assert!(!(field.required && field.default.is_some()), "{shown}");
            if let Some(default) = field.default {
                assert!(from_text(field, default).is_ok(), "{shown}");
            }
            if let Some((other, value)) = field.only_when {
                let other = fields.iter().find(|it| it.name == other).expect(&shown);
                assert!(
                    matches!(other.shape, FieldShape::Choice(it) if it.iter().any(|(it, _)| *it == value)),
                    "{shown}"
                );
            }
        }
        let example = serde_json::from_str::<Settings>(kind.example).expect(kind.name);
        assert!(kind.open(&example).is_ok(), "{}", kind.name);
    }
}
