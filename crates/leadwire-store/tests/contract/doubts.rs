//! A request that may still arrive is waited for by everything of its customer, however that comes to be theirs.

use crate::desk::{
    Desk, NOON, SECOND, at, contoso, crm, delivery_id, done, idle, ids, number, of_customer, settled,
};
use crate::merges::{merge, unmerge};
use leadwire_core::follow_up::Audience;
use leadwire_core::id::{FollowUpId, LeadId};
use leadwire_core::interest::Interest;
use leadwire_core::lane::{LaneToken, Next};
use leadwire_core::limits;
use leadwire_core::outcome::Outcome;
use leadwire_store::accept::Accept;
use leadwire_store::follow_ups::{Following, Reached};
use leadwire_store::lanes::{Claim, Turn};
use leadwire_store::merges::Merged;

/// Just before, and just after, a request that was given up at noon can no longer arrive.
fn around_doubt() -> (i64, i64) {
    let over = NOON + i64::try_from(limits::DOUBT.as_millis()).unwrap();
    (over - SECOND, over + SECOND)
}

/// Settles a claim as one of which nobody knows whether it arrived.
async fn lose(desk: &Desk, token: LaneToken, claim: Claim) {
    let mut lost = settled(claim, Next::RetryAt(at(NOON)));
    lost.tried.outcome = Outcome::Unknown;
    desk.turn(token, Turn { settled: vec![lost], ..idle(NOON) }).await.unwrap();
}

/// Has the customer's first touchpoint lost once, and delivered at the second attempt.
async fn lose_and_repeat(desk: &Desk, token: LaneToken, id: u128, customer: u8) {
    desk.accept(of_customer(id, customer)).await;
    let claim = desk.claim(token, 9, NOON).await[0];
    lose(desk, token, claim).await;
    let again = desk.claim(token, 9, NOON).await[0];
    assert_eq!((again.touchpoint, again.number), (claim.touchpoint, 2));
    desk.settle(token, again, done(), NOON).await;
}

#[tokio::test]
async fn a_follow_up_that_is_told_with_others_waits_for_that_over_a_restart_too() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    let (id, audience, destination) = (FollowUpId::new(1), Audience::Team, number(1));
    let hour = 3600 * SECOND;
    let follow_ups = vec![Following { id, audience, destination, due_at: at(NOON + 10 * hour) }];
    let reached = Some(Reached { step: Interest::Initial, follow_ups });
    desk.accept(Accept { routed: Vec::new(), reached, ..of_customer(1, 1) }).await;
    assert!(desk.claim(token, 9, NOON).await.is_empty());
    let token = desk.take(NOON + hour).await;
    assert!(
        desk.claim(token, 9, NOON + 9 * hour).await.is_empty(),
        "a restart is no reason to tell it by itself"
    );
    assert_eq!(ids(&desk.claim(token, 9, NOON + 10 * hour).await), [1]);
}

#[tokio::test]
async fn a_follow_up_waits_for_what_may_still_arrive() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    lose_and_repeat(&desk, token, 1, 1).await;
    let (id, audience, destination) = (FollowUpId::new(1), Audience::Team, number(1));
    let follow_ups = vec![Following { id, audience, destination, due_at: at(NOON) }];
    let reached = Some(Reached { step: Interest::Initial, follow_ups });
    desk.accept(Accept { routed: Vec::new(), reached, ..of_customer(2, 1) }).await;
    let (before, after) = around_doubt();
    assert!(desk.claim(token, 9, before).await.is_empty());
    assert_eq!(ids(&desk.claim(token, 9, after).await), [2]);
}

#[tokio::test]
async fn a_merge_takes_along_what_may_still_arrive_and_gives_it_back() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    lose_and_repeat(&desk, token, 2, 2).await;
    // Of the lead that stands, nothing is in doubt; it was to be sent at once.
    desk.accept(of_customer(3, 1)).await;
    let merged = merge(&desk, LeadId::new(2), LeadId::new(3), 10, false).await;
    assert!(matches!(merged, Merged::Done { .. }));
    let (before, after) = around_doubt();
    assert!(desk.claim(token, 9, before).await.is_empty(), "two of one customer at once");
    desk.accept(of_customer(4, 2)).await;
    let parted = unmerge(&desk, LeadId::new(2), 20, false).await;
    assert!(matches!(parted, Merged::Done { .. }));
    assert!(desk.claim(token, 9, before).await.is_empty(), "of which of both it was nobody asks");
    let mut seen = ids(&desk.claim(token, 9, after).await);
    seen.sort_unstable();
    assert_eq!(seen[..2], [3, 4]);
}

#[tokio::test]
async fn what_is_lost_while_two_are_one_holds_back_the_one_that_is_taken_out() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    for (id, customer) in [(1, 1), (2, 2)] {
        desk.accept(Accept { routed: Vec::new(), ..of_customer(id, customer) }).await;
    }
    assert!(matches!(merge(&desk, LeadId::new(2), LeadId::new(1), 10, false).await, Merged::Done { .. }));
    lose_and_repeat(&desk, token, 20, 2).await;
    desk.accept(of_customer(21, 2)).await;
    assert!(matches!(unmerge(&desk, LeadId::new(2), 30, false).await, Merged::Done { .. }));
    let (before, after) = around_doubt();
    assert!(desk.claim(token, 9, before).await.is_empty());
    assert!(!desk.claim(token, 9, after).await.is_empty());
}

#[tokio::test]
async fn a_clock_that_ran_ahead_over_a_restart_frees_nothing_that_waits() {
    let desk = Desk::new().await;
    let token = desk.take(NOON).await;
    lose_and_repeat(&desk, token, 1, 1).await;
    desk.accept(of_customer(2, 1)).await;
    let day = 24 * 3600 * SECOND;
    let (before, after) = around_doubt();
    let token = desk.take(NOON + day).await;
    assert!(desk.claim(token, 9, before + day).await.is_empty(), "what was lost may have been lost just now");
    assert_eq!(ids(&desk.claim(token, 9, after + day).await), [2]);
}

/// Takes the lane for a node, from one that is gone or from nobody.
async fn take_for(desk: &Desk, node: &str, now: i64) -> LaneToken {
    desk.store.take_lane(crm(), node.into(), at(now)).await.unwrap().expect("the lane is free")
}

#[tokio::test]
async fn what_a_lost_node_may_have_under_way_is_waited_for_however_often_the_lane_moves() {
    let desk = Desk::new().await;
    desk.store.beat("a".into(), at(NOON)).await.unwrap();
    let token = take_for(&desk, "a", NOON).await;
    desk.accept(of_customer(1, 1)).await;
    assert_eq!(ids(&desk.claim(token, 9, NOON).await), [1]);
    desk.accept(of_customer(2, 1)).await;
    // It is gone with the request on its way. The next one gives the lane back in good order.
    desk.store.leave("a".into()).await.unwrap();
    let token = take_for(&desk, "b", NOON + SECOND).await;
    desk.store.release_lane(crm(), token).await.unwrap();
    let token = take_for(&desk, "c", NOON + 2 * SECOND).await;
    // A person does not wait with the repetition, which says the same.
    assert!(desk.store.retry_delivery(contoso(), delivery_id(1, 1), at(NOON + 3 * SECOND)).await.unwrap());
    let again = desk.claim(token, 9, NOON + 3 * SECOND).await[0];
    desk.settle(token, again, done(), NOON + 4 * SECOND).await;
    let over = NOON + SECOND + i64::try_from(limits::LEFT_BEHIND_WAIT.as_millis()).unwrap();
    assert!(desk.claim(token, 9, over - SECOND).await.is_empty(), "the lost node's request may still arrive");
    assert_eq!(ids(&desk.claim(token, 9, over + SECOND).await), [2]);
}
