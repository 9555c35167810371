//! What goes into a batch: laws of the hand, with a connector that only says how much it takes.

use super::*;
use futures_util::FutureExt;
use leadwire_connect::egress::Egress;
use leadwire_connect::preview::Preview;
use leadwire_connect::validation::Checked;
use leadwire_connect::{Connector, Delivered, Moment, Payload};
use leadwire_core::id::{DeliveryId, DestinationNo, PublisherId};
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use leadwire_core::touchpoint::Touchpoint;
use std::time::Duration;

/// Takes ten at a time; leads with the same last digit share a key.
struct TakesTen;

impl Connector for TakesTen {
    fn deliver<'a>(&'a self, _: &'a [Payload], _: Moment, _: &'a Egress) -> BoxFuture<'a, Delivered> {
        async { Delivered { tried: Vec::new(), calls: 0 } }.boxed()
    }

    fn batch_max(&self) -> usize {
        10
    }

    fn exclusive_key(&self, payload: &Payload) -> Option<String> {
        let number = payload.lead.bits();
        (number >= 1000).then(|| (number % 10).to_string())
    }

    fn preview(&self, _: &[Payload], _: Moment) -> Preview {
        Preview::default()
    }

    fn check<'a>(&'a self, _: Moment, _: &'a Egress) -> BoxFuture<'a, Checked> {
        async { Checked::default() }.boxed()
    }
}

fn hand(leads: impl IntoIterator<Item = u128>) -> Hand {
    let outlet = Arc::new(Outlet::of(Box::new(TakesTen), 4));
    let mut hand = Hand::new(LaneToken::for_tests(1), Timestamp::from_millis(0), outlet);
    for lead in leads {
        let claim = Claim {
            touchpoint: TouchpointId::new(lead),
            lead: LeadId::new(lead),
            number: 1,
            standing: Default::default(),
            follow_up: None,
        };
        let payload = Payload {
            delivery: DeliveryId { touchpoint: claim.touchpoint, destination: DestinationNo::new(1) },
            publisher: PublisherId::parse("contoso").expect("a name"),
            lead: claim.lead,
            received_at: Timestamp::from_millis(0),
            touchpoint: Arc::new(Touchpoint::default()),
            attempt: 1,
            standing: Default::default(),
            message: None,
            mapping: None,
        };
        hand.take_in(claim, Ok(payload), true);
    }
    hand
}

fn leads(batch: &[Ready]) -> Vec<u128> {
    batch.iter().map(|it| it.0.lead.bits()).collect()
}

fn refused(batch: Vec<Ready>) -> Tries {
    let tried = Tried { outcome: Outcome::NotDone(Fault::SmallerBatch), evidence: Evidence::default() };
    batch.into_iter().map(|it| (it.0, tried.clone())).collect()
}

#[test]
fn a_batch_that_is_not_full_waits_while_more_is_coming() {
    let mut hand = hand(1..=7);
    assert!(hand.next_batch(true).is_empty());
    assert_eq!(leads(&hand.next_batch(false)).len(), 7);
}

#[test]
fn a_full_batch_goes_at_once_and_in_order() {
    let mut hand = hand(1..=25);
    assert_eq!(leads(&hand.next_batch(true)), (1..=10).collect::<Vec<u128>>());
    assert_eq!(leads(&hand.next_batch(true)), (11..=20).collect::<Vec<u128>>());
    assert!(hand.next_batch(true).is_empty());
}

#[test]
fn leads_that_share_a_key_follow_one_another() {
    let mut hand = hand([1000, 1010, 1001, 1020]);
    let first = hand.next_batch(false);
    assert_eq!(leads(&first), [1000, 1001]);
    assert!(hand.next_batch(false).is_empty());
    hand.let_go(&refused(first));
    assert_eq!(leads(&hand.next_batch(false)), [1010]);
}

#[test]
fn batches_are_halved_when_refused_as_a_whole_and_grow_again() {
    let mut hand = hand(1..=40);
    hand.follow(&[Pace::SmallerBatches; 10]);
    assert_eq!(hand.next_batch(false).len(), 5);
    hand.follow(&[Pace::SmallerBatches; 5]);
    hand.follow(&[Pace::SmallerBatches; 2]);
    hand.follow(&[Pace::SmallerBatches; 1]);
    assert_eq!(hand.next_batch(false).len(), 1);
    for expected in [2, 4, 8, 10] {
        hand.follow(&[Pace::LargerBatches]);
        assert_eq!(hand.next_batch(false).len(), expected);
    }
}

#[test]
fn a_hold_lasts_until_the_latest_moment_that_was_asked_for() {
    let mut hand = hand([]);
    let at = |seconds| Timestamp::from_millis(0).plus(Duration::from_secs(seconds));
    hand.follow(&[Pace::HoldUntil(at(10)), Pace::HoldUntil(at(30)), Pace::HoldUntil(at(20))]);
    assert!(hand.is_held(at(29)) && !hand.is_held(at(30)));
}

/// What is to be sent next, one batch after the other.
fn all_batches(hand: &mut Hand) -> Vec<Vec<u128>> {
    let batches = std::iter::repeat_with(|| leads(&hand.next_batch(false)));
    batches.take_while(|it| !it.is_empty()).collect()
}

#[test]
fn an_erased_lead_leaves_the_hand_and_its_place() {
    let mut hand = hand(1..=4);
    hand.erase(vec![LeadId::new(2), LeadId::new(9)]);
    assert_eq!(hand.released, [TouchpointId::new(2)]);
    // What was claimed before the erasure comes in after it.
    let late = Claim {
        touchpoint: TouchpointId::new(9),
        lead: LeadId::new(9),
        number: 1,
        standing: Default::default(),
        follow_up: None,
    };
    let payload = |claim: &Claim| {
        let (_, content) = self::hand([1]).ready.pop_front().expect("one");
        let mut payload = content.expect("a payload");
        (payload.lead, payload.standing) = (claim.lead, claim.standing);
        Ok(payload)
    };
    hand.take_in(late, payload(&late), true);
    assert_eq!(hand.released, [TouchpointId::new(2), TouchpointId::new(9)]);
    // The deletion itself goes, alone.
    let mut deletion = late;
    deletion.standing.erases = true;
    hand.take_in(deletion, payload(&deletion), true);
    assert_eq!(all_batches(&mut hand), [vec![1, 3, 4], vec![9]]);
}
