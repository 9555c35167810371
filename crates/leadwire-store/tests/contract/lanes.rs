//! Lanes: one holder, each delivery once, each lead in order, and nothing left behind.

use crate::desk::{DAY, Desk, NOON, SECOND, at, contoso, crm, done, idle, ids, number, of_customer, settled};
use leadwire_core::lane::{Gate, Next, Pause, paused_by_person};
use leadwire_core::limits;
use leadwire_core::outcome::Receipt;
use leadwire_store::accept::Accept;
use leadwire_store::lanes::{LaneKey, Turn};
use leadwire_store::rows::DeliveryState;

fn retry_at(millis: i64) -> Next {
    Next::RetryAt(at(millis))
}

fn lease() -> i64 {
    i64::try_from(limits::LEASE.as_millis()).unwrap()
}

#[tokio::test]
async fn two_claims_never_give_the_same_delivery() {
    let desk = Desk::new().await;
    for id in 1..=5 {
        desk.accept(of_customer(id.into(), id)).await;
    }
    let token = desk.take(NOON).await;
    assert_eq!(ids(&desk.claim(token, 3, NOON).await), [1, 2, 3]);
    assert_eq!(ids(&desk.claim(token, 3, NOON).await), [4, 5]);
    assert!(desk.claim(token, 3, NOON).await.is_empty());
}

#[tokio::test]
async fn a_lane_has_one_holder_until_its_lease_is_over() {
    let desk = Desk::new().await;
    let take = |holder: &'static str, now| desk.store.take_lane(crm(), holder.into(), at(now));
    assert!(take("a", NOON).await.unwrap().is_some());
    assert!(take("b", NOON + lease() - 1).await.unwrap().is_none());
    assert!(take("b", NOON + lease()).await.unwrap().is_some());
    let unknown = LaneKey { publisher: contoso(), destination: number(9) };
    assert!(desk.store.take_lane(unknown, "a".into(), at(NOON)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_turn_renews_the_lease() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    desk.turn(token, idle(NOON + lease() - 1)).await.unwrap();
    let other = desk.store.take_lane(crm(), "other".into(), at(NOON + lease())).await.unwrap();
    assert!(other.is_none());
}

#[tokio::test]
async fn a_lead_is_delivered_in_the_order_of_its_touchpoints() {
    let desk = Desk::new().await;
    for id in 1..=3 {
        desk.accept(of_customer(id, 1)).await;
    }
    let token = desk.take(NOON).await;
    for id in 1..=3 {
        let claims = desk.claim(token, 9, NOON).await;
        assert_eq!(ids(&claims), [id]);
        assert!(desk.claim(token, 9, NOON).await.is_empty(), "a second one of the lead was claimed");
        desk.settle(token, claims[0], done(), NOON).await;
    }
}

#[tokio::test]
async fn a_retry_keeps_its_place_before_the_next_touchpoint_of_its_lead() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    desk.accept(of_customer(2, 1)).await;
    let token = desk.take(NOON).await;
    let first = desk.claim(token, 9, NOON).await[0];
    let turn = Turn { settled: vec![settled(first, retry_at(NOON + 5 * SECOND))], room: 9, ..idle(NOON) };
    let turned = desk.turn(token, turn).await.unwrap();
    assert!(turned.claims.is_empty());
    assert_eq!(turned.next_due, Some(at(NOON + 5 * SECOND)));
    let claims = desk.claim(token, 9, NOON + 5 * SECOND).await;
    assert_eq!(ids(&claims), [1]);
    assert_eq!(claims[0].number, 2);
    // What comes to rest frees the next one within the same turn.
    let turn = Turn { settled: vec![settled(claims[0], Next::Park)], room: 9, ..idle(NOON + 5 * SECOND) };
    assert_eq!(ids(&desk.turn(token, turn).await.unwrap().claims), [2]);
    assert_eq!(desk.outcomes(1).await, ["retry", "refused"]);
}

#[tokio::test]
async fn a_blocked_lead_delays_no_other() {
    let desk = Desk::new().await;
    for id in 1..=100 {
        desk.accept(of_customer(id, 1)).await;
    }
    desk.accept(Accept { received_at: at(NOON + 1), ..of_customer(101, 2) }).await;
    let token = desk.take(NOON + 1).await;
    let first = desk.claim(token, 1, NOON + 1).await[0];
    desk.settle(token, first, retry_at(NOON + DAY), NOON + 1).await;
    assert_eq!(ids(&desk.claim(token, 1, NOON + 1).await), [101]);
}

#[tokio::test]
async fn an_older_touchpoint_that_is_stored_later_still_goes_first() {
    let desk = Desk::new().await;
    desk.accept(of_customer(2, 1)).await;
    desk.accept(of_customer(1, 1)).await;
    let token = desk.take(NOON).await;
    let first = desk.claim(token, 9, NOON).await;
    assert_eq!(ids(&first), [1]);
    // Once one is under way, an even older one waits for its end.
    desk.accept(of_customer(0, 1)).await;
    assert!(desk.claim(token, 9, NOON).await.is_empty());
    desk.settle(token, first[0], done(), NOON).await;
    assert_eq!(ids(&desk.claim(token, 9, NOON).await), [0]);
}

#[tokio::test]
async fn a_lost_lease_cannot_settle_release_claim_or_change_the_gate() {
    let desk = Desk::new().await;
    for id in 1..=3 {
        desk.accept(of_customer(id.into(), id)).await;
    }
    let late = desk.take(NOON).await;
    let claims = desk.claim(late, 2, NOON).await;
    let token = desk.take(NOON + SECOND).await;
    let again = desk.claim(token, 1, NOON + SECOND).await;
    assert_eq!(ids(&again), [3], "by due time: what was interrupted became due at the take");
    let before = desk.ledger().await;
    let turn = Turn {
        settled: vec![settled(claims[0], done())],
        released: vec![claims[1].touchpoint, again[0].touchpoint],
        gate: Some(paused_by_person(at(NOON))),
        room: 9,
        ..idle(NOON + 2 * SECOND)
    };
    assert_eq!(desk.turn(late, turn).await, None);
    assert_eq!(desk.ledger().await, before);
    assert_eq!(desk.store.gate(crm()).await.unwrap(), Gate::Open);
    assert!(desk.delivery(3).await.in_flight);
    assert_eq!(desk.outcomes(1).await, ["interrupted"]);
}

#[tokio::test]
async fn a_holder_cannot_settle_what_it_did_not_claim() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    let token = desk.take(NOON).await;
    let claim = desk.claim(token, 1, NOON).await[0];
    desk.settle(token, claim, retry_at(NOON), NOON).await;
    desk.settle(token, claim, done(), NOON).await;
    assert_eq!(desk.delivery(1).await.state, DeliveryState::Pending);
    assert_eq!(desk.outcomes(1).await, ["retry"]);
}

#[tokio::test]
async fn what_a_lost_holder_had_in_flight_is_recorded_as_interrupted_and_due() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    desk.accept(of_customer(2, 1)).await;
    let token = desk.take(NOON).await;
    assert_eq!(desk.claim(token, 9, NOON).await[0].number, 1);
    let desk = desk.reopened();
    let token = desk.take(NOON + SECOND).await;
    assert_eq!(desk.outcomes(1).await, ["interrupted"]);
    let claims = desk.claim(token, 9, NOON + SECOND).await;
    assert_eq!((ids(&claims), claims[0].number), (vec![1], 2));
    let receipt = Next::Deliver(Receipt::Confirmed { record: "00Q1".to_owned() });
    desk.settle(token, claims[0], receipt, NOON + SECOND).await;
    assert_eq!(desk.outcomes(1).await, ["interrupted", "done"]);
    let delivery = desk.delivery(1).await;
    assert_eq!((delivery.state, delivery.record.as_deref()), (DeliveryState::Delivered, Some("00Q1")));
    assert_eq!(delivery.attempts, 2);
}

#[tokio::test]
async fn what_is_released_counts_no_try_and_is_due_as_before() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    let token = desk.take(NOON).await;
    let claim = desk.claim(token, 1, NOON).await[0];
    let turn = Turn { released: vec![claim.touchpoint], room: 1, ..idle(NOON) };
    let again = desk.turn(token, turn).await.unwrap().claims;
    assert_eq!(again, [claim]);
}

#[tokio::test]
async fn a_clock_set_back_a_day_strands_nothing() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    let token = desk.take(NOON).await;
    let first = desk.claim(token, 1, NOON).await[0];
    desk.settle(token, first, retry_at(NOON + 60 * SECOND), NOON).await;
    // Long after the lane's last turn, as when a person paused it, one more comes in.
    desk.accept(Accept { received_at: at(NOON + DAY / 2), ..of_customer(2, 2) }).await;
    let desk = desk.reopened();
    let now = NOON - DAY;
    let token = desk.take(now).await;
    assert_eq!(ids(&desk.claim(token, 9, now).await), [2]);
    assert_eq!(ids(&desk.claim(token, 9, now + 60 * SECOND).await), [1]);
}

#[tokio::test]
async fn a_clock_set_back_a_day_brings_the_probe_forward_too() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    let token = desk.take(NOON).await;
    let gate = Some(failing(NOON + 60 * SECOND));
    desk.turn(token, Turn { gate, ..idle(NOON) }).await.unwrap();
    let desk = desk.reopened();
    let token = desk.take(NOON - DAY).await;
    assert_eq!(ids(&desk.claim(token, 9, NOON - DAY + 60 * SECOND).await), [1]);
}

#[tokio::test]
async fn a_lane_that_is_taken_again_by_a_right_clock_keeps_its_due_times() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    let token = desk.take(NOON).await;
    let first = desk.claim(token, 1, NOON).await[0];
    desk.settle(token, first, retry_at(NOON + 60 * SECOND), NOON).await;
    desk.take(NOON).await;
    desk.take(NOON + SECOND).await;
    assert_eq!(desk.delivery(1).await.due_at, at(NOON + 60 * SECOND));
}

fn failing(probe_at: i64) -> Gate {
    Gate::Paused(Pause {
        cause: "http_401".to_owned(),
        message: "refused".to_owned(),
        fix: "renew the key".to_owned(),
        since: at(NOON),
        probe_at: Some(at(probe_at)),
        probes: 2,
    })
}

#[tokio::test]
async fn a_paused_lane_claims_nothing_and_keeps_its_reason() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    let token = desk.take(NOON).await;
    let turn = Turn { gate: Some(failing(NOON + SECOND)), room: 9, ..idle(NOON) };
    let turned = desk.turn(token, turn).await.unwrap();
    assert!(turned.claims.is_empty());
    assert_eq!(turned.gate, failing(NOON + SECOND));
    let desk = desk.reopened();
    assert_eq!(desk.store.gate(crm()).await.unwrap(), failing(NOON + SECOND));
    assert_eq!(desk.store.setup().await.unwrap().destinations[0].gate, failing(NOON + SECOND));
}

#[tokio::test]
async fn a_due_probe_claims_one_and_no_second_while_that_is_held() {
    let desk = Desk::new().await;
    for id in 1..=3 {
        desk.accept(of_customer(id.into(), id)).await;
    }
    let token = desk.take(NOON).await;
    desk.turn(token, Turn { gate: Some(failing(NOON + SECOND)), ..idle(NOON) }).await.unwrap();
    let now = NOON + SECOND;
    assert_eq!(ids(&desk.claim(token, 9, now).await), [1]);
    let held = desk.turn(token, Turn { room: 9, held: 1, ..idle(now) }).await.unwrap();
    assert!(held.claims.is_empty());
}

#[tokio::test]
async fn the_pause_of_a_person_wins_over_what_a_lane_decides() {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    let token = desk.take(NOON).await;
    let by_person = paused_by_person(at(NOON));
    desk.store.set_gate(crm(), by_person.clone()).await.unwrap();
    for gate in [Gate::Open, failing(NOON)] {
        let turned = desk.turn(token, Turn { gate: Some(gate), room: 9, ..idle(NOON) }).await.unwrap();
        assert_eq!((turned.gate, turned.claims.len()), (by_person.clone(), 0));
    }
    desk.store.set_gate(crm(), Gate::Open).await.unwrap();
    assert_eq!(ids(&desk.claim(token, 9, NOON).await), [1]);
}
