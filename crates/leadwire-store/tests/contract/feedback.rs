//! What became of leads: each word kept once, and what reports are made of.

use crate::desk::{Desk, NOON, at, contoso, crm, done, number, of_customer, touchpoint};
use leadwire_core::feedback::FeedbackKind;
use leadwire_core::id::{FeedbackId, LeadId};
use leadwire_core::limits;
use leadwire_core::report::Place;
use leadwire_core::routing::Routed;
use leadwire_store::accept::Accept;
use leadwire_store::feedback::{Feedback, Noted};
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
