//! Jobs against the simulated org: what goes in, what comes back row by row, and every way in which a job comes to nothing.

use super::super::sandbox_tests::{Lab, record, with};
use super::super::tests::{check_golden, payload, read, said};
use super::*;
use leadwire_core::outcome::{Fault, Receipt};
use leadwire_core::touchpoint::Action;
use leadwire_sandbox::salesforce::{DuplicateRule, JobFate, Options};
use leadwire_sandbox::service::{Fault as Wrong, Scope};

fn batch(leads: std::ops::RangeInclusive<u128>) -> Vec<Payload> {
    leads.map(|it| payload(it, it, 1)).collect()
}

fn key(lead: u128) -> String {
    payload(lead, lead, 1).lead.to_string()
}

impl Lab {
    fn jobs(&self) -> &dyn Bulk {
        self.connector.bulk().unwrap()
    }

    async fn open(&self) -> String {
        self.jobs().open(self.moment(), &self.egress).await.unwrap()
    }

    async fn hand_over(&self, handle: &str, batch: &[Payload]) -> Sent {
        self.jobs().send(handle, batch, self.moment(), &self.egress).await
    }

    async fn looked(&self, handle: &str) -> Looked {
        self.jobs().look(handle, self.moment(), &self.egress).await
    }

    /// Hands a job over, waits for its end, and gives what came of it.
    async fn job(&self, batch: &[Payload]) -> Results {
        let handle = self.open().await;
        assert_eq!(self.hand_over(&handle, batch).await, Sent::Taken(handle.clone()));
        assert_eq!(self.looked(&handle).await, Looked::Running);
        self.pass(4000);
        self.end_of(&handle).await
    }

    async fn end_of(&self, handle: &str) -> Results {
        match self.looked(handle).await {
            Looked::Ended(results) => results,
            other => panic!("{other:?}"),
        }
    }
}

fn goes_by_batches(tried: &Tried) -> bool {
    tried.outcome == Outcome::NotDone(Fault::RetryNow)
}

#[test]
fn requests_of_a_job_are_the_golden_ones() {
    let salesforce = read(json!({ "mapping": { "OwnerId": "'0055e000001AAAA'",
        "NumberOfEmployees": "'250' | number | always" } }));
    check_golden(&salesforce, salesforce.job_call(None), include_str!("golden/job.txt"));
    let assigned = salesforce.job_call(Some("01Q5e000000AAAAEA4"));
    check_golden(&salesforce, assigned, include_str!("golden/job_assigned.txt"));
    let mut all = batch(7..=8);
    all[1] = with(payload(8, 8, 1), |it| it.customer.phone = None);
    check_golden(
        &salesforce,
        salesforce.upload_call("7505e000000AAAA", &all),
        include_str!("golden/job_file.txt"),
    );
    let closing = salesforce.state_call("7505e000000AAAA", "UploadComplete");
    check_golden(&salesforce, closing, include_str!("golden/job_close.txt"));
}

#[test]
fn only_what_makes_a_new_record_goes_by_a_job() {
    let salesforce = read(json!({}));
    assert!(salesforce.weigh(&payload(7, 7, 1)).is_some());
    assert_eq!(salesforce.weigh(&payload(7, 7, 2)), None, "a record may be there");
    assert_eq!(salesforce.weigh(&payload(7, 9, 1)), None, "and people may have edited it");
    let refused = with(payload(7, 7, 1), |it| it.action = Action::DoNotContact);
    assert_eq!(salesforce.weigh(&refused), None);
    let cleared = with(payload(7, 7, 1), |it| it.customer.company = Some("#N/A".to_owned()));
    assert_eq!(salesforce.weigh(&cleared), None, "it would be read as nothing");
    let noted = read(json!({ "touchpoint_notes": "all" }));
    assert_eq!(noted.weigh(&payload(7, 7, 1)), None, "its note needs the record first");
    assert!(!read(json!({ "bulk": "off" })).may_begin() && salesforce.may_begin());
}

#[tokio::test]
async fn every_row_of_a_job_has_its_record_and_the_assignment_rule_ran() {
    let lab = Lab::plain().await;
    let results = lab.job(&batch(1..=300)).await;
    let records = lab.sandbox.records();
    assert_eq!((records.len(), results.rows.len()), (300, 300));
    for stored in &records {
        let tried = results.of(stored["key"].as_str().unwrap());
        assert_eq!(record(tried), stored["id"].as_str().unwrap());
        assert_eq!(stored["fields"]["OwnerId"], "00G5e000000AAAAEA4");
        assert_eq!(stored["fields"]["LastName"], "Lővelace \"A\"");
    }
    assert!(lab.sandbox.calls() <= 8, "{}", lab.sandbox.calls());
}

#[tokio::test]
async fn a_bad_row_fails_alone_and_what_may_be_there_goes_by_batches() {
    let lab = Lab::plain().await;
    let id = record(&lab.one(payload(1, 1, 1)).await);
    lab.org().edit(&id, &json!({ "Company": "Typed By Hand" }), 0).unwrap();
    lab.org().restrict("Title", &["CEO"]);
    let good = |it: u128| with(payload(it, it, 1), |it| it.customer.title = Some("CEO".to_owned()));
    let results = lab.job(&[good(1), good(2), payload(3, 3, 1)]).await;
    assert!(goes_by_batches(results.of(&key(1))), "{:?}", results.of(&key(1)));
    assert!(matches!(results.of(&key(2)).outcome, Outcome::Done(Receipt::Confirmed { .. })));
    let parked = results.of(&key(3));
    assert_eq!(parked.outcome, Outcome::NotDone(Fault::Park));
    assert_eq!(parked.evidence.cause, "value_not_in_list");
    assert!(!format!("{:?}", parked.evidence).contains("CTO"), "no value of the lead is repeated");
    assert_eq!(lab.sandbox.records()[0]["fields"]["Company"], "Typed By Hand");
}

#[tokio::test]
async fn what_a_duplicate_rule_stops_goes_by_batches_which_link_it() {
    let lab =
        Lab::start(Options { duplicate_rule: DuplicateRule::Alert, ..Options::default() }, json!({})).await;
    lab.org().add(&json!({ "LastName": "L", "Company": "C", "Email": "ada1@example.com" }), 0).unwrap();
    let results = lab.job(&batch(1..=2)).await;
    assert!(goes_by_batches(results.of(&key(1))));
    assert!(matches!(results.of(&key(2)).outcome, Outcome::Done(_)));
}

#[tokio::test]
async fn of_a_job_that_fails_what_was_written_stays_and_the_rest_goes_by_batches() {
    let lab = Lab::start(Options { job_fate: JobFate::FailAfter(2), ..Options::default() }, json!({})).await;
    let results = lab.job(&batch(1..=5)).await;
    let done = (1..=5).filter(|it| matches!(results.of(&key(*it)).outcome, Outcome::Done(_))).count();
    assert_eq!(done, 2);
    let rest = results.of(&key(5));
    assert!(goes_by_batches(rest) && rest.evidence.cause == "job_failed", "{rest:?}");
    assert!(rest.evidence.message.contains("InternalServerError"), "{}", rest.evidence.message);
}

#[tokio::test]
async fn a_job_that_is_never_begun_is_running_at_every_look() {
    let lab = Lab::start(Options { job_fate: JobFate::Never, ..Options::default() }, json!({})).await;
    let handle = lab.open().await;
    lab.hand_over(&handle, &batch(1..=2)).await;
    for _ in 0..3 {
        lab.pass(3_600_000);
        assert_eq!(lab.looked(&handle).await, Looked::Running);
    }
}

#[tokio::test]
async fn a_lost_answer_at_any_step_never_leaves_a_doubt_about_rows() {
    for fault in [Wrong::CutBefore, Wrong::CutAfter, Wrong::CutMidAnswer, Wrong::Failing] {
        // At the upload: nothing is worked off before the closing.
        let lab = Lab::plain().await;
        let handle = lab.open().await;
        lab.next(fault.clone(), Scope::Writes);
        let sent = lab.hand_over(&handle, &batch(1..=3)).await;
        assert!(matches!(sent, Sent::Refused(_)), "{fault:?}: {sent:?}");
        let results = lab.end_of(&handle).await;
        assert!(goes_by_batches(results.of(&key(1))), "{fault:?}: {results:?}");
        lab.pass(60_000);
        assert!(lab.sandbox.records().is_empty());
        // At the closing: a look tells, and stops what was not closed.
        let lab = Lab::plain().await;
        let handle = lab.open().await;
        lab.sandbox.faults(|it| {
            it.next(1, Wrong::Latency(std::time::Duration::ZERO), Scope::Writes);
            it.next(1, fault.clone(), Scope::Writes);
        });
        let sent = lab.hand_over(&handle, &batch(1..=3)).await;
        assert!(matches!(sent, Sent::Unknown(_)), "{fault:?}: {sent:?}");
        lab.pass(60_000);
        let results = lab.end_of(&handle).await;
        let is_closed = matches!(fault, Wrong::CutAfter | Wrong::CutMidAnswer);
        assert_eq!(matches!(results.of(&key(1)).outcome, Outcome::Done(_)), is_closed, "{fault:?}");
        assert_eq!(goes_by_batches(results.of(&key(1))), !is_closed);
        assert_eq!(lab.sandbox.records().len(), if is_closed { 3 } else { 0 });
        // At the look: asked again.
        lab.next(fault, Scope::All);
        assert!(matches!(lab.looked(&handle).await, Looked::Failed(_)));
        assert!(matches!(lab.looked(&handle).await, Looked::Ended(_)));
    }
}

#[tokio::test]
async fn a_quota_of_jobs_refuses_before_anything_is_handed_over() {
    let lab = Lab::start(Options { daily_job_records: 0, ..Options::default() }, json!({})).await;
    let refused = lab.jobs().open(lab.moment(), &lab.egress).await.unwrap_err();
    assert!(matches!(refused.outcome, Outcome::NotDone(_)), "{refused:?}");
    let none = Lab::start(Options { has_assignment_rule: false, ..Options::default() }, json!({})).await;
    assert_eq!(none.job(&batch(1..=1)).await.rows.len(), 1, "no rule is active, so none is named");
    let named = Lab::start(Options::default(), json!({ "assignment_rule": "01Q000000000000AAA" })).await;
    assert!(named.jobs().open(named.moment(), &named.egress).await.is_err());
}

#[tokio::test]
async fn a_job_that_nobody_knows_any_more_leaves_its_rows_unknown() {
    let lab = Lab::plain().await;
    let results = lab.end_of("7505e000000ZZZZEAA").await;
    assert_eq!(results.of(&key(1)).outcome, Outcome::Unknown);
}

#[test]
fn answers_about_jobs_are_read_as_documented() {
    // Get Job Info, example of the guide; and what a public client recorded of a job under way.
    let info = r#"{"id":"7505e000000eEsKAAU","operation":"insert","object":"Lead","state":"JobComplete","apiVersion":62.0,
        "numberRecordsProcessed":101,"numberRecordsFailed":3,"retries":0}"#;
    let job = bulk_reply::job(&said(200, &[], info)).unwrap();
    assert_eq!((job.state.as_str(), job.failed), ("JobComplete", 3));
    assert_eq!(bulk_reply::job(&said(200, &[], r#"{"id":"../x","state":"Open"}"#)), None);
    let failed = "\"sf__Id\",\"sf__Error\",\"Key__c\",\"LastName\"\n\
        \"\",\"REQUIRED_FIELD_MISSING:Required fields are missing: [Company]:Company --\",\"Lead_1\",\"L\"\n\
        \"\",\"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY:T: UNABLE_TO_LOCK_ROW, unable to obtain:--\",\"lead_2\",\"L\"\n\
        \"\",\"NEW_CODE:what:--\",\"lead_3\",\"L\"\n";
    let rows: HashMap<_, _> =
        bulk_reply::failed(&said(200, &[], failed), "Key__c").unwrap().into_iter().collect();
    assert_eq!(rows["lead_1"].outcome, Outcome::NotDone(Fault::Park));
    assert!(rows["lead_1"].evidence.message.contains("Company (REQUIRED_FIELD_MISSING)"));
    assert!(goes_by_batches(&rows["lead_2"]) && goes_by_batches(&rows["lead_3"]));
    let written = "\"sf__Id\",\"sf__Created\",\"Key__c\"\n\"00Q5e00000000AbEAI\",\"true\",\"lead_1\"\n";
    let rows = bulk_reply::written(&said(200, &[], written), "key__C").unwrap();
    assert_eq!((rows[0].0.as_str(), record(&rows[0].1)), ("lead_1", "00Q5e00000000AbEAI".to_owned()));
}
