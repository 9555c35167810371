//! A hand with several deliveries of one lead: what goes together, what waits, and what is tried by itself.

use super::*;
use crate::id::TouchpointId;
use crate::lane::LaneToken;
use crate::lane::{Gate, Load, Next, Shape, Turned};
use crate::outcome::{Evidence, Receipt};
use crate::time::{Jitter, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

/// A touchpoint of a lead; what comes later of it rides.
fn claim(touchpoint: u128, lead: u128) -> Claim {
    let rides = touchpoint != lead;
    let (touchpoint, lead) = (TouchpointId::new(touchpoint), LeadId::new(lead));
    Claim { touchpoint, lead, number: 1, standing: Default::default(), follow_up: None, rides }
}

/// A hand that was given these claims.
fn hand(claims: &[Claim], batch_max: usize) -> Hand<()> {
    let mut hand = Hand::new(LaneToken::new(1), NOW, Shape { in_flight: 4, batch_max, fold_max: 16 });
    assert_eq!(hand.begin_turn(NOW).fold, 16);
    let turned = Turned { claims: Vec::new(), gate: Gate::Open, next_due: None, calls: None };
    hand.end_turn(turned, claims.iter().map(|it| (*it, ())).collect(), NOW);
    hand
}

fn next(hand: &mut Hand<()>, key: Option<&str>) -> Vec<u128> {
    let load = |_: &Claim, (): &()| Load { key: key.map(str::to_owned), bytes: 1 };
    hand.next_batch(NOW, load).iter().map(|it| it.0.touchpoint.bits()).collect()
}

fn tried(outcome: Outcome) -> Tried {
    Tried { outcome, evidence: Evidence::default() }
}

fn note(hand: &mut Hand<()>, claims: &[Claim], outcome: &Outcome) {
    let tries = claims.iter().map(|it| (*it, tried(outcome.clone()))).collect();
    hand.note(tries, NOW, Jitter::new(0.5));
}

#[test]
fn what_rides_goes_in_the_request_of_its_lead_also_under_one_key() {
    let mut hand = hand(&[claim(1, 1), claim(3, 1), claim(2, 2)], 10);
    assert_eq!(next(&mut hand, None), [1, 3, 2]);
    let mut hand = self::hand(&[claim(1, 1), claim(3, 1)], 10);
    assert_eq!(next(&mut hand, Some("ada@example.com")), [1, 3]);
}

#[test]
fn what_finds_no_room_waits_for_its_lead() {
    let mut hand = hand(&[claim(1, 1), claim(3, 1), claim(4, 1), claim(5, 1)], 2);
    assert_eq!(next(&mut hand, None), [1, 3]);
    assert!(next(&mut hand, None).is_empty(), "one request of a lead at a time");
    note(&mut hand, &[claim(1, 1), claim(3, 1)], &Outcome::Done(Receipt::Accepted));
    assert_eq!(next(&mut hand, None), [4, 5]);
}

#[test]
fn nothing_passes_what_comes_again() {
    let mut hand = hand(&[claim(1, 1), claim(3, 1), claim(4, 1)], 2);
    assert_eq!(next(&mut hand, None), [1, 3]);
    note(&mut hand, &[claim(1, 1), claim(3, 1)], &Outcome::NotDone(Fault::RetryAfter(None)));
    assert!(next(&mut hand, None).is_empty());
    assert_eq!(hand.begin_turn(NOW).released, [TouchpointId::new(4)]);
}

#[test]
fn nothing_passes_what_is_kept_back_for_its_key() {
    let mut hand = hand(&[claim(1, 1), claim(2, 2), claim(3, 2)], 1);
    let key_of = |claim: &Claim, (): &()| Load {
        key: (claim.touchpoint.bits() < 3).then(|| "ada@example.com".to_owned()),
        bytes: 1,
    };
    let first = hand.next_batch(NOW, key_of);
    assert_eq!(first[0].0.touchpoint.bits(), 1);
    assert!(hand.next_batch(NOW, key_of).is_empty(), "2 waits for the key, and 3 for 2");
}

#[test]
fn several_that_are_refused_together_are_tried_one_by_one() {
    let all = [claim(1, 1), claim(3, 1), claim(4, 1)];
    let mut hand = hand(&all, 10);
    assert_eq!(next(&mut hand, None), [1, 3, 4]);
    note(&mut hand, &all, &Outcome::NotDone(Fault::Park));
    let turn = hand.begin_turn(NOW);
    assert!(turn.settled.iter().all(|it| it.next == Next::RetryAt(NOW)), "{:?}", turn.settled);
    let turned = Turned { claims: Vec::new(), gate: Gate::Open, next_due: None, calls: None };
    hand.end_turn(turned, all.map(|it| (it, ())).into(), NOW);
    assert_eq!(next(&mut hand, None), [1]);
    note(&mut hand, &all[..1], &Outcome::NotDone(Fault::Park));
    assert_eq!(hand.begin_turn(NOW).settled[0].next, Next::Park, "it is at fault itself");
    let turned = Turned { claims: Vec::new(), gate: Gate::Open, next_due: None, calls: None };
    hand.end_turn(turned, Vec::new(), NOW);
    assert_eq!(next(&mut hand, None), [3], "and the next one goes");
}

#[test]
fn what_is_refused_beside_what_is_taken_is_parked() {
    let mut hand = hand(&[claim(1, 1), claim(3, 1)], 10);
    next(&mut hand, None);
    let tries = vec![
        (claim(1, 1), tried(Outcome::NotDone(Fault::Park))),
        (claim(3, 1), tried(Outcome::Done(Receipt::Accepted))),
    ];
    hand.note(tries, NOW, Jitter::new(0.5));
    let turn = hand.begin_turn(NOW);
    assert_eq!(turn.settled[0].next, Next::Park);
}
