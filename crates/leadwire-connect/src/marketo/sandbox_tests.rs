//! The connector against a simulated instance, over sockets of this machine.

use super::tests::{NOW, payload, with};
use super::*;
use crate::egress::guard::{EgressPolicy, Ports};
use crate::validation::Verdict;
use leadwire_core::outcome::{Fault, Outcome, Tried};
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::Action;
use leadwire_sandbox::marketo::{CompanyUpdates, Marketo as Instance, Options};
use leadwire_sandbox::service::{Fault as Wrong, Options as Serving, Sandbox, Scope, Service, start};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::TcpListener;

pub(crate) struct Lab {
    pub(crate) instance: Arc<Mutex<Instance>>,
    pub(crate) sandbox: Sandbox,
    pub(crate) connector: Box<dyn Connector>,
    pub(crate) egress: Egress,
    now: Arc<AtomicI64>,
}

impl Lab {
    /// An instance with a custom field, and a connector with these settings over its own.
    pub(crate) async fn start(kind: ConnectorKind, options: Options, more: Value) -> Self {
        let now = Arc::new(AtomicI64::new(NOW.millis()));
        let instance = Arc::new(Mutex::new(Instance::new(options)));
        instance.lock().unwrap().add_field("marketplaceLeadId", "string", true);
        let clock = Arc::clone(&now);
        let serving = Serving::new(Arc::new(move || clock.load(Ordering::Relaxed)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sandbox = start(listener, Box::new(Arc::clone(&instance)), serving).unwrap();
        let mut settings = sandbox.destination_settings();
        settings["timeout_seconds"] = json!(6);
        for (name, value) in more.as_object().unwrap() {
            settings[name] = value.clone();
        }
        settings.as_object_mut().unwrap().retain(|_, it| !it.is_null());
        let connector = kind.open(settings.as_object().unwrap()).unwrap_or_else(|it| panic!("{it:?}"));
        let policy = EgressPolicy { allow_http: true, ports: Ports::Any, ..EgressPolicy::unrestricted() };
        Self { instance, sandbox, connector, egress: Egress::new(policy, None).unwrap(), now }
    }

    async fn plain(more: Value) -> Self {
        Self::start(KIND, options(), more).await
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment { now: Timestamp::from_millis(self.now.load(Ordering::Relaxed)) }
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.now.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }

    pub(crate) async fn deliver(&self, batch: &[Payload]) -> Delivered {
        let delivered = self.connector.deliver(batch, self.moment(), &self.egress).await;
        assert_eq!(delivered.tried.len(), batch.len());
        delivered
    }

    pub(crate) async fn one(&self, payload: Payload) -> Tried {
        self.deliver(&[payload]).await.tried.remove(0)
    }

    pub(crate) fn instance(&self) -> MutexGuard<'_, Instance> {
        self.instance.lock().unwrap()
    }

    pub(crate) fn next(&self, fault: Wrong, scope: Scope) {
        self.sandbox.faults(|it| it.next(1, fault, scope));
    }

    pub(crate) fn field(&self, at: usize, name: &str) -> Value {
        self.sandbox.records()[at]["fields"][name].clone()
    }
}

/// Limits are tested by themselves; the clock stands still here.
pub(crate) fn options() -> Options {
    Options { rate_max: None, ..Options::new("s3cr3t") }
}

pub(crate) fn record(tried: &Tried) -> String {
    match &tried.outcome {
        Outcome::Done(Receipt::Confirmed { record }) => record.clone(),
        other => panic!("{other:?}: {:?}", tried.evidence),
    }
}

#[tokio::test]
async fn three_hundred_new_leads_are_a_token_and_one_call_and_each_has_its_id() {
    let lab = Lab::start(KIND, Options::new("s3cr3t"), json!({})).await;
    let batch: Vec<Payload> = (1..=300).map(|it| payload(it, it, 1)).collect();
    let delivered = lab.deliver(&batch).await;
    assert_eq!(delivered.calls, 2);
    let records = lab.sandbox.records();
    assert_eq!(records.len(), 300);
    for (tried, stored) in delivered.tried.iter().zip(&records) {
        assert_eq!(stored["id"].to_string(), record(tried));
    }
    assert_eq!(lab.field(0, "country"), "United Kingdom");
    assert_eq!(lab.field(0, "leadSource"), "AzureMarketplace-INS|contoso.crm-pro");
    // The token is kept.
    assert_eq!(lab.deliver(&[payload(301, 301, 1)]).await.calls, 1);
}

#[tokio::test]
async fn a_later_touchpoint_writes_only_what_is_leadwires_own() {
    for (more, calls) in [(json!({}), 1), (json!({ "lookup_field": "marketplaceLeadId" }), 1)] {
        let lab = Lab::plain(more).await;
        let id = record(&lab.one(payload(1, 1, 1)).await);
        let edit = json!({ "company": "Typed By Hand", "leadStatus": "Called" });
        lab.instance().edit(id.parse().unwrap(), &edit, 0);
        let later = with(payload(1, 2, 1), |it| {
            it.action = Action::DoNotContact;
            it.customer.company = Some("Another".to_owned());
        });
        let delivered = lab.deliver(&[later]).await;
        assert_eq!((record(&delivered.tried[0]), delivered.calls), (id, calls));
        assert_eq!(lab.field(0, "company"), "Typed By Hand");
        assert_eq!((lab.field(0, "unsubscribed"), lab.field(0, "doNotCall")), (json!(true), json!(true)));
        assert_eq!(lab.sandbox.records().len(), 1);
    }
}

#[tokio::test]
async fn a_lead_without_anything_to_add_is_told_to_be_there_and_stays_as_it_is() {
    let lab = Lab::plain(json!({})).await;
    lab.one(payload(1, 1, 1)).await;
    let before = lab.sandbox.records();
    lab.pass(Duration::from_secs(60));
    let delivered = lab.deliver(&[with(payload(1, 2, 1), |it| it.customer.title = None)]).await;
    assert_eq!((&delivered.tried[0].outcome, delivered.calls), (&Outcome::Done(Receipt::Accepted), 1));
    assert_eq!(lab.sandbox.records(), before);
}

#[tokio::test]
async fn a_person_made_by_others_is_found_and_kept() {
    let lab = Lab::plain(json!({})).await;
    let theirs = lab.instance().add_person(&json!({ "email": "ADA1@example.com", "company": "Theirs" }), 0);
    let opted_out = with(payload(1, 1, 1), |it| it.action = Action::DoNotContact);
    let delivered = lab.deliver(&[opted_out, payload(2, 2, 1)]).await;
    // A token, the new one, and the opt-out of the other.
    assert_eq!((record(&delivered.tried[0]), delivered.calls), (theirs.to_string(), 3));
    assert_eq!((lab.field(0, "company"), lab.field(0, "unsubscribed")), (json!("Theirs"), json!(true)));
    assert_eq!(lab.sandbox.records().len(), 2);
}

#[tokio::test]
async fn overwriting_is_a_choice_and_leaves_out_a_company_only_where_it_must() {
    for (company_updates, company, calls) in
        [(CompanyUpdates::Refused, "Analytical", 2), (CompanyUpdates::Ignored, "Analytical", 1)]
    {
        let options = Options { company_updates, ..options() };
        let lab = Lab::start(KIND, options, json!({ "existing_people": "overwrite" })).await;
        lab.one(payload(1, 1, 1)).await;
        let later = with(payload(1, 2, 1), |it| {
            it.customer.company = Some("Another".to_owned());
            it.customer.title = Some("CEO".to_owned());
        });
        let delivered = lab.deliver(&[later]).await;
        record(&delivered.tried[0]);
        assert_eq!(delivered.calls, calls);
        assert_eq!((lab.field(0, "company"), lab.field(0, "title")), (json!(company), json!("CEO")));
    }
}

#[tokio::test]
async fn every_touchpoint_is_pushed_to_the_programme_and_overwrites_nothing() {
    let more =
        json!({ "program_name": "Marketplace Leads", "program_status": "Engaged", "reason": "Listing" });
    let lab = Lab::plain(more).await;
    let delivered = lab.deliver(&[payload(1, 1, 1), payload(2, 2, 1)]).await;
    assert_eq!(delivered.calls, 3, "a token, the people, the push");
    lab.instance().edit(100, &json!({ "title": "Typed By Hand" }), 0);
    let id = record(&lab.one(payload(1, 3, 1)).await);
    let stored = lab.sandbox.records()[0].clone();
    assert_eq!((stored["id"].to_string(), &stored["fields"]["title"]), (id, &json!("Typed By Hand")));
    let activities = stored["activities"].as_array().unwrap();
    assert_eq!((activities.len(), &activities[1]["program"]), (2, &json!("Marketplace Leads")));
    let lab = Lab::plain(json!({ "program_name": "Gone" })).await;
    let tried = lab.one(payload(1, 1, 1)).await;
    assert_eq!(tried.outcome, Outcome::NotDone(Fault::Pause), "{tried:?}");
    assert_eq!(tried.evidence.cause, "object_missing");
}

#[tokio::test]
async fn two_leads_that_are_one_person_are_sent_as_one_and_share_its_fate() {
    let lab = Lab::plain(json!({})).await;
    let same = |lead, touchpoint| {
        with(payload(lead, touchpoint, 1), |it| it.customer.email = Some("One@example.com".to_owned()))
    };
    let newest = with(same(9, 9), |it| it.customer.title = Some("CEO".to_owned()));
    let delivered = lab.deliver(&[newest, payload(2, 2, 1), same(1, 1)]).await;
    assert_eq!(record(&delivered.tried[0]), record(&delivered.tried[2]));
    // As if they had been sent one after the other: the first made the person, and the title is not Leadwire's own.
    assert_eq!((lab.sandbox.records().len(), lab.field(0, "title")), (2, json!("CTO")));
}

#[tokio::test]
async fn one_bad_record_neither_fails_nor_passes_its_batch() {
    let lab = Lab::plain(json!({})).await;
    lab.next(Wrong::Partial, Scope::Writes);
    let nobody = with(payload(4, 4, 1), |it| it.customer.email = None);
    let batch = [payload(1, 1, 1), payload(2, 2, 1), payload(3, 3, 1), nobody];
    let delivered = lab.deliver(&batch).await;
    let parked: Vec<bool> =
        delivered.tried.iter().map(|it| it.outcome == Outcome::NotDone(Fault::Park)).collect();
    assert_eq!(parked, [false, true, false, true]);
    assert_eq!(delivered.tried[3].evidence.cause, "field_missing");
    assert_eq!(lab.sandbox.records().len(), 2);
}

#[tokio::test]
async fn several_people_with_one_key_are_for_a_person_to_merge() {
    let lab = Lab::plain(json!({})).await;
    for _ in 0..2 {
        lab.instance().add_person(&json!({ "email": "ada1@example.com" }), 0);
    }
    let delivered = lab.deliver(&[payload(1, 1, 1), payload(2, 2, 1)]).await;
    assert_eq!(delivered.tried[0].outcome, Outcome::NotDone(Fault::Park));
    assert_eq!(delivered.tried[0].evidence.cause, "several_match");
    record(&delivered.tried[1]);
}

#[tokio::test]
async fn a_body_over_the_bound_goes_in_several_calls() {
    let more = json!({ "mapping": { "notes": "details | prefix('x') | always" } });
    let lab = Lab::plain(more).await;
    lab.instance().add_field("notes", "text", false);
    let large = |it| with(payload(it, it, 1), |it| it.notes = Some("n".repeat(12_000)));
    let batch: Vec<Payload> = (1..=200).map(large).collect();
    let delivered = lab.deliver(&batch).await;
    assert_eq!((delivered.calls, lab.sandbox.records().len()), (4, 200), "a token and three bodies");
    assert!(delivered.tried.iter().all(|it| matches!(it.outcome, Outcome::Done(_))));
}

#[tokio::test]
async fn a_token_that_has_ended_is_replaced_within_the_attempt() {
    let lab = Lab::plain(json!({})).await;
    lab.one(payload(1, 1, 1)).await;
    lab.next(Wrong::TokenExpired, Scope::Writes);
    let delivered = lab.deliver(&[payload(2, 2, 1)]).await;
    record(&delivered.tried[0]);
    assert_eq!(delivered.calls, 3, "refused, a token, written");
    // In the last second of a token the service says that it lasts for 0, and gives another after it.
    lab.pass(Duration::from_millis(3_599_500));
    let delivered = lab.deliver(&[payload(3, 3, 1)]).await;
    assert_eq!(record(&delivered.tried[0]), "102");
    lab.pass(Duration::from_millis(600));
    record(&lab.one(payload(4, 4, 1)).await);
}

#[tokio::test]
async fn trouble_of_the_instance_is_told_from_trouble_with_a_lead() {
    let lab = Lab::plain(json!({})).await;
    lab.one(payload(9, 9, 1)).await;
    for (wrong, outcome, cause) in [
        (Wrong::Busy, Outcome::NotDone(Fault::HoldLane(Some(errors::RATE_WINDOW))), "rate_limited"),
        (Wrong::Failing, Outcome::NotDone(Fault::RetryAfter(None)), "service_failed"),
        (Wrong::OkWithError, Outcome::NotDone(Fault::RetryAfter(None)), "service_failed"),
        (Wrong::FieldRemoved("title".to_owned()), Outcome::NotDone(Fault::Pause), "field_unknown"),
        (Wrong::Html, Outcome::Unknown, "answer_html"),
        (Wrong::EmptyAnswer, Outcome::Unknown, "answer_unreadable"),
        (Wrong::HugeAnswer, Outcome::Unknown, "answer_unreadable"),
        (Wrong::CutBefore, Outcome::Unknown, "connection_lost"),
    ] {
        lab.next(wrong.clone(), Scope::Writes);
        let tried = lab.one(payload(1, 1, 1)).await;
        assert_eq!((&tried.outcome, &*tried.evidence.cause), (&outcome, cause), "{wrong:?}");
    }
    assert_eq!(lab.sandbox.records().len(), 1);
}

#[tokio::test]
async fn limits_hold_the_lane_for_as_long_as_they_last() {
    let hold = |tried: Tried| match tried.outcome {
        Outcome::NotDone(Fault::HoldLane(wait)) => (wait.unwrap().as_secs(), tried.evidence.cause),
        other => panic!("{other:?}"),
    };
    let rate = Lab::start(KIND, Options { rate_max: Some(2), ..options() }, json!({})).await;
    for it in 1..=2 {
        record(&rate.one(payload(it, it, 1)).await);
    }
    assert_eq!(hold(rate.one(payload(3, 3, 1)).await), (20, "rate_limited".to_owned()));
    rate.pass(errors::RATE_WINDOW);
    record(&rate.one(payload(3, 3, 2)).await);

    let daily = Lab::start(KIND, Options { daily_max: Some(1), ..options() }, json!({})).await;
    record(&daily.one(payload(1, 1, 1)).await);
    assert_eq!(hold(daily.one(payload(2, 2, 1)).await), (20 * 3600, "daily_limit".to_owned()));
    daily.pass(Duration::from_secs(20 * 3600));
    record(&daily.one(payload(2, 2, 2)).await);

    let crowd = Options { concurrency_max: 1, call_millis: 500, ..options() };
    let crowd = Lab::start(KIND, crowd, json!({})).await;
    record(&crowd.one(payload(1, 1, 1)).await);
    assert_eq!(hold(crowd.one(payload(2, 2, 1)).await), (3, "too_many_at_once".to_owned()));
    crowd.pass(Duration::from_secs(3));
    record(&crowd.one(payload(2, 2, 2)).await);
}

#[tokio::test]
async fn what_only_an_administrator_can_mend_pauses_the_lane() {
    let denied = Options { may_write: false, ..options() };
    let divided = Options { partitions: vec!["Default".to_owned(), "Europe".to_owned()], ..options() };
    for (options, more, cause) in [
        (options(), json!({ "client_secret": "wrong" }), "token_client_refused"),
        (options(), json!({ "client_id": "wrong" }), "token_client_refused"),
        (denied, json!({}), "permission_missing"),
        (divided, json!({}), "partition_missing"),
        (self::options(), json!({ "partition_name": "Nowhere" }), "partition_refused"),
        (self::options(), json!({ "lookup_field": "title" }), "lookup_field_refused"),
        (self::options(), json!({ "mapping": { "colour": "'red'" } }), "field_unknown"),
    ] {
        let lab = Lab::start(KIND, options, more).await;
        let tried = lab.one(payload(1, 1, 1)).await;
        assert_eq!(tried.outcome, Outcome::NotDone(Fault::Pause), "{cause}: {tried:?}");
        assert_eq!(tried.evidence.cause, cause);
        assert!(!tried.evidence.fix.is_empty() && lab.sandbox.records().is_empty());
    }
}

#[tokio::test]
async fn every_lead_arrives_once_when_a_third_of_the_answers_is_lost_after_the_work_was_done() {
    for more in [
        json!({}),
        json!({ "lookup_field": "marketplaceLeadId" }),
        json!({ "existing_people": "overwrite" }),
        json!({ "program_name": "Marketplace Leads" }),
    ] {
        let lab = Lab::plain(more).await;
        lab.sandbox.faults(|it| it.share(0.3, Wrong::CutAfter, Scope::Writes));
        let mut waiting: Vec<Payload> = (1..=2000).map(|it| payload(it, it, 1)).collect();
        let mut rounds = 0;
        while !waiting.is_empty() {
            rounds += 1;
            assert!(rounds < 1000, "{} leads never arrive", waiting.len());
            let batch: Vec<Payload> = waiting.drain(..waiting.len().min(100)).collect();
            let delivered = lab.deliver(&batch).await;
            for (mut payload, tried) in batch.into_iter().zip(delivered.tried) {
                if !matches!(tried.outcome, Outcome::Done(_)) {
                    payload.attempt += 1;
                    waiting.push(payload);
                }
            }
        }
        assert_eq!(lab.sandbox.records().len(), 2000);
    }
}

#[tokio::test]
async fn a_look_learns_what_the_fields_take_and_writes_nobody() {
    let more = json!({ "lookup_field": "marketplaceLeadId", "mapping": { "leadScore": "'5' | number" } });
    let lab = Lab::plain(more).await;
    let checked = lab.connector.check(lab.moment(), &lab.egress).await;
    assert!(checked.is_passed(), "{:?}", checked.steps);
    let names: Vec<&str> = checked.steps.iter().map(|it| it.name).collect();
    assert_eq!(names, ["token", "metadata", "lookup_field", "permission"]);
    assert!(lab.sandbox.records().is_empty());
    let rules = checked.field_rules.unwrap();
    assert_eq!(rules["title"], json!({ "kind": "text", "characters_max": 255 }));
    assert_eq!(rules["leadScore"]["kind"], "number");
}

#[tokio::test]
async fn a_look_names_what_is_wrong() {
    let denied = Options { may_write: false, ..options() };
    let divided = Options { partitions: vec!["Default".to_owned(), "Europe".to_owned()], ..options() };
    for (options, more, step, verdict, cause) in [
        (options(), json!({ "client_secret": "x" }), "token", Verdict::Failed, "token_client_refused"),
        (
            options(),
            json!({ "mapping": { "colour": "'red'" } }),
            "metadata",
            Verdict::Failed,
            "field_unknown",
        ),
        (
            options(),
            json!({ "mapping": { "createdAt": "occurred_at" } }),
            "metadata",
            Verdict::Failed,
            "field_read_only",
        ),
        (
            options(),
            json!({ "lookup_field": "title" }),
            "lookup_field",
            Verdict::Failed,
            "lookup_field_refused",
        ),
        (denied, json!({}), "permission", Verdict::Failed, "permission_missing"),
        (divided.clone(), json!({}), "partition", Verdict::Warned, "partition_missing"),
        (divided, json!({ "partition_name": "europe" }), "partition", Verdict::Failed, "partition_refused"),
    ] {
        let lab = Lab::start(KIND, options, more).await;
        let checked = lab.connector.check(lab.moment(), &lab.egress).await;
        let found = checked.steps.iter().find(|it| it.verdict != Verdict::Passed).unwrap();
        assert_eq!((found.name, found.verdict, &*found.cause), (step, verdict, cause), "{found:?}");
        assert!(!found.fix.is_empty(), "{found:?}");
    }
}

#[tokio::test]
async fn a_test_lead_is_read_back_and_taken_away() {
    let lab = Lab::plain(json!({})).await;
    let test = payload(1, 1, 1);
    let (moment, egress) = (lab.moment(), &lab.egress);
    let tried = lab.one(test.clone()).await;
    let Outcome::Done(receipt) = &tried.outcome else { panic!("{tried:?}") };
    let back = lab.connector.read_back(&test, receipt, moment, egress).await.unwrap();
    assert_eq!(back.verdict, Verdict::Passed, "{back:?}");
    // Without an id in the receipt the person is looked up.
    let gone = lab.connector.clean_up(&test, &Receipt::Accepted, moment, egress).await.unwrap();
    assert_eq!(gone.verdict, Verdict::Passed, "{gone:?}");
    assert!(lab.sandbox.records().is_empty());
    let back = lab.connector.read_back(&test, receipt, moment, egress).await.unwrap();
    assert_eq!((back.verdict, &*back.cause), (Verdict::Failed, "record_missing"));
    let again = lab.connector.clean_up(&test, receipt, moment, egress).await.unwrap();
    assert_eq!(again.verdict, Verdict::Warned);
    lab.one(payload(2, 2, 1)).await;
    lab.instance().set_may_write(false);
    let denied = lab.connector.clean_up(&payload(2, 2, 1), &Receipt::Accepted, moment, egress).await.unwrap();
    assert_eq!((denied.verdict, &*denied.cause), (Verdict::Warned, "permission_missing"));
    assert_eq!(lab.instance().records().len(), 1);
}

#[tokio::test]
async fn a_role_that_may_not_read_activities_is_warned_of_and_leads_go_on() {
    let options = Options { may_read_activities: false, ..options() };
    let lab = Lab::start(KIND, options, json!({ "read_feedback": "on" })).await;
    let checked = lab.connector.check(lab.moment(), &lab.egress).await;
    let step = checked.steps.iter().find(|it| it.name == "feedback").unwrap();
    assert_eq!((step.verdict, step.cause.is_empty()), (Verdict::Warned, false), "{step:?}");
    assert!(!step.fix.is_empty() && checked.is_passed(), "{step:?}");
    assert!(matches!(lab.one(payload(7, 7, 1)).await.outcome, Outcome::Done(_)));
    // A word for the next page does not hide that.
    let position =
        Position { next: Some("GIYDAOBNGEYS2MBWKQYDAORQGA5DAMBO7".to_owned()), ..Position::at(NOW) };
    let first = lab.connector.changes(&position, lab.moment(), &lab.egress).await.unwrap().unwrap();
    let second = lab.connector.changes(&first.position, lab.moment(), &lab.egress).await.unwrap();
    assert_eq!(second.unwrap_err().outcome, Outcome::NotDone(Fault::Pause));
}
