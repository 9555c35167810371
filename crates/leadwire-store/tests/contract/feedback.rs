//! What became of leads: each word kept once, and what reports are made of.

use crate::desk::{Desk, NOON, at, contoso, crm, done, number, of_customer, touchpoint};
use leadwire_core::feedback::FeedbackKind;
use leadwire_core::id::{FeedbackId, LeadId};
use leadwire_core::lane::Next;
use leadwire_core::limits;
use leadwire_core::outcome::Receipt;
use leadwire_core::report::Place;
use leadwire_core::routing::Routed;
use leadwire_store::accept::Accept;
use leadwire_store::feedback::{Feedback, Noted};
use leadwire_store::feedback_readings::{ReadCounts, ReadFailure, ReadStep, ReadWord, Whose};
use leadwire_store::reports::{Bodies, ReportRange};

fn word(id: u128, moment: i64, kind: FeedbackKind) -> Feedback {
    Feedback {
        id: FeedbackId::new(id),
        at: at(moment),
        noted_at: at(NOON),
        kind,
        reason: "why".to_owned(),
        who: "Bob".to_owned(),
        destination: None,
        record: String::new(),
    }
}

#[tokio::test]
async fn a_word_is_kept_once_and_the_newest_comes_first() {
    let desk = Desk::new().await;
    let lead = desk.lead_of(of_customer(1, 1)).await;
    let say = async |it: Feedback| desk.store.add_feedback(contoso(), lead, it).await.unwrap();
    assert_eq!(say(word(1, NOON, FeedbackKind::Qualified)).await, Noted::Made);
    assert_eq!(say(word(2, NOON - 5, FeedbackKind::Lost)).await, Noted::Made);
    assert_eq!(say(word(3, NOON, FeedbackKind::Qualified)).await, Noted::Known);
    let nobody = desk.store.add_feedback(contoso(), LeadId::new(77), word(4, NOON, FeedbackKind::Lost));
    assert_eq!(nobody.await.unwrap(), Noted::NoLead);
    let kept = desk.store.feedback(contoso(), lead, 9).await.unwrap();
    assert_eq!(kept, [word(1, NOON, FeedbackKind::Qualified), word(2, NOON - 5, FeedbackKind::Lost)]);
}

#[tokio::test]
async fn a_sender_that_never_stops_fills_no_disk() {
    let desk = Desk::new().await;
    let lead = desk.lead_of(of_customer(1, 1)).await;
    let most = i64::try_from(limits::FEEDBACK_PER_LEAD_MAX).unwrap();
    for number in 0..=most {
        let it = word(u128::try_from(number).unwrap() + 1, NOON + number, FeedbackKind::Lost);
        let noted = desk.store.add_feedback(contoso(), lead, it).await.unwrap();
        assert_eq!(noted, if number < most { Noted::Made } else { Noted::Full });
    }
}

#[tokio::test]
async fn a_report_is_read_in_pages_that_leave_nothing_out() {
    let desk = Desk::new().await;
    let twice = vec![
        Routed { destination: number(1), suppressed: None },
        Routed { destination: number(2), suppressed: Some("do_not_contact") },
    ];
    for (id, customer) in [(10, 1), (11, 2), (12, 1), (13, 3), (14, 2)] {
        desk.accept(Accept { routed: twice.clone(), ..of_customer(id, customer) }).await;
    }
    let token = desk.take(NOON + 5).await;
    // Of the first customer the second touchpoint arrives; the first one waits.
    for claim in desk.claim(token, 1, NOON + 5).await {
        desk.settle(token, claim, done(), NOON + 7).await;
    }
    let first = LeadId::new(10);
    let of = word(1, NOON, FeedbackKind::Converted);
    assert_eq!(desk.store.add_feedback(contoso(), first, of).await.unwrap(), Noted::Made);
    let mut seen = Vec::new();
    let (mut after, mut fates, mut arrived) = (touchpoint(10).before(), 0, Vec::new());
    loop {
        let range =
            ReportRange { publisher: contoso(), after, last: touchpoint(13), bodies: Bodies::Left, limit: 2 };
        let page = desk.store.report_page(range).await.unwrap();
        let Some(last) = page.touchpoints.last() else { break };
        after = last.id;
        fates += page.fates.len();
        arrived.extend(page.delivered.clone());
        for it in &page.touchpoints {
            let mut places = page.places[&it.id].clone();
            places.sort_by_key(|it| it.0);
            assert_eq!(places[1], (number(2), Place::HeldBack));
            assert!(it.body.is_empty());
            seen.push((it.id.bits(), places[0].1));
        }
    }
    let delivered = Place::Delivered(at(NOON + 7));
    let places = [(10, delivered), (11, Place::Waiting), (12, Place::Waiting), (13, Place::Waiting)];
    assert_eq!(seen, places, "the fifth is behind the end");
    assert_eq!((fates, arrived), (1, vec![(first, vec![crm().destination])]));
    let range = ReportRange {
        publisher: contoso(),
        after: touchpoint(9),
        last: touchpoint(10),
        bodies: Bodies::Read,
        limit: 9,
    };
    assert_eq!(desk.store.report_page(range).await.unwrap().touchpoints[0].body, br#"{"n":10}"#);
}

fn read(id: u128, whose: Whose, record: &str, moment: i64, kind: FeedbackKind) -> ReadWord {
    let (record, reason) = (record.to_owned(), "Status".to_owned());
    ReadWord { id: FeedbackId::new(id), whose, record, at: at(moment), kind, reason }
}

fn page(before: &str, position: &str, words: Vec<ReadWord>) -> ReadStep {
    ReadStep {
        lane: crm(),
        before: before.to_owned(),
        position: position.to_owned(),
        seen: words.len() as u64,
        words,
        unknown: 1,
        is_end: true,
        due_at: at(NOON + 900),
        said: None,
        now: at(NOON + 100),
    }
}

#[tokio::test]
async fn a_page_is_written_down_once_whoever_comes_late() {
    let desk = Desk::new().await;
    let lead = desk.lead_of(of_customer(1, 1)).await;
    desk.store.begin_feedback_reading(crm(), "a".to_owned(), at(NOON)).await.unwrap();
    desk.store.begin_feedback_reading(crm(), "z".to_owned(), at(NOON)).await.unwrap();
    let words = vec![
        read(1, Whose::Lead(lead), "00Q1", NOON + 10, FeedbackKind::Qualified),
        read(2, Whose::Lead(LeadId::new(77)), "00Q2", NOON + 11, FeedbackKind::Qualified),
        read(3, Whose::Nobody, "00Q3", NOON + 12, FeedbackKind::Lost),
    ];
    let note = async |it: ReadStep| desk.store.note_feedback_page(it).await.unwrap();
    let counts = note(page("a", "b", words.clone())).await;
    assert_eq!(counts, Some(ReadCounts { seen: 3, noted: 1, unknown: 1, unmatched: 2 }));
    // Another that read the same page, and a repetition of it after a crash.
    assert_eq!(note(page("a", "b", words.clone())).await, None);
    let counts = note(page("b", "c", words)).await;
    assert_eq!(counts.map(|it| it.noted), Some(0));
    // Somebody edited the record: the same word at a later moment is no news; another word is, and not from the future.
    let later = vec![read(5, Whose::Lead(lead), "00Q1", NOON + 50, FeedbackKind::Qualified)];
    assert_eq!(note(page("c", "d", later)).await.map(|it| it.noted), Some(0));
    let ahead = vec![read(6, Whose::Lead(lead), "00Q1", NOON + 5000, FeedbackKind::Converted)];
    assert_eq!(note(page("d", "e", ahead)).await.map(|it| it.noted), Some(1));
    let said = desk.store.feedback(contoso(), lead, 9).await.unwrap();
    let said: Vec<_> = said.iter().map(|it| (it.kind, it.at, it.destination)).collect();
    let expected = [
        (FeedbackKind::Converted, at(NOON + 100), Some(number(1))),
        (FeedbackKind::Qualified, at(NOON + 10), Some(number(1))),
    ];
    assert_eq!(said, expected);
    let reading = desk.store.feedback_reading(crm()).await.unwrap().unwrap();
    assert_eq!((&*reading.position, reading.read_at), ("e", Some(at(NOON + 100))));
    assert_eq!(reading.counts, ReadCounts { seen: 8, noted: 2, unknown: 4, unmatched: 4 });
}

#[tokio::test]
async fn a_record_of_the_same_person_that_is_not_the_leads_says_nothing_of_it() {
    let desk = Desk::new().await;
    let lead = desk.lead_of(of_customer(1, 7)).await;
    let token = desk.take(NOON + 5).await;
    for claim in desk.claim(token, 1, NOON + 5).await {
        let receipt = Receipt::Confirmed { record: "C-151".to_owned() };
        desk.settle(token, claim, Next::Deliver(receipt), NOON + 7).await;
    }
    desk.store.begin_feedback_reading(crm(), "a".to_owned(), at(NOON)).await.unwrap();
    let customer = Whose::Customer([7; 16]);
    let words = vec![
        read(1, customer, "C-999", NOON + 10, FeedbackKind::Converted),
        read(4, customer, "C-151", NOON - 1, FeedbackKind::Converted),
        read(2, customer, "c-151", NOON + 11, FeedbackKind::Qualified),
        read(3, Whose::Customer([8; 16]), "C-151", NOON + 12, FeedbackKind::Lost),
    ];
    let counts = desk.store.note_feedback_page(page("a", "b", words)).await.unwrap().unwrap();
    assert_eq!((counts.noted, counts.unmatched), (1, 3), "another's record, before the lead, another's lead");
    let said = desk.store.feedback(contoso(), lead, 9).await.unwrap();
    assert_eq!((said[0].kind, said[0].record.as_str()), (FeedbackKind::Qualified, "c-151"));
}

#[tokio::test]
async fn a_failure_is_counted_until_a_page_is_read() {
    let desk = Desk::new().await;
    desk.store.begin_feedback_reading(crm(), "a".to_owned(), at(NOON)).await.unwrap();
    for _ in 0..2 {
        let why = ["down", "it is down", "wait"].map(str::to_owned);
        let failure = ReadFailure { lane: crm(), why, due_at: at(NOON + 9), said: None, now: at(NOON) };
        desk.store.note_feedback_failure(failure).await.unwrap();
    }
    let reading = desk.store.feedback_reading(crm()).await.unwrap().unwrap();
    assert_eq!((reading.failures, &*reading.cause, &*reading.position), (2, "down", "a"));
    desk.store.note_feedback_page(page("a", "b", Vec::new())).await.unwrap().unwrap();
    let reading = desk.store.feedback_reading(crm()).await.unwrap().unwrap();
    assert_eq!((reading.failures, &*reading.cause, reading.due_at), (0, "", at(NOON + 900)));
}
