//! Notes for later touchpoints: the golden request, and what a simulated environment makes of them.

use super::sandbox_tests::{Lab, SECRET, cause, record};
use super::tests::{NOW, payload, read, shown, with};
use super::*;
use crate::egress::meter::Meter;
use crate::erase::{Erasure, for_a_person};
use crate::validation::Verdict;
use leadwire_core::erasure;
use leadwire_core::outcome::{Fault, Outcome};
use leadwire_core::touchpoint::Action;
use leadwire_sandbox::dynamics::Options;
use leadwire_sandbox::service::{Fault as Wrong, Scope};
use serde_json::{Value, json};
use std::sync::Arc;

/// A touchpoint of lead 1 that is not its first.
fn later(touchpoint: u128, attempt: u32) -> Payload {
    with(payload(1, touchpoint, attempt), |it| {
        it.action = Action::PartnerLedTrial;
        it.notes = Some(format!("Call me <b>{touchpoint}</b>"));
    })
}

fn notes(lab: &Lab) -> Vec<Value> {
    let records = lab.sandbox.records();
    records.iter().flat_map(|it| it["notes"].as_array().cloned().unwrap_or_default()).collect()
}

#[test]
fn the_note_of_a_later_touchpoint_is_the_golden_one() {
    let dynamics = read(json!({}));
    let batch = [payload(1, 1, 1), later(2, 1)];
    let preview = dynamics.preview(&batch, Moment { now: NOW });
    assert_eq!(preview.requests.len(), 2, "the lead, and one note");
    let token = bearer("token").unwrap();
    let mut preview = Preview::default();
    dynamics.preview_notes(&batch, &token, &mut preview);
    assert_eq!(shown(&preview.requests[0]), include_str!("golden/note.txt"));
    let none = read(json!({ "touchpoint_notes": "none" })).preview(&batch, Moment { now: NOW });
    assert_eq!(none.requests.len(), 1);
}

#[tokio::test]
async fn each_later_touchpoint_leaves_one_note_however_often_it_is_brought() {
    let lab = Lab::plain().await;
    let batch = [payload(1, 1, 1), later(2, 1), later(3, 1)];
    let first = lab.deliver(&batch).await;
    assert_eq!(first.calls, 3, "a token, the lead, its notes");
    let id = record(&first.tried[0]);
    assert!(first.tried.iter().all(|it| record(it) == id));
    assert_eq!(first.tried[0].evidence.message, "the lead was created");
    assert_eq!(first.tried[1].evidence.message, "the lead was created; its note is there");
    let seen = notes(&lab);
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|it| it["subject"] == "Asked for contact: contoso.crm-pro"));
    let texts = seen.iter().map(Value::to_string).collect::<String>();
    for word in ["When: 2026-11-20T10:00:00Z", "Call me ‹b›2‹/b›", "Call me ‹b›3‹/b›", "Touchpoint: tp_"]
    {
        assert!(texts.contains(word), "{word}: {texts}");
    }
    // As after a restore, and as a second attempt.
    lab.deliver(&batch).await;
    record(&lab.one(later(2, 2)).await);
    assert_eq!(notes(&lab), seen);
    assert_eq!(lab.sandbox.records().len(), 1);
}

#[tokio::test]
async fn a_hundred_later_touchpoints_cost_a_look_and_one_call_for_their_notes() {
    let lab = Lab::plain().await;
    let first: Vec<Payload> = (1..=100).map(|it| payload(it, it, 1)).collect();
    assert_eq!(lab.deliver(&first).await.calls, 2, "a token, and the leads");
    let second: Vec<Payload> = (1..=100).map(|it| payload(it, it + 1000, 1)).collect();
    assert_eq!(lab.deliver(&second).await.calls, 2, "a look, and the notes");
    assert_eq!(notes(&lab).len(), 100);
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_note() {
    for fault in [Wrong::CutAfter, Wrong::Stall, Wrong::CutMidAnswer] {
        let lab = Lab::plain().await;
        let id = record(&lab.one(payload(1, 1, 1)).await);
        // What is known of the lead is looked at, so the note is the next that is written.
        lab.next(fault.clone(), Scope::Writes);
        let lost = lab.one(later(2, 1)).await;
        assert_eq!(cause(&lost), (Outcome::Unknown, "note_open"), "{fault:?}");
        assert_eq!(record(&lab.one(later(2, 2)).await), id, "{fault:?}");
        assert_eq!(notes(&lab).len(), 1, "{fault:?}");
        // It is not waited for without an end.
        lab.next(fault.clone(), Scope::Writes);
        let given_up = lab.one(later(3, 3)).await;
        assert_eq!(record(&given_up), id);
        assert!(given_up.evidence.message.contains("the note may be missing"), "{given_up:?}");
    }
}

#[tokio::test]
async fn a_note_that_is_refused_leaves_the_lead_delivered_and_says_what_to_do() {
    for missing in ["prvCreateNote", "prvAppendNote", "prvAppendToLead"] {
        let mut options = Options::new(SECRET);
        options.privileges.retain(|it| *it != missing);
        let lab = Lab::start(options, json!({})).await;
        let tried = lab.deliver(&[payload(1, 1, 1), later(2, 1)]).await.tried;
        record(&tried[0]);
        record(&tried[1]);
        let said = &tried[1].evidence.message;
        assert!(said.contains("no note was written") && said.contains("security role"), "{said}");
        assert!(!said.contains("Call me") && tried[1].evidence.answer.is_empty());
        let checked = lab.check().await;
        let step = checked.steps.iter().find(|it| it.name == "notes").unwrap();
        assert_eq!((step.verdict, checked.is_passed()), (Verdict::Warned, true), "{step:?}");
    }
}

#[tokio::test]
async fn notes_are_a_choice_and_their_customer_is_not_contacted_by_mistake() {
    let lab = Lab::start(Options::new(SECRET), json!({ "touchpoint_notes": "none" })).await;
    assert_eq!(lab.deliver(&[payload(1, 1, 1), later(2, 1)]).await.calls, 2);
    assert_eq!(notes(&lab).len(), 0);
    assert!(lab.check().await.steps.iter().all(|it| it.name != "notes"));
    let lab = Lab::start(Options::new(SECRET), json!({ "touchpoint_notes": "all" })).await;
    let mut refused = later(2, 1);
    refused.standing.do_not_contact = true;
    lab.deliver(&[payload(1, 1, 1), refused]).await;
    let seen = notes(&lab);
    assert_eq!(seen.len(), 2);
    let warned = |it: &&Value| {
        it["subject"].as_str().unwrap().starts_with("Do not contact! ")
            && it["notetext"].as_str().unwrap().starts_with("The customer does not want to be contacted.")
    };
    assert_eq!(seen.iter().filter(warned).count(), 1, "{seen:?}");
}

#[tokio::test]
async fn leads_known_by_an_alternate_key_get_notes_too() {
    let lab = Lab::start(Options::new(SECRET), json!({ "key": "alternate_key" })).await;
    lab.environment().add_column("leadwire_leadid", 100, true);
    let tried = lab.deliver(&[payload(1, 1, 1), later(2, 1)]).await.tried;
    assert!(tried[1].evidence.message.ends_with("its note is there"), "{tried:?}");
    assert_eq!(notes(&lab).len(), 1);
}

#[tokio::test]
async fn an_erased_persons_notes_go_whatever_the_relationship_does() {
    for (cascades, may_delete_notes, left) in [(true, false, 0), (false, true, 0), (false, false, 1)] {
        let mut options = Options::new(SECRET);
        options.notes_cascade = cascades;
        if !may_delete_notes {
            options.privileges.retain(|it| *it != "prvDeleteNote");
        }
        let lab = Lab::start(options, json!({})).await;
        lab.deliver(&[payload(1, 1, 1), later(2, 1), payload(9, 9, 1), payload(9, 10, 1)]).await;
        let payload = payload(1, 20, 1);
        let erased = Erasure { payload: &payload, records: Vec::new() };
        let tried = lab.connector.erase(&erased, lab.moment(), &lab.egress).await.unwrap();
        let expected = if left == 0 { erasure::DELETED } else { erasure::CANNOT };
        assert_eq!(tried.evidence.cause, expected, "{tried:?}");
        let records = lab.sandbox.records();
        let orphans = records.iter().filter(|it| !it["note_of_nothing"].is_null()).count();
        assert_eq!((orphans, notes(&lab).len()), (left, 1), "others keep theirs: {records:?}");
    }
}

#[tokio::test]
async fn a_record_that_was_linked_to_is_told_of_also_where_leadwires_own_was_deleted() {
    let lab = Lab::plain().await;
    let delivered = lab.deliver(&[payload(1, 1, 1), payload(9, 9, 1)]).await;
    let (own, theirs) = (record(&delivered.tried[0]), record(&delivered.tried[1]));
    let payload = payload(1, 20, 1);
    let erased = Erasure { payload: &payload, records: vec![&own, &theirs] };
    let tried = lab.connector.erase(&erased, lab.moment(), &lab.egress).await.unwrap();
    assert_eq!(tried.evidence.cause, erasure::CANNOT, "{tried:?}");
    assert_eq!(lab.sandbox.records().len(), 1, "its own is gone");
}

/// Erases lead 1 with so many calls for each attempt, and says in how many attempts, and what came of the last.
async fn erase_with(lab: &Lab, calls: u32) -> (usize, Tried) {
    let payload = payload(1, 99, 1);
    let erased = Erasure { payload: &payload, records: Vec::new() };
    for attempt in 1..=20 {
        let meter = Arc::new(Meter::new(Some(calls), lab.connector.calls().told));
        let egress = lab.egress.metered(Arc::clone(&meter));
        let tried = lab.connector.erase(&erased, lab.moment(), &egress).await.unwrap();
        let tried = for_a_person(tried, &erased);
        assert!(meter.take().0 > 1, "attempt {attempt} did something: {tried:?}");
        match &tried.outcome {
            Outcome::Done(_) => return (attempt, tried),
            // Alone: leads are brought meanwhile.
            outcome => assert_eq!(*outcome, Outcome::NotDone(Fault::RetryAfter(None)), "{tried:?}"),
        }
    }
    panic!("it never ends");
}

#[tokio::test]
async fn a_person_with_more_notes_than_there_are_calls_is_erased_in_steps() {
    for (calls, cascades, attempts_max) in [(6, true, 8), (6, false, 8), (40, true, 1)] {
        let mut options = Options::new(SECRET);
        options.notes_cascade = cascades;
        let lab = Lab::start(options, json!({})).await;
        let mut batch = vec![payload(1, 1, 1)];
        batch.extend((2..=15).map(|it| later(it, 1)));
        lab.deliver(&batch).await;
        assert_eq!(notes(&lab).len(), 14);
        let (attempts, tried) = erase_with(&lab, calls).await;
        assert_eq!(tried.evidence.cause, erasure::DELETED, "{tried:?}");
        assert!(attempts <= attempts_max, "{attempts} attempts of {calls} calls");
        assert!(lab.sandbox.records().is_empty(), "{:?}", lab.sandbox.records());
    }
}

#[tokio::test]
async fn notes_that_it_may_not_delete_do_not_use_up_the_calls() {
    for (cascades, expected) in [(true, erasure::DELETED), (false, erasure::CANNOT)] {
        let mut options = Options::new(SECRET);
        options.notes_cascade = cascades;
        options.privileges.retain(|it| *it != "prvDeleteNote");
        let lab = Lab::start(options, json!({})).await;
        let mut batch = vec![payload(1, 1, 1)];
        batch.extend((2..=31).map(|it| later(it, 1)));
        lab.deliver(&batch).await;
        let (_, tried) = erase_with(&lab, 10).await;
        assert_eq!(tried.evidence.cause, expected, "{tried:?}");
    }
}
