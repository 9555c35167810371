//! Notes for later touchpoints: the golden requests, and what a simulated account makes of them.

use super::tests::{NOW, check_golden, connector, outcomes, payload, rig};
use super::*;
use crate::erase::Erasure;
use crate::validation::Verdict;
use leadwire_core::erasure::DELETED;
use leadwire_core::id::{LeadId, TouchpointId};
use leadwire_core::outcome::Outcome;
use leadwire_core::touchpoint::Action;
use leadwire_sandbox::service::{Fault as Trouble, Scope};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;

/// A touchpoint of the lead of that number which is not its first.
fn later(lead: u128, touchpoint: u128, attempt: u32) -> Payload {
    let mut payload = payload(lead, attempt);
    payload.delivery.touchpoint = TouchpointId::new(touchpoint);
    let it = Arc::make_mut(&mut payload.touchpoint);
    it.action = Action::PartnerLedTrial;
    it.notes = Some(format!("Call me <b>{touchpoint}</b> & soon"));
    payload
}

fn notes(records: &[Json]) -> Vec<String> {
    let notes = records.iter().flat_map(|it| it["notes"].as_array().cloned().unwrap_or_default());
    notes.map(|it| it.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_note_of_a_later_touchpoint_is_the_golden_one() {
    let hubspot = connector(json!({}));
    let preview = hubspot.preview(&[payload(1, 1), later(1, 2, 1)], NOW);
    assert_eq!(preview.requests.len(), 2, "the contact, and one note");
    let shown = &preview.requests[1];
    let body: Json = serde_json::from_slice(&shown.body).unwrap();
    let seen = format!("{} {}\n{}\n", shown.method, shown.url, serde_json::to_string_pretty(&body).unwrap());
    assert_eq!(seen, include_str!("golden/note.txt"));
    let dated = connector(json!({ "api_version": "2026-09" }));
    let url = dated.place.below("associations", "contacts/notes/batch/read");
    let look = dated.place.post_to(url, &json!({ "inputs": [{ "id": "151" }] }));
    check_golden(&look, include_str!("golden/note_look.txt"));
    let none = connector(json!({ "touchpoint_notes": "none" }));
    assert_eq!(none.preview(&[payload(1, 1), later(1, 2, 1)], NOW).requests.len(), 1);
}

#[tokio::test]
async fn each_later_touchpoint_leaves_one_note_however_often_it_is_brought() {
    for version in ["v3", "2026-09"] {
        let rig = rig(json!({ "api_version": version })).await;
        assert_eq!(rig.deliver(&[payload(1, 1)]).await.calls, 1);
        let delivered = rig.deliver(&[later(1, 2, 1), later(1, 3, 1)]).await;
        assert!(outcomes(&delivered).iter().all(|it| matches!(it, Outcome::Done(Receipt::Confirmed { .. }))));
        assert_eq!(delivered.calls, 2, "a look at the contact, and its notes");
        let seen = notes(&rig.sandbox.records());
        assert_eq!(seen.len(), 2);
        for (text, number) in seen.iter().zip([2, 3]) {
            assert!(text.starts_with("<strong>Asked for contact</strong><br>"), "{text}");
            assert!(text.contains(&format!("Call me &lt;b&gt;{number}&lt;/b&gt; &amp; soon")), "{text}");
        }
        // A second attempt costs a look at the contact's notes, in two calls, and writes none.
        let again = rig.deliver(&[later(1, 2, 2), later(1, 3, 2)]).await;
        assert_eq!(again.calls, 3);
        assert_eq!(notes(&rig.sandbox.records()), seen);
        // The same of one that was not written makes it.
        assert_eq!(rig.deliver(&[later(1, 4, 2)]).await.calls, 4);
        assert_eq!(notes(&rig.sandbox.records()).len(), 3);
    }
}

#[tokio::test]
async fn a_contact_that_others_made_gets_a_note_of_the_first_touchpoint_too() {
    for change in [json!({}), json!({ "mapping": { "hs_lead_status": "'NEW' | always" } })] {
        let rig = rig(change).await;
        rig.deliver(&[payload(1, 1)]).await;
        // To Leadwire this is a new lead, with the address of a contact that is there.
        let mut twin = payload(9, 1);
        Arc::make_mut(&mut twin.touchpoint).customer.email = Some("ada1@example.com".to_owned());
        let delivered = rig.deliver(&[twin, payload(2, 1)]).await;
        assert!(delivered.tried[0].evidence.message.ends_with("its note is there"), "{delivered:?}");
        assert_eq!(notes(&rig.sandbox.records()).len(), 1);
    }
}

#[tokio::test]
async fn a_hundred_later_touchpoints_cost_one_call_for_their_notes() {
    let rig = rig(json!({})).await;
    let first: Vec<Payload> = (1..=100).map(|it| payload(it, 1)).collect();
    assert_eq!(rig.deliver(&first).await.calls, 1);
    let second: Vec<Payload> = (1..=100).map(|it| later(it, it + 1000, 1)).collect();
    assert_eq!(rig.deliver(&second).await.calls, 2, "a look, and the notes");
    assert_eq!(notes(&rig.sandbox.records()).len(), 100);
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_note() {
    for trouble in [Trouble::CutAfter, Trouble::EmptyAnswer, Trouble::CutMidAnswer] {
        let rig = rig(json!({})).await;
        rig.deliver(&[payload(1, 1)]).await;
        rig.sandbox.faults(|it| it.next(1, trouble.clone(), Scope::Writes));
        let lost = rig.deliver(&[later(1, 2, 1)]).await;
        assert_eq!(outcomes(&lost), [&Outcome::Unknown], "{trouble:?}");
        assert_eq!(lost.tried[0].evidence.cause, "note_open");
        let again = rig.deliver(&[later(1, 2, 2)]).await;
        assert!(matches!(outcomes(&again)[0], Outcome::Done(_)), "{again:?}");
        assert_eq!(notes(&rig.sandbox.records()).len(), 1, "{trouble:?}");
        // It is not waited for without an end.
        rig.sandbox.faults(|it| it.next(1, trouble.clone(), Scope::Writes));
        let given_up = rig.deliver(&[later(1, 3, 3)]).await;
        assert!(matches!(outcomes(&given_up)[0], Outcome::Done(_)), "{given_up:?}");
        assert!(given_up.tried[0].evidence.message.contains("the note may be missing"));
    }
}

#[tokio::test]
async fn every_note_is_there_once_when_a_third_of_the_answers_is_lost_after_the_work_was_done() {
    let rig = rig(json!({})).await;
    let first: Vec<Payload> = (1..=100).map(|it| payload(it, 1)).collect();
    rig.deliver(&first).await;
    rig.sandbox.faults(|it| it.share(0.3, Trouble::CutAfter, Scope::Writes));
    let mut waiting: Vec<Payload> = (1..=1000).map(|it| later((it - 1) % 100 + 1, it + 1000, 1)).collect();
    while !waiting.is_empty() {
        let batch: Vec<Payload> = waiting.drain(..waiting.len().min(50)).collect();
        let delivered = rig.deliver(&batch).await;
        for (mut payload, tried) in batch.into_iter().zip(delivered.tried) {
            if !matches!(tried.outcome, Outcome::Done(_)) {
                payload.attempt += 1;
                waiting.push(payload);
            }
        }
    }
    let all = notes(&rig.sandbox.records()).concat();
    for number in 1001..=2000 {
        let mark = format!("Touchpoint: {}", TouchpointId::new(number));
        assert_eq!(all.matches(&mark).count(), 1, "{mark}");
    }
}

#[tokio::test]
async fn a_note_that_is_refused_leaves_the_lead_delivered_and_says_what_to_do() {
    let rig = rig(json!({})).await;
    rig.account.lock().unwrap().change(|it| it.may_write_notes = false);
    rig.deliver(&[payload(1, 1)]).await;
    for attempt in [1, 2] {
        let delivered = rig.deliver(&[later(1, 2, attempt)]).await;
        assert!(matches!(outcomes(&delivered)[0], Outcome::Done(Receipt::Confirmed { .. })), "{delivered:?}");
        let said = &delivered.tried[0].evidence.message;
        assert!(
            said.contains("no note was written") && said.contains("crm.objects.contacts.write"),
            "{said}"
        );
        assert!(!said.contains("Call me"));
    }
    let checked = rig.hubspot.check(NOW, &rig.egress).await;
    let step = checked.steps.iter().find(|it| it.name == "notes").unwrap();
    assert_eq!((step.verdict, checked.is_passed()), (Verdict::Warned, true), "{step:?}");
}

#[tokio::test]
async fn an_erased_persons_notes_go_with_their_words() {
    let rig = rig(json!({})).await;
    rig.deliver(&[payload(1, 1), payload(9, 1)]).await;
    rig.deliver(&[later(1, 2, 1), later(9, 10, 1)]).await;
    let mut erased = payload(1, 1);
    erased.lead = LeadId::new(1);
    let erased = Erasure { payload: &erased, records: vec!["151"] };
    let tried = rig.hubspot.erase(&erased, NOW, &rig.egress).await.unwrap();
    assert_eq!(tried.evidence.cause, DELETED, "{tried:?}");
    let records = rig.sandbox.records();
    let left: Vec<&Json> =
        records.iter().map(|it| &it["note_of_nothing"]).filter(|it| !it.is_null()).collect();
    assert_eq!(left, [&json!("Erased.")], "in the recycle bin, without a word of theirs");
    assert_eq!(notes(&records).len(), 1, "others keep theirs");
}

#[test]
fn an_answer_that_leaves_notes_out_is_not_whole() {
    let answer =
        |error: serde_json::Value| super::notes::is_whole(&json!({ "results": [], "errors": [error] }));
    assert!(super::notes::is_whole(&json!({ "results": [] })));
    assert!(answer(json!({ "category": "OBJECT_NOT_FOUND" })), "nothing is there to be read");
    assert!(answer(json!({ "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND" })));
    assert!(!answer(json!({ "category": "VALIDATION_ERROR" })));
    assert!(!answer(json!({ "category": "RATE_LIMITS" })));
}

#[tokio::test]
async fn the_first_note_of_a_contact_that_others_made_outlives_a_lost_answer() {
    let rig = rig(json!({})).await;
    rig.deliver(&[payload(1, 1)]).await;
    let twin = |attempt| {
        let mut twin = payload(9, attempt);
        twin.received_at = NOW.now.plus(Duration::from_secs(1));
        Arc::make_mut(&mut twin.touchpoint).customer.email = Some("ada1@example.com".to_owned());
        twin
    };
    // The first attempt's note was lost: the second finds the contact, and not the note.
    for attempt in [2, 3] {
        rig.deliver(&[twin(attempt)]).await;
        assert_eq!(notes(&rig.sandbox.records()).len(), 1, "{attempt}");
    }
    // One that Leadwire made itself says it already, also where nobody heard of it at first.
    rig.sandbox.faults(|it| it.next(1, Trouble::CutAfter, Scope::Writes));
    assert_eq!(outcomes(&rig.deliver(&[payload(2, 1)]).await), [&Outcome::Unknown]);
    rig.deliver(&[payload(2, 2)]).await;
    assert_eq!(notes(&rig.sandbox.records()).len(), 1);
}

#[tokio::test]
async fn a_contact_with_too_many_notes_costs_no_other_its_note() {
    let rig = rig(json!({})).await;
    rig.deliver(&[payload(1, 1), payload(2, 1), payload(3, 1)]).await;
    let many = u128::try_from(leadwire_core::limits::NOTES_READ_MAX).unwrap() + 1;
    for first in (0..many).step_by(100) {
        let batch: Vec<Payload> = (first..many.min(first + 100)).map(|it| later(1, it + 10_000, 1)).collect();
        rig.deliver(&batch).await;
    }
    // Two of three hundred each are more than one may have, and no reason to read neither.
    for lead in [2, 3] {
        for first in [0, 100, 200] {
            let batch: Vec<Payload> =
                (first..first + 100).map(|it| later(lead, lead * 100_000 + it, 1)).collect();
            rig.deliver(&batch).await;
        }
    }
    let before = notes(&rig.sandbox.records()).len();
    let again = rig.deliver(&[later(1, 10_000, 2), later(2, 200_000, 2), later(3, 999_999, 2)]).await;
    let said: Vec<&str> = again.tried.iter().map(|it| &*it.evidence.message).collect();
    assert!(said[0].contains("more notes than are read"), "{said:?}");
    assert!(said[1..].iter().all(|it| it.ends_with("its note is there")), "{said:?}");
    assert_eq!(notes(&rig.sandbox.records()).len(), before + 1);
}

#[tokio::test]
async fn a_note_for_which_a_whole_batch_is_refused_costs_no_other_its_note() {
    let rig = rig(json!({})).await;
    let first: Vec<Payload> = (1..=20).map(|it| payload(it, 1)).collect();
    rig.deliver(&first).await;
    rig.account.lock().unwrap().change(|it| it.refused_note = Some("1007".to_owned()));
    let second: Vec<Payload> = (1..=20).map(|it| later(it, it + 1000, 1)).collect();
    let delivered = rig.deliver(&second).await;
    for (tried, number) in delivered.tried.iter().zip(1..) {
        let expected = if number == 7 { "no note was written" } else { "its note is there" };
        assert!(tried.evidence.message.contains(expected), "{number}: {tried:?}");
        assert!(matches!(tried.outcome, Outcome::Done(_)));
    }
    assert_eq!(notes(&rig.sandbox.records()).len(), 19);
}

#[test]
fn a_note_that_an_answer_leaves_out_is_not_taken_for_gone() {
    let asked = ["1".to_owned(), "2".to_owned()];
    let found = json!([{ "id": "1", "properties": { "hs_note_body": "B" } }]);
    let bodies =
        |errors: Json| super::notes::bodies_of(&json!({ "results": found, "errors": errors }), &asked);
    assert_eq!(bodies(json!([])), None);
    let gone = Some(vec![("1".to_owned(), "B".to_owned())]);
    assert_eq!(bodies(json!([{ "category": "OBJECT_NOT_FOUND", "context": { "ids": ["2"] } }])), gone);
    assert_eq!(bodies(json!([{ "category": "OBJECT_NOT_FOUND", "context": { "ids": ["3"] } }])), None);
    assert_eq!(bodies(json!([{ "category": "OBJECT_NOT_FOUND" }])), gone, "it does not say which");
}
