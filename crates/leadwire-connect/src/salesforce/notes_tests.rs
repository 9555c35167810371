//! Notes for later touchpoints: the golden requests, and what a simulated org makes of them.

use super::sandbox_tests::{Lab, record, with};
use super::tests::{NOW, payload, read};
use super::*;
use crate::erase::Erasure;
use crate::validation::Verdict;
use leadwire_core::erasure::DELETED;
use leadwire_core::id::TouchpointId;
use leadwire_core::outcome::{Outcome, Tried};
use leadwire_core::touchpoint::Action;
use leadwire_sandbox::salesforce::{DuplicateRule, Options, TaskAccess};
use leadwire_sandbox::service::{Fault as Wrong, Scope};
use serde_json::{Value, json};

/// A touchpoint of the lead of that number which is not its first.
fn later(lead: u128, touchpoint: u128, attempt: u32) -> Payload {
    with(payload(lead, touchpoint, attempt), |it| {
        it.action = Action::PartnerLedTrial;
        it.notes = Some(format!("Call me {touchpoint}"));
    })
}

fn tasks(lab: &Lab) -> Vec<Value> {
    let records = lab.sandbox.records();
    records.iter().flat_map(|it| it["tasks"].as_array().cloned().unwrap_or_default()).collect()
}

fn is_open(tried: &Tried) -> bool {
    tried.outcome == Outcome::Unknown && tried.evidence.cause == "note_open"
}

#[test]
fn the_note_of_a_later_touchpoint_is_the_golden_one() {
    let salesforce = read(json!({}));
    let batch = [payload(7, 7, 1), later(7, 8, 1)];
    let preview = salesforce.preview(&batch, Moment { now: NOW });
    assert_eq!(preview.requests.len(), 2, "the lead, and one note");
    let shown = &preview.requests[1];
    let body = String::from_utf8(shown.body.to_vec()).unwrap();
    assert_eq!(format!("{} {}\n\n{body}\n", shown.method, shown.url), include_str!("golden/note.txt"));
    let none = read(json!({ "touchpoint_notes": "none" })).preview(&batch, Moment { now: NOW });
    assert_eq!(none.requests.len(), 1);
}

#[tokio::test]
async fn each_later_touchpoint_leaves_one_note_however_often_it_is_brought() {
    let lab = Lab::plain().await;
    let id = record(&lab.one(payload(1, 1, 1)).await);
    let delivered = lab.deliver(&[later(1, 2, 1), later(1, 3, 1)]).await;
    assert_eq!(delivered.calls, 2, "a look at the lead, and its notes");
    assert!(delivered.tried.iter().all(|it| record(it) == id));
    let seen = tasks(&lab);
    assert_eq!(seen.len(), 2);
    for (task, number) in seen.iter().zip([2, 3]) {
        assert_eq!(task["Subject"], "Asked for contact: contoso.crm-pro");
        assert_eq!((&task["Status"], &task["ActivityDate"]), (&json!("Completed"), &json!("2026-11-20")));
        assert!(task["Description"].as_str().unwrap().contains(&format!("Call me {number}\n")));
    }
    // A second attempt costs one look more, and writes none that is there.
    let again = lab.deliver(&[later(1, 2, 2), later(1, 3, 2), later(1, 4, 2)]).await;
    assert_eq!(again.calls, 3, "a look at the lead, one at its tasks, and the note that was missing");
    assert_eq!(tasks(&lab).len(), 3);
    assert_eq!(lab.sandbox.records().len(), 1);
}

#[tokio::test]
async fn two_hundred_later_touchpoints_cost_one_call_for_their_notes() {
    let lab = Lab::plain().await;
    let first: Vec<Payload> = (1..=200).map(|it| payload(it, it, 1)).collect();
    assert_eq!(lab.deliver(&first).await.calls, 2, "a token, and the leads");
    let second: Vec<Payload> = (1..=200).map(|it| later(it, it + 1000, 1)).collect();
    assert_eq!(lab.deliver(&second).await.calls, 2, "a look, and the notes");
    let again: Vec<Payload> = (1..=200).map(|it| later(it, it + 1000, 2)).collect();
    assert_eq!(lab.deliver(&again).await.calls, 2, "two looks");
    assert_eq!(tasks(&lab).len(), 200);
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_note() {
    for fault in [Wrong::CutAfter, Wrong::Stall, Wrong::CutMidAnswer] {
        let lab = Lab::plain().await;
        let id = record(&lab.one(payload(1, 1, 1)).await);
        lab.next(fault.clone(), Scope::Writes);
        let lost = lab.one(later(1, 2, 1)).await;
        assert!(is_open(&lost), "{fault:?}: {lost:?}");
        assert_eq!(record(&lab.one(later(1, 2, 2)).await), id, "{fault:?}");
        assert_eq!(tasks(&lab).len(), 1, "{fault:?}");
        // It is not waited for without an end.
        lab.next(fault.clone(), Scope::Writes);
        let given_up = lab.one(later(1, 3, 3)).await;
        assert_eq!(record(&given_up), id);
        assert!(given_up.evidence.message.contains("the note may be missing"), "{given_up:?}");
    }
}

#[tokio::test]
async fn every_note_is_there_once_when_a_third_of_the_answers_is_lost_after_the_work_was_done() {
    let lab = Lab::plain().await;
    let first: Vec<Payload> = (1..=100).map(|it| payload(it, it, 1)).collect();
    lab.deliver(&first).await;
    lab.sandbox.faults(|it| it.share(0.3, Wrong::CutAfter, Scope::Writes));
    let mut waiting: Vec<Payload> = (1..=1000).map(|it| later((it - 1) % 100 + 1, it + 1000, 1)).collect();
    while !waiting.is_empty() {
        let batch: Vec<Payload> = waiting.drain(..waiting.len().min(100)).collect();
        let delivered = lab.deliver(&batch).await;
        for (mut payload, tried) in batch.into_iter().zip(delivered.tried) {
            if !matches!(tried.outcome, Outcome::Done(_)) {
                payload.attempt += 1;
                waiting.push(payload);
            }
        }
    }
    let all: String = tasks(&lab).iter().map(|it| it["Description"].to_string()).collect();
    for number in 1001..=2000 {
        let mark = format!("Touchpoint: {}", TouchpointId::new(number));
        assert_eq!(all.matches(&mark).count(), 1, "{mark}");
    }
}

#[tokio::test]
async fn a_note_that_is_refused_leaves_the_lead_delivered_and_says_what_to_do() {
    for task_access in [TaskAccess::Read, TaskAccess::None] {
        let lab = Lab::start(Options { task_access, ..Options::default() }, json!({})).await;
        lab.one(payload(1, 1, 1)).await;
        for attempt in [1, 2] {
            let tried = lab.deliver(&[later(1, 2, attempt), later(1, 3, attempt)]).await.tried;
            for tried in tried {
                record(&tried);
                let said = &tried.evidence.message;
                assert!(said.contains("no note was written") && said.contains("Edit Tasks"), "{said}");
                assert!(!said.contains("Call me") && tried.evidence.answer.is_empty());
            }
        }
        let checked = lab.connector.check(lab.moment(), &lab.egress).await;
        let step = checked.steps.iter().find(|it| it.name == "notes").unwrap();
        assert_eq!((step.verdict, checked.is_passed()), (Verdict::Warned, true), "{step:?}");
    }
}

#[tokio::test]
async fn a_converted_lead_gets_no_task_and_a_linked_one_does() {
    let lab = Lab::plain().await;
    let id = record(&lab.one(payload(1, 1, 1)).await);
    assert!(lab.org().convert(&id));
    let delivered = lab.deliver(&[later(1, 2, 1)]).await;
    assert_eq!((record(&delivered.tried[0]), delivered.calls), (id, 1));
    assert!(delivered.tried[0].evidence.message.contains("a converted lead takes no tasks"));
    let options = Options { duplicate_rule: DuplicateRule::Block, ..Options::default() };
    let lab = Lab::start(options, json!({})).await;
    let theirs = json!({ "LastName": "L", "Company": "C", "Email": "ada1@example.com" });
    let theirs = lab.org().add(&theirs, 0).unwrap();
    assert_eq!(record(&lab.one(payload(1, 1, 1)).await), theirs);
    assert_eq!(tasks(&lab).len(), 1, "what the customer did is nowhere else");
}

#[tokio::test]
async fn an_erased_persons_notes_go_and_others_keep_theirs() {
    for task_access in [TaskAccess::Full, TaskAccess::None] {
        let lab = Lab::plain().await;
        let first = lab.deliver(&[payload(1, 1, 1), payload(9, 9, 1)]).await;
        lab.deliver(&[later(1, 2, 1), later(9, 10, 1)]).await;
        lab.org().change(|it| it.task_access = task_access);
        let id = record(&first.tried[0]);
        let payload = payload(1, 20, 1);
        let erased = Erasure { payload: &payload, records: vec![&id] };
        let tried = lab.connector.erase(&erased, lab.moment(), &lab.egress).await.unwrap();
        assert_eq!(tried.evidence.cause, DELETED, "{tried:?}");
        assert_eq!(tasks(&lab).len(), 1);
        assert_eq!(lab.sandbox.records().len(), 1);
    }
}

#[tokio::test]
async fn notes_on_a_record_that_was_only_linked_to_are_deleted_with_the_person() {
    let options = Options { duplicate_rule: DuplicateRule::Block, ..Options::default() };
    let lab = Lab::start(options, json!({ "touchpoint_notes": "all" })).await;
    let theirs = json!({ "LastName": "L", "Company": "C", "Email": "ada1@example.com" });
    let theirs = lab.org().add(&theirs, 0).unwrap();
    lab.one(payload(1, 1, 1)).await;
    let payload = payload(1, 20, 1);
    let erased = Erasure { payload: &payload, records: vec![&theirs] };
    lab.connector.erase(&erased, lab.moment(), &lab.egress).await.unwrap();
    assert_eq!((tasks(&lab).len(), lab.sandbox.records().len()), (0, 1), "the record is for a person");
}

#[test]
fn a_refused_deletion_is_not_taken_for_one_that_was_done() {
    let answer = |code: &str| {
        let entries = json!([{ "id": "00T1", "success": true, "errors": [] },
            { "success": false, "errors": [{ "statusCode": code, "message": "no" }] }]);
        super::notes::each_deleted(entries.to_string().as_bytes(), 2)
    };
    assert!(answer("ENTITY_IS_DELETED").unwrap(), "it is gone");
    assert!(!answer("INSUFFICIENT_ACCESS_OR_READONLY").unwrap());
    assert!(answer("UNABLE_TO_LOCK_ROW").is_err(), "tried again");
    assert!(!super::notes::each_deleted(b"[]", 1).unwrap(), "nothing was said of it");
}

#[tokio::test]
async fn all_tasks_of_an_erased_person_go_however_many_others_there_are() {
    let options = Options { duplicate_rule: DuplicateRule::Block, ..Options::default() };
    let lab = Lab::start(options, json!({ "touchpoint_notes": "all" })).await;
    let theirs = json!({ "LastName": "L", "Company": "C", "Email": "ada1@example.com" });
    let theirs = lab.org().add(&theirs, 0).unwrap();
    for number in 0..450 {
        lab.org().add_task(&theirs, &format!("a salesperson's own {number}"));
    }
    lab.one(payload(1, 1, 1)).await;
    let payload = payload(1, 20, 1);
    let erased = Erasure { payload: &payload, records: vec![&theirs] };
    lab.connector.erase(&erased, lab.moment(), &lab.egress).await.unwrap();
    assert_eq!((tasks(&lab).len(), lab.sandbox.records().len()), (450, 1), "people keep theirs");
}

#[tokio::test]
async fn a_lead_with_too_many_tasks_costs_no_other_its_note() {
    let lab = Lab::plain().await;
    let delivered = lab.deliver(&[payload(1, 1, 1), payload(2, 2, 1), payload(3, 3, 1)]).await;
    let crowded = record(&delivered.tried[1]);
    for number in 0..=leadwire_core::limits::NOTES_READ_AT_ONCE {
        lab.org().add_task(&crowded, &number.to_string());
    }
    let tried = lab.deliver(&[later(1, 10, 2), later(2, 20, 2), later(3, 30, 2)]).await.tried;
    let said: Vec<&str> = tried.iter().map(|it| &*it.evidence.message).collect();
    assert!(said[1].contains("more tasks of that day"), "{said:?}");
    assert!([said[0], said[2]].iter().all(|it| it.ends_with("its note is there")), "{said:?}");
}

#[tokio::test]
async fn a_record_that_was_linked_to_is_told_of_also_where_leadwires_own_was_deleted() {
    let lab = Lab::plain().await;
    let own = record(&lab.one(payload(1, 1, 1)).await);
    let theirs = json!({ "LastName": "L", "Company": "C", "Email": "ada@elsewhere.example" });
    let theirs = lab.org().add(&theirs, 0).unwrap();
    let payload = payload(1, 20, 1);
    let erased = Erasure { payload: &payload, records: vec![&own, &theirs] };
    let tried = lab.connector.erase(&erased, lab.moment(), &lab.egress).await.unwrap();
    assert_eq!(tried.evidence.cause, leadwire_core::erasure::CANNOT, "{tried:?}");
    assert!(tried.evidence.fix.contains(&theirs), "{tried:?}");
    assert_eq!(lab.sandbox.records().len(), 1);
}
