//! Golden forms, answers, the day's counter, and the connector against a simulated form over sockets of this machine.

use super::*;
use crate::egress::Answer;
use crate::egress::guard::{EgressPolicy, Ports};
use http::{HeaderName, StatusCode};
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, OfferRef, PublisherId, TouchpointId};
use leadwire_core::outcome::{Fault, Receipt, Timings};
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Action, Customer, Source, Touchpoint};
use leadwire_sandbox::salesforce_web_to_lead::{Options, WebToLead as Form};
use leadwire_sandbox::service::{Fault as Wrong, Options as Serving, Sandbox, Scope, start};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// 2026-11-20T10:00:05Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_168_805_000);
const HOUR: Duration = Duration::from_secs(3600);
const ACCEPTED: Outcome = Outcome::Done(Receipt::Accepted);

fn payload(number: u128, attempt: u32) -> Payload {
    let some = |text: &str| Some(text.to_owned());
    Payload {
        delivery: DeliveryId { touchpoint: TouchpointId::new(number), destination: DestinationNo::new(3) },
        publisher: PublisherId::parse("contoso").unwrap(),
        lead: LeadId::new(number),
        received_at: Timestamp::from_millis(1_795_168_800_000),
        touchpoint: Arc::new(Touchpoint {
            source: Source::AzureMarketplace,
            action: Action::DoNotContact,
            offer: Some(OfferRef::parse("contoso.crm-pro").unwrap()),
            customer: Customer {
                first_name: some("Ada"),
                last_name: some("Lővelace & Çağ"),
                email: some("ada@example.com"),
                phone: some("+36201234567"),
                country: some("HU"),
                company: some("Analytical"),
                title: some("CTO"),
            },
            notes: some("Please call"),
            ..Touchpoint::default()
        }),
        attempt,
        standing: Default::default(),
        message: None,
        mapping: None,
    }
}

fn settings(more: Json) -> Settings {
    let mut settings = json!({ "oid": "00D000000000001" });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings.as_object().unwrap().clone()
}

fn open(more: Json) -> Box<dyn Connector> {
    KIND.open(&settings(more)).unwrap_or_else(|refusals| panic!("{refusals:?}"))
}

#[track_caller]
fn check_golden(more: Json, attempt: u32, golden: &str) {
    let preview = open(more).preview(&[payload(7, attempt)], Moment { now: NOW });
    let shown = &preview.requests[0];
    let headers: Vec<String> = shown.headers.iter().map(|it| format!("{}: {}\n", it.0, it.1)).collect();
    let body = String::from_utf8(shown.body.to_vec()).unwrap();
    let text = format!("{} {}\n{}\n{body}\n", shown.method, shown.url, headers.concat());
    assert_eq!(text, golden);
}

#[test]
fn forms_are_the_golden_ones() {
    check_golden(json!({}), 1, include_str!("golden/production.txt"));
    let fields = json!({ "host": "sandbox", "lead_id_field": "00N000000000041", "touchpoint_id_field": "00N000000000042",
        "mapping": { "Campaign_ID": "'7015e000000AAAA'", "doNotCall": null } });
    check_golden(fields, 2, include_str!("golden/sandbox_again.txt"));
    let latin = json!({ "host": "other", "url": "https://acme.my.salesforce.com", "encoding": "ISO-8859-1" });
    check_golden(latin, 1, include_str!("golden/latin.txt"));
}

/// Microsoft, "Lead management FAQ": the test lead of a form-encoded destination. `encoding` is printed twice there.
#[test]
fn the_form_has_the_names_of_microsofts_own_connector() {
    let id = "MSFT_TEST_636573304831318844";
    let some = |text: &str| Some(text.to_owned());
    let mut payload = payload(7, 1);
    payload.touchpoint = Arc::new(Touchpoint {
        source: Source::Other(id.to_owned()),
        action: Action::Other(id.to_owned()),
        customer: Customer {
            first_name: some(id),
            last_name: some(id),
            email: Some(format!("{id}@test.com")),
            phone: some("1234567890"),
            country: some("US"),
            company: some(id),
            title: some(id),
        },
        notes: some(id),
        ..Touchpoint::default()
    });
    let mapping = json!({ "mapping": { "country": "customer.country", "description": "notes" } });
    let preview = open(mapping).preview(&[payload], Moment { now: NOW });
    let mut form: BTreeMap<String, String> =
        url::form_urlencoded::parse(&preview.requests[0].body).into_owned().collect();
    assert_eq!(form.remove("lead_source"), Some(format!("{id}-{id}")));
    let email = format!("{id}@test.com");
    let expected = [
        ("company", id),
        ("country", "US"),
        ("description", id),
        ("email", &*email),
        ("encoding", "UTF-8"),
        ("first_name", id),
        ("last_name", id),
        ("oid", "00D000000000001"),
        ("phone", "1234567890"),
        ("title", id),
    ];
    let expected = expected.map(|it| (it.0.to_owned(), it.1.to_owned()));
    assert_eq!(form, BTreeMap::from(expected));
}

#[test]
fn a_repetition_keeps_the_description_within_its_length() {
    let mut payload = payload(7, 3);
    let mut touchpoint = (*payload.touchpoint).clone();
    touchpoint.notes = Some("é".repeat(40_000));
    payload.touchpoint = Arc::new(touchpoint);
    let preview = open(json!({})).preview(&[payload], Moment { now: NOW });
    let form: BTreeMap<String, String> =
        url::form_urlencoded::parse(&preview.requests[0].body).into_owned().collect();
    assert_eq!(form["description"].chars().count(), 32_000);
    assert!(form["description"].starts_with("This may be a repetition"));
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    for (more, pointer) in [
        (json!({ "oid": "acme" }), "/oid"),
        (json!({ "oid": "00N000000000001" }), "/oid"),
        (json!({ "lead_id_field": "LeadId__c" }), "/lead_id_field"),
        (json!({ "touchpoint_id_field": "00N1" }), "/touchpoint_id_field"),
        (json!({ "host": "other" }), "/url"),
        (json!({ "mapping": { "title": "nonsense" } }), "/mapping/title"),
    ] {
        let refusals = KIND.open(&settings(more)).map(drop).unwrap_err();
        assert_eq!(refusals[0].pointer, pointer, "{refusals:?}");
    }
}

fn class(tried: &Tried) -> &'static str {
    match &tried.outcome {
        Outcome::Done(Receipt::Accepted) => "delivered",
        Outcome::Done(Receipt::Confirmed { .. }) => panic!("nothing confirms here"),
        Outcome::Unknown => "unknown",
        Outcome::NotDone(fault) => match fault {
            Fault::RetryNow => "retry_now",
            Fault::RetryAfter(_) | Fault::RetryThenPause { .. } => "retry",
            Fault::HoldLane(_) => "hold",
            Fault::SmallerBatch => "smaller",
            Fault::Pause => "pause",
            Fault::Stop => "stop",
            Fault::Park => "park",
            Fault::Withhold => "withhold",
        },
    }
}

#[test]
fn every_answer_of_the_corpus_is_read_right() {
    let corpus: Vec<Json> = serde_json::from_str(include_str!("verdicts.json")).unwrap();
    assert!(corpus.len() >= 70, "{}", corpus.len());
    for entry in &corpus {
        let name = entry["name"].as_str().unwrap();
        let headers = entry.get("headers").and_then(Json::as_object).into_iter().flatten();
        let headers = headers.map(|(name, value)| {
            let value = HeaderValue::from_str(value.as_str().unwrap()).unwrap();
            (HeaderName::try_from(&**name).unwrap(), value)
        });
        let answer = Answer {
            status: StatusCode::from_u16(entry["status"].as_u64().unwrap().try_into().unwrap()).unwrap(),
            headers: headers.collect(),
            body: entry["body"].as_str().unwrap().to_owned().into(),
            is_truncated: false,
            peer: [127, 0, 0, 1].into(),
            timings: Timings::default(),
        };
        let after = if entry["after_unknown"] == "park" { AfterUnknown::Park } else { AfterUnknown::Repeat };
        let tried = reply::read(&answer, &["ada@example.com"], after);
        assert_eq!(json!([class(&tried)]), entry["expect"], "{name}: {tried:?}");
        assert_eq!(json!(tried.evidence.cause), entry["cause"], "{name}");
        assert!(!tried.evidence.answer.contains("ada@example.com"), "{name}");
        let is_taken = answer.status.is_success() || answer.headers.contains_key("is-processed");
        assert!(class(&tried) != "delivered" || is_taken, "{name} is delivered without evidence");
    }
}

#[test]
fn the_day_is_a_rolling_one() {
    let counter = Counter::new(2);
    let at = |hours: u32| NOW.plus(HOUR * hours);
    assert!(counter.take(at(0)).is_ok() && counter.take(at(1)).is_ok());
    let held = counter.take(at(2)).unwrap_err();
    assert_eq!(held.outcome, Outcome::NotDone(Fault::HoldLane(Some(HOUR * 22))));
    assert_eq!(counter.count(at(2)), (2, 2));
    assert!(counter.take(at(24)).is_ok());
    assert!(counter.take(at(24)).is_err());
    counter.give_back();
    assert!(counter.take(at(24)).is_ok());
}

struct Lab {
    form: Arc<Mutex<Form>>,
    sandbox: Sandbox,
    connector: Box<dyn Connector>,
    egress: Egress,
}

impl Lab {
    async fn start(options: Options, more: Json) -> Self {
        let form = Arc::new(Mutex::new(Form::new(options)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let serving = Serving::new(Arc::new(|| NOW.millis()));
        let sandbox = start(listener, Box::new(Arc::clone(&form)), serving).unwrap();
        let mut settings = sandbox.destination_settings();
        settings["timeout_seconds"] = json!(6);
        for (name, value) in more.as_object().unwrap() {
            settings[name] = value.clone();
        }
        let connector = KIND.open(settings.as_object().unwrap()).unwrap_or_else(|it| panic!("{it:?}"));
        let policy = EgressPolicy {
            allow_http: true,
            allow_nets: vec!["127.0.0.0/8".parse().unwrap()],
            allow_hosts: Vec::new(),
            ports: Ports::Any,
        };
        Self { form, sandbox, connector, egress: Egress::new(policy, None).unwrap() }
    }

    async fn one(&self, payload: Payload) -> Tried {
        let mut delivered = self.connector.deliver(&[payload], Moment { now: NOW }, &self.egress).await;
        assert_eq!(delivered.tried.len(), 1);
        delivered.tried.remove(0)
    }
}

#[tokio::test]
async fn a_lead_is_accepted_and_made() {
    let lab = Lab::start(Options::default(), json!({})).await;
    assert_eq!(lab.one(payload(7, 1)).await.outcome, ACCEPTED);
    let fields = lab.sandbox.records()[0]["fields"].clone();
    assert_eq!((&fields["LastName"], &fields["DoNotCall"]), (&json!("Lővelace & Çağ"), &json!(true)));
    assert_eq!(fields["00N000000000042"], json!(TouchpointId::new(7).to_string()));
    assert_eq!(fields["Country"], "Hungary");
}

#[tokio::test]
async fn letters_outside_of_the_encoding_become_question_marks() {
    let lab = Lab::start(Options::default(), json!({ "encoding": "ISO-8859-1" })).await;
    assert_eq!(lab.one(payload(7, 1)).await.outcome, ACCEPTED);
    assert_eq!(lab.sandbox.records()[0]["fields"]["LastName"], "L?velace & Ça?");
}

#[tokio::test]
async fn a_wrong_organization_pauses_the_lane() {
    let lab = Lab::start(Options::default(), json!({ "oid": "00D000000000002" })).await;
    let tried = lab.one(payload(7, 1)).await;
    assert_eq!(
        (tried.outcome, &*tried.evidence.cause),
        (Outcome::NotDone(Fault::Pause), "web_to_lead_refused")
    );
}

#[tokio::test]
async fn faults_of_the_service_and_the_way_have_their_class() {
    for after in ["repeat", "park"] {
        let lab = Lab::start(Options::default(), json!({ "after_unknown": after })).await;
        let unknown = if after == "park" { Outcome::NotDone(Fault::Park) } else { Outcome::Unknown };
        for (fault, outcome, cause) in [
            (Wrong::Busy, &unknown, "http_503"),
            (Wrong::Failing, &unknown, "http_500"),
            (Wrong::OkWithError, &Outcome::NotDone(Fault::Pause), "web_to_lead_refused"),
            (Wrong::CutBefore, &unknown, "connection_lost"),
            (Wrong::CutAfter, &unknown, "connection_lost"),
            (Wrong::CutMidAnswer, &unknown, "connection_lost"),
            (Wrong::Stall, &unknown, "answer_timeout"),
            (Wrong::Html, &ACCEPTED, "accepted_without_word"),
            (Wrong::EmptyAnswer, &ACCEPTED, "accepted_without_word"),
            (Wrong::HugeAnswer, &ACCEPTED, "accepted_without_word"),
        ] {
            lab.sandbox.faults(|it| it.next(1, fault.clone(), Scope::Writes));
            let tried = lab.one(payload(8, 1)).await;
            assert_eq!((&tried.outcome, &*tried.evidence.cause), (outcome, cause), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_was_never_made_is_not_counted_and_not_in_doubt() {
    let lab = Lab::start(Options::default(), json!({ "daily_limit": 1, "after_unknown": "park" })).await;
    let Lab { sandbox, connector, egress, .. } = lab;
    sandbox.stop().await;
    for _ in 0..2 {
        let delivered = connector.deliver(&[payload(7, 1)], Moment { now: NOW }, &egress).await;
        assert_eq!(delivered.tried[0].evidence.cause, "connection_refused");
    }
}

#[tokio::test]
async fn above_the_days_leads_they_wait_here_and_a_check_warns_before() {
    let lab = Lab::start(Options::default(), json!({ "daily_limit": 5 })).await;
    let moment = Moment { now: NOW };
    for (number, verdict) in
        [(1, Verdict::Passed), (2, Verdict::Passed), (3, Verdict::Passed), (4, Verdict::Warned)]
    {
        assert_eq!(lab.one(payload(number, 1)).await.outcome, ACCEPTED);
        let checked = lab.connector.check(moment, &lab.egress).await;
        assert_eq!(checked.steps[1].verdict, verdict, "{number}");
        assert!(checked.is_passed());
    }
    assert_eq!(lab.one(payload(5, 1)).await.outcome, ACCEPTED);
    let tried = lab.one(payload(6, 1)).await;
    assert_eq!(tried.outcome, Outcome::NotDone(Fault::HoldLane(Some(HOUR * 24))));
    assert_eq!(lab.sandbox.calls(), 5);
}

#[tokio::test]
async fn with_a_unique_field_lost_answers_make_no_second_lead() {
    let options = Options { daily_leads: 50_000, ..Options::default() };
    let lab = Lab::start(options, json!({ "daily_limit": 50_000 })).await;
    lab.sandbox.faults(|it| it.share(0.3, Wrong::CutAfter, Scope::All));
    for number in 1..=2000 {
        let mut attempt = 1;
        while lab.one(payload(number, attempt)).await.outcome != ACCEPTED {
            attempt += 1;
            assert!(attempt < 100);
        }
    }
    let keys: std::collections::BTreeSet<String> =
        lab.sandbox.records().iter().map(|it| it["key"].as_str().unwrap().to_owned()).collect();
    assert_eq!((keys.len(), lab.sandbox.records().len()), (2000, 2000));
    assert!(lab.form.lock().unwrap().mails().any(|it| it.contains("duplicate value found")));
}
