//! The connector against a simulated environment, over sockets of this machine.

use super::tests::{NOW, lab, payload, with};
use super::*;
use crate::entra::tests::certificate;
use crate::validation::Verdict;
use leadwire_core::outcome::{Fault, Outcome, Tried};
use leadwire_core::touchpoint::Action;
use leadwire_sandbox::dynamics::{Dynamics as Environment, Options, TEAM};
use leadwire_sandbox::service::{Fault as Wrong, Options as Serving, Sandbox, Scope, start};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::net::TcpListener;

pub(super) const SECRET: &str = "sandbox-secret";

pub(super) struct Lab {
    environment: Arc<Mutex<Environment>>,
    pub(super) sandbox: Sandbox,
    pub(super) connector: Box<dyn Connector>,
    pub(super) egress: Egress,
    now: Arc<AtomicI64>,
}

impl Lab {
    pub(super) async fn start(options: Options, more: Value) -> Self {
        let now = Arc::new(AtomicI64::new(NOW.millis()));
        let environment = Arc::new(Mutex::new(Environment::new(options)));
        let clock = Arc::clone(&now);
        let serving = Serving::new(Arc::new(move || clock.load(Ordering::Relaxed)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sandbox = start(listener, Box::new(Arc::clone(&environment)), serving).unwrap();
        let mut settings = sandbox.destination_settings();
        settings["timeout_seconds"] = json!(6);
        for (name, value) in more.as_object().unwrap() {
            settings[name] = value.clone();
        }
        let connector = KIND.open(settings.as_object().unwrap()).unwrap_or_else(|it| panic!("{it:?}"));
        Self { environment, sandbox, connector, egress: lab(), now }
    }

    pub(super) async fn plain() -> Self {
        Self::start(Options::new(SECRET), json!({})).await
    }

    pub(super) fn moment(&self) -> Moment {
        Moment { now: Timestamp::from_millis(self.now.load(Ordering::Relaxed)) }
    }

    fn wait(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    pub(super) async fn deliver(&self, batch: &[Payload]) -> Delivered {
        let delivered = self.connector.deliver(batch, self.moment(), &self.egress).await;
        assert_eq!(delivered.tried.len(), batch.len());
        delivered
    }

    pub(super) async fn one(&self, payload: Payload) -> Tried {
        self.deliver(&[payload]).await.tried.remove(0)
    }

    pub(super) fn environment(&self) -> MutexGuard<'_, Environment> {
        self.environment.lock().unwrap()
    }

    pub(super) fn next(&self, fault: Wrong, scope: Scope) {
        self.sandbox.faults(|it| it.next(1, fault, scope));
    }

    pub(super) async fn check(&self) -> Checked {
        self.connector.check(self.moment(), &self.egress).await
    }

    async fn failed_step(&self) -> (&'static str, String) {
        let checked = self.check().await;
        let last = checked.steps.last().unwrap().clone();
        assert_eq!(last.verdict, Verdict::Failed, "{:?}", checked.steps);
        assert!(!last.fix.is_empty(), "{last:?}");
        (last.name, last.cause)
    }
}

pub(super) fn record(tried: &Tried) -> String {
    match &tried.outcome {
        Outcome::Done(Receipt::Confirmed { record }) => record.clone(),
        other => panic!("{other:?}: {:?}", tried.evidence),
    }
}

pub(super) fn cause(tried: &Tried) -> (Outcome, &str) {
    (tried.outcome.clone(), &tried.evidence.cause)
}

#[tokio::test]
async fn a_hundred_new_leads_are_two_calls_and_each_has_the_id_that_leadwire_chose() {
    let lab = Lab::plain().await;
    let batch: Vec<Payload> = (1..=100).map(|it| payload(it, it, 1)).collect();
    let delivered = lab.deliver(&batch).await;
    assert_eq!(delivered.calls, 2);
    let records = lab.sandbox.records();
    assert_eq!(records.len(), 100);
    for ((tried, payload), stored) in delivered.tried.iter().zip(&batch).zip(&records) {
        assert_eq!(stored["id"], json!(record(tried)));
        assert_eq!(stored["id"], json!(crate::record_id::guid(payload)));
    }
    let fields = &records[0]["fields"];
    assert_eq!((&fields["address1_country"], &fields["leadsourcecode"]), (&json!("Hungary"), &json!(8)));
    assert_eq!(fields["subject"], "contoso.crm-pro");
    // The token is kept.
    assert_eq!(lab.deliver(&[payload(101, 101, 1)]).await.calls, 1);
}

#[tokio::test]
async fn a_later_touchpoint_writes_only_what_is_leadwires_own() {
    let lab = Lab::start(Options::new(SECRET), json!({ "mapping": { "sic": "action | always" } })).await;
    let id = record(&lab.one(payload(1, 1, 1)).await);
    lab.environment().edit(Some(&id), &json!({ "companyname": "Typed By Hand" }), 0).unwrap();
    let later = with(payload(1, 2, 1), |it| {
        it.action = Action::DoNotContact;
        it.customer.company = Some("Another".to_owned());
    });
    assert_eq!(record(&lab.one(later).await), id);
    let fields = lab.sandbox.records()[0]["fields"].clone();
    assert_eq!((&fields["companyname"], &fields["sic"]), (&json!("Typed By Hand"), &json!("DNC")));
    for flag in ["donotemail", "donotbulkemail", "donotphone", "donotsendmm"] {
        assert_eq!(fields[flag], json!(true), "{flag}");
    }
    assert_eq!(lab.sandbox.records().len(), 1);
}

#[tokio::test]
async fn a_lead_that_is_there_against_expectation_gets_only_what_is_leadwires_own() {
    let lab = Lab::start(Options::new(SECRET), json!({ "mapping": { "sic": "action | always" } })).await;
    let batch = [payload(1, 1, 1), payload(2, 2, 1)];
    let first = lab.deliver(&batch).await;
    let id = record(&first.tried[0]);
    lab.environment()
        .edit(Some(&id), &json!({ "companyname": "Typed By Hand", "sic": "by hand" }), 0)
        .unwrap();
    // As after a restore of Leadwire: it does not know that it was there before.
    let again = lab.deliver(&batch).await;
    assert_eq!(again.calls, 3, "making it, which is refused, a look, and what is its own");
    assert_eq!(record(&again.tried[0]), id);
    let fields = lab.sandbox.records()[0]["fields"].clone();
    assert_eq!((&fields["companyname"], &fields["sic"]), (&json!("Typed By Hand"), &json!("INS")));
    assert_eq!(lab.sandbox.records().len(), 2);
}

#[tokio::test]
async fn a_lead_without_anything_to_add_is_looked_at_and_not_written() {
    let lab = Lab::start(Options::new(SECRET), json!({ "touchpoint_notes": "none" })).await;
    let id = record(&lab.one(payload(1, 1, 1)).await);
    let writes = lab.sandbox.writes();
    let tried = lab.one(payload(1, 2, 1)).await;
    assert_eq!((record(&tried), &*tried.evidence.cause), (id, "already_there"));
    assert_eq!(lab.sandbox.writes(), writes);
}

#[tokio::test]
async fn overwriting_is_a_choice() {
    let lab = Lab::start(Options::new(SECRET), json!({ "existing_leads": "overwrite" })).await;
    lab.one(payload(1, 1, 1)).await;
    let later = with(payload(1, 2, 1), |it| it.customer.company = Some("Another".to_owned()));
    record(&lab.one(later).await);
    assert_eq!(lab.sandbox.records()[0]["fields"]["companyname"], "Another");
}

#[tokio::test]
async fn a_qualified_lead_is_delivered_and_left_alone() {
    for (mut more, state) in [(json!({}), 1), (json!({ "existing_leads": "overwrite" }), 2)] {
        more["touchpoint_notes"] = json!("none");
        let lab = Lab::start(Options::new(SECRET), more).await;
        let id = record(&lab.one(payload(1, 1, 1)).await);
        assert!(lab.environment().set_state(&id, state));
        let before = lab.sandbox.records();
        let later = with(payload(1, 2, 1), |it| it.action = Action::DoNotContact);
        // Also when it is taken for a new one, as after a restore.
        for payload in [later, payload(1, 1, 1)] {
            let tried = lab.one(payload).await;
            assert_eq!(record(&tried), id);
            assert!(["lead_closed", "already_there"].contains(&&*tried.evidence.cause), "{tried:?}");
        }
        assert_eq!(lab.sandbox.records(), before);
    }
}

#[tokio::test]
async fn a_lead_that_somebody_deleted_is_made_again_by_the_next_touchpoint() {
    let lab = Lab::plain().await;
    let id = record(&lab.one(payload(1, 1, 1)).await);
    assert!(lab.environment().delete(&id));
    assert_eq!(record(&lab.one(payload(1, 2, 1)).await), id);
    assert_eq!(lab.sandbox.records().len(), 1);
}

#[tokio::test]
async fn a_repetition_of_the_first_write_finds_its_own_lead() {
    let lab = Lab::plain().await;
    for fault in [Wrong::CutAfter, Wrong::Stall, Wrong::CutMidAnswer] {
        lab.next(fault.clone(), Scope::Writes);
        let batch: Vec<Payload> = (1..=5).map(|it| payload(it, it, 1)).collect();
        let lost = lab.deliver(&batch).await;
        assert!(lost.tried.iter().all(|it| it.outcome == Outcome::Unknown), "{fault:?}");
        let again: Vec<Payload> = (1..=5).map(|it| payload(it, it, 2)).collect();
        let found = lab.deliver(&again).await;
        found.tried.iter().for_each(|it| drop(record(it)));
        assert_eq!(lab.sandbox.records().len(), 5, "{fault:?}");
    }
}

#[tokio::test]
async fn one_bad_record_neither_fails_nor_passes_its_batch() {
    let lab = Lab::start(Options::new(SECRET), json!({ "mapping": { "sic": "notes" } })).await;
    let old = record(&lab.one(payload(1, 1, 1)).await);
    let batch = [
        payload(1, 5, 1),
        with(payload(2, 2, 1), |it| it.notes = Some("x".repeat(30))),
        payload(3, 3, 1),
        payload(4, 8, 1),
        payload(3, 9, 1),
    ];
    // What the mapping knows is too long is cut; what only the environment knows is refused there.
    let rules = json!({ "mapping": { "sic": "notes" }, "field_rules": { "sic": { "characters_max": 100 } },
        "touchpoint_notes": "none" });
    let mut settings = lab.sandbox.destination_settings();
    settings.as_object_mut().unwrap().extend(rules.as_object().unwrap().clone());
    let connector = KIND.open(settings.as_object().unwrap()).unwrap_or_else(|it| panic!("{it:?}"));
    let delivered = connector.deliver(&batch, lab.moment(), &lab.egress).await;
    assert_eq!(cause(&delivered.tried[1]), (Outcome::NotDone(Fault::Park), "field_too_long"));
    assert_eq!(record(&delivered.tried[0]), old);
    assert_eq!(record(&delivered.tried[2]), record(&delivered.tried[4]));
    assert_ne!(record(&delivered.tried[2]), record(&delivered.tried[3]));
    assert_eq!(lab.sandbox.records().len(), 3);
    assert_eq!(delivered.calls, 3, "a token, a look at those that may be there, those that are not");
}

#[tokio::test]
async fn a_duplicate_rule_is_answered_as_the_settings_say() {
    for status in [412, 500] {
        for (choice, is_done, records) in [("create", true, 2), ("park", false, 1), ("deliver", true, 1)] {
            let options =
                Options { has_duplicate_rule: true, duplicate_status: status, ..Options::new(SECRET) };
            let lab = Lab::start(options, json!({ "duplicates": choice })).await;
            let theirs = json!({ "lastname": "L", "subject": "S", "emailaddress1": "ADA1@example.com" });
            lab.environment().edit(None, &theirs, 0).unwrap();
            let tried = lab.one(payload(1, 1, 1)).await;
            assert_eq!(lab.sandbox.records().len(), records, "{choice} {status}");
            assert_eq!(matches!(tried.outcome, Outcome::Done(_)), is_done, "{choice} {status}: {tried:?}");
            if !is_done {
                assert_eq!(cause(&tried), (Outcome::NotDone(Fault::Park), "duplicate_found"));
            }
        }
    }
}

#[tokio::test]
async fn leads_can_be_known_by_an_alternate_key_which_leadwire_makes() {
    let more = json!({ "key": "alternate_key", "mapping": { "sic": "action | always" } });
    let lab = Lab::start(Options::new(SECRET), more).await;
    assert_eq!(lab.failed_step().await, ("key", "key_column_missing".to_owned()));
    assert_eq!(lab.one(payload(1, 1, 1)).await.evidence.cause, "key_unknown");
    let steps = lab.connector.prepare(lab.moment(), &lab.egress).await.unwrap();
    let names: Vec<(&str, Verdict)> = steps.iter().map(|it| (it.name, it.verdict)).collect();
    assert_eq!(names, [("token", Verdict::Passed), ("column", Verdict::Passed), ("key", Verdict::Passed)]);
    assert_eq!(lab.failed_step().await, ("key", "key_building".to_owned()));
    lab.wait(20);
    assert!(lab.check().await.is_passed());
    let made = record(&lab.one(payload(1, 1, 1)).await);
    assert_eq!(lab.sandbox.records()[0]["id"], json!(made), "the row's id, not the key");
    assert_eq!(
        lab.sandbox.records()[0]["fields"]["leadwire_leadid"],
        json!(payload(1, 1, 1).lead.to_string())
    );
    // Once more, later, in a batch, and lost.
    assert_eq!(record(&lab.one(payload(1, 1, 2)).await), made);
    assert_eq!(record(&lab.one(payload(1, 4, 1)).await), made);
    lab.next(Wrong::CutAfter, Scope::Writes);
    lab.deliver(&[payload(5, 5, 1), payload(6, 6, 1)]).await;
    let again = lab.deliver(&[payload(5, 5, 2), payload(6, 6, 2)]).await;
    again.tried.iter().for_each(|it| drop(record(it)));
    assert_eq!(lab.sandbox.records().len(), 3);
    // Preparing again leaves alone what is there.
    let steps = lab.connector.prepare(lab.moment(), &lab.egress).await.unwrap();
    assert_eq!((steps[1].name, steps[1].verdict), ("key", Verdict::Passed));
    let plain = Lab::plain().await;
    assert!(plain.connector.prepare(plain.moment(), &plain.egress).await.is_none());
}

#[tokio::test]
async fn an_expired_token_is_replaced_once_and_a_removed_column_pauses() {
    let lab = Lab::plain().await;
    lab.one(payload(1, 1, 1)).await;
    for batch in [&[payload(2, 2, 1)][..], &[payload(3, 3, 1), payload(4, 4, 1)]] {
        lab.next(Wrong::TokenExpired, Scope::Writes);
        let refused = lab.deliver(batch).await;
        assert!(refused.tried.iter().all(|it| it.outcome == Outcome::NotDone(Fault::RetryNow)));
        lab.deliver(batch).await.tried.iter().for_each(|it| drop(record(it)));
    }
    // In time, without being refused first.
    lab.wait(3590);
    let calls = lab.deliver(&[payload(5, 5, 1)]).await;
    assert_eq!((calls.calls, matches!(calls.tried[0].outcome, Outcome::Done(_))), (2, true));
    lab.next(Wrong::FieldRemoved("jobtitle".to_owned()), Scope::Writes);
    let tried = lab.one(payload(6, 6, 1)).await;
    assert_eq!(cause(&tried), (Outcome::NotDone(Fault::Pause), "field_unknown"));
}

#[tokio::test]
async fn faults_of_the_service_and_the_way_have_their_class() {
    let lab = Lab::plain().await;
    lab.one(payload(1, 1, 1)).await;
    let hold = Outcome::NotDone(Fault::HoldLane(Some(Duration::from_secs(35))));
    let later = Outcome::NotDone(Fault::RetryAfter(None));
    for (fault, outcome, name) in [
        (Wrong::Busy, hold.clone(), "throttled_requests"),
        (Wrong::Busy, hold.clone(), "throttled_time"),
        (Wrong::Busy, hold, "throttled_concurrency"),
        (Wrong::Failing, later.clone(), "http_503"),
        (Wrong::OkWithError, Outcome::Unknown, "answer_unreadable"),
        (Wrong::Partial, Outcome::NotDone(Fault::Park), "plugin_refused"),
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
        assert_eq!(cause(&tried), (outcome, name), "{fault:?}");
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
async fn service_protection_holds_the_lane_until_there_is_room_again() {
    let options = Options { requests_max: Some(8), ..Options::new(SECRET) };
    let lab = Lab::start(options, json!({})).await;
    let batch: Vec<Payload> = (1..=10).map(|it| payload(it, it, 1)).collect();
    let delivered = lab.deliver(&batch).await;
    let wait = Outcome::NotDone(Fault::HoldLane(Some(Duration::from_secs(301))));
    for (at, tried) in delivered.tried.iter().enumerate() {
        assert_eq!(tried.outcome == wait, at >= 8, "{at}: {tried:?}");
    }
    lab.wait(301);
    lab.deliver(&batch[8..]).await.tried.iter().for_each(|it| drop(record(it)));
    assert_eq!(lab.sandbox.records().len(), 10);
}

#[tokio::test]
async fn two_thousand_leads_with_lost_answers_are_each_there_once() {
    let options = Options { requests_max: None, ..Options::new(SECRET) };
    let lab = Lab::start(options, json!({})).await;
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
    let mut ids: Vec<String> =
        lab.sandbox.records().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    let mut expected: Vec<String> =
        (1..=2000).map(|it| crate::record_id::guid(&payload(it, it, 1))).collect();
    expected.sort();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn wrong_credentials_and_missing_rights_pause_with_what_to_do() {
    let check = async |change: &dyn Fn(&mut Environment), more: Value, name: &str| {
        let lab = Lab::start(Options::new(SECRET), more).await;
        change(&mut lab.environment());
        let tried = lab.one(payload(1, 1, 1)).await;
        assert_eq!(cause(&tried), (Outcome::NotDone(Fault::Pause), name));
        assert!(!tried.evidence.fix.is_empty());
        let (step, why) = lab.failed_step().await;
        assert!(why == name || step == "permission", "{step} {why}");
    };
    let nothing: &dyn Fn(&mut Environment) = &|_| {};
    check(nothing, json!({ "client_secret": "wrong" }), "token_secret_wrong").await;
    check(nothing, json!({ "client_id": "wrong" }), "token_app_unknown").await;
    check(nothing, json!({ "tenant": "fabrikam.onmicrosoft.com" }), "token_tenant_unknown").await;
    check(&|it| it.entra().change(|it| it.is_secret_expired = true), json!({}), "token_secret_expired").await;
    check(&|it| it.entra().change(|it| it.is_enabled = false), json!({}), "token_app_disabled").await;
    check(&|it| it.change(|it| it.has_app_user = false), json!({}), "app_user_missing").await;
    check(&|it| it.change(|it| it.has_role = false), json!({}), "role_missing").await;
    check(&|it| it.change(|it| it.privileges.clear()), json!({}), "privilege_missing").await;
}

#[tokio::test]
async fn a_secured_column_pauses_with_what_to_do() {
    let lab = Lab::plain().await;
    assert!(lab.environment().secure_column("leadsourcecode"));
    let tried = lab.one(payload(1, 1, 1)).await;
    assert_eq!(cause(&tried), (Outcome::NotDone(Fault::Pause), "column_locked"));
}

#[tokio::test]
async fn a_certificate_signs_in() {
    let (pem, key, uploaded) = certificate();
    let mut options = Options::new(SECRET);
    options.entra.certificate = Some(uploaded);
    let more = |key: &str| json!({ "auth": "certificate", "client_secret": null, "certificate": pem, "private_key": key });
    let lab = Lab::start(options, more(&key)).await;
    record(&lab.one(payload(1, 1, 1)).await);
    assert!(lab.connector.ends_at().is_some());
    let unknown = Lab::start(Options::new(SECRET), more(&key)).await;
    assert_eq!(unknown.one(payload(1, 1, 1)).await.evidence.cause, "token_certificate_unknown");
}

#[tokio::test]
async fn a_look_finds_rights_and_columns_and_learns_what_they_take() {
    let more = json!({ "mapping": { "new_code": "custom.code", "ownerid@odata.bind": format!("'/teams({TEAM})'") } });
    let lab = Lab::start(Options::new(SECRET), more).await;
    assert_eq!(lab.failed_step().await, ("fields", "field_unknown".to_owned()));
    lab.environment().add_column("new_code", 12, false);
    lab.environment().restrict("leadsourcecode", &[1, 100_000_001]);
    let checked = lab.check().await;
    let names: Vec<(&str, Verdict)> = checked.steps.iter().map(|it| (it.name, it.verdict)).collect();
    let passed = ["token", "who_am_i", "permission", "notes", "fields"].map(|it| (it, Verdict::Passed));
    assert_eq!(names, passed);
    let rules = checked.field_rules.unwrap();
    assert_eq!(rules["new_code"], json!({ "kind": "text", "characters_max": 12 }));
    assert_eq!(rules["subject"], json!({ "kind": "text", "characters_max": 300, "required": true }));
    assert_eq!(rules["leadsourcecode"], json!({ "kind": "number", "choices": ["1", "100000001"] }));
    assert_eq!(rules["donotemail"], json!({ "kind": "bool" }));
    assert_eq!(rules["emailaddress1"], json!({ "kind": "email", "characters_max": 100 }));
    lab.environment().change(|it| it.privileges.retain(|it| *it != "prvWriteLead"));
    assert_eq!(lab.failed_step().await, ("permission", "privilege_missing".to_owned()));
    assert_eq!(lab.sandbox.writes(), 0);
}

#[tokio::test]
async fn a_test_lead_is_read_back_and_taken_away() {
    let lab = Lab::plain().await;
    let payload = payload(1, 1, 1);
    let tried = lab.one(payload.clone()).await;
    let Outcome::Done(receipt) = &tried.outcome else { panic!("{tried:?}") };
    let read = lab.connector.read_back(&payload, receipt, lab.moment(), &lab.egress).await.unwrap();
    assert_eq!(read.verdict, Verdict::Passed, "{read:?}");
    let gone = lab.connector.clean_up(&payload, receipt, lab.moment(), &lab.egress).await.unwrap();
    assert_eq!(gone.verdict, Verdict::Passed, "{gone:?}");
    assert!(lab.sandbox.records().is_empty());
    let read = lab.connector.read_back(&payload, receipt, lab.moment(), &lab.egress).await.unwrap();
    assert_eq!(read.verdict, Verdict::Failed);
}
