//! Facts about notices: told once, again while the trouble lasts, and never lost.

use super::desk::{DAY, Desk, NOON, SECOND, at, contoso, number, of_customer, touchpoint};
use leadwire_core::id::{OfferId, OfferRef, TouchpointId};
use leadwire_core::lane::{Gate, Pause};
use leadwire_core::limits;
use leadwire_core::notice::NoticeKind;
use leadwire_core::silence::hour_of;
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::Touchpoint;
use leadwire_store::accept::Accept;
use leadwire_store::lanes::LaneKey;
use leadwire_store::notices::{Gathered, Message, Mute, Notice, Said, Sent, Told, Way, Whose};
use leadwire_store::setup::Change;
use std::sync::Arc;

const HOUR: i64 = 3_600 * SECOND;

fn crm() -> Whose {
    Whose { publisher: Some(contoso()), destination: Some(number(1)) }
}

fn said(kind: NoticeKind) -> Said {
    Said {
        kind,
        about: String::new(),
        cause: String::new(),
        message: "it is so".to_owned(),
        fix: String::new(),
    }
}

async fn untold(desk: &Desk, until: i64) -> Vec<Notice> {
    desk.store.untold_notices(Some(contoso()), at(until), 1000).await.unwrap()
}

/// Makes a message of what is due, and tells it.
async fn tell(desk: &Desk, now: i64) -> Vec<NoticeKind> {
    let due = untold(desk, now).await;
    let keys = due.iter().map(|it| (it.whose.clone(), it.number)).collect();
    let gathered = desk.store.gather_notices((Some(contoso()), String::new()), keys, at(now)).await.unwrap();
    let Gathered::Into(number) = gathered else { return Vec::new() };
    desk.store.settle_message(message(number), Sent::Told, at(now)).await.unwrap();
    due.into_iter().map(|it| it.kind).collect()
}

fn message(number: u32) -> Message {
    Message { publisher: Some(contoso()), number, tell: String::new(), attempts: 0 }
}

async fn newest(desk: &Desk) -> Notice {
    desk.store.all_notices(Some(contoso()), 1).await.unwrap().remove(0)
}

#[tokio::test]
async fn a_trouble_that_lasts_is_told_again_after_growing_waits_and_its_end_once() {
    let mut desk = Desk::new().await;
    desk.store.say(crm(), said(NoticeKind::Paused), at(NOON)).await.unwrap();
    assert_eq!(untold(&desk, NOON).await, [], "it is gathered first");
    let mut now = NOON + 60 * SECOND;
    assert_eq!(tell(&desk, now).await, [NoticeKind::Paused]);
    for wait in [HOUR, 6 * HOUR, DAY, DAY] {
        desk = desk.reopened();
        assert_eq!(tell(&desk, now + wait - SECOND).await, []);
        now += wait;
        assert_eq!(tell(&desk, now).await, [NoticeKind::Paused], "again after {wait}");
    }
    desk.store.say(crm(), said(NoticeKind::Resumed), at(now)).await.unwrap();
    now += 60 * SECOND;
    assert_eq!(tell(&desk, now).await, [NoticeKind::Resumed]);
    assert_eq!(tell(&desk, now + 9 * DAY).await, [], "what is over is over");
    let kept = desk.store.notices(contoso(), number(1), 9).await.unwrap();
    assert_eq!(kept.iter().map(|it| it.times_told).collect::<Vec<_>>(), [1, 5]);
    assert!(!kept[1].lasts && kept[1].ended_at.is_some());
}

#[tokio::test]
async fn what_was_over_before_anybody_was_told_is_told_to_nobody() {
    let desk = Desk::new().await;
    desk.store.say(crm(), said(NoticeKind::Paused), at(NOON)).await.unwrap();
    desk.store.say(crm(), said(NoticeKind::Resumed), at(NOON + SECOND)).await.unwrap();
    assert_eq!(untold(&desk, NOON + DAY).await, []);
    let kept = desk.store.notices(contoso(), number(1), 9).await.unwrap();
    assert_eq!(kept.iter().map(|it| it.told).collect::<Vec<_>>(), [Told::Over, Told::Over]);
}

#[tokio::test]
async fn the_same_trouble_begins_once_and_worse_takes_its_place() {
    let desk = Desk::new().await;
    for _ in 0..3 {
        desk.store.say(crm(), said(NoticeKind::Failing), at(NOON)).await.unwrap();
    }
    assert_eq!(untold(&desk, NOON + DAY).await.len(), 1);
    desk.store.say(crm(), said(NoticeKind::Paused), at(NOON + SECOND)).await.unwrap();
    let left: Vec<NoticeKind> = untold(&desk, NOON + DAY).await.iter().map(|it| it.kind).collect();
    assert_eq!(left, [NoticeKind::Paused]);
    // Of one part it is another trouble.
    let of_part = Said { about: "feedback".to_owned(), ..said(NoticeKind::CheckFailed) };
    desk.store.say(crm(), of_part, at(NOON)).await.unwrap();
    desk.store.say(crm(), said(NoticeKind::CheckPassed), at(NOON)).await.unwrap();
    let standing = desk.store.standing_notices(crm(), NoticeKind::CheckFailed).await.unwrap();
    assert_eq!(standing.iter().map(|it| &*it.about).collect::<Vec<_>>(), ["feedback"]);
}

#[tokio::test]
async fn a_message_keeps_its_number_until_it_gets_through_and_holds_the_next_one_back() {
    let mut desk = Desk::new().await;
    desk.store.say(crm(), said(NoticeKind::EndsSoon), at(NOON)).await.unwrap();
    let keys = vec![(crm(), 1)];
    let whom = (Some(contoso()), String::new());
    let now = NOON + 60 * SECOND;
    let gathered = desk.store.gather_notices(whom.clone(), keys, at(now)).await.unwrap();
    assert_eq!(gathered, Gathered::Into(1));
    desk.store.settle_message(message(1), Sent::Again(at(now + HOUR)), at(now)).await.unwrap();
    desk.store.say(crm(), said(NoticeKind::Parked), at(now)).await.unwrap();
    desk = desk.reopened();
    let later = desk.store.gather_notices(whom, vec![(crm(), 2)], at(now + HOUR)).await.unwrap();
    assert_eq!(later, Gathered::Later, "one is on its way");
    let (due, _) = desk.store.due_messages(at(now + HOUR), 9).await.unwrap();
    assert_eq!(due, [Message { attempts: 1, ..message(1) }]);
    let kinds = desk.store.message_notices(Some(contoso()), 1).await.unwrap();
    assert_eq!(kinds.iter().map(|it| it.kind).collect::<Vec<_>>(), [NoticeKind::EndsSoon]);
    desk.store.settle_message(message(1), Sent::Told, at(now + HOUR)).await.unwrap();
    assert_eq!(tell(&desk, now + HOUR).await, [NoticeKind::Parked]);
}

#[tokio::test]
async fn what_is_over_the_number_for_an_hour_is_in_the_next_message() {
    let desk = Desk::new().await;
    let mut told = 0;
    for round in 0..20 {
        let now = NOON + round * 60 * SECOND;
        desk.store.say(crm(), said(NoticeKind::Parked), at(now - 30 * SECOND)).await.unwrap();
        told += usize::from(!tell(&desk, now).await.is_empty());
    }
    assert_eq!(told, limits::NOTICE_MESSAGES_PER_HOUR);
    let rest = tell(&desk, NOON + HOUR).await;
    assert_eq!(rest.len(), 20 - limits::NOTICE_MESSAGES_PER_HOUR);
}

#[tokio::test]
async fn a_mute_holds_a_lasting_trouble_back_until_its_end_and_the_rest_for_ever() {
    let desk = Desk::new().await;
    let mute = Mute { destination: Some(number(1)), kind: None, until: at(NOON + HOUR) };
    assert_eq!(desk.store.mute(Some(contoso()), mute.clone(), at(NOON)).await.unwrap(), Change::Made);
    assert_eq!(desk.store.mutes(Some(contoso()), at(NOON)).await.unwrap(), vec![mute.clone()]);
    assert!(mute.holds(Some(number(1)), NoticeKind::Paused, at(NOON)));
    assert!(!mute.holds(Some(number(2)), NoticeKind::Paused, at(NOON)));
    assert!(!mute.holds(Some(number(1)), NoticeKind::Paused, mute.until));
    desk.store.say(crm(), said(NoticeKind::Paused), at(NOON)).await.unwrap();
    desk.store.say(crm(), said(NoticeKind::Parked), at(NOON)).await.unwrap();
    desk.store.mute_notices(vec![(crm(), 1), (crm(), 2)], mute.until).await.unwrap();
    assert_eq!(untold(&desk, NOON + HOUR - SECOND).await, []);
    assert_eq!(tell(&desk, NOON + HOUR).await, [NoticeKind::Paused]);
    let kept = desk.store.notices(contoso(), number(1), 9).await.unwrap();
    assert_eq!(kept[0].told, Told::Muted);
    // Taken away early, what it held back is told at once.
    desk.store.say(crm(), said(NoticeKind::CheckFailed), at(NOON + HOUR)).await.unwrap();
    desk.store.mute_notices(vec![(crm(), 3)], at(NOON + DAY)).await.unwrap();
    let long = Mute { until: at(NOON + DAY), ..mute.clone() };
    desk.store.mute(Some(contoso()), long, at(NOON + HOUR)).await.unwrap();
    let ended = Mute { until: at(0), ..mute };
    let now = NOON + HOUR + SECOND;
    assert_eq!(desk.store.mute(Some(contoso()), ended.clone(), at(now)).await.unwrap(), Change::Made);
    assert_eq!(untold(&desk, now).await.len(), 1);
    assert_eq!(desk.store.mute(Some(contoso()), ended, at(now)).await.unwrap(), Change::Missing);
}

#[tokio::test]
async fn a_person_who_takes_a_destination_in_hand_is_not_told_of_it() {
    let desk = Desk::new().await;
    desk.store.say(crm(), said(NoticeKind::Paused), at(NOON)).await.unwrap();
    tell(&desk, NOON + 60 * SECOND).await;
    let lane = LaneKey { publisher: contoso(), destination: number(1) };
    desk.store.set_gate(lane, Gate::Open).await.unwrap();
    assert_eq!(untold(&desk, NOON + DAY).await, []);
    assert!(!newest(&desk).await.lasts);
}

#[tokio::test]
async fn the_operator_has_notices_of_their_own_and_a_job_is_told_when_it_changes() {
    let desk = Desk::new().await;
    let went = |kind| Said { about: "backup".to_owned(), ..said(kind) };
    for kind in [NoticeKind::JobPassed, NoticeKind::JobFailed, NoticeKind::JobFailed] {
        desk.store.note_job(went(kind), at(NOON)).await.unwrap();
    }
    let own = desk.store.all_notices(None, 9).await.unwrap();
    assert_eq!(
        own.iter().map(|it| (it.kind, &*it.about)).collect::<Vec<_>>(),
        [(NoticeKind::JobFailed, "backup")]
    );
    assert_eq!(desk.store.all_notices(Some(contoso()), 9).await.unwrap(), []);
    assert_eq!(desk.store.lasting_notices(None, 9).await.unwrap().len(), 1);
    let (due, next) = desk.store.due_notices(at(NOON)).await.unwrap();
    assert_eq!((due, next), (vec![], Some(at(NOON).plus(limits::NOTICE_GATHER))));
    assert_eq!(desk.store.due_notices(at(NOON + DAY)).await.unwrap().0, [None]);
    desk.store.note_job(went(NoticeKind::JobPassed), at(NOON)).await.unwrap();
    assert_eq!(desk.store.lasting_notices(None, 9).await.unwrap(), []);
}

#[tokio::test]
async fn receivers_keep_their_order_and_how_telling_went_is_known() {
    let desk = Desk::new().await;
    let lane = |it| LaneKey { publisher: contoso(), destination: number(it) };
    desk.store.set_notice_receivers(None, vec![lane(2), lane(1)], at(NOON)).await.unwrap();
    assert_eq!(desk.store.notice_receivers(None).await.unwrap(), [lane(2), lane(1)]);
    desk.store.set_notice_receivers(None, vec![lane(1)], at(NOON)).await.unwrap();
    assert_eq!(desk.store.notice_receivers(None).await.unwrap(), [lane(1)]);
    assert_eq!(desk.store.notice_receivers(Some(contoso())).await.unwrap(), []);
    let failed = |millis| Way { failed_at: Some(at(millis)), cause: "http_500".to_owned(), ..Way::default() };
    for millis in [NOON, NOON + SECOND] {
        desk.store.note_way(lane(1), failed(millis)).await.unwrap();
    }
    assert_eq!(desk.store.notice_way(lane(1)).await.unwrap(), failed(NOON), "since the first of them");
    let told = Way { told_at: Some(at(NOON + DAY)), ..Way::default() };
    desk.store.note_way(lane(1), told.clone()).await.unwrap();
    assert_eq!(desk.store.notice_way(lane(1)).await.unwrap(), told);
}

#[tokio::test]
async fn a_pause_by_a_fault_is_a_notice_in_the_same_transaction_and_counts_of_waiting_leads_are_bounded() {
    let desk = Desk::new().await;
    let lane = LaneKey { publisher: contoso(), destination: number(1) };
    for id in 1..=3 {
        desk.accept(of_customer(id, 1)).await;
    }
    assert_eq!(desk.store.waiting(lane.clone()).await.unwrap(), 3);
    let watched = desk.store.watched().await.unwrap();
    assert!(watched.iter().all(|it| it.is_open));
    let pulses = desk.store.pulses(watched, at(NOON)).await.unwrap();
    assert!(pulses[0].has_pending && pulses[0].failures.since.is_none() && !pulses[1].has_pending);
    let pause = Pause {
        cause: "http_401".to_owned(),
        message: String::new(),
        fix: String::new(),
        since: at(NOON),
        probe_at: None,
        probes: 0,
    };
    desk.store.set_gate(lane, Gate::Paused(pause)).await.unwrap();
    assert!(!desk.store.watched().await.unwrap()[0].is_open);
}

#[tokio::test]
async fn hours_with_touchpoints_are_counted_once_and_tests_are_not() {
    let desk = Desk::new().await;
    let of_hour = |hour: i64| TouchpointId::first_at(at(NOON + hour * HOUR + 1));
    let said = |test| {
        let offer = OfferRef::parse("contoso.crm").unwrap();
        Arc::new(Touchpoint { offer: Some(offer), test, ..Touchpoint::default() })
    };
    for (place, hour, test) in [(1, 0, false), (2, 0, false), (3, 5, false), (4, 7, true), (5, 30, false)] {
        let id = TouchpointId::new(of_hour(hour).bits() + place);
        desk.accept(Accept { touchpoint: id, parsed: said(test), ..of_customer(1, 1) }).await;
    }
    let until = of_hour(1000);
    let step = desk.store.arrivals_page(contoso(), (touchpoint(0), until)).await.unwrap();
    let step = step.expect("there are some");
    desk.store.note_arrivals(step.clone()).await.unwrap();
    // Another process was quicker.
    desk.store.note_arrivals(step).await.unwrap();
    assert_eq!(desk.store.arrivals_page(contoso(), (touchpoint(0), until)).await.unwrap(), None);
    let offer = OfferId::parse("crm").unwrap();
    let came = desk.store.arrivals(contoso(), offer.clone()).await.unwrap();
    assert_eq!(came.get("api").map(Vec::as_slice).unwrap_or_default(), expected(&[0, 5, 30]), "{came:?}");
    desk.store.forget_arrivals(contoso(), hour_of(at(NOON + 5 * HOUR))).await.unwrap();
    let commits = desk.store.commits();
    desk.store.forget_arrivals(contoso(), hour_of(at(NOON + 5 * HOUR))).await.unwrap();
    assert_eq!(desk.store.commits(), commits, "nothing to be forgotten costs no commit");
    let came = desk.store.arrivals(contoso(), offer).await.unwrap();
    assert_eq!(came.get("api").map(Vec::as_slice).unwrap_or_default(), expected(&[5, 30]));
}

fn expected(hours: &[i64]) -> Vec<i64> {
    hours.iter().map(|it| hour_of(Timestamp::from_millis(NOON + it * HOUR))).collect()
}

#[tokio::test]
async fn whoever_is_named_during_a_trouble_is_told_of_it() {
    let desk = Desk::new().await;
    for kind in [NoticeKind::Paused, NoticeKind::Parked] {
        desk.store.say(crm(), said(kind), at(NOON)).await.unwrap();
    }
    desk.store.tell_nobody(vec![(crm(), 1), (crm(), 2)]).await.unwrap();
    assert_eq!(newest(&desk).await.told, Told::Nobody);
    let lane = LaneKey { publisher: contoso(), destination: number(2) };
    desk.store.set_notice_receivers(Some(contoso()), vec![lane], at(NOON + DAY)).await.unwrap();
    assert_eq!(tell(&desk, NOON + DAY).await, [NoticeKind::Paused], "what lasts, and nothing else");
}

#[tokio::test]
async fn a_trouble_that_was_told_before_there_was_nobody_is_told_whoever_is_named_next() {
    let desk = Desk::new().await;
    desk.store.say(crm(), said(NoticeKind::Paused), at(NOON)).await.unwrap();
    assert_eq!(tell(&desk, NOON + 60 * SECOND).await, [NoticeKind::Paused]);
    let told_at = newest(&desk).await.told;
    desk.store.tell_nobody(vec![(crm(), 1)]).await.unwrap();
    let lane = LaneKey { publisher: contoso(), destination: number(2) };
    desk.store.set_notice_receivers(Some(contoso()), vec![lane.clone()], at(NOON + DAY)).await.unwrap();
    assert_eq!(newest(&desk).await.told, told_at, "when somebody was told last stays known");
    // What is on its way is not put into a second message.
    let whom = (Some(contoso()), String::new());
    let gathered = desk.store.gather_notices(whom, vec![(crm(), 1)], at(NOON + DAY)).await.unwrap();
    assert_eq!(gathered, Gathered::Into(2));
    desk.store.set_notice_receivers(Some(contoso()), vec![lane], at(NOON + DAY)).await.unwrap();
    assert_eq!(desk.store.untold_notices(Some(contoso()), at(NOON + DAY), 9).await.unwrap(), []);
    assert_eq!(desk.store.message_notices(Some(contoso()), 2).await.unwrap().len(), 1);
}

#[tokio::test]
async fn messages_that_wait_for_their_next_try_are_counted() {
    let desk = Desk::new().await;
    desk.store.say(crm(), said(NoticeKind::Parked), at(NOON)).await.unwrap();
    let whom = (Some(contoso()), String::new());
    desk.store.gather_notices(whom, vec![(crm(), 1)], at(NOON)).await.unwrap();
    desk.store.settle_message(message(1), Sent::Again(at(NOON + HOUR)), at(NOON)).await.unwrap();
    let (due, later) = desk.store.due_messages(at(NOON), 9).await.unwrap();
    assert_eq!((due, later), (Vec::new(), (1, Some(at(NOON + HOUR)))));
}

#[tokio::test]
async fn what_is_long_over_is_forgotten_in_steps_and_numbers_go_on() {
    let desk = Desk::new().await;
    let store = &desk.store;
    // Three troubles that were told and are over, each in a message of its own; one that lasts.
    let mut now = NOON;
    for _ in 0..3 {
        store.say(crm(), said(NoticeKind::Paused), at(now)).await.unwrap();
        now += 60 * SECOND;
        assert_eq!(tell(&desk, now).await, [NoticeKind::Paused]);
        store.end_silently(crm(), String::new(), NoticeKind::Paused, at(now)).await.unwrap();
        now += HOUR;
    }
    store.say(crm(), said(NoticeKind::Failing), at(now)).await.unwrap();
    let rest = async || {
        let kept = store.notices(contoso(), number(1), 9).await.unwrap();
        kept.iter().map(|it| it.number).collect::<Vec<_>>()
    };
    assert_eq!(store.forget_notices(Some(contoso()), at(NOON), 9).await.unwrap(), 0, "nothing is so old");
    assert_eq!(rest().await, [4, 3, 2, 1]);
    assert_eq!(store.forget_notices(Some(contoso()), at(NOON + 1), 9).await.unwrap(), 1);
    assert_eq!(rest().await, [4, 3, 2]);
    let late = at(now + 999 * DAY);
    assert_eq!(store.forget_notices(None, late, 9).await.unwrap(), 0, "the operator has none");
    // A step takes as many as it may of each: one notice and one message; the newest message stays.
    let mut steps = Vec::new();
    loop {
        let forgotten = store.forget_notices(Some(contoso()), late, 1).await.unwrap();
        if forgotten == 0 {
            break;
        }
        steps.push(forgotten);
    }
    assert_eq!((steps, rest().await), (vec![2, 2], vec![4]), "what lasts stays");
    assert_eq!(tell(&desk, now + 60 * SECOND).await, [NoticeKind::Failing]);
    assert_eq!(store.message_notices(Some(contoso()), 4).await.unwrap().len(), 1, "the fourth message");
    store.end_silently(crm(), String::new(), NoticeKind::Failing, late).await.unwrap();
    store.forget_notices(Some(contoso()), late, 9).await.unwrap();
    assert_eq!(rest().await, [4], "the newest gives the next one its number");
    store.say(crm(), said(NoticeKind::Paused), late).await.unwrap();
    assert_eq!(newest(&desk).await.number, 5);
}
