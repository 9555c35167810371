//! Laws of a hand beside a job: one request of a customer at a time, and what a job leaves goes on by batches.

use super::*;
use crate::id::TouchpointId;
use crate::lane::{LaneToken, Load, Next, Shape, Turned, goes_by_batches};
use crate::outcome::{Evidence, Fault, Outcome, Receipt};

const START: Timestamp = Timestamp::from_millis(1_000_000);

fn claim(touchpoint: u128, lead: u128) -> Claim {
    let (touchpoint, lead) = (TouchpointId::new(touchpoint), LeadId::new(lead));
    Claim { touchpoint, lead, number: 1, standing: Default::default(), follow_up: None, rides: false }
}

fn hand(claims: &[Claim]) -> Hand<()> {
    let mut hand = Hand::new(LaneToken::new(1), START, Shape { in_flight: 1, batch_max: 10, fold_max: 1 });
    hand.begin_turn(START);
    let turned = Turned { claims: Vec::new(), gate: Gate::Open, next_due: None, calls: None };
    hand.end_turn(turned, claims.iter().map(|it| (*it, ())).collect(), START);
    hand
}

fn tried(outcome: Outcome) -> Tried {
    Tried { outcome, evidence: Evidence::default() }
}

#[test]
fn nothing_of_a_customer_in_a_job_is_sent_beside_it() {
    let mut hand = hand(&[claim(1, 1), claim(2, 2)]);
    hand.keep_for_job([LeadId::new(1)].into_iter());
    let sent = hand.next_batch(START, |_, ()| Load::default());
    assert_eq!(sent.iter().map(|it| it.0.touchpoint).collect::<Vec<_>>(), [TouchpointId::new(2)]);
    hand.note(
        sent.into_iter().map(|it| (it.0, tried(Outcome::Done(Receipt::Accepted)))).collect(),
        START,
        Jitter::new(0.5),
    );
    hand.note_job(vec![(claim(9, 1), tried(Outcome::Done(Receipt::Accepted)))], START, Jitter::new(0.5));
    hand.begin_turn(START);
    let turned = Turned { claims: Vec::new(), gate: Gate::Open, next_due: None, calls: None };
    hand.end_turn(turned, Vec::new(), START);
    assert_eq!(hand.next_batch(START, |_, ()| Load::default()).len(), 1, "the job let go of the customer");
}

#[test]
fn what_a_job_did_not_bring_is_due_at_once() {
    let mut hand = hand(&[]);
    let refused = goes_by_batches(tried(Outcome::NotDone(Fault::Pause)));
    hand.note_job(vec![(claim(1, 1), refused)], START, Jitter::new(0.5));
    let turn = hand.begin_turn(START);
    assert_eq!(turn.settled[0].next, Next::RetryAt(START));
    assert_eq!(turn.gate, None, "a refused job stops no batches");
}

#[test]
fn a_row_that_fails_is_parked_alone() {
    let mut hand = hand(&[]);
    let rows = vec![
        (claim(1, 1), tried(Outcome::Done(Receipt::Accepted))),
        (claim(2, 2), tried(Outcome::NotDone(Fault::Park))),
        (claim(3, 3), tried(Outcome::Done(Receipt::Accepted))),
    ];
    hand.note_job(rows, START, Jitter::new(0.5));
    let next: Vec<Next> = hand.begin_turn(START).settled.into_iter().map(|it| it.next).collect();
    assert_eq!(next, [Next::Deliver(Receipt::Accepted), Next::Park, Next::Deliver(Receipt::Accepted)]);
}

#[test]
fn a_job_that_ends_while_somebody_paused_the_lane_does_not_open_it() {
    let mut hand = hand(&[]);
    hand.begin_turn(START);
    let gate = super::super::super::paused_by_person(START);
    let turned = Turned { claims: Vec::new(), gate: gate.clone(), next_due: None, calls: None };
    hand.end_turn(turned, Vec::new(), START);
    hand.note_job(vec![(claim(1, 1), tried(Outcome::Done(Receipt::Accepted)))], START, Jitter::new(0.5));
    assert_eq!(hand.gate(), &gate);
    assert_eq!(hand.begin_turn(START).settled.len(), 1, "and what it brought is written down");
}

#[test]
fn batches_leave_their_calls_to_a_job_that_is_about_to_begin() {
    let mut hand = hand(&[claim(1, 1)]);
    hand.let_job_pass();
    assert!(hand.next_batch(START, |_, ()| Load::default()).is_empty());
    let turn = hand.begin_turn(START);
    assert_eq!((turn.room, turn.released.len()), (0, 1));
    let turned = Turned { claims: Vec::new(), gate: Gate::Open, next_due: None, calls: None };
    hand.end_turn(turned, Vec::new(), START);
    assert!(!hand.wants_turn(), "it does not turn in circles meanwhile");
    hand.let_others_pass();
    assert!(hand.wants_turn());
}
