//! Golden requests, settings, and answers that need a word of their own.

use super::request::Call;
use super::session::Org;
use super::*;
use crate::egress::Answer;
use crate::egress::guard::{EgressPolicy, Ports};
use crate::token::{Fetched, LIFE_UNSAID};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, OfferRef, PublisherId, TouchpointId};
use leadwire_core::outcome::{Fault, Outcome, Timings, Tried};
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Action, Customer, Source, Touchpoint};
use serde_json::{Value, json};
use std::sync::Arc;

/// 2026-11-20T10:00:05Z.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_168_805_000);

/// A lead of this number; 7 is the number of its first touchpoint too.
pub(super) fn payload(lead: u128, touchpoint: u128, attempt: u32) -> Payload {
    let some = |text: &str| Some(text.to_owned());
    Payload {
        delivery: DeliveryId {
            touchpoint: TouchpointId::new(touchpoint),
            destination: DestinationNo::new(3),
        },
        publisher: PublisherId::parse("contoso").unwrap(),
        lead: LeadId::new(lead),
        received_at: Timestamp::from_millis(1_795_168_800_000),
        touchpoint: Arc::new(Touchpoint {
            source: Source::AzureMarketplace,
            action: Action::Installation,
            offer: Some(OfferRef::parse("contoso.crm-pro").unwrap()),
            customer: Customer {
                first_name: some("Ada"),
                last_name: some("Lővelace \"A\""),
                email: Some(format!("ada{lead}@example.com")),
                phone: some("+36201234567"),
                country: some("HU"),
                company: some("Analytical"),
                title: some("CTO"),
            },
            ..Touchpoint::default()
        }),
        attempt,
        standing: Default::default(),
        message: None,
        mapping: None,
    }
}

pub(super) fn settings(more: Value) -> Settings {
    let mut settings = json!({
        "url": "https://acme.my.salesforce.com", "client_id": "3MVG9.key", "client_secret": "s3cr3t+/",
    });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings.as_object().unwrap().clone()
}

pub(super) fn read(more: Value) -> Salesforce {
    let settings = settings(more);
    KIND.open(&settings).map(drop).unwrap_or_else(|refusals| panic!("{refusals:?}"));
    Salesforce::read(&settings).unwrap_or_else(|refusals| panic!("{refusals:?}"))
}

pub(super) fn said(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers
        .iter()
        .map(|(name, value)| (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap()));
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers.collect::<HeaderMap>(),
        body: body.to_owned().into(),
        is_truncated: false,
        peer: [127, 0, 0, 1].into(),
        timings: Timings::default(),
    }
}

#[track_caller]
pub(super) fn check_golden(salesforce: &Salesforce, call: Call, golden: &str) {
    let token = bearer("token").unwrap();
    let request = salesforce.request(salesforce.session.url(), &token, call);
    let shown = PreviewedRequest::of(&request, false);
    let mut lines: Vec<String> = shown.headers.iter().map(|it| format!("{}: {}\n", it.0, it.1)).collect();
    lines.sort();
    let body = String::from_utf8(shown.body.to_vec()).unwrap();
    let text = format!("{} {}\n{}\n{body}\n", shown.method, shown.url, lines.concat());
    assert_eq!(text, golden);
}

fn records(salesforce: &Salesforce, batch: &[Payload]) -> Vec<Record> {
    let groups = salesforce.gather(batch, &mut vec![None; batch.len()]);
    groups.into_iter().map(|it| it.record).collect()
}

#[test]
fn requests_are_the_golden_ones() {
    let salesforce = read(json!({ "mapping": { "OwnerId": "'0055e000001AAAA'", "Rating": null,
        "NumberOfEmployees": "'250' | number | always" } }));
    let batch = [payload(7, 7, 1), payload(8, 8, 1)];
    let all = records(&salesforce, &batch);
    let all: Vec<&Record> = all.iter().collect();
    let shape = &salesforce.shape;
    check_golden(&salesforce, shape.upsert(&all, Sort::Whole), include_str!("golden/upsert.txt"));
    check_golden(&salesforce, shape.upsert(&all, Sort::Owned), include_str!("golden/update.txt"));
    check_golden(&salesforce, shape.upsert_one(all[0], Sort::Whole), include_str!("golden/single.txt"));
    let keys = all.iter().map(|it| &*it.key);
    check_golden(&salesforce, shape.look_up(keys), include_str!("golden/look_up.txt"));
    let forced =
        read(json!({ "duplicates": "force", "assignment_rule": "01Q5e000000AAAA", "api_version": "v66.0",
        "external_id_field": "Marketplace_Id__c" }));
    let call = forced.shape.upsert(&all[..1], Sort::Whole);
    check_golden(&forced, call, include_str!("golden/upsert_forced.txt"));
    let token = salesforce.session.request(NOW).unwrap();
    let text =
        format!("{} {}\n{}\n", token.method, token.url, String::from_utf8(token.body.to_vec()).unwrap());
    assert_eq!(text, include_str!("golden/token.txt"));
}

#[test]
fn two_hundred_keys_fit_into_one_query() {
    let keys: Vec<String> = (0..200_u128).map(|it| LeadId::new(u128::MAX - it).to_string()).collect();
    let call = read(json!({})).shape.look_up(keys.iter().map(String::as_str));
    assert!(call.path.len() < 12_000, "{}", call.path.len());
}

#[test]
fn touchpoints_of_one_lead_become_one_record_as_if_written_in_turn() {
    let salesforce = read(json!({ "mapping": { "Rating": "touchpoint_id | always" } }));
    let mut later = payload(7, 9, 1);
    let mut touchpoint = (*later.touchpoint).clone();
    touchpoint.customer.company = Some("Another".to_owned());
    later.touchpoint = Arc::new(touchpoint);
    // Whatever their order in the batch.
    let groups = salesforce.gather(&[later, payload(7, 7, 1)], &mut [None, None]);
    assert_eq!(groups.len(), 1);
    assert!(groups[0].is_first);
    let value = |name: &str| {
        let field = groups[0].record.fields.iter().find(|it| it.target == name).unwrap();
        field.value.as_text().to_owned()
    };
    assert_eq!(value("Company"), "Analytical");
    assert_eq!(value("Rating"), TouchpointId::new(9).to_string());
}

/// A key pair: private PKCS #8 and public SPKI, both in PEM. Made here, so that no key lies in the project.
pub(super) fn key_pair() -> (String, String) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let pem = |label: &str, der: &[u8]| {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    };
    (pem("PRIVATE KEY", private.as_ref()), pem("PUBLIC KEY", public.as_ref()))
}

pub(super) fn jwt_settings(private_key: &str) -> Value {
    json!({ "auth": "jwt", "client_secret": null, "username": "leads@acme.example", "private_key": private_key })
}

#[test]
fn an_assertion_names_who_signs_for_whom_and_until_when() {
    let (private, public) = key_pair();
    let salesforce = read(jwt_settings(&private));
    let request = salesforce.session.request(NOW).unwrap();
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&request.body).into_owned().collect();
    assert_eq!(form[0].1, "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let parts: Vec<&str> = form[1].1.split('.').collect();
    let part = |at: usize| URL_SAFE_NO_PAD.decode(parts[at]).unwrap();
    assert_eq!(part(0), br#"{"alg":"RS256"}"#);
    let claims: Value = serde_json::from_slice(&part(1)).unwrap();
    let expected = json!({ "iss": "3MVG9.key", "sub": "leads@acme.example", "aud": "https://login.salesforce.com",
        "exp": NOW.millis() / 1000 + 180 });
    assert_eq!(claims, expected);
    let der = public.lines().nth(1).map(|it| STANDARD.decode(it).unwrap()).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der);
    key.verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &part(2)).unwrap();
}

#[track_caller]
fn check_refused(more: Value, pointers: &[&str]) {
    let refusals = KIND.open(&settings(more)).map(drop).unwrap_err();
    let found: Vec<&str> = refusals.iter().map(|it| &*it.pointer).collect();
    assert_eq!(found, pointers, "{refusals:?}");
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    check_refused(json!({ "api_version": "62" }), &["/api_version"]);
    check_refused(json!({ "api_version": "v51.0" }), &["/api_version"]);
    check_refused(json!({ "external_id_field": "Email" }), &["/external_id_field"]);
    check_refused(json!({ "external_id_field": "X'__c" }), &["/external_id_field"]);
    check_refused(json!({ "assignment_rule": "yes\u{e9}" }), &["/assignment_rule"]);
    check_refused(json!({ "mapping": { "Email": "customer.mail" } }), &["/mapping/Email"]);
    let jwt = jwt_settings("-----BEGIN NOTHING-----");
    check_refused(jwt, &["/private_key"]);
    check_refused(json!({ "username": "leads@acme.example" }), &["/username"]);
}

fn token(salesforce: &Salesforce, answer: &Answer) -> Result<Fetched<Org>, Box<Tried>> {
    salesforce.session.read_answer(answer)
}

#[test]
fn data_calls_go_to_an_https_address_or_the_one_in_the_settings() {
    let answer = |instance: &str| {
        let body = json!({ "access_token": "00D!x", "token_type": "Bearer", "instance_url": instance,
            "id": "https://login.salesforce.com/id/00D5e0000000001EAA/0055e000001AAAAAA4" });
        said(200, &[], &body.to_string())
    };
    let salesforce = read(json!({ "url": "http://127.0.0.1:8080" }));
    let fetched = token(&salesforce, &answer("https://acme--test.sandbox.my.salesforce.com")).unwrap();
    assert_eq!(fetched.more.url.as_str(), "https://acme--test.sandbox.my.salesforce.com/");
    assert_eq!(fetched.more.user.as_deref(), Some("0055e000001AAAAAA4"));
    assert!(fetched.life > LIFE_UNSAID);
    assert!(token(&salesforce, &answer("http://127.0.0.1:8080")).is_ok());
    for bad in ["http://127.0.0.1:8081", "http://acme.my.salesforce.com", "acme", "", "file:///x"] {
        let tried = token(&salesforce, &answer(bad)).map(drop).unwrap_err();
        assert_eq!(tried.outcome, Outcome::NotDone(Fault::Pause), "{bad}");
        assert_eq!(tried.evidence.cause, "instance_url_refused", "{bad}");
    }
}

#[test]
fn a_preview_shows_the_requests_without_the_token_and_what_is_never_sent() {
    let salesforce =
        read(json!({ "mapping": { "Company": "customer.company" }, "touchpoint_notes": "none" }));
    let mut nameless = payload(9, 9, 1);
    nameless.touchpoint = Arc::new(Touchpoint::default());
    let batch = [payload(7, 8, 1), nameless];
    let preview = salesforce.preview(&batch, Moment { now: NOW });
    let shown: Vec<(&str, &str)> =
        preview.requests.iter().map(|it| (&*it.method, it.url.split('?').next().unwrap())).collect();
    let root = "https://acme.my.salesforce.com/services/data/v62.0";
    let query = format!("{root}/query");
    let upsert = format!("{root}/composite/sobjects/Lead/LeadwireLeadId__c");
    assert_eq!(shown, [("GET", &*query), ("PATCH", &*upsert)]);
    assert!(
        preview.requests.iter().all(|it| it.headers.contains(&("authorization".into(), "Bearer ***".into())))
    );
    assert_eq!(preview.unsent.len(), 1);
    assert_eq!(preview.unsent[0].evidence.cause, "field_missing");
}

/// A client that may reach this machine.
pub(super) fn lab() -> Egress {
    let policy = EgressPolicy {
        allow_http: true,
        allow_nets: vec!["127.0.0.0/8".parse().unwrap()],
        allow_hosts: Vec::new(),
        ports: Ports::Any,
    };
    Egress::new(policy, None).unwrap()
}
