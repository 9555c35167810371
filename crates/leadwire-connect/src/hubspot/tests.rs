//! Golden requests, the verdict corpus, and the connector against the simulated account.

use super::reply::Fate;
use super::session::settle;
use super::*;
use crate::egress::Request;
use crate::egress::guard::{EgressPolicy, Ports};
use crate::verdicts;
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, PublisherId, TouchpointId};
use leadwire_core::outcome::{Fault, Outcome};
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Customer, Source, Touchpoint};
use leadwire_sandbox::hubspot::{HubSpot as Account, Options as AccountOptions};
use leadwire_sandbox::service::{self, Fault as Trouble, Sandbox, Scope};
use serde_json::{Value as Json, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

pub(super) const NOW: Moment = Moment { now: Timestamp::from_millis(1_795_168_800_000) };
pub(super) const TOKEN: &str = "pat-eu1-00000000-aaaa-bbbb-cccc-000000000000";

pub(super) fn connector(change: Json) -> HubSpot {
    let mut settings = json!({ "token": TOKEN });
    settings.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    HubSpot::read(settings.as_object().unwrap()).unwrap_or_else(|it| panic!("{it:?}"))
}

pub(super) fn payload(number: u128, attempt: u32) -> Payload {
    let some = |text: &str| Some(text.to_owned());
    let customer = Customer {
        first_name: some("Ada"),
        last_name: Some(format!("Lovelace {number}")),
        email: Some(format!("Ada{number}@example.com")),
        phone: some("020 7946 0958"),
        country: some("UK"),
        company: some("Analytical"),
        title: None,
    };
    Payload {
        delivery: DeliveryId { touchpoint: TouchpointId::new(number), destination: DestinationNo::new(3) },
        publisher: PublisherId::parse("contoso").unwrap(),
        lead: LeadId::new(number),
        received_at: NOW.now,
        touchpoint: Arc::new(Touchpoint {
            source: Source::AzureMarketplace,
            customer,
            ..Touchpoint::default()
        }),
        attempt,
        standing: Default::default(),
        message: None,
        mapping: None,
    }
}

#[track_caller]
pub(super) fn check_golden(request: &Request, golden: &str) {
    let body: Json = serde_json::from_slice(&request.body).unwrap_or_default();
    let seen =
        format!("{} {}\n{}\n", request.method, request.url, serde_json::to_string_pretty(&body).unwrap());
    assert_eq!(seen, golden);
}

#[test]
fn requests_are_what_hubspot_documents() {
    let batch = [payload(1, 1), payload(2, 2)];
    let plain = connector(json!({}));
    let (contacts, _) = plain.contacts(&batch);
    let contacts: Vec<&Contact> = contacts.iter().collect();
    check_golden(&plain.place.create(&contacts), include_str!("golden/create.txt"));
    check_golden(&plain.place.upsert(&contacts), include_str!("golden/upsert.txt"));
    check_golden(&plain.place.read(&contacts), include_str!("golden/read.txt"));

    let change = json!({
        "id_property": "marketplace_lead_id",
        "api_version": "2026-09",
        "mapping": { "company": "customer.company | always", "country": null },
    });
    let keyed = connector(change);
    let (contacts, _) = keyed.contacts(&batch);
    let contacts: Vec<&Contact> = contacts.iter().collect();
    check_golden(&keyed.place.upsert(&contacts), include_str!("golden/upsert_by_own_property.txt"));
    check_golden(&keyed.place.update(&contacts), include_str!("golden/update.txt"));
}

#[test]
fn every_answer_of_the_corpus_is_classed_right() {
    let corpus = verdicts::cases(include_str!("verdicts.json"));
    assert!(corpus.len() >= 70, "{}", corpus.len());
    let hubspot = connector(json!({}));
    for case in corpus {
        let (mut contacts, _) = hubspot.contacts(&[payload(1, 1), payload(2, 1)]);
        for (contact, name) in contacts.iter_mut().zip([("tp_a/1", "ada"), ("tp_b/1", "grace")]) {
            name.0.clone_into(&mut contact.trace);
            contact.key = format!("{}@example.com", name.1);
        }
        contacts.truncate(case.expected.len());
        let contacts: Vec<&Contact> = contacts.iter().collect();
        let fates = reply::batch(&case.answer, &contacts, NOW.now);
        let places: Vec<usize> = (0..contacts.len()).collect();
        let mut tried = vec![None; contacts.len()];
        settle(&contacts, &places, fates, &mut tried);
        let tried: Vec<Tried> = tried.into_iter().flatten().collect();
        verdicts::check(&case, &tried);
    }
}

#[test]
fn settings_that_cannot_work_name_themselves() {
    let refused = |settings: Json| HubSpot::read(settings.as_object().unwrap()).err().unwrap();
    assert_eq!(refused(json!({ "token": "späce" }))[0].pointer, "/token");
    assert_eq!(refused(json!({ "token": TOKEN, "api_version": "../v3" }))[0].pointer, "/api_version");
    let bad = refused(json!({ "token": TOKEN, "mapping": { "company": "customer.compny" } }));
    assert_eq!((&*bad[0].pointer, bad[0].code), ("/mapping/company", "bad_mapping"));
}

pub(super) struct Rig {
    pub(super) account: Arc<Mutex<Account>>,
    pub(super) sandbox: Sandbox,
    pub(super) hubspot: HubSpot,
    pub(super) egress: Egress,
}

pub(super) async fn rig(change: Json) -> Rig {
    let options = AccountOptions { burst_max: None, ..AccountOptions::new(TOKEN) };
    let account = Arc::new(Mutex::new(Account::new(options)));
    account.lock().unwrap().add_property("marketplace_lead_id", true);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Box::new(Arc::clone(&account));
    let sandbox =
        service::start(listener, service, service::Options::new(Arc::new(|| NOW.now.millis()))).unwrap();
    let mut settings = change;
    settings["api_url"] = json!(sandbox.url());
    let policy = EgressPolicy { allow_http: true, ports: Ports::Any, ..EgressPolicy::unrestricted() };
    let egress = Egress::new(policy, None).unwrap();
    Rig { account, sandbox, hubspot: connector(settings), egress }
}

impl Rig {
    pub(super) async fn deliver(&self, batch: &[Payload]) -> Delivered {
        self.hubspot.deliver(batch, NOW, &self.egress).await
    }

    fn field(&self, at: usize, name: &str) -> Json {
        self.sandbox.records()[at]["fields"][name].clone()
    }
}

pub(super) fn outcomes(delivered: &Delivered) -> Vec<&Outcome> {
    delivered.tried.iter().map(|it| &it.outcome).collect()
}

#[tokio::test]
async fn new_leads_become_contacts_in_one_call() {
    let rig = rig(json!({})).await;
    let batch: Vec<Payload> = (1..=100).map(|it| payload(it, 1)).collect();
    let delivered = rig.deliver(&batch).await;
    assert_eq!(delivered.calls, 1);
    assert!(outcomes(&delivered).iter().all(|it| matches!(it, Outcome::Done(Receipt::Confirmed { .. }))));
    assert_eq!(rig.sandbox.records().len(), 100);
    assert_eq!(rig.field(0, "country"), "United Kingdom");
    assert_eq!(rig.field(0, "phone"), "+442079460958");
}

#[tokio::test]
async fn a_contact_that_people_edited_keeps_what_they_wrote() {
    let rig = rig(json!({ "mapping": { "hs_lead_status": "'NEW' | always" } })).await;
    rig.deliver(&[payload(1, 1)]).await;
    let edited = json!({ "firstname": "Augusta", "hs_lead_status": "OPEN" });
    let body = json!({ "properties": edited }).to_string();
    let call = service::Call {
        method: http::Method::PATCH,
        path: "/crm/v3/objects/contacts/151".to_owned(),
        query: String::new(),
        headers: [
            ("authorization", format!("Bearer {TOKEN}")),
            ("content-type", "application/json".to_owned()),
        ]
        .into_iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect(),
        body: body.into(),
    };
    use leadwire_sandbox::service::Service;
    assert_eq!(rig.account.lock().unwrap().answer(&call, 0).status, 200);
    // The same touchpoint again, as after an answer that was lost, and a later one of the same customer.
    let later = Payload { lead: LeadId::new(1), ..payload(1, 2) };
    let delivered = rig.deliver(&[later]).await;
    assert!(matches!(delivered.tried[0].outcome, Outcome::Done(Receipt::Confirmed { .. })));
    assert_eq!((rig.field(0, "firstname"), rig.field(0, "hs_lead_status")), (json!("Augusta"), json!("NEW")));
    assert_eq!(rig.sandbox.records().len(), 1);
}

#[tokio::test]
async fn a_contact_that_is_there_learns_that_its_person_must_not_be_contacted() {
    let rig = rig(json!({})).await;
    rig.deliver(&[payload(1, 1)]).await;
    let said = |rig: &Rig| {
        rig.field(0, "message").as_str().unwrap_or_default().contains("does not want to be contacted")
    };
    assert!(!said(&rig));
    // A later touchpoint, of another kind, of a customer who asked for it meanwhile.
    let standing = leadwire_core::standing::Seen { do_not_contact: true, ..Default::default() };
    rig.deliver(&[Payload { lead: LeadId::new(1), standing, ..payload(1, 2) }]).await;
    assert!(said(&rig));
}

#[tokio::test]
async fn a_contact_made_by_others_is_found_and_kept() {
    let rig = rig(json!({})).await;
    rig.deliver(&[payload(1, 1)]).await;
    // To Leadwire this is a new lead, with the address of a contact that is there.
    let twin = Payload {
        lead: LeadId::new(9),
        delivery: DeliveryId { touchpoint: TouchpointId::new(9), destination: DestinationNo::new(3) },
        ..payload(1, 1)
    };
    let other = payload(2, 1);
    let delivered = rig.deliver(&[twin, other]).await;
    assert_eq!(
        outcomes(&delivered),
        [
            &Outcome::Done(Receipt::Confirmed { record: "151".to_owned() }),
            &Outcome::Done(Receipt::Confirmed { record: "152".to_owned() }),
        ]
    );
    assert_eq!(rig.sandbox.records().len(), 2);
}

#[tokio::test]
async fn a_record_that_is_refused_does_not_touch_the_others() {
    let rig = rig(json!({})).await;
    rig.sandbox.faults(|it| it.next(1, Trouble::Partial, Scope::Writes));
    let delivered = rig.deliver(&[payload(1, 1), payload(2, 1), payload(3, 1)]).await;
    let parked: Vec<bool> =
        delivered.tried.iter().map(|it| it.outcome == Outcome::NotDone(Fault::Park)).collect();
    assert_eq!(parked, [false, true, false]);
    let mut nobody = payload(4, 1);
    Arc::make_mut(&mut nobody.touchpoint).customer.email = None;
    let delivered = rig.deliver(&[nobody, payload(5, 1)]).await;
    assert_eq!(delivered.tried[0].evidence.cause, "field_missing");
    assert!(matches!(delivered.tried[1].outcome, Outcome::Done(_)));
}

#[tokio::test]
async fn every_lead_arrives_once_when_a_third_of_the_answers_is_lost_after_the_work_was_done() {
    for change in [
        json!({}),
        json!({ "id_property": "marketplace_lead_id" }),
        json!({ "existing_contacts": "overwrite" }),
    ] {
        let rig = rig(change).await;
        rig.sandbox.faults(|it| it.share(0.3, Trouble::CutAfter, Scope::Writes));
        let mut waiting: Vec<Payload> = (1..=2000).map(|it| payload(it, 1)).collect();
        while !waiting.is_empty() {
            let batch: Vec<Payload> = waiting.drain(..waiting.len().min(100)).collect();
            let delivered = rig.deliver(&batch).await;
            for (mut payload, tried) in batch.into_iter().zip(delivered.tried) {
                if !matches!(tried.outcome, Outcome::Done(_)) {
                    payload.attempt += 1;
                    waiting.push(payload);
                }
            }
        }
        assert_eq!(rig.sandbox.records().len(), 2000);
    }
}

#[tokio::test]
async fn a_look_learns_what_the_properties_take_and_names_what_is_missing() {
    let rig = rig(json!({ "mapping": { "hs_lead_status": "'NEW'" } })).await;
    let checked = rig.hubspot.check(NOW, &rig.egress).await;
    assert!(checked.is_passed(), "{:?}", checked.steps);
    let rules = checked.field_rules.unwrap();
    assert_eq!(rules["hs_lead_status"]["choices"][0], "NEW");
    rig.account.lock().unwrap().add_property("unused", false);
    rig.sandbox.faults(|it| it.next(1, Trouble::FieldRemoved("company".to_owned()), Scope::All));
    let checked = rig.hubspot.check(NOW, &rig.egress).await;
    let failed = checked.steps.last().unwrap();
    assert!(!checked.is_passed() && failed.message.contains("company"), "{failed:?}");
    let receipt = Receipt::Confirmed { record: "999".to_owned() };
    let back = rig.hubspot.read_back(&payload(1, 1), &receipt, NOW, &rig.egress).await.unwrap();
    assert_eq!(back.verdict, crate::validation::Verdict::Failed);
}

#[tokio::test]
async fn trouble_of_the_account_is_told_from_trouble_with_a_lead() {
    let rig = rig(json!({})).await;
    for (trouble, cause) in [
        (Trouble::Busy, "rate_limited"),
        (Trouble::Failing, "http_503"),
        (Trouble::OkWithError, "unaccounted"),
        (Trouble::TokenExpired, "token_expired"),
        (Trouble::Html, "answer_html"),
        (Trouble::EmptyAnswer, "answer_unreadable"),
        (Trouble::HugeAnswer, "answer_unreadable"),
        (Trouble::CutBefore, "connection_lost"),
    ] {
        rig.sandbox.faults(|it| it.next(1, trouble.clone(), Scope::Writes));
        let delivered = rig.deliver(&[payload(1, 1)]).await;
        assert_eq!(delivered.tried[0].evidence.cause, cause, "{trouble:?}");
    }
    assert!(rig.sandbox.records().is_empty());
}

#[test]
fn a_fate_of_an_unknown_kind_is_never_a_delivery() {
    let hubspot = connector(json!({}));
    let (contacts, _) = hubspot.contacts(&[payload(1, 1)]);
    let contacts: Vec<&Contact> = contacts.iter().collect();
    for body in ["", "null", "[]", "{\"results\":[null]}", "{\"results\":[{\"id\":5}]}"] {
        let case =
            json!([{ "name": body, "source": "made up", "status": 200, "body": body, "expect": "unknown" }]);
        let case = &verdicts::cases(&case.to_string())[0];
        let fates = reply::batch(&case.answer, &contacts, NOW.now);
        assert!(matches!(&fates[0], Fate::Other(it) if it.outcome == Outcome::Unknown), "{body}");
    }
}

#[tokio::test]
async fn what_the_account_says_of_its_limits_is_read() {
    let options = AccountOptions { daily_max: Some(1000), ..AccountOptions::new(TOKEN) };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sandbox_options = service::Options::new(Arc::new(|| NOW.now.millis()));
    let sandbox = service::start(listener, Box::new(Account::new(options)), sandbox_options).unwrap();
    let hubspot = connector(json!({ "api_url": sandbox.url() }));
    let policy = EgressPolicy { allow_http: true, ports: Ports::Any, ..EgressPolicy::unrestricted() };
    let budget = hubspot.calls();
    let meter = Arc::new(crate::egress::meter::Meter::new(Some(1), budget.told));
    let egress = Egress::new(policy, None).unwrap().metered(Arc::clone(&meter));
    let sent = hubspot.deliver(&[payload(1, 1)], NOW, &egress).await;
    assert_eq!(sent.calls, 1);
    let (calls, told) = meter.take();
    let seen: Vec<_> = told.iter().map(|it| (it.length.as_secs(), it.limit, it.used)).collect();
    assert_eq!((calls, seen), (1, vec![(10, 100, 1), (86_400, 1000, 1)]));
    // The meter counts anew, and lets one more out.
    hubspot.deliver(&[payload(2, 1)], NOW, &egress).await;
    let held = hubspot.deliver(&[payload(3, 1)], NOW, &egress).await;
    assert_eq!(held.tried[0].evidence.cause, "budget_used_up");
    assert_eq!(held.tried[0].outcome, Outcome::NotDone(Fault::HoldLane(None)));
    assert_eq!((meter.take().0, sandbox.calls()), (1, 2), "nothing left without its call");
}

#[test]
fn limits_of_another_length_are_not_those_of_ten_seconds() {
    let mut headers = http::HeaderMap::new();
    let mut say = |name: &'static str, value: u32| headers.insert(name, value.into());
    say("x-hubspot-ratelimit-max", 4);
    say("x-hubspot-ratelimit-remaining", 3);
    say("x-hubspot-ratelimit-interval-milliseconds", 1000);
    assert!(told_limits(&headers).is_empty());
}
