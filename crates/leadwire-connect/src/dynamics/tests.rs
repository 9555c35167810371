//! Golden requests, the verdict corpus, settings, and answers that need a word of their own.

use super::reply::{About, Batch, Fate};
use super::*;
use crate::egress::Answer;
use crate::egress::guard::{EgressPolicy, Ports};
use crate::group::Group;
use crate::token::Age;
use crate::verdicts;
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, OfferRef, PublisherId, TouchpointId};
use leadwire_core::outcome::{Fault, Outcome, Tried};
use leadwire_core::touchpoint::{Action, Customer, Source, Touchpoint};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;

/// 2026-11-20T10:00:05Z.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_168_805_000);

/// A lead of this number; when the touchpoint has the same, it is the lead's first.
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

pub(super) fn with(mut payload: Payload, change: impl FnOnce(&mut Touchpoint)) -> Payload {
    let mut touchpoint = (*payload.touchpoint).clone();
    change(&mut touchpoint);
    payload.touchpoint = Arc::new(touchpoint);
    payload
}

pub(super) fn settings(more: Value) -> Settings {
    let mut settings = json!({
        "url": "https://contoso.crm4.dynamics.com/main.aspx?appid=1",
        "tenant": "aaaabbbb-0000-cccc-1111-dddd2222eeee",
        "client_id": "00001111-aaaa-2222-bbbb-3333cccc4444",
        "client_secret": "s3cr3t~",
    });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings.as_object().unwrap().clone()
}

pub(super) fn read(more: Value) -> Dynamics {
    let settings = settings(more);
    KIND.open(&settings).map(drop).unwrap_or_else(|refusals| panic!("{refusals:?}"));
    Dynamics::read(&settings).unwrap_or_else(|refusals| panic!("{refusals:?}"))
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

pub(super) fn shown(shown: &PreviewedRequest) -> String {
    let mut lines: Vec<String> = shown.headers.iter().map(|it| format!("{}: {}\n", it.0, it.1)).collect();
    lines.sort();
    let body = String::from_utf8(shown.body.to_vec()).unwrap();
    // Line ends within a batch are part of it, and are to be seen.
    let body = body.replace('\r', "\\r");
    format!("{} {}\n{}\n{body}\n", shown.method, shown.url, lines.concat())
}

#[track_caller]
fn check_golden(dynamics: &Dynamics, call: Call, golden: &str) {
    let request = dynamics.request(call, &bearer("token").unwrap());
    assert_eq!(shown(&PreviewedRequest::of(&request, false)), golden);
}

fn calls(dynamics: &Dynamics, batch: &[Payload], act: Act) -> Vec<Call> {
    let groups = dynamics.gather(batch, &mut vec![None; batch.len()]);
    groups.iter().map(|it| dynamics.shape.call(&it.record, act)).collect()
}

#[test]
fn requests_are_the_golden_ones() {
    let more = json!({ "mapping": { "ownerid@odata.bind": "'/teams(d96e9f55-0000-4000-8000-000000000002)'",
        "numberofemployees": "'250' | number | always" } });
    let dynamics = read(more.clone());
    let batch = [payload(7, 7, 1), payload(8, 8, 1)];
    let create = calls(&dynamics, &batch, Act::Create);
    let own = calls(&dynamics, &batch, Act::Own);
    check_golden(&dynamics, create[0].clone(), include_str!("golden/create.txt"));
    check_golden(&dynamics, own[0].clone(), include_str!("golden/update.txt"));
    check_golden(&dynamics, calls(&dynamics, &batch, Act::Look)[0].clone(), include_str!("golden/look.txt"));
    check_golden(&dynamics, dynamics.shape.batch(&create), include_str!("golden/batch.txt"));
    check_golden(
        &dynamics,
        Call::get("/api/data/v9.2/WhoAmI".to_owned()),
        include_str!("golden/who_am_i.txt"),
    );
    let mut keyed = more;
    keyed["key"] = json!("alternate_key");
    keyed["duplicates"] = json!("park");
    keyed["api_version"] = json!("v9.1");
    let keyed = read(keyed);
    let create = calls(&keyed, &batch[..1], Act::Create).remove(0);
    check_golden(&keyed, create, include_str!("golden/create_by_alternate_key.txt"));
    let token = dynamics.sign_in.request(NOW).unwrap();
    let text =
        format!("{} {}\n{}\n", token.method, token.url, String::from_utf8(token.body.to_vec()).unwrap());
    assert_eq!(text, include_str!("golden/token.txt"));
}

#[test]
fn a_batch_is_bounded_in_requests_and_in_bytes() {
    let dynamics = read(json!({}));
    let batch: Vec<Payload> = (1..=250).map(|it| payload(it, it, 1)).collect();
    let mut all = calls(&dynamics, &batch, Act::Create);
    assert_eq!(batch_len(&all), RECORDS_MAX);
    for call in &mut all {
        call.body = vec![b' '; 1024 * 1024];
    }
    assert_eq!(batch_len(&all), 3);
    all[0].body = vec![b' '; 16 * 1024 * 1024];
    assert_eq!(batch_len(&all), 1);
}

#[test]
fn touchpoints_of_one_lead_become_one_record_as_if_written_in_turn() {
    let dynamics = read(json!({ "mapping": { "sic": "touchpoint_id | digits | truncate(20) | always" } }));
    let later = with(payload(7, 9, 1), |it| it.customer.company = Some("Another".to_owned()));
    // Whatever their order in the batch.
    let groups = dynamics.gather(&[later, payload(7, 7, 1)], &mut [None, None]);
    assert_eq!(groups.len(), 1);
    assert!(groups[0].is_first);
    let value = |group: &Group, name: &str| {
        let field = group.record.fields.iter().find(|it| it.target == name).unwrap();
        field.value.as_text().to_owned()
    };
    assert_eq!(value(&groups[0], "companyname"), "Analytical");
    let alone = dynamics.gather(&[payload(7, 9, 1)], &mut [None]);
    assert_eq!(value(&groups[0], "sic"), value(&alone[0], "sic"));
}

fn tried(case: &verdicts::Case) -> Vec<Tried> {
    let text = |name: &str| case.entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let age = if text("token") == "fresh" { Age::Fresh(1) } else { Age::Cached(1) };
    let duplicates = match text("duplicates") {
        "deliver" => Duplicates::Deliver,
        "park" => Duplicates::Park,
        _ => Duplicates::Create,
    };
    let key_column = Some("leadwire_leadid").filter(|_| text("key") == "alternate_key");
    let about = About { age, now: NOW, key_column, duplicates };
    let act = match text("act") {
        "look" => Act::Look,
        "own" => Act::Own,
        _ => Act::Create,
    };
    let known = ["ada@example.com", "Lovelace"];
    let fates: Vec<Fate> = match case.entry.get("batch").and_then(Value::as_u64) {
        None => vec![reply::read(&case.answer, act, &known, &about)],
        Some(count) => {
            let count = usize::try_from(count).unwrap();
            match reply::read_batch(&case.answer, count, &about) {
                Batch::Refused(tried) => vec![Fate::Other(tried); count],
                Batch::Each(each) => {
                    let read = |it: Result<Answer, Box<Tried>>| match it {
                        Ok(answer) => reply::read(&answer, act, &known, &about),
                        Err(tried) => Fate::Other(*tried),
                    };
                    each.into_iter().map(read).collect()
                }
            }
        }
    };
    fates.into_iter().map(shown_fate).collect()
}

/// Fates that are no outcome yet are shown as one with a cause of their own.
fn shown_fate(fate: Fate) -> Tried {
    let settled = |outcome: Outcome, cause: &str| Tried {
        outcome,
        evidence: leadwire_core::outcome::Evidence { cause: cause.to_owned(), ..Default::default() },
    };
    match fate {
        Fate::Written(tried) | Fate::Other(tried) => tried,
        Fate::Open(_) => settled(Outcome::Done(Receipt::Accepted), "is_there"),
        Fate::Closed(_) => settled(Outcome::Done(Receipt::Accepted), "is_closed"),
        Fate::Missing => settled(Outcome::NotDone(Fault::RetryAfter(None)), "is_missing"),
    }
}

#[test]
fn every_answer_of_the_corpus_is_read_right() {
    let corpus = verdicts::cases(include_str!("verdicts.json"));
    assert!(corpus.len() >= 70, "{}", corpus.len());
    let mut names = HashSet::new();
    for case in corpus {
        assert!(names.insert(case.name.clone()), "{} is there twice", case.name);
        let tried = tried(&case);
        verdicts::check(&case, &tried);
        if let Some(cause) = &case.cause {
            assert!(tried.iter().any(|it| it.evidence.cause == *cause), "{}: {tried:?}", case.name);
        }
        for it in &tried {
            let text = format!("{} {} {}", it.evidence.message, it.evidence.fix, it.evidence.answer);
            assert!(!text.contains("ada@example.com") && !text.contains("Lovelace"), "{}: {text}", case.name);
        }
    }
}

/// Error texts of the marketplace's own lead writer (azure-docs, `lead-management-faq.md`), each with its cause here.
#[test]
fn every_text_the_marketplace_documents_is_in_the_catalogue() {
    const DOCUMENTED: [(&str, &str); 8] = [
        (
            "Check the Dynamics CRM account settings. LastCRMError: Unable to sign in to Dynamics CRM",
            "client_refused",
        ),
        (
            "User does not have create permissions for the leadsourcecode attribute in the lead entity",
            "column_locked",
        ),
        ("using AAD. Exception:: Tenant not found…", "tenant_unknown"),
        (
            "LastCRMError: SecLib::RetrievePrivilegeForUser failed - no roles are assigned to user.",
            "role_missing",
        ),
        ("using AAD. Exception:: Application with identifier was not found in the directory", "app_unknown"),
        (
            "using AAD. Exception:: Requested tenant identifier is not valid and not valid external domain format",
            "tenant_invalid",
        ),
        (
            "using AAD. Exception:: Error validating credentials.: Invalid client secret is provided.",
            "secret_wrong",
        ),
        (
            "LastCRMError: The request channel timed out while waiting for a reply after 00:02:00…",
            "address_wrong",
        ),
    ];
    for (text, cause) in DOCUMENTED {
        let lower = text.to_lowercase();
        let is_told = |it: &&crate::catalogue::Known| {
            it.texts.iter().any(|piece| lower.contains(&piece.to_lowercase()))
        };
        let found = KIND.errors.iter().find(is_told).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(found.cause, cause, "{text}");
        assert!(!found.fix.is_empty(), "{text}");
    }
}

#[test]
fn the_catalogue_tells_each_code_once_and_what_to_do() {
    let mut codes = HashSet::new();
    for it in KIND.errors {
        assert!(codes.insert(it.code.to_lowercase()), "{} is there twice", it.code);
        let needs_somebody =
            matches!(it.fault, Fault::Pause | Fault::Park | Fault::Stop | Fault::RetryThenPause { .. });
        assert!(!needs_somebody || !it.fix.is_empty(), "{}", it.code);
    }
}

#[track_caller]
fn check_refused(more: Value, pointers: &[&str]) {
    let refusals = KIND.open(&settings(more)).map(drop).unwrap_err();
    let found: Vec<&str> = refusals.iter().map(|it| &*it.pointer).collect();
    assert_eq!(found, pointers, "{refusals:?}");
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    check_refused(json!({ "api_version": "9.2" }), &["/api_version"]);
    check_refused(json!({ "api_version": "v9.2/../x" }), &["/api_version"]);
    check_refused(json!({ "key": "alternate_key", "key_column": "Leadwire Id" }), &["/key_column"]);
    check_refused(json!({ "key": "alternate_key", "key_column": "x')--_" }), &["/key_column"]);
    check_refused(json!({ "key_column": "leadwire_leadid" }), &["/key_column"]);
    check_refused(json!({ "tenant": "common" }), &["/tenant"]);
    check_refused(json!({ "tenant": null }), &["/tenant"]);
    check_refused(json!({ "auth": "certificate", "client_secret": null }), &["/certificate", "/private_key"]);
    check_refused(json!({ "mapping": { "subject": "customer.mail" } }), &["/mapping/subject"]);
}

#[test]
fn a_choice_is_written_as_a_number_whatever_it_came_as() {
    let rules = json!({ "leadsourcecode": { "kind": "number", "choices": ["8", "100000001"] } });
    let dynamics = read(json!({ "field_rules": rules, "mapping": { "leadsourcecode": "'100000001'" } }));
    let call = calls(&dynamics, &[payload(7, 7, 1)], Act::Create).remove(0);
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(body["leadsourcecode"], json!(100_000_001));
    let other = read(json!({ "field_rules": { "leadsourcecode": { "choices": ["1"] } } }));
    let call = calls(&other, &[payload(7, 7, 1)], Act::Create).remove(0);
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(body.get("leadsourcecode"), None, "a choice that is not there is left out");
}

#[test]
fn a_preview_shows_the_requests_without_the_token_and_what_is_never_sent() {
    let dynamics =
        read(json!({ "mapping": { "companyname": "customer.company", "lastname": "customer.last_name" },
            "touchpoint_notes": "none" }));
    let nameless = with(payload(9, 9, 1), |it| it.customer.last_name = None);
    let batch = [payload(7, 8, 1), nameless, payload(10, 10, 1), payload(11, 11, 1)];
    let preview = dynamics.preview(&batch, Moment { now: NOW });
    let seen: Vec<(&str, &str)> =
        preview.requests.iter().map(|it| (&*it.method, it.url.rsplit('/').next().unwrap())).collect();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].0, "GET");
    assert_eq!(seen[1], ("POST", "$batch"));
    assert!(
        preview.requests.iter().all(|it| it.headers.contains(&("authorization".into(), "Bearer ***".into())))
    );
    assert_eq!(preview.unsent.len(), 1);
    assert_eq!(preview.unsent[0].evidence.cause, "field_missing");
}

#[test]
fn what_a_server_has_left_is_read_as_what_was_used() {
    let mut headers = http::HeaderMap::new();
    assert!(super::told_limits(&headers).is_empty());
    headers.insert("x-ms-ratelimit-burst-remaining-xrm-requests", 5_990.into());
    let told = super::told_limits(&headers);
    assert_eq!((told[0].length.as_secs(), told[0].limit, told[0].used), (300, 6_000, 10));
}

#[test]
fn a_batch_costs_as_many_calls_as_it_holds_requests() {
    let dynamics = read(json!({}));
    let cost = dynamics.calls().cost;
    assert_eq!((cost.least(1), cost.least(100)), (6, 402));
}
