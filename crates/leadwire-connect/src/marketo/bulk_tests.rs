//! Imports against the simulated instance: who may be imported, what comes back, and every way in which an import comes to nothing.

use super::super::KIND;
use super::super::sandbox_tests::Lab;
use super::super::tests::{check_golden, connector, payload, with};
use super::*;
use crate::preview::{Preview, PreviewedRequest};
use crate::token::bearer;
use leadwire_core::outcome::Fault;
use leadwire_core::touchpoint::Action;
use leadwire_sandbox::marketo::{ImportFate, Options};
use leadwire_sandbox::service::{Fault as Wrong, Scope};
use serde_json::json;
use std::time::Duration;

const TIME: Duration = Duration::from_secs(60);

async fn lab_with(fate: ImportFate, more: Json) -> Lab {
    let mut settings = json!({ "lookup_field": "marketplaceLeadId" });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    Lab::start(KIND, Options { import_fate: fate, ..Options::new("s3cr3t") }, settings).await
}

fn batch(leads: std::ops::RangeInclusive<u128>) -> Vec<Payload> {
    leads.map(|it| payload(it, it, 1)).collect()
}

fn key(lead: u128) -> String {
    payload(lead, lead, 1).lead.to_string()
}

async fn sent(lab: &Lab, batch: &[Payload]) -> Sent {
    lab.connector.bulk().unwrap().send("", batch, lab.moment(), &lab.egress).await
}

async fn looked(lab: &Lab, handle: &str) -> Looked {
    lab.connector.bulk().unwrap().look(handle, lab.moment(), &lab.egress).await
}

async fn taken(lab: &Lab, batch: &[Payload]) -> String {
    match sent(lab, batch).await {
        Sent::Taken(handle) => handle,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_request_of_an_import_is_the_golden_one() {
    let marketo = connector(json!({ "lookup_field": "marketplaceLeadId", "partition_name": "Europe" }));
    let batch = [payload(1, 1, 1), with(payload(2, 2, 1), |it| it.customer.phone = None)];
    let request = marketo.import_request(&batch, &bearer("token").unwrap());
    // Editors mend line ends.
    let golden = include_str!("golden/import.txt").replace("<CR>\n", "\r\n");
    let requests = vec![PreviewedRequest::of(&request, false)];
    check_golden(&Preview { requests, ..Preview::default() }, &golden);
}

#[tokio::test]
async fn people_are_imported_as_batches_would_make_them() {
    let lab = lab_with(ImportFate::Complete, json!({})).await;
    let handle = taken(&lab, &batch(1..=400)).await;
    assert_eq!(looked(&lab, &handle).await, Looked::Running);
    lab.pass(TIME);
    let Looked::Ended(results) = looked(&lab, &handle).await else { panic!("it is over") };
    assert_eq!(results.of(&key(400)).outcome, Outcome::Done(Receipt::Accepted));
    let other = lab_with(ImportFate::Complete, json!({ "bulk": "off" })).await;
    other.deliver(&batch(1..=400)).await;
    let fields =
        |it: &Lab| it.sandbox.records().into_iter().map(|it| it["fields"].clone()).collect::<Vec<_>>();
    assert_eq!(fields(&lab).len(), 400);
    assert_eq!(fields(&lab), fields(&other));
}

#[tokio::test]
async fn a_bad_row_goes_by_batches_alone() {
    let lab = lab_with(ImportFate::Complete, json!({})).await;
    let long = with(payload(2, 2, 1), |it| it.customer.first_name = Some("x".repeat(254)));
    lab.instance.lock().unwrap().remove_field("firstName");
    lab.instance.lock().unwrap().add_field("firstName", "integer", false);
    let good = with(payload(1, 1, 1), |it| it.customer.first_name = None);
    let handle = taken(&lab, &[good, long]).await;
    lab.pass(TIME);
    let Looked::Ended(results) = looked(&lab, &handle).await else { panic!("it is over") };
    assert!(matches!(results.of(&key(1)).outcome, Outcome::Done(_)));
    let failed = results.of(&key(2));
    assert_eq!(failed.outcome, Outcome::NotDone(Fault::RetryNow));
    assert!(!format!("{:?}", failed.evidence).contains("xxx"), "no value of the lead is repeated");
}

#[tokio::test]
async fn only_those_who_cannot_be_there_are_imported() {
    let lab = lab_with(ImportFate::Complete, json!({})).await;
    let face = lab.connector.bulk().unwrap();
    assert!(face.may_begin() && face.weigh(&payload(7, 7, 1)).is_some());
    assert_eq!(face.weigh(&payload(7, 7, 2)), None);
    assert_eq!(face.weigh(&payload(7, 9, 1)), None);
    assert_eq!(face.weigh(&with(payload(7, 7, 1), |it| it.action = Action::DoNotContact)), None);
    assert_eq!(face.weigh(&with(payload(7, 7, 1), |it| it.customer.title = Some("NULL".to_owned()))), None);
    for more in [
        json!({ "lookup_field": "email" }),
        json!({ "program_name": "Marketplace Leads" }),
        json!({ "bulk": "off" }),
    ] {
        let other = lab_with(ImportFate::Complete, more.clone()).await;
        assert!(!other.connector.bulk().unwrap().may_begin(), "{more}");
    }
}

#[tokio::test]
async fn an_import_that_fails_or_never_ends_leaves_a_doubt_that_batches_can_bear() {
    let lab = lab_with(ImportFate::Fail, json!({})).await;
    let handle = taken(&lab, &batch(1..=2)).await;
    lab.pass(TIME);
    let Looked::Ended(results) = looked(&lab, &handle).await else { panic!("it is over") };
    assert_eq!(results.of(&key(1)).outcome, Outcome::Unknown);
    let lab = lab_with(ImportFate::Never, json!({})).await;
    for lead in 1..=10 {
        let handle = taken(&lab, &batch(lead..=lead)).await;
        lab.pass(TIME);
        assert_eq!(looked(&lab, &handle).await, Looked::Running);
    }
    assert!(matches!(sent(&lab, &batch(11..=11)).await, Sent::Refused(_)), "the queue is full (1016)");
}

#[tokio::test]
async fn a_lost_answer_is_a_doubt_and_a_refusal_is_none() {
    for (fault, is_doubt) in [(Wrong::CutAfter, true), (Wrong::CutMidAnswer, true), (Wrong::Busy, false)] {
        let lab = lab_with(ImportFate::Complete, json!({})).await;
        lab.sandbox.faults(|it| it.next(1, fault.clone(), Scope::Writes));
        let sent = sent(&lab, &batch(1..=3)).await;
        assert_eq!(matches!(sent, Sent::Unknown(_)), is_doubt, "{fault:?}: {sent:?}");
        assert_eq!(matches!(sent, Sent::Refused(_)), !is_doubt, "{fault:?}: {sent:?}");
    }
    let lab = lab_with(ImportFate::Complete, json!({})).await;
    let handle = taken(&lab, &batch(1..=3)).await;
    lab.pass(TIME);
    lab.sandbox.faults(|it| it.next(1, Wrong::Failing, Scope::All));
    assert!(matches!(looked(&lab, &handle).await, Looked::Failed(_)));
    assert!(matches!(looked(&lab, &handle).await, Looked::Ended(_)));
}
