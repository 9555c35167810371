//! The connector against a simulated org, over sockets of this machine.

use super::tests::{NOW, jwt_settings, key_pair, lab, payload};
use super::*;
use crate::validation::Verdict;
use leadwire_core::id::LeadId;
use leadwire_core::outcome::{Fault, Outcome, Tried};
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Action, Touchpoint};
use leadwire_sandbox::salesforce::{DuplicateRule, JwtUser, Options, Salesforce as Org};
use leadwire_sandbox::service::{Fault as Wrong, Options as Serving, Sandbox, Scope, start};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

pub(super) struct Lab {
    org: Arc<Mutex<Org>>,
    pub(super) sandbox: Sandbox,
    pub(super) connector: Box<dyn Connector>,
    pub(super) egress: Egress,
    now: Arc<AtomicI64>,
}

impl Lab {
    pub(super) async fn start(options: Options, more: Value) -> Self {
        let now = Arc::new(AtomicI64::new(NOW.millis()));
        let org = Arc::new(Mutex::new(Org::new(options)));
        let clock = Arc::clone(&now);
        let serving = Serving::new(Arc::new(move || clock.load(Ordering::Relaxed)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sandbox = start(listener, Box::new(Arc::clone(&org)), serving).unwrap();
        let mut settings = sandbox.destination_settings();
        settings["timeout_seconds"] = json!(6);
        for (name, value) in more.as_object().unwrap() {
            settings[name] = value.clone();
        }
        let connector = KIND.open(settings.as_object().unwrap()).unwrap_or_else(|it| panic!("{it:?}"));
        Self { org, sandbox, connector, egress: lab(), now }
    }

    pub(super) async fn plain() -> Self {
        Self::start(Options::default(), json!({})).await
    }

    pub(super) fn moment(&self) -> Moment {
        Moment { now: Timestamp::from_millis(self.now.load(Ordering::Relaxed)) }
    }

    pub(super) async fn deliver(&self, batch: &[Payload]) -> Delivered {
        let delivered = self.connector.deliver(batch, self.moment(), &self.egress).await;
        assert_eq!(delivered.tried.len(), batch.len());
        delivered
    }

    pub(super) async fn one(&self, payload: Payload) -> Tried {
        self.deliver(&[payload]).await.tried.remove(0)
    }

    pub(super) fn org(&self) -> std::sync::MutexGuard<'_, Org> {
        self.org.lock().unwrap()
    }

    pub(super) fn pass(&self, millis: i64) {
        self.now.fetch_add(millis, Ordering::Relaxed);
    }

    pub(super) fn next(&self, fault: Wrong, scope: Scope) {
        self.sandbox.faults(|it| it.next(1, fault, scope));
    }
}

pub(super) fn record(tried: &Tried) -> String {
    match &tried.outcome {
        Outcome::Done(Receipt::Confirmed { record }) => record.clone(),
        other => panic!("{other:?}: {:?}", tried.evidence),
    }
}

pub(super) fn with(mut payload: Payload, change: impl FnOnce(&mut Touchpoint)) -> Payload {
    let mut touchpoint = (*payload.touchpoint).clone();
    change(&mut touchpoint);
    payload.touchpoint = Arc::new(touchpoint);
    payload
}

#[tokio::test]
async fn two_hundred_new_leads_are_two_calls_and_each_has_its_id() {
    let lab = Lab::plain().await;
    let batch: Vec<Payload> = (1..=200).map(|it| payload(it, it, 1)).collect();
    let delivered = lab.deliver(&batch).await;
    assert_eq!(delivered.calls, 2);
    let records = lab.sandbox.records();
    assert_eq!(records.len(), 200);
    for ((tried, payload), stored) in delivered.tried.iter().zip(&batch).zip(&records) {
        assert_eq!(stored["id"], json!(record(tried)));
        assert_eq!(stored["key"], json!(payload.lead.to_string()));
    }
    assert_eq!(records[0]["fields"]["Country"], "Hungary");
    assert_eq!(records[0]["fields"]["LeadSource"], "AzureMarketplace-INS|contoso.crm-pro");
    // The token is kept.
    assert_eq!(lab.deliver(&[payload(201, 201, 1)]).await.calls, 1);
}

#[tokio::test]
async fn a_later_touchpoint_writes_only_what_is_leadwires_own() {
    let lab = Lab::start(Options::default(), json!({ "mapping": { "Rating": "action | always" } })).await;
    let id = record(&lab.one(payload(1, 1, 1)).await);
    let owner = lab.sandbox.records()[0]["fields"]["OwnerId"].clone();
    assert_eq!(owner, "00G5e000000AAAAEA4", "the active assignment rule ran");
    let edits = json!({ "Company": "Typed By Hand", "OwnerId": "0055e000001BBBBAA4" });
    lab.org().edit(&id, &edits, 0).unwrap();
    let later = with(payload(1, 2, 1), |it| {
        it.action = Action::DoNotContact;
        it.customer.company = Some("Another".to_owned());
    });
    assert_eq!(record(&lab.one(later).await), id);
    let fields = lab.sandbox.records()[0]["fields"].clone();
    assert_eq!(fields["Company"], "Typed By Hand");
    assert_eq!(fields["OwnerId"], "0055e000001BBBBAA4", "no assignment rule takes it from its owner");
    assert_eq!(fields["Rating"], "DNC");
    assert_eq!((&fields["DoNotCall"], &fields["HasOptedOutOfEmail"]), (&json!(true), &json!(true)));
    assert_eq!(lab.sandbox.records().len(), 1);
}

#[tokio::test]
async fn a_lead_without_anything_to_add_is_looked_up_and_not_written() {
    let lab = Lab::start(Options::default(), json!({ "touchpoint_notes": "none" })).await;
    let id = record(&lab.one(payload(1, 1, 1)).await);
    let writes = lab.sandbox.writes();
    let tried = lab.one(payload(1, 2, 1)).await;
    assert_eq!((record(&tried), &*tried.evidence.cause), (id, "already_there"));
    assert_eq!(lab.sandbox.writes(), writes);
}

#[tokio::test]
async fn overwriting_is_a_choice() {
    let lab =
        Lab::start(Options::default(), json!({ "existing_leads": "overwrite", "touchpoint_notes": "none" }))
            .await;
    lab.one(payload(1, 1, 1)).await;
    let later = with(payload(1, 2, 1), |it| it.customer.company = Some("Another".to_owned()));
    assert_eq!(lab.deliver(&[later]).await.calls, 1);
    assert_eq!(lab.sandbox.records()[0]["fields"]["Company"], "Another");
}

#[tokio::test]
async fn a_converted_lead_is_delivered_and_left_alone() {
    for more in [json!({}), json!({ "existing_leads": "overwrite" })] {
        let lab = Lab::start(Options::default(), more).await;
        let id = record(&lab.one(payload(1, 1, 1)).await);
        assert!(lab.org().convert(&id));
        let before = lab.sandbox.records();
        let tried = lab.one(payload(1, 2, 1)).await;
        assert!(matches!(tried.outcome, Outcome::Done(_)), "{tried:?}");
        assert_eq!(tried.evidence.cause, "lead_converted");
        assert_eq!(lab.sandbox.records(), before);
    }
}

#[tokio::test]
async fn new_old_and_unmappable_leads_of_one_batch_each_get_their_own_outcome() {
    let more = json!({ "mapping": { "Rating": "action | always", "Company": "customer.company" },
        "touchpoint_notes": "none" });
    let lab = Lab::start(Options::default(), more).await;
    let old = record(&lab.one(payload(1, 1, 1)).await);
    let batch = [
        payload(1, 5, 1),
        with(payload(2, 6, 1), |it| it.customer.company = None),
        payload(3, 3, 1),
        payload(4, 8, 1),
        payload(1, 9, 1),
    ];
    let delivered = lab.deliver(&batch).await;
    assert_eq!(delivered.calls, 3, "a look, the new ones, the old one");
    assert_eq!(record(&delivered.tried[0]), old);
    assert_eq!(record(&delivered.tried[4]), old);
    assert_eq!(delivered.tried[1].outcome, Outcome::NotDone(Fault::Park));
    assert_ne!(record(&delivered.tried[2]), record(&delivered.tried[3]));
    assert_eq!(lab.sandbox.records().len(), 3);
}

#[tokio::test]
async fn a_duplicate_rule_is_answered_as_the_settings_say() {
    for (rule, choice, is_done, records) in [
        (DuplicateRule::Alert, "link", true, 1),
        (DuplicateRule::Block, "link", true, 1),
        (DuplicateRule::Alert, "force", true, 2),
        (DuplicateRule::Block, "force", false, 1),
        (DuplicateRule::Alert, "park", false, 1),
    ] {
        let options = Options { duplicate_rule: rule, ..Options::default() };
        let lab = Lab::start(options, json!({ "duplicates": choice })).await;
        let typed = json!({ "LastName": "Lovelace", "Company": "A", "Email": "ADA1@example.com" });
        let theirs = lab.org().add(&typed, 0).unwrap();
        let tried = lab.one(payload(1, 1, 1)).await;
        assert_eq!(lab.sandbox.records().len(), records, "{rule:?} {choice}");
        if is_done {
            assert_eq!(record(&tried) == theirs, choice == "link", "{rule:?} {choice}");
        } else {
            assert_eq!(tried.outcome, Outcome::NotDone(Fault::Park), "{rule:?} {choice}");
            assert_eq!(tried.evidence.cause, "duplicate_found");
            assert!(!tried.evidence.answer.contains("example.com"));
        }
    }
}

#[tokio::test]
async fn many_duplicates_are_asked_for_a_few_at_a_time() {
    let options = Options { duplicate_rule: DuplicateRule::Block, ..Options::default() };
    let lab = Lab::start(options, json!({})).await;
    for number in 1..=15 {
        let email = format!("ada{number}@example.com");
        lab.org().add(&json!({ "LastName": "L", "Company": "A", "Email": email }), 0).unwrap();
    }
    let batch: Vec<Payload> = (1..=15).map(|it| payload(it, it, 1)).collect();
    let delivered = lab.deliver(&batch).await;
    assert_eq!(delivered.calls, 2 + 10 + 1, "the last one for the notes of those that were linked");
    let linked = delivered.tried.iter().filter(|it| it.evidence.cause == "linked").count();
    let smaller = delivered.tried.iter().filter(|it| it.outcome == Outcome::NotDone(Fault::SmallerBatch));
    assert_eq!((linked, smaller.count()), (10, 5));
}

#[tokio::test]
async fn a_forgotten_token_is_replaced_once_and_a_removed_field_pauses() {
    let lab = Lab::plain().await;
    lab.one(payload(1, 1, 1)).await;
    lab.next(Wrong::TokenExpired, Scope::Writes);
    assert_eq!(lab.one(payload(2, 2, 1)).await.outcome, Outcome::NotDone(Fault::RetryNow));
    record(&lab.one(payload(2, 2, 2)).await);
    lab.next(Wrong::FieldRemoved("Title".to_owned()), Scope::Writes);
    let tried = lab.one(payload(3, 3, 1)).await;
    assert_eq!((tried.outcome, &*tried.evidence.cause), (Outcome::NotDone(Fault::Pause), "field_unknown"));
}

#[tokio::test]
async fn faults_of_the_service_and_the_way_have_their_class() {
    let lab = Lab::plain().await;
    lab.one(payload(1, 1, 1)).await;
    let later = Outcome::NotDone(Fault::RetryAfter(None));
    for (fault, outcome, cause) in [
        (Wrong::Busy, Outcome::NotDone(Fault::HoldLane(Some(errors::DAY_HOLD))), "daily_calls_used_up"),
        (Wrong::Failing, later.clone(), "service_unavailable"),
        (Wrong::OkWithError, later, "record_locked"),
        (Wrong::CutBefore, Outcome::Unknown, "connection_lost"),
        (Wrong::CutAfter, Outcome::Unknown, "connection_lost"),
        (Wrong::CutMidAnswer, Outcome::Unknown, "connection_lost"),
        (Wrong::Stall, Outcome::Unknown, "answer_timeout"),
        (Wrong::Html, Outcome::Unknown, "answer_html"),
        (Wrong::EmptyAnswer, Outcome::Unknown, "answer_unreadable"),
        (Wrong::HugeAnswer, Outcome::Unknown, "answer_unreadable"),
    ] {
        lab.next(fault.clone(), Scope::Writes);
        let tried = lab.one(payload(2, 2, 1)).await;
        assert_eq!((&tried.outcome, &*tried.evidence.cause), (&outcome, cause), "{fault:?}");
        // Whatever it was, the repetition finds or makes the one record.
        record(&lab.one(payload(2, 2, 2)).await);
        assert_eq!(lab.sandbox.records().len(), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn half_a_batch_that_is_refused_leaves_the_other_half_delivered() {
    let lab = Lab::plain().await;
    lab.next(Wrong::Partial, Scope::Writes);
    let batch: Vec<Payload> = (1..=6).map(|it| payload(it, it, 1)).collect();
    let delivered = lab.deliver(&batch).await;
    let done: Vec<bool> = delivered.tried.iter().map(|it| matches!(it.outcome, Outcome::Done(_))).collect();
    assert_eq!(done, [true, false, true, false, true, false]);
    assert_eq!(lab.sandbox.records().len(), 3);
}

#[tokio::test]
async fn leads_wait_while_the_org_has_used_its_share_of_the_day() {
    let options = Options { daily_calls: 1000, ..Options::default() };
    let lab = Lab::start(options, json!({})).await;
    lab.one(payload(1, 1, 1)).await;
    lab.org().use_calls(850, NOW.millis());
    // Its answer tells.
    record(&lab.one(payload(2, 2, 1)).await);
    let calls = lab.sandbox.calls();
    let held = lab.one(payload(3, 3, 1)).await;
    assert_eq!(held.outcome, Outcome::NotDone(Fault::HoldLane(Some(errors::DAY_HOLD))));
    assert_eq!(held.evidence.cause, "api_share_used_up");
    assert_eq!(lab.sandbox.calls(), calls);
    // Later it looks again before it writes, and finds that a day has passed.
    lab.now.fetch_add(errors::DAY_HOLD.as_millis() as i64 + 1, Ordering::Relaxed);
    assert_eq!(lab.one(payload(3, 3, 2)).await.evidence.cause, "api_share_used_up");
    lab.now.fetch_add(25 * 3_600_000, Ordering::Relaxed);
    record(&lab.one(payload(3, 3, 3)).await);
}

#[tokio::test]
async fn two_thousand_leads_with_lost_answers_are_each_there_once() {
    let lab = Lab::plain().await;
    lab.sandbox.faults(|it| it.share(0.3, Wrong::CutAfter, Scope::All));
    let mut pending: BTreeMap<u128, u32> = (1..=2000).map(|it| (it, 1)).collect();
    let mut rounds = 0;
    while !pending.is_empty() {
        rounds += 1;
        assert!(rounds < 500, "{} leads never arrive", pending.len());
        let batch: Vec<Payload> =
            pending.iter().take(100).map(|(lead, attempt)| payload(*lead, *lead, *attempt)).collect();
        let delivered = lab.deliver(&batch).await;
        for (payload, tried) in batch.iter().zip(&delivered.tried) {
            match &tried.outcome {
                Outcome::Done(_) => drop(pending.remove(&payload.lead.bits())),
                Outcome::NotDone(_) | Outcome::Unknown => {
                    *pending.get_mut(&payload.lead.bits()).unwrap() += 1;
                }
            }
        }
    }
    let mut keys: Vec<String> =
        lab.sandbox.records().iter().map(|it| it["key"].as_str().unwrap().to_owned()).collect();
    keys.sort();
    let mut expected: Vec<String> = (1..=2000).map(|it| LeadId::new(it).to_string()).collect();
    expected.sort();
    assert_eq!(keys, expected);
}

#[tokio::test]
async fn a_jwt_signs_in_until_the_clock_or_the_audience_is_wrong() {
    let (private, public) = key_pair();
    let user = JwtUser {
        username: "leads@acme.example".to_owned(),
        public_key_pem: public,
        audience: "https://login.salesforce.com".to_owned(),
    };
    let options = Options { jwt_user: Some(user), ..Options::default() };
    let lab = Lab::start(options.clone(), jwt_settings(&private)).await;
    record(&lab.one(payload(1, 1, 1)).await);
    let mut wrong = jwt_settings(&private);
    wrong["audience"] = json!("https://test.salesforce.com");
    let lab = Lab::start(options.clone(), wrong).await;
    assert_eq!(lab.one(payload(1, 1, 1)).await.evidence.cause, "token_wrong_audience");
    let lab = Lab::start(options.clone(), jwt_settings(&key_pair().0)).await;
    assert_eq!(lab.one(payload(1, 1, 1)).await.evidence.cause, "token_client_refused");
    let lab = Lab::start(options, jwt_settings(&private)).await;
    lab.now.fetch_add(3_600_000, Ordering::Relaxed);
    let late = lab.connector.deliver(&[payload(1, 1, 1)], Moment { now: NOW }, &lab.egress).await;
    assert_eq!(late.tried[0].evidence.cause, "token_assertion_expired");
}

#[tokio::test]
async fn a_wrong_secret_or_a_missing_run_as_user_pauses_with_what_to_do() {
    for (options, more, cause) in [
        (Options::default(), json!({ "client_secret": "wrong" }), "token_client_refused"),
        (Options::default(), json!({ "client_id": "wrong" }), "token_client_unknown"),
        (Options { has_run_as_user: false, ..Options::default() }, json!({}), "token_run_as_missing"),
    ] {
        let lab = Lab::start(options, more).await;
        let tried = lab.one(payload(1, 1, 1)).await;
        assert_eq!((&tried.outcome, &*tried.evidence.cause), (&Outcome::NotDone(Fault::Pause), cause));
        assert!(!tried.evidence.fix.is_empty() && tried.evidence.answer.is_empty());
    }
}

#[tokio::test]
async fn a_check_learns_the_fields_and_names_what_is_wrong() {
    let lab = Lab::plain().await;
    lab.org().restrict("LeadSource", &["Web"]);
    let checked = lab.connector.check(lab.moment(), &lab.egress).await;
    assert!(checked.is_passed(), "{:?}", checked.steps);
    let names: Vec<&str> = checked.steps.iter().map(|it| it.name).collect();
    assert_eq!(names, ["token", "permission", "external_id", "fields", "notes", "api_calls"]);
    let rules = checked.field_rules.unwrap();
    assert_eq!(rules["LastName"], json!({ "kind": "text", "characters_max": 80, "required": true }));
    assert_eq!(rules["LeadSource"]["choices"], json!(["Web"]));
    // The rules are held before anything is sent.
    let mut settings = lab.sandbox.destination_settings();
    settings["field_rules"] = rules;
    let learned = KIND.open(settings.as_object().unwrap()).unwrap_or_else(|it| panic!("{it:?}"));
    let delivered = learned.deliver(&[payload(1, 1, 1)], lab.moment(), &lab.egress).await;
    assert!(delivered.tried[0].evidence.message.contains("LeadSource was left out"), "{delivered:?}");
    lab.org().hide("Title");
    let checked = lab.connector.check(lab.moment(), &lab.egress).await;
    let last = checked.steps.iter().find(|it| it.verdict == Verdict::Failed).unwrap();
    assert_eq!((last.name, &*last.cause), ("fields", "field_unknown"));
    assert!(last.message.contains("Title"));
}

#[tokio::test]
async fn the_external_id_field_is_made_where_that_is_permitted() {
    let bare = Options { has_key_field: false, ..Options::default() };
    let lab = Lab::start(bare.clone(), json!({})).await;
    let tried = lab.one(payload(1, 1, 1)).await;
    assert_eq!((tried.outcome, &*tried.evidence.cause), (Outcome::NotDone(Fault::Pause), "not_found"));
    for _ in 0..2 {
        let steps = lab.connector.prepare(lab.moment(), &lab.egress).await.unwrap();
        assert!(steps.iter().all(|it| it.verdict == Verdict::Passed), "{steps:?}");
    }
    record(&lab.one(payload(1, 1, 2)).await);
    let lab = Lab::start(Options { is_admin: false, ..bare }, json!({})).await;
    let steps = lab.connector.prepare(lab.moment(), &lab.egress).await.unwrap();
    assert_eq!(steps[0].verdict, Verdict::Failed);
    assert!(steps[0].fix.contains("External ID and Unique"), "{steps:?}");
}

#[tokio::test]
async fn a_test_lead_is_read_back_and_taken_away_but_nobody_elses_record() {
    let options = Options { duplicate_rule: DuplicateRule::Block, ..Options::default() };
    let lab = Lab::start(options, json!({})).await;
    let typed = json!({ "LastName": "L", "Company": "A", "Email": "ada2@example.com" });
    lab.org().add(&typed, 0).unwrap();
    for (lead, verdict, left) in [(1, Verdict::Passed, 1), (2, Verdict::Skipped, 1)] {
        let payload = payload(lead, lead, 1);
        let Outcome::Done(receipt) = lab.one(payload.clone()).await.outcome else { panic!("not delivered") };
        let read = lab.connector.read_back(&payload, &receipt, lab.moment(), &lab.egress).await.unwrap();
        assert_eq!(read.verdict == Verdict::Passed, lead == 1, "{read:?}");
        let gone = lab.connector.clean_up(&payload, &receipt, lab.moment(), &lab.egress).await.unwrap();
        assert_eq!(gone.verdict, verdict, "{gone:?}");
        assert_eq!(lab.sandbox.records().len(), left);
    }
}
