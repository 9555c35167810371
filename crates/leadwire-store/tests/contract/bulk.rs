//! Facts of bulk jobs: what is in one is in flight over restarts, and leaves it once, whatever happens meanwhile.

use crate::desk::{
    Desk, NOON, SECOND, at, contoso, crm, delivery_id, done, idle, ids, of_customer, settled, touchpoint,
};
use leadwire_core::budget::{Budget, Cost, Window};
use leadwire_core::bulk::{Job, Stage, Whom};
use leadwire_core::id::{ErasureId, LeadId};
use leadwire_core::interest::Interest;
use leadwire_core::lane::Next;
use leadwire_core::outcome::{Evidence, Outcome, Tried};
use leadwire_core::standing::Shown;
use leadwire_core::touchpoint::{Action, Touchpoint};
use leadwire_store::accept::Accept;
use leadwire_store::bulk::{JobEnd, Left, Seen};
use leadwire_store::erasures::{Asked, Crm, Wish};
use leadwire_store::lanes::{LaneToken, Settled, Turn};
use leadwire_store::rows::DeliveryState;
use std::sync::Arc;
use std::time::Duration;

const HANDLE: &str = "7505e000000AAAAAA4";

/// Ten calls an hour.
fn ten() -> Arc<Budget> {
    let window =
        Window { calls: Some(10), length: Duration::from_secs(3600), kept_percent: 0, is_set: false };
    let cost = Cost { fixed: 2, each: 0, spare: 0 };
    Arc::new(Budget { account: "acme".to_owned(), windows: vec![window], cost })
}

/// Leads 1 to `count`, each with one touchpoint.
async fn with_leads(count: u8) -> Desk {
    let desk = Desk::new().await;
    desk.accept_all((1..=count).map(|it| of_customer(it.into(), it)).collect()).await;
    desk
}

async fn gather(desk: &Desk, token: LaneToken, room: usize) -> Vec<u128> {
    let claims = desk.store.gather_bulk_job((crm(), token), room, Whom::NotActive, at(NOON)).await.unwrap();
    ids(&claims.expect("the lease holds"))
}

/// Seals what was gathered, and gives what was dropped.
async fn seal(desk: &Desk, token: LaneToken, now: i64) -> (Vec<u128>, JobEnd) {
    let sealed =
        desk.store.seal_bulk_job((crm(), token), HANDLE.to_owned(), [].into(), at(now)).await.unwrap();
    let sealed = sealed.expect("the lease holds");
    let mut dropped: Vec<u128> = sealed.dropped.iter().map(|it| it.bits()).collect();
    dropped.sort_unstable();
    (dropped, sealed.end)
}

async fn leave(desk: &Desk, token: LaneToken, most: usize, is_unknown: bool, now: i64) -> Left {
    let left = desk.store.leave_bulk_job((crm(), token), most, is_unknown, at(now)).await.unwrap();
    left.expect("the lease holds")
}

async fn erase(desk: &Desk, lead: u128, now: i64) {
    let wish = Wish {
        publisher: contoso(),
        id: ErasureId::new(90),
        asked_at: at(now),
        crm: Crm::Delete,
        who: String::new(),
        reason: String::new(),
        leads: vec![LeadId::new(lead)],
        found_by: Vec::new(),
        address: None,
        identities: Vec::new(),
        words: [].into(),
        ids: vec![touchpoint(90)],
        salt: [5; 16],
    };
    assert!(matches!(desk.store.erase(wish, |_| {}).await.unwrap(), Asked::Begun(_)));
    while desk.store.wipe_step(contoso(), ErasureId::new(90), at(now)).await.unwrap() {}
}

fn refusing(id: u128, customer: u8) -> Accept {
    let parsed = Arc::new(Touchpoint { action: Action::DoNotContact, ..Touchpoint::default() });
    Accept { parsed, ..of_customer(id, customer) }
}

#[tokio::test]
async fn a_job_takes_the_first_try_of_a_leads_first_touchpoint_and_nothing_else() {
    let desk = with_leads(6).await;
    // Lead 1 acts again; lead 2 was tried before; lead 3 asked not to be contacted; lead 4 asked to be called.
    desk.accept(of_customer(11, 1)).await;
    desk.accept(refusing(13, 3)).await;
    let shown = Some(Shown { interest: Interest::Active, rule: "*/*".into() });
    desk.accept(Accept { shown, ..of_customer(14, 4) }).await;
    let token = desk.take(NOON).await;
    let first = desk.claim(token, 2, NOON).await;
    assert_eq!(ids(&first), [1, 2]);
    desk.settle(token, first[1], Next::RetryAt(at(NOON)), NOON).await;
    desk.turn(token, Turn { released: vec![touchpoint(1)], ..idle(NOON) }).await;
    assert_eq!(gather(&desk, token, 9).await, [1, 5, 6]);
    let more = desk.store.gather_bulk_job((crm(), token), 9, Whom::All, at(NOON)).await.unwrap().unwrap();
    assert_eq!(ids(&more), [4], "when batches are too slow for them");
    assert_eq!(desk.store.bulk_backlog(crm(), ten(), at(NOON)).await.unwrap(), Seen::Little);
    desk.ledger().await;
}

#[tokio::test]
async fn what_was_gathered_and_not_sent_is_untouched_after_a_restart() {
    let desk = with_leads(3).await;
    let token = desk.take(NOON).await;
    assert_eq!(gather(&desk, token, 2).await, [1, 2]);
    let desk = desk.reopened();
    let token = desk.take(NOON + SECOND).await;
    assert_eq!(desk.store.bulk_job(crm()).await.unwrap(), None);
    let claims = desk.claim(token, 9, NOON + SECOND).await;
    assert_eq!(ids(&claims), [1, 2, 3]);
    assert!(claims.iter().all(|it| it.number == 1), "nothing was tried");
    assert_eq!(desk.outcomes(1).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_job_that_may_be_there_stays_in_flight_over_a_restart_and_is_settled_once() {
    let desk = with_leads(3).await;
    desk.accept(of_customer(11, 1)).await;
    let token = desk.take(NOON).await;
    assert_eq!(gather(&desk, token, 2).await, [1, 2]);
    assert_eq!(seal(&desk, token, NOON).await, (vec![], JobEnd::NotYet));
    let desk = desk.reopened();
    let token = desk.take(NOON + SECOND).await;
    let (mut job, leads) = desk.store.bulk_job(crm()).await.unwrap().expect("it is kept");
    assert_eq!((job.stage, job.handle.as_str(), job.begun_at), (Stage::Sending, HANDLE, at(NOON)));
    assert_eq!(leads, [LeadId::new(1), LeadId::new(2)]);
    assert_eq!(
        ids(&desk.claim(token, 9, NOON + SECOND).await),
        [3],
        "nothing of the job, and nothing behind it"
    );
    desk.ledger().await;
    job = Job { stage: Stage::Running, looks: 2, look_at: at(NOON + 9 * SECOND), ..job };
    assert!(desk.store.keep_bulk_job(crm(), token, job.clone()).await.unwrap());
    assert_eq!(desk.store.bulk_job(crm()).await.unwrap().map(|it| it.0), Some(job));
    let left = leave(&desk, token, 1, false, NOON).await;
    assert_eq!((ids(&left.claims), left.end, left.claims[0].number), (vec![1], JobEnd::NotYet, 1));
    desk.settle(token, left.claims[0], done(), NOON + SECOND).await;
    assert_eq!(desk.delivery(1).await.state, DeliveryState::Delivered);
    assert_eq!(desk.outcomes(1).await, ["done"]);
    let left = leave(&desk, token, 9, false, NOON).await;
    assert_eq!((ids(&left.claims), left.end), (vec![2], JobEnd::Over));
    assert_eq!(desk.store.bulk_job(crm()).await.unwrap(), None);
    assert_eq!(
        ids(&desk.claim(token, 9, NOON + SECOND).await),
        [11],
        "the next of a lead that came to its end"
    );
    desk.ledger().await;
}

#[tokio::test]
async fn a_crash_between_leaving_a_job_and_settling_repeats_under_the_same_identity() {
    let desk = with_leads(1).await;
    let token = desk.take(NOON).await;
    gather(&desk, token, 9).await;
    seal(&desk, token, NOON).await;
    leave(&desk, token, 9, false, NOON).await;
    let desk = desk.reopened();
    let token = desk.take(NOON + SECOND).await;
    let claims = desk.claim(token, 9, NOON + SECOND).await;
    assert_eq!((ids(&claims), claims[0].number), (vec![1], 2));
    assert_eq!(desk.outcomes(1).await, ["interrupted"]);
}

#[tokio::test]
async fn who_is_erased_or_refuses_before_a_job_is_sent_is_not_in_it() {
    let mut desk = with_leads(3).await;
    let token = desk.take(NOON).await;
    assert_eq!(gather(&desk, token, 9).await, [1, 2, 3]);
    erase(&desk, 1, NOON).await;
    desk.see_anew().await;
    desk.accept(refusing(12, 2)).await;
    assert_eq!(seal(&desk, token, NOON).await, (vec![1, 2], JobEnd::NotYet));
    assert_eq!(desk.delivery(1).await.state, DeliveryState::Erased);
    // Of the erased one the deletion goes, since nobody knows that it is not there; of the other its first, marked.
    let claims = desk.claim(token, 9, NOON + SECOND).await;
    let claim = claims.iter().find(|it| it.touchpoint == touchpoint(2)).expect("it goes by batches");
    assert!(claim.standing.do_not_contact && claim.number == 1);
    desk.ledger().await;
}

#[tokio::test]
async fn the_deletion_of_a_person_in_a_job_waits_for_its_end() {
    for is_unknown in [false, true] {
        let desk = with_leads(2).await;
        let token = desk.take(NOON).await;
        gather(&desk, token, 9).await;
        seal(&desk, token, NOON).await;
        erase(&desk, 1, NOON).await;
        let deletion = desk.delivery(90).await;
        assert!(deletion.due_at > at(NOON));
        let end = NOON + 3600 * SECOND;
        let left = leave(&desk, token, 9, is_unknown, end).await;
        assert_eq!((ids(&left.claims), left.end), (vec![2], JobEnd::Over));
        let due_at = desk.delivery(90).await.due_at;
        if is_unknown {
            assert!(due_at > at(end), "it may still arrive");
        } else {
            assert_eq!(due_at, at(end));
        }
        assert_eq!(desk.delivery(1).await.state, DeliveryState::Erased);
        desk.ledger().await;
    }
}

#[tokio::test]
async fn a_late_worker_changes_nothing_of_a_job() {
    let desk = with_leads(2).await;
    let late = desk.take(NOON).await;
    gather(&desk, late, 1).await;
    seal(&desk, late, NOON).await;
    desk.take(NOON + SECOND).await;
    let held = || (crm(), late);
    let job = desk.store.bulk_job(crm()).await.unwrap().unwrap().0;
    assert_eq!(desk.store.gather_bulk_job(held(), 9, Whom::All, at(NOON)).await.unwrap(), None);
    assert_eq!(desk.store.seal_bulk_job(held(), String::new(), [].into(), at(NOON)).await.unwrap(), None);
    assert_eq!(desk.store.leave_bulk_job(held(), 9, false, at(NOON)).await.unwrap(), None);
    assert_eq!(desk.store.put_back_bulk_job(held(), 9, at(NOON)).await.unwrap(), None);
    let changed = Job { handle: "other".to_owned(), ..job.clone() };
    assert!(!desk.store.keep_bulk_job(crm(), late, changed).await.unwrap());
    assert_eq!(desk.store.bulk_job(crm()).await.unwrap().unwrap().0, job);
}

#[tokio::test]
async fn a_person_cannot_retry_what_is_in_a_job() {
    let desk = with_leads(1).await;
    let token = desk.take(NOON).await;
    gather(&desk, token, 9).await;
    seal(&desk, token, NOON).await;
    desk.store.retry_delivery(contoso(), delivery_id(1, 1), at(NOON)).await.unwrap();
    assert!(desk.claim(token, 9, NOON).await.is_empty());
    let left = leave(&desk, token, 9, true, NOON).await;
    let tried = Tried { outcome: Outcome::Unknown, evidence: Evidence::default() };
    let unknown = Settled { tried, ..settled(left.claims[0], Next::RetryAt(at(NOON))) };
    desk.turn(token, Turn { settled: vec![unknown], ..idle(NOON) }).await;
    assert_eq!(desk.outcomes(1).await, ["unknown"]);
    assert_eq!(ids(&desk.claim(token, 9, NOON).await), [1]);
}

#[tokio::test]
async fn the_calls_of_a_job_are_reserved_like_those_of_a_batch() {
    let desk = with_leads(1).await;
    let budget = ten();
    let reserve = |calls| desk.store.reserve_calls(contoso(), Arc::clone(&budget), calls, at(NOON));
    let first = reserve(6).await.unwrap().expect("ten are free");
    assert_eq!(first.calls, 6);
    let later = reserve(6).await.unwrap().expect_err("four are left");
    assert!(later > at(NOON));
    desk.store.settle_calls(contoso(), first, (3, Vec::new()), at(NOON)).await.unwrap();
    assert_eq!(reserve(7).await.unwrap().map(|it| it.calls).ok(), Some(7), "three were made");
}
