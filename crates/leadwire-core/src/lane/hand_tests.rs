//! Laws of the hand: what goes into a batch, when a lane trips, and how it starts again.

use super::*;
use crate::outcome::{Evidence, Fault, Outcome, Receipt};
use std::time::Duration;

const START: Timestamp = Timestamp::from_millis(1_000_000);
const SHAPE: Shape = Shape { in_flight: 4, batch_max: 10, fold_max: 1 };

fn claim(number: u128) -> Claim {
    let (touchpoint, lead) = (TouchpointId::new(number), LeadId::new(number));
    Claim { touchpoint, lead, number: 1, standing: Default::default(), follow_up: None, rides: false }
}

fn turned(gate: Gate) -> Turned {
    Turned { claims: Vec::new(), gate, next_due: None, calls: None }
}

/// A hand that has these leads, and knows that there are no more.
fn hand_of(leads: impl IntoIterator<Item = u128>, shape: Shape) -> Hand<()> {
    let mut hand = Hand::new(LaneToken::new(1), START, shape);
    hand.ramp = shape.in_flight;
    hand.begin_turn(START);
    hand.end_turn(turned(Gate::Open), leads.into_iter().map(|it| (claim(it), ())).collect(), START);
    hand.may_have_work = false;
    hand
}

fn hand(leads: impl IntoIterator<Item = u128>) -> Hand<()> {
    hand_of(leads, SHAPE)
}

fn next(hand: &mut Hand<()>) -> Vec<u128> {
    leads(&hand.next_batch(START, |_, ()| Load::default()))
}

fn leads(batch: &[(Claim, ())]) -> Vec<u128> {
    batch.iter().map(|it| it.0.lead.bits()).collect()
}

fn end(hand: &mut Hand<()>, leads: &[u128], outcome: &Outcome, now: Timestamp) {
    let evidence = Evidence { cause: "x".to_owned(), ..Evidence::default() };
    let tried = Tried { outcome: outcome.clone(), evidence };
    let tries = leads.iter().map(|it| (claim(*it), tried.clone())).collect();
    hand.note(tries, now, Jitter::new(0.0));
}

const DONE: Outcome = Outcome::Done(Receipt::Accepted);
const BUSY: Outcome = Outcome::NotDone(Fault::RetryAfter(None));

#[test]
fn a_batch_that_is_not_full_waits_while_more_is_coming() {
    let mut hand = hand(1..=7);
    hand.begin_turn(START);
    assert!(next(&mut hand).is_empty());
    hand.end_turn(turned(Gate::Open), Vec::new(), START);
    assert_eq!(next(&mut hand).len(), 7);
}

#[test]
fn a_full_batch_goes_at_once_and_in_order() {
    let mut hand = hand(1..=25);
    hand.begin_turn(START);
    assert_eq!(next(&mut hand), (1..=10).collect::<Vec<u128>>());
    assert_eq!(next(&mut hand), (11..=20).collect::<Vec<u128>>());
    assert!(next(&mut hand).is_empty());
}

#[test]
fn a_batch_ends_before_it_grows_too_large_and_nothing_small_overtakes() {
    let mut hand = hand(1..=5);
    let half = limits::BATCH_CONTENT_BYTES_MAX / 2;
    let load_of = |claim: &Claim, (): &()| {
        let bytes = match claim.lead.bits() {
            2 => half + 1,
            4 => 10 * half,
            _ => half,
        };
        Load { key: None, bytes }
    };
    hand.begin_turn(START);
    let mut pick = || leads(&hand.queue.pick(10, load_of));
    assert_eq!([pick(), pick(), pick(), pick(), pick()], [vec![1], vec![2], vec![3], vec![4], vec![5]]);
    assert!(pick().is_empty(), "each went once, the one that is too large alone");
}

#[test]
fn leads_that_share_a_key_follow_one_another() {
    let mut hand = hand([1000, 1010, 1001, 1020]);
    let load_of = |claim: &Claim, (): &()| Load { key: Some((claim.lead.bits() % 10).to_string()), bytes: 1 };
    let first = hand.next_batch(START, load_of);
    assert_eq!(leads(&first), [1000, 1001]);
    assert!(hand.next_batch(START, load_of).is_empty());
    end(&mut hand, &[1000, 1001], &DONE, START);
    hand.begin_turn(START);
    hand.end_turn(turned(Gate::Open), Vec::new(), START);
    assert_eq!(leads(&hand.next_batch(START, load_of)), [1010]);
}

#[test]
fn batches_are_halved_when_refused_as_a_whole_and_grow_again() {
    let mut hand = hand(1..=40);
    hand.follow(&[Pace::SmallerBatches; 10]);
    assert_eq!(hand.queue.pick(hand.queue.batch_max(10), |_, ()| Load::default()).len(), 5);
    hand.follow(&[Pace::SmallerBatches; 5]);
    hand.follow(&[Pace::SmallerBatches; 2]);
    hand.follow(&[Pace::SmallerBatches; 1]);
    assert_eq!(hand.queue.pick(hand.queue.batch_max(10), |_, ()| Load::default()).len(), 1);
    for expected in [2, 4, 8, 10, 10] {
        hand.follow(&[Pace::LargerBatches]);
        assert_eq!(hand.queue.batch_max(10), expected);
    }
}

#[test]
fn a_hold_lasts_until_the_latest_moment_that_was_asked_for() {
    let mut hand = hand([]);
    let at = |seconds| START.plus(Duration::from_secs(seconds));
    hand.follow(&[Pace::HoldUntil(at(10)), Pace::HoldUntil(at(30)), Pace::HoldUntil(at(20))]);
    assert!(hand.is_held(at(29)) && !hand.is_held(at(30)));
}

#[test]
fn an_erased_lead_leaves_the_hand_and_its_place() {
    let mut hand = hand(1..=4);
    hand.erase(vec![LeadId::new(2), LeadId::new(9)]);
    assert_eq!(hand.released, [TouchpointId::new(2)]);
    // What was claimed before the erasure comes in after it.
    hand.take_given([(claim(9), ())].into_iter(), false, START);
    assert_eq!(hand.released, [TouchpointId::new(2), TouchpointId::new(9)]);
    // The deletion itself goes, alone.
    let mut deletion = claim(9);
    deletion.standing.erases = true;
    hand.take_given([(deletion, ())].into_iter(), false, START);
    hand.released.clear();
    assert_eq!((next(&mut hand), next(&mut hand)), (vec![1, 3, 4], vec![9]));
}

#[test]
fn a_refusal_marks_what_is_in_hand_and_what_comes_late() {
    let mut hand = hand([1, 2]);
    hand.refuse(vec![LeadId::new(2), LeadId::new(3)]);
    hand.take_given([(claim(3), ())].into_iter(), false, START);
    let batch = hand.next_batch(START, |_, ()| Load::default());
    let marked: Vec<bool> = batch.iter().map(|it| it.0.standing.do_not_contact).collect();
    assert_eq!(marked, [false, true, true]);
}

#[test]
fn nothing_is_sent_under_a_lease_that_might_end_before_the_answer() {
    let mut hand = hand([1]);
    let late = START.plus(limits::LEASE - limits::LEASE_LEFT_TO_SEND + Duration::from_millis(1));
    assert!(hand.next_batch(late, |_, ()| Load::default()).is_empty());
    assert!(hand.wants_turn(), "the lease is renewed first");
    hand.begin_turn(late);
    hand.end_turn(turned(Gate::Open), Vec::new(), late);
    assert_eq!(hand.next_batch(late, |_, ()| Load::default()).len(), 1);
}

/// One request at a time, each with one delivery.
const SINGLE: Shape = Shape { in_flight: 16, batch_max: 1, fold_max: 1 };

fn trip(hand: &mut Hand<()>) -> Pause {
    for _ in 0..limits::TRIP_CALLS {
        let batch = next(hand);
        assert_eq!(batch.len(), 1);
        end(hand, &batch, &BUSY, START);
    }
    let Gate::Tripped(pause) = hand.gate() else { panic!("it trips") };
    pause.clone()
}

use crate::lane::Pause;

#[test]
fn calls_that_fail_in_a_row_trip_the_lane_and_nothing_else_is_sent() {
    let mut hand = hand_of(1..=40, SINGLE);
    let pause = trip(&mut hand);
    assert!(pause.probe_at.is_some_and(|it| it > START));
    assert!(next(&mut hand).is_empty());
    let turn = hand.begin_turn(START);
    assert_eq!(turn.gate, Some(Gate::Tripped(pause.clone())), "the store learns of it");
    assert_eq!(turn.released.len(), 35, "what was not tried goes back untouched");
    assert_eq!(turn.held, 0);
    hand.end_turn(turned(Gate::Tripped(pause.clone())), Vec::new(), START);
    assert_eq!(hand.next_look(), pause.probe_at);
}

#[test]
fn a_delivery_that_fails_by_itself_trips_nothing() {
    let mut hand = hand_of([], SINGLE);
    for _ in 0..50 {
        hand.take_given([(claim(7), ())].into_iter(), false, START);
        hand.begin_turn(START);
        hand.end_turn(turned(Gate::Open), Vec::new(), START);
        assert_eq!(next(&mut hand), [7]);
        end(&mut hand, &[7], &BUSY, START);
        assert_eq!(hand.gate(), &Gate::Open);
    }
}

#[test]
fn one_answer_among_failures_is_a_sign_of_life() {
    let mut hand = hand_of(1..=40, SINGLE);
    for round in 1..40 {
        let batch = next(&mut hand);
        let alive = if round % 10 == 0 { DONE } else { Outcome::NotDone(Fault::Park) };
        end(&mut hand, &batch, if round % 5 == 0 { &alive } else { &BUSY }, START);
        assert_eq!(hand.gate(), &Gate::Open);
    }
}

#[test]
fn a_connector_that_fails_inside_is_no_fault_of_the_destination() {
    let mut hand = hand_of(1..=40, SINGLE);
    for _ in 0..20 {
        let batch = hand.next_batch(START, |_, ()| Load::default());
        let evidence = Evidence { cause: "connector_panicked".to_owned(), ..Evidence::default() };
        let tried = Tried { outcome: Outcome::Unknown, evidence };
        hand.note(batch.into_iter().map(|it| (it.0, tried.clone())).collect(), START, Jitter::new(0.0));
        assert_eq!(hand.gate(), &Gate::Open);
    }
}

/// A lane that tripped, at its next probe.
fn probing() -> (Hand<()>, Timestamp) {
    let mut hand = hand_of(1..=5, SINGLE);
    let pause = trip(&mut hand);
    let now = pause.probe_at.expect("it probes");
    hand.begin_turn(START);
    hand.end_turn(turned(Gate::Tripped(pause.clone())), Vec::new(), START);
    hand.wake();
    let turn = hand.begin_turn(now);
    assert_eq!(turn.held, 0, "the store gives a probe to an empty hand only");
    hand.end_turn(turned(Gate::Tripped(pause)), vec![(claim(50), ())], now);
    assert_eq!(leads(&hand.next_batch(now, |_, ()| Load::default())), [50]);
    (hand, now)
}

#[test]
fn a_probe_in_vain_moves_the_next_one_on_and_what_comes_late_does_not() {
    let (mut hand, now) = probing();
    end(&mut hand, &[50], &BUSY, now);
    let Gate::Tripped(pause) = hand.gate().clone() else { panic!("it stays tripped") };
    assert_eq!(pause.probes, 1);
    assert!(pause.probe_at.is_some_and(|it| it.since(now) >= limits::TRIP_FIRST));
    assert_eq!(pause.since, START, "it is down since it tripped");
    let Settled { next, .. } = &hand.settled[0];
    assert_eq!(next, &crate::lane::Next::RetryAt(now), "once the gate opens, nothing else holds it back");
    // A request that left before the lane tripped.
    hand.flying += 1;
    end(&mut hand, &[3], &BUSY, now);
    assert_eq!(hand.gate(), &Gate::Tripped(pause));
}

#[test]
fn a_probe_that_is_answered_opens_the_lane_which_starts_slowly() {
    for answer in [DONE, Outcome::NotDone(Fault::Park), Outcome::NotDone(Fault::HoldLane(None))] {
        let (mut hand, now) = probing();
        end(&mut hand, &[50], &answer, now);
        assert_eq!(hand.gate(), &Gate::Open, "{answer:?}");
        assert!(hand.ramp <= 2);
    }
    let (mut hand, now) = probing();
    end(&mut hand, &[50], &DONE, now);
    let mut at_once = Vec::new();
    let mut waiting = 100..200;
    for _ in 0..5 {
        hand.begin_turn(now);
        hand.end_turn(turned(Gate::Open), waiting.by_ref().take(16).map(|it| (claim(it), ())).collect(), now);
        hand.may_have_work = false;
        let flying: Vec<_> = std::iter::from_fn(|| {
            Some(hand.next_batch(now, |_, ()| Load::default())).filter(|it| !it.is_empty())
        })
        .collect();
        at_once.push(flying.len());
        // Only one of them is answered in each round.
        for (place, batch) in flying.iter().enumerate() {
            let outcome = if place == 0 { DONE } else { Outcome::NotDone(Fault::Withhold) };
            end(&mut hand, &leads(batch), &outcome, now);
        }
    }
    assert_eq!(at_once, [2, 4, 8, 16, 16]);
}

#[test]
fn what_needs_a_person_is_found_by_probes_too() {
    let (mut hand, mut now) = probing();
    let unknown_name = Outcome::NotDone(Fault::RetryThenPause { attempts: 3 });
    for lead in [50, 51, 52] {
        end(&mut hand, &[lead], &unknown_name, now);
        let Some(Pause { probe_at: Some(at), .. }) = hand.gate().pause().cloned() else {
            panic!("it is shut")
        };
        now = at;
        let gate = hand.gate().clone();
        hand.begin_turn(now);
        hand.end_turn(turned(gate), vec![(claim(lead + 1), ())], now);
        hand.next_batch(now, |_, ()| Load::default());
    }
    assert!(
        matches!(hand.gate(), Gate::Paused(_)),
        "a name that is not found for so long waits for a person"
    );
}

#[test]
fn a_lane_that_is_shut_and_had_nothing_to_probe_with_probes_with_the_next_lead() {
    let mut hand = hand_of(1..=5, SINGLE);
    let pause = trip(&mut hand);
    let later = START.plus(Duration::from_secs(3600));
    hand.wake();
    hand.begin_turn(later);
    hand.end_turn(turned(Gate::Tripped(pause)), Vec::new(), later);
    assert_eq!((hand.next_look(), hand.wants_turn()), (None, false), "there is nothing");
    hand.take_given(std::iter::empty(), true, later);
    assert!(hand.wants_turn());
}

#[test]
fn a_lead_that_comes_while_a_lane_learns_that_it_is_open_is_not_overlooked() {
    let mut hand = hand_of([], SINGLE);
    hand.begin_turn(START);
    hand.end_turn(turned(crate::lane::paused_by_person(START)), Vec::new(), START);
    // Somebody resumes it: the turn is on its way back when the lead is stored.
    hand.reshape(SINGLE);
    hand.begin_turn(START);
    hand.take_given(std::iter::empty(), true, START);
    hand.end_turn(turned(Gate::Open), Vec::new(), START);
    assert!(hand.wants_turn());
}

#[test]
fn a_turn_that_took_long_overlooks_neither_a_probe_nor_the_end_of_a_hold() {
    let mut hand = hand_of(1..=5, SINGLE);
    let pause = trip(&mut hand);
    hand.begin_turn(START);
    // The program stood still until after the probe was due.
    let later = START.plus(Duration::from_secs(3600));
    hand.end_turn(turned(Gate::Tripped(pause.clone())), Vec::new(), later);
    assert_eq!(hand.next_look(), pause.probe_at);
    let mut hand = hand_of([1], SINGLE);
    let until = START.plus(Duration::from_secs(10));
    hand.follow(&[Pace::HoldUntil(until)]);
    hand.begin_turn(START);
    hand.end_turn(turned(Gate::Open), Vec::new(), later);
    assert_eq!(hand.next_look(), Some(until));
}

#[test]
fn a_claim_whose_lead_is_under_way_waits_in_hand() {
    let mut hand = hand([1]);
    assert_eq!(next(&mut hand), [1]);
    let mut deletion = claim(1);
    deletion.standing.erases = true;
    hand.take_given([(deletion, ())].into_iter(), false, START);
    assert!(next(&mut hand).is_empty());
    assert!(!hand.wants_turn(), "putting it back would bring it again at once, and again");
    end(&mut hand, &[1], &DONE, START);
    hand.begin_turn(START);
    hand.end_turn(turned(Gate::Open), Vec::new(), START);
    assert_eq!(next(&mut hand), [1]);
}
