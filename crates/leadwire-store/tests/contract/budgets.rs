//! Facts of budgets: a claim has its calls, over restarts, and whatever else calls the same account.

use crate::desk::{DAY, Desk, NOON, SECOND, at, contoso, crm, done, idle, number, of_customer, settled};
use leadwire_core::budget::{Asked, Back, Budget, Cost, Granted, Told, Window};
use leadwire_core::id::DestinationNo;
use leadwire_core::lane::Next;
use leadwire_core::limits;
use leadwire_core::routing::Routed;
use leadwire_store::lanes::{LaneKey, LaneToken, Turn, Turned};
use std::sync::Arc;
use std::time::Duration;

const LENGTH: Duration = Duration::from_secs(24 * 3600);

/// Ten calls a day, two for each batch.
fn ten() -> Arc<Budget> {
    let window = Window { calls: Some(10), length: LENGTH, kept_percent: 0, is_set: false };
    let cost = Cost { fixed: 2, each: 0, spare: 0 };
    Arc::new(Budget { account: "acme".to_owned(), windows: vec![window], cost })
}

fn asked(budget: &Arc<Budget>, batches: usize) -> Asked {
    let (back, told) = (Vec::new(), Vec::new());
    Asked { budget: Arc::clone(budget), back, told, queued: 0, batch_max: 1, batches }
}

fn asking(budget: &Arc<Budget>, room: usize, now: i64) -> Turn {
    Turn { room, calls: Some(asked(budget, room)), ..idle(now) }
}

fn granted(turned: &Turned) -> Granted {
    turned.calls.expect("a turn that asks is answered")
}

async fn with_leads(count: u8) -> Desk {
    let desk = Desk::new().await;
    desk.accept_all((1..=count).map(|it| of_customer(it.into(), it)).collect()).await;
    desk
}

#[tokio::test]
async fn nothing_is_claimed_without_its_calls() {
    let desk = with_leads(9).await;
    let (token, budget) = (desk.take(NOON).await, ten());
    let first = desk.turn(token, asking(&budget, 3, NOON)).await.unwrap();
    assert_eq!((first.claims.len(), granted(&first).calls, granted(&first).next_at), (3, 6, None));
    // Four are left: two of three batches can be begun.
    let second = desk.turn(token, asking(&budget, 3, NOON)).await.unwrap();
    assert_eq!((second.claims.len(), granted(&second).calls), (3, 4));
    let next_at = granted(&second).next_at.expect("it is short of calls");
    let third = desk.turn(token, asking(&budget, 3, NOON)).await.unwrap();
    assert_eq!((third.claims.len(), granted(&third).calls), (0, 0));
    assert_eq!(granted(&third).next_at, Some(next_at));
    assert_eq!(next_at, at(NOON).plus(limits::CALLS_HELD), "what others reserved may have gone back by then");
    // Nobody tells of them any more: they count to the last.
    let later = NOON + 2 * 3600 * SECOND;
    let fourth = desk.turn(token, asking(&budget, 3, later)).await.unwrap();
    let held = limits::CALLS_HELD + LENGTH;
    let next_at = granted(&fourth).next_at.expect("it is short of calls");
    assert!(next_at >= at(NOON).plus(held) && next_at <= at(NOON).plus(held + LENGTH / 24));
}

#[tokio::test]
async fn a_lane_with_nobody_to_send_asks_for_no_calls_and_looks_when_somebody_is_due() {
    let desk = with_leads(1).await;
    let (token, budget) = (desk.take(NOON).await, ten());
    let first = desk.turn(token, asking(&budget, 1, NOON)).await.unwrap();
    let settled = settled(first.claims[0], Next::RetryAt(at(NOON + 3600 * SECOND)));
    let mut calls = asked(&budget, 1);
    // Others used up the account, and long ago.
    calls.told = vec![Told { length: LENGTH, limit: 10, used: 10 }];
    let turn = Turn { settled: vec![settled], room: 1, calls: Some(calls), ..idle(NOON + SECOND) };
    desk.turn(token, turn).await.unwrap();
    let later = NOON + 1200 * SECOND;
    let none = desk.turn(token, asking(&budget, 1, later)).await.unwrap();
    assert_eq!((none.claims.len(), granted(&none).calls, granted(&none).next_at), (0, 0, None));
    assert_eq!(none.next_due, Some(at(NOON + 3600 * SECOND)));
}

#[tokio::test]
async fn calls_that_were_not_made_come_back_and_those_that_were_count_for_a_day() {
    let desk = with_leads(9).await;
    let (token, budget) = (desk.take(NOON).await, ten());
    let first = desk.turn(token, asking(&budget, 5, NOON)).await.unwrap();
    let until = granted(&first).until;
    let settled_all = first.claims.iter().map(|it| settled(*it, done())).collect();
    let mut calls = asked(&budget, 4);
    calls.back = vec![Back { until, sent: 6, unused: 4 }];
    let turn = Turn { settled: settled_all, room: 4, calls: Some(calls), ..idle(NOON + SECOND) };
    let second = desk.turn(token, turn).await.unwrap();
    assert_eq!((second.claims.len(), granted(&second).calls), (4, 4));
    let (counts, waiting) = desk.store.budget_counts(crm(), budget).await.unwrap();
    let spent = &counts[0].spent;
    let sums = (spent.iter().map(|it| it.sent).sum::<u32>(), spent.iter().map(|it| it.held).sum::<u32>());
    assert_eq!((sums, waiting), ((6, 4), 4));
}

#[tokio::test]
async fn a_reservation_of_a_process_that_died_ends_with_its_window() {
    let desk = with_leads(9).await;
    let (token, budget) = (desk.take(NOON).await, ten());
    assert_eq!(granted(&desk.turn(token, asking(&budget, 5, NOON)).await.unwrap()).calls, 10);
    let desk = desk.reopened();
    let token = desk.take(NOON + SECOND).await;
    let none = desk.turn(token, asking(&budget, 5, NOON + SECOND)).await.unwrap();
    assert_eq!(
        (none.claims.len(), granted(&none).calls),
        (0, 0),
        "whether those calls were made, nobody knows"
    );
    let hours_later = desk.turn(token, asking(&budget, 5, NOON + 2 * 3600 * SECOND)).await.unwrap();
    let later = granted(&hours_later).next_at.unwrap().millis();
    let all = desk.turn(token, asking(&budget, 5, later)).await.unwrap();
    assert_eq!((all.claims.len(), granted(&all).calls), (5, 10));
}

#[tokio::test]
async fn two_lanes_of_one_account_share_its_calls() {
    let desk = Desk::new().await;
    let both = |it: u8| {
        let to = |place| Routed { destination: number(place), suppressed: None };
        let mut accept = of_customer(it.into(), it);
        accept.routed = vec![to(1), to(2)];
        accept
    };
    desk.accept_all((1..=9).map(both).collect()).await;
    let sheet = LaneKey { publisher: contoso(), destination: DestinationNo::new(2) };
    let (one, budget) = (desk.take(NOON).await, ten());
    let two: LaneToken =
        desk.store.take_lane(sheet.clone(), "local".into(), at(NOON)).await.unwrap().expect("it is free");
    let first = desk.turn(one, asking(&budget, 3, NOON)).await.unwrap();
    let turn = Arc::new(asking(&budget, 9, NOON));
    let second = desk.store.lane_turn(sheet.clone(), two, turn).await.unwrap().unwrap();
    assert_eq!((granted(&first).calls, granted(&second).calls), (6, 4));
    // Another account has calls of its own.
    let other = Arc::new(Budget { account: "other".to_owned(), ..(*ten()).clone() });
    let turn = Arc::new(asking(&other, 9, NOON));
    assert_eq!(
        granted(&desk.store.lane_turn(sheet, two, turn).await.unwrap().unwrap()).calls,
        0,
        "none waits"
    );
    assert_eq!(desk.store.budget_counts(crm(), other).await.unwrap().0[0].spent, []);
}

#[tokio::test]
async fn what_is_called_outside_lanes_and_what_the_service_says_counts() {
    let desk = with_leads(9).await;
    let (token, budget) = (desk.take(NOON).await, ten());
    desk.store.spend_calls(contoso(), Arc::clone(&budget), (4, Vec::new()), at(NOON)).await.unwrap();
    let mut calls = asked(&budget, 9);
    calls.told = vec![Told { length: LENGTH, limit: 20, used: 15 }];
    let turn = Turn { room: 9, calls: Some(calls), ..idle(NOON + SECOND) };
    let first = desk.turn(token, turn).await.unwrap();
    // 15 of 20 are used, four of them ours.
    assert_eq!((granted(&first).calls, granted(&first).most), (5, 20));
    let (counts, _) = desk.store.budget_counts(crm(), budget).await.unwrap();
    assert_eq!(counts[0].others.map(|it| (it.limit, it.used)), Some((20, 11)));
}

#[tokio::test]
async fn a_lane_that_lost_its_lease_reserves_nothing() {
    let desk = with_leads(9).await;
    let (late, budget) = (desk.take(NOON).await, ten());
    desk.take(NOON + SECOND).await;
    assert_eq!(desk.turn(late, asking(&budget, 3, NOON + SECOND)).await, None);
    assert_eq!(desk.store.budget_counts(crm(), budget).await.unwrap().0[0].spent, []);
}

#[tokio::test]
async fn while_calls_are_scarce_a_fuller_batch_is_waited_for() {
    let desk = with_leads(2).await;
    let (token, budget) = (desk.take(NOON).await, ten());
    let of_five = |now: i64| {
        let mut turn = asking(&budget, 10, now);
        turn.calls.as_mut().unwrap().batch_max = 5;
        turn
    };
    desk.store.spend_calls(contoso(), Arc::clone(&budget), (8, Vec::new()), at(NOON)).await.unwrap();
    let none = desk.turn(token, of_five(NOON + SECOND)).await.unwrap();
    assert_eq!((none.claims.len(), granted(&none).calls), (0, 0));
    assert_eq!(granted(&none).next_at, Some(at(NOON).plus(limits::FILL_WAIT)));
    // Three more fill it.
    desk.accept_all((3..=5).map(|it| of_customer(it.into(), it)).collect::<Vec<_>>()).await;
    let full = desk.turn(token, of_five(NOON + 2 * SECOND)).await.unwrap();
    assert_eq!((full.claims.len(), granted(&full).calls), (5, 2));
    // Alone, it goes once its time is over, if there are calls again.
    desk.accept_all(vec![of_customer(6, 6)]).await;
    let turned = desk.turn(token, of_five(NOON + 2 * DAY)).await.unwrap();
    assert_eq!(turned.claims.len(), 1);
}
