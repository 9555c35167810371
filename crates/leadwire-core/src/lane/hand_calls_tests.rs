//! Laws of a hand under a budget: nothing is sent without calls, or with calls that would end too early.

use crate::budget::{Allotment, Back, Budget, Cost, Granted};
use crate::id::{LeadId, TouchpointId};
use crate::lane::{Claim, Gate, Hand, LaneToken, Load, Shape, Turn, Turned};
use crate::limits;
use crate::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

const START: Timestamp = Timestamp::from_millis(1_000_000);
const SHAPE: Shape = Shape { in_flight: 4, batch_max: 10, fold_max: 1 };

fn budget() -> Arc<Budget> {
    let cost = Cost { fixed: 1, each: 1, spare: 2 };
    Arc::new(Budget { account: "acme".to_owned(), windows: Vec::new(), cost })
}

fn claim(number: u128) -> Claim {
    let (touchpoint, lead) = (TouchpointId::new(number), LeadId::new(number));
    Claim { touchpoint, lead, number: 1, standing: Default::default(), follow_up: None, rides: false }
}

fn granted(calls: u32, next_at: Option<Timestamp>) -> Granted {
    Granted { calls, until: START.plus(limits::CALLS_HELD), most: 100, next_at, left: Some(0) }
}

/// A hand with these leads and calls.
fn hand(leads: u128, granted: Granted) -> Hand<()> {
    let mut hand = Hand::new(LaneToken::new(1), START, SHAPE);
    hand.ramp = SHAPE.in_flight;
    hand.follow_budget(Some(budget()));
    turn(&mut hand, leads, granted);
    hand
}

/// A turn that brings leads and calls; gives back what it asked.
fn turn(hand: &mut Hand<()>, leads: u128, granted: Granted) -> Turn {
    let turn = hand.begin_turn(START);
    let turned = Turned { claims: Vec::new(), gate: Gate::Open, next_due: None, calls: Some(granted) };
    hand.end_turn(turned, (1..=leads).map(|it| (claim(it), ())).collect(), START);
    turn
}

fn send(hand: &mut Hand<()>, now: Timestamp) -> (usize, Option<Allotment>) {
    let batch = hand.next_batch(now, |_, ()| Load::default());
    (batch.len(), hand.allotment())
}

#[test]
fn a_batch_takes_its_calls_and_some_to_spare_and_no_more_than_there_are() {
    let mut hand = hand(13, granted(15, None));
    let (first, allotment) = send(&mut hand, START);
    assert_eq!((first, allotment.unwrap().calls), (10, 13));
    // Two calls are left: enough for one of three.
    let (second, allotment) = send(&mut hand, START);
    assert_eq!((second, allotment.unwrap().calls), (1, 2));
    assert_eq!(send(&mut hand, START).0, 0);
    assert!(hand.wants_turn(), "it asks for more");
}

#[test]
fn what_no_batch_took_goes_back_with_what_a_batch_did_not_make() {
    let mut hand = hand(1, granted(9, None));
    let (_, allotment) = send(&mut hand, START);
    let allotment = allotment.unwrap();
    hand.spent(&allotment, 3, Vec::new());
    let asked = turn(&mut hand, 0, granted(0, None)).calls.unwrap();
    let until = START.plus(limits::CALLS_HELD);
    assert_eq!(asked.back, [Back { until, sent: 3, unused: 1 }, Back { until, sent: 0, unused: 5 }]);
}

#[test]
fn calls_that_would_end_before_the_attempt_are_not_used() {
    let late = START.plus(limits::CALLS_HELD - limits::ATTEMPT_WAIT + Duration::from_millis(1));
    let mut hand = hand(1, granted(9, None));
    assert_eq!(send(&mut hand, late).0, 0);
    assert!(hand.wants_turn());
}

#[test]
fn a_lane_without_calls_holds_until_the_store_says() {
    let soon = START.plus(Duration::from_secs(5));
    let mut short = hand(3, granted(0, Some(soon)));
    assert_eq!(send(&mut short, START).0, 0);
    assert!(!short.wants_turn(), "asking again before that is in vain");
    assert_eq!(short.next_look(), Some(soon));
    short.wake();
    assert!(short.wants_turn());
    assert_eq!(short.begin_turn(soon).calls.unwrap().queued, 3);
}

#[test]
fn what_is_in_hand_goes_back_when_there_will_be_no_calls_for_long() {
    let mut hand = hand(3, granted(2, None));
    let far = START.plus(Duration::from_secs(3600));
    assert_eq!(send(&mut hand, START).0, 1);
    turn(&mut hand, 0, granted(0, Some(far)));
    assert_eq!(hand.begin_turn(START).released.len(), 2);
}

#[test]
fn nothing_is_offered_to_intake_under_a_budget() {
    let mut hand = hand(1, granted(9, None));
    send(&mut hand, START);
    turn(&mut hand, 0, granted(0, None));
    assert_eq!(hand.offered(START), 0);
    hand.follow_budget(None);
    turn(&mut hand, 0, granted(0, None));
    assert!(hand.offered(START) > 0);
}

#[test]
fn what_a_turn_brings_is_sent_though_a_look_was_due_when_it_began() {
    let mut hand = hand(2, granted(0, Some(START)));
    assert_eq!(hand.next_look(), Some(START));
    let turn = hand.begin_turn(START);
    assert_eq!((turn.calls.unwrap().queued, hand.next_look()), (2, None));
    let calls = Some(granted(9, None));
    hand.end_turn(Turned { claims: Vec::new(), gate: Gate::Open, next_due: None, calls }, Vec::new(), START);
    assert_eq!(send(&mut hand, START).0, 2);
}

#[test]
fn a_lane_that_stops_gives_its_calls_back() {
    let mut hand = hand(2, granted(9, None));
    hand.stop();
    let asked = hand.begin_turn(START).calls.unwrap();
    assert_eq!(asked.back.iter().map(|it| it.unused).sum::<u32>(), 9);
    assert_eq!(asked.batches, 0);
}

#[test]
fn calls_of_another_budget_are_not_told_to_this_one() {
    let mut hand = hand(1, granted(9, None));
    let allotment = send(&mut hand, START).1.unwrap();
    let other = Budget { account: "other".to_owned(), ..(*budget()).clone() };
    hand.follow_budget(Some(Arc::new(other)));
    hand.spent(&allotment, 3, Vec::new());
    assert!(hand.begin_turn(START).calls.unwrap().back.is_empty());
}

#[test]
fn a_deletion_gets_calls_for_everything_that_hangs_on_a_record() {
    for (free, expected) in [(90, limits::ERASE_CALLS), (9, 9)] {
        let mut hand = hand(0, granted(free, None));
        let mut deletion = claim(1);
        deletion.standing.erases = true;
        hand.take_in(deletion, (), true);
        let (sent, allotment) = send(&mut hand, START);
        assert_eq!((sent, allotment.unwrap().calls), (1, expected));
    }
}
