//! Golden requests, the verdict corpus, the bounds of calls, settings, and the catalogue.

use super::request::{BODY_BYTES_MAX, Program, Shape};
use super::*;
use crate::verdicts;
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, OfferRef, PublisherId, TouchpointId};
use leadwire_core::mapping::{MappedField, Value as Mappable, Write};
use leadwire_core::outcome::{Outcome, Tried};
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Action, Customer, Source, Touchpoint};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// 2026-11-20T10:00:00Z, in the winter of the United States.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_168_800_000);

pub(crate) fn settings(more: &Value) -> Settings {
    let mut settings =
        json!({ "munchkin_id": "123-PQR-789", "client_id": "id", "client_secret": "s3cr3t+/" });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings.as_object().unwrap().clone()
}

pub(super) fn connector(more: Value) -> Marketo {
    Marketo::read(&settings(&more)).unwrap_or_else(|it| panic!("{it:?}"))
}

/// A touchpoint of a lead; of one number for both, it is the lead's first.
pub(crate) fn payload(lead: u128, touchpoint: u128, attempt: u32) -> Payload {
    let some = |text: &str| Some(text.to_owned());
    let customer = Customer {
        first_name: some("Ada"),
        last_name: some("Lővelace \"A\""),
        email: Some(format!("Ada{lead}@example.com")),
        phone: some("020 7946 0958"),
        country: some("GB"),
        company: some("Analytical"),
        title: some("CTO"),
    };
    Payload {
        delivery: DeliveryId {
            touchpoint: TouchpointId::new(touchpoint),
            destination: DestinationNo::new(3),
        },
        publisher: PublisherId::parse("contoso").unwrap(),
        lead: LeadId::new(lead),
        received_at: NOW,
        touchpoint: Arc::new(Touchpoint {
            source: Source::AzureMarketplace,
            action: Action::Installation,
            offer: Some(OfferRef::parse("contoso.crm-pro").unwrap()),
            customer,
            ..Touchpoint::default()
        }),
        attempt,
        standing: Default::default(),
        message: None,
        mapping: None,
    }
}

pub(crate) fn with(mut payload: Payload, change: impl FnOnce(&mut Touchpoint)) -> Payload {
    let mut touchpoint = (*payload.touchpoint).clone();
    change(&mut touchpoint);
    payload.touchpoint = Arc::new(touchpoint);
    payload
}

/// A preview as a person reads it: every request, credentials masked.
#[track_caller]
pub(crate) fn check_golden(preview: &Preview, golden: &str) {
    let mut seen = String::new();
    for request in &preview.requests {
        seen.push_str(&format!("{} {}\n", request.method, request.url));
        for (name, value) in &request.headers {
            seen.push_str(&format!("{name}: {value}\n"));
        }
        seen.push_str(&format!("\n{}\n", String::from_utf8_lossy(&request.body)));
    }
    assert_eq!(seen, golden);
}

fn golden_requests(marketo: &Marketo, sort: Sort, batch: &[Payload]) -> Preview {
    let groups = marketo.gather(batch, &mut vec![None; batch.len()]);
    let records: Vec<String> =
        groups.iter().map(|it| marketo.shape.record(&it.record.key, &it.record.fields, sort)).collect();
    let token = bearer("token").unwrap();
    let request = marketo.session.request(&marketo.shape.call(sort, &records), &token);
    Preview { requests: vec![PreviewedRequest::of(&request, false)], ..Preview::default() }
}

/// The body of a call about one person, in the partition `Default`.
fn body_about(sort: Sort, program: Option<Program>, fields: &[(&str, &str)]) -> String {
    let shape = Shape { lookup: "email".to_owned(), partition: Some("Default".to_owned()), program };
    let fields: Vec<MappedField> = fields
        .iter()
        .map(|(target, text)| MappedField {
            target: (*target).to_owned(),
            value: Mappable::Text((*text).to_owned()),
            write: Write::Once,
        })
        .collect();
    let call = shape.call(sort, &[shape.record("ada@example.com", &fields, sort)]);
    call.body
}

#[test]
fn the_documented_examples_are_what_is_sent() {
    let name = [("firstName", "Ada"), ("lastName", "Lovelace")];
    let more = [
        ("phone", "+44201234"),
        ("company", "Analytical Ltd"),
        ("title", "CTO"),
        ("country", "United Kingdom"),
        ("leadSource", "Marketplace"),
    ];
    let synced = body_about(Sort::Whole, None, &[&name[..], &more[..]].concat());
    assert_eq!(synced, include_str!("golden/documented_sync.json").trim_end());
    let program = Program {
        name: "Marketplace Leads".to_owned(),
        status: Some("Member".to_owned()),
        source: Some("Marketplace".to_owned()),
        reason: Some("Listing click".to_owned()),
    };
    // The same but for the order of its keys, which means nothing in JSON.
    let pushed: Value = serde_json::from_str(&body_about(Sort::PushWhole, Some(program), &name)).unwrap();
    let printed: Value = serde_json::from_str(include_str!("golden/documented_push.json")).unwrap();
    assert_eq!(pushed, printed);
}

#[test]
fn requests_are_what_adobe_documents() {
    let opted_out = with(payload(2, 3, 1), |it| it.action = Action::DoNotContact);
    let batch = [payload(1, 1, 1), opted_out];
    let plain = connector(json!({}));
    check_golden(&plain.preview(&batch, Moment { now: NOW }), include_str!("golden/create.txt"));
    check_golden(&golden_requests(&plain, Sort::Own, &batch), include_str!("golden/own.txt"));
    check_golden(&golden_requests(&plain, Sort::Rest, &batch), include_str!("golden/rest.txt"));

    let over = connector(json!({ "existing_people": "overwrite", "partition_name": "Europe" }));
    check_golden(&over.preview(&batch, Moment { now: NOW }), include_str!("golden/whole.txt"));

    let more = json!({
        "lookup_field": "marketplaceLeadId", "partition_name": "Europe", "program_name": "Marketplace \"Leads\"",
        "program_status": "Member", "source": "Marketplace", "reason": "Listing",
        "mapping": { "leadScore": "'5' | number", "company": null },
    });
    let pushed = connector(more.clone());
    check_golden(&pushed.preview(&batch, Moment { now: NOW }), include_str!("golden/pushed.txt"));
    let mut more = more;
    more["existing_people"] = json!("overwrite");
    check_golden(
        &connector(more).preview(&batch, Moment { now: NOW }),
        include_str!("golden/pushed_whole.txt"),
    );

    let mut look = Preview::default();
    let token = bearer("token").unwrap();
    for call in [request::find("email", "ada+1@example.com"), request::delete(50)] {
        look.requests.push(PreviewedRequest::of(&plain.session.request(&call, &token), false));
    }
    look.requests.push(PreviewedRequest::of(&plain.session.token_request(), false));
    check_golden(&look, include_str!("golden/look.txt"));
}

#[test]
fn every_answer_of_the_corpus_is_read_right() {
    let corpus = verdicts::cases(include_str!("verdicts.json"));
    assert!(corpus.len() >= 80, "{}", corpus.len());
    let mut names: Vec<&str> = corpus.iter().map(|it| &*it.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), corpus.len(), "names in the corpus are different");
    for case in &corpus {
        let count = case.expected.len();
        let tried: Vec<Tried> = if case.entry["call"] == "token" {
            match session::read_token(&case.answer) {
                Ok(_) => panic!("{} is not refused", case.name),
                Err(tried) => vec![*tried],
            }
        } else {
            let known: &[&str] = &["ada@example.com", "Lovelace"];
            let about = envelope::About { records: count, known, now: NOW };
            match reply::read(&case.answer, &vec![known; count], &about) {
                Ok(fates) => fates.into_iter().map(settled).collect(),
                Err(tried) => vec![*tried; count],
            }
        };
        verdicts::check(case, &tried);
    }
}

#[test]
fn every_code_of_the_corpus_has_its_text_in_the_catalogue() {
    // Microsoft's connectors have no documented texts for Marketo (their error list is all of Dynamics), so these are
    // Adobe's own, as other products print them.
    for case in verdicts::cases(include_str!("verdicts.json")) {
        let body: Value = serde_json::from_slice(&case.answer.body).unwrap_or_default();
        let in_result = body["result"].as_array().cloned().unwrap_or_default();
        let reasons = in_result.iter().flat_map(|it| it["reasons"].as_array().cloned().unwrap_or_default());
        for error in body["errors"].as_array().cloned().unwrap_or_default().into_iter().chain(reasons) {
            let code = envelope::code_of(&error).unwrap();
            let Some(known) = crate::catalogue::Known::find(ERRORS, &code) else {
                assert_eq!(case.cause.as_deref(), Some("code_unknown"), "{}", case.name);
                continue;
            };
            let message = error["message"].as_str().unwrap();
            let is_told = known.texts.iter().any(|it| message.contains(it));
            assert!(is_told || code == "1003" || message == "w", "{}: {code} {message}", case.name);
        }
    }
}

#[test]
fn the_catalogue_names_each_code_once() {
    let mut codes: Vec<&str> = ERRORS.iter().map(|it| it.code).collect();
    codes.sort_unstable();
    let count = codes.len();
    codes.dedup();
    assert_eq!(codes.len(), count);
}

#[test]
fn a_used_up_day_lasts_until_midnight_in_winter_time_of_the_central_states() {
    let hours = |it: u64| Duration::from_secs(it * 3600);
    assert_eq!(errors::until_reset(NOW), hours(20));
    let at = |hour: i64| Timestamp::from_millis(1_795_132_800_000 + hour * 3_600_000);
    assert_eq!(errors::until_reset(at(5)), hours(1));
    assert_eq!(errors::until_reset(at(6)), hours(24));
    assert!(errors::until_reset(Timestamp::from_millis(-1)) <= hours(24));
}

#[test]
fn settings_that_cannot_work_name_themselves() {
    let refused = |more: Value| -> Vec<(String, &str)> {
        let bad = Marketo::read(&settings(&more)).err().unwrap();
        bad.into_iter().map(|it| (it.pointer, it.code)).collect()
    };
    for id in ["123-PQR-78", "123PQR789", "PQR-123-789", "123-PQR-789.evil.example", ""] {
        assert_eq!(refused(json!({ "munchkin_id": id })), [("/munchkin_id".to_owned(), "bad_munchkin_id")]);
    }
    for field in ["id", "cookies", "a b", "x\"y"] {
        assert_eq!(refused(json!({ "lookup_field": field }))[0].1, "bad_lookup_field");
    }
    assert_eq!(
        refused(json!({ "program_status": "Member" })),
        [("/program_status".to_owned(), "without_effect")]
    );
    assert_eq!(refused(json!({ "mapping": { "title": "customer.tittle" } }))[0].1, "bad_mapping");
    assert!(KIND.open(serde_json::from_str::<Value>(KIND.example).unwrap().as_object().unwrap()).is_ok());
}

#[test]
fn an_address_beyond_ascii_is_parked_where_it_is_the_key_and_left_out_where_it_is_not() {
    let odd = |text: &str| with(payload(1, 1, 1), |it| it.customer.email = Some(text.to_owned()));
    let by_email = connector(json!({}));
    let parked = by_email.record(&odd("ádám@example.com")).err().unwrap();
    assert_eq!(parked.evidence.cause, "email_not_ascii");
    let (key, _) = by_email.record(&odd("adam@bücher.example")).ok().unwrap();
    assert_eq!(key, "adam@xn--bcher-kva.example");
    let keyed = connector(json!({ "lookup_field": "marketplaceLeadId" }));
    let (key, mapped) = keyed.record(&odd("ádám@example.com")).ok().unwrap();
    assert_eq!(key, payload(1, 1, 1).lead.to_string());
    assert!(mapped.get("email").is_none() && mapped.notes.len() == 1);
    assert!(keyed.exclusive_key(&odd("a@example.com")).is_none());
    assert_eq!(by_email.exclusive_key(&odd("A@Example.com")).unwrap(), "a@example.com");
}

#[test]
fn an_opt_out_is_never_taken_back() {
    let marketo = connector(json!({ "mapping": { "unsubscribed": "do_not_contact | always" } }));
    let (key, mapped) = marketo.record(&payload(1, 1, 1)).ok().unwrap();
    for sort in [Sort::Create, Sort::Own, Sort::Whole, Sort::Rest, Sort::PushOwn, Sort::PushWhole] {
        assert!(!marketo.shape.record(&key, &mapped.fields, sort).contains("unsubscribed"), "{sort:?}");
    }
    // One person twice in a batch: the newer touchpoint says nothing of the opt-out, which stays.
    let plain = connector(json!({}));
    let opted_out = with(payload(1, 1, 1), |it| it.action = Action::DoNotContact);
    let groups = plain.gather(&[payload(1, 2, 1), opted_out], &mut [None, None]);
    let record = plain.shape.record(&groups[0].record.key, &groups[0].record.fields, Sort::Own);
    assert!(groups.len() == 1 && record.contains(r#""unsubscribed":true,"doNotCall":true"#), "{record}");
}

#[test]
fn an_answer_is_never_a_delivery_unless_it_says_so() {
    for body in
        ["", "null", "[]", "{}", r#"{"success":true,"result":[null]}"#, r#"{"success":true,"result":[[]]}"#]
    {
        let case =
            json!([{ "name": body, "source": "made up", "status": 200, "body": body, "expect": "unknown" }]);
        let case = &verdicts::cases(&case.to_string())[0];
        let about = envelope::About { records: 1, known: &[], now: NOW };
        let tried = reply::read(&case.answer, &[&[]], &about);
        let tried = tried.map_or_else(|it| *it, |mut it| settled(it.remove(0)));
        assert_eq!(tried.outcome, Outcome::Unknown, "{body}");
    }
}

#[test]
fn a_programme_that_is_refused_with_the_code_for_bad_data_pauses_the_lane() {
    let body = r#"{"requestId":"a","success":false,"errors":[{"code":"1003","message":"Invalid data"}]}"#;
    let case =
        json!([{ "name": "1003", "source": "made up", "status": 200, "body": body, "expect": "pause" }]);
    let case = &verdicts::cases(&case.to_string())[0];
    let about = envelope::About { records: 2, known: &[], now: NOW };
    let refused = *reply::read(&case.answer, &[&[], &[]], &about).err().unwrap();
    assert_eq!(deliver::program_refused(Sort::Create, refused.clone()), refused);
    let told = deliver::program_refused(Sort::PushOwn, refused);
    assert_eq!(told.evidence.cause, "object_missing");
    verdicts::check(case, &[told]);
}

proptest! {
    #[test]
    fn any_answer_is_read_and_only_one_that_says_so_is_a_delivery(
        status in prop::sample::select(vec!["created", "updated", "skipped", "", "Created"]),
        code in "[0-9]{0,5}",
        id in prop::option::of(0u64..3),
        junk in "[\\PC]{0,40}",
        has_reason: bool,
    ) {
        let mut entry = json!({ "status": status, "id": id, "more": junk });
        if has_reason {
            entry["reasons"] = json!([{ "code": code, "message": junk }]);
        }
        let body = json!({ "success": true, "result": [entry] });
        let case = json!([{ "name": "any", "source": "made up", "status": 200, "body": body, "expect": "" }]);
        let case = &verdicts::cases(&case.to_string())[0];
        let about = envelope::About { records: 1, known: &[], now: NOW };
        let fate = reply::read(&case.answer, &[&[]], &about).unwrap().remove(0);
        let is_done = matches!(settled(fate).outcome, Outcome::Done(_));
        let is_said = if has_reason {
            matches!(&*code, "1005" | "1037")
        } else {
            matches!(status, "created" | "updated")
        };
        prop_assert_eq!(is_done, is_said);
    }

    #[test]
    fn calls_stay_within_both_bounds_and_hold_every_record_once_in_order(
        sizes in prop::collection::vec(2usize..20_000, 0..700),
        large in prop::collection::vec(0usize..700, 0..3),
    ) {
        let marketo = connector(json!({ "program_name": "Leads" }));
        let mut records: Vec<String> = sizes.iter().map(|it| "x".repeat(*it)).collect();
        for at in &large {
            if let Some(record) = records.get_mut(*at) {
                *record = "x".repeat(BODY_BYTES_MAX);
            }
        }
        for sort in [Sort::Create, Sort::PushOwn] {
            let chunks = marketo.shape.chunks(sort, &records);
            let mut seen = Vec::new();
            for range in chunks {
                prop_assert!(!range.is_empty() && range.len() <= RECORDS_MAX);
                prop_assert!(marketo.shape.call(sort, &records[range.clone()]).body.len() <= BODY_BYTES_MAX);
                seen.extend(range);
            }
            let expected: Vec<usize> =
                (0..records.len()).filter(|it| records[*it].len() < BODY_BYTES_MAX).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
