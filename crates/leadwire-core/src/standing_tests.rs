//! Tests of how a lead stands: every order of the same touchpoints gives the same standing.

use super::*;
use crate::touchpoint::Consent;
use proptest::prelude::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn id(bits: u128) -> TouchpointId {
    TouchpointId::new(bits)
}

fn consent(shared: bool, at: Option<i64>) -> Option<Consent> {
    Some(Consent { shared, text_version: None, at: at.map(Timestamp::from_millis) })
}

fn standing_of(touchpoints: &[(Action, Option<Consent>, i64)]) -> Standing {
    let mut standing = Standing::default();
    for (number, (action, consent, received_at)) in touchpoints.iter().enumerate() {
        let touchpoint =
            Touchpoint { action: action.clone(), consent: consent.clone(), ..Touchpoint::default() };
        standing.fold(&said(&touchpoint, id(number as u128), at(*received_at), None));
    }
    standing
}

#[test]
fn only_a_newer_consent_with_its_time_lifts_a_refusal() {
    let dnc = (Action::DoNotContact, None, 1000);
    for (consent_given, received_at, is_refused, why) in [
        (None, 2000, true, "another action says nothing of contact"),
        (consent(true, None), 2000, true, "a form may repeat a consent without a time"),
        (consent(true, Some(900)), 2000, true, "given before the refusal came"),
        (consent(true, Some(1000)), 2000, true, "at the same moment the refusal counts"),
        (consent(true, Some(1500)), 2000, false, "given since"),
        (consent(true, Some(9000)), 2000, false, "a clock that is ahead counts as of when it came"),
        (consent(false, Some(1500)), 2000, true, "a withdrawal refuses"),
    ] {
        let later = (Action::PartnerLedTrial, consent_given, received_at);
        assert_eq!(standing_of(&[dnc.clone(), later]).is_refused(), is_refused, "{why}");
    }
}

#[test]
fn a_refusal_counts_from_when_it_came_so_that_it_outlives_a_clock_that_is_ahead() {
    let consent = (Action::PartnerLedTrial, consent(true, Some(9000)), 2000);
    assert!(standing_of(&[consent.clone(), (Action::DoNotContact, None, 3000)]).is_refused());
    assert!(!standing_of(&[consent]).is_refused());
}

#[test]
fn a_withdrawal_refuses_whatever_the_action_is() {
    let standing = standing_of(&[(Action::Installation, consent(false, None), 1000)]);
    assert!(standing.is_refused());
    assert_eq!(standing.consent, Some(Mark { at: at(1000), by: id(0) }));
}

#[test]
fn after_a_person_set_the_interest_only_a_newer_active_touchpoint_raises_it() {
    let shows = |number, interest| Said {
        by: id(number),
        shown: Some(Shown { interest, rule: "*/*".into() }),
        refused: None,
        permitted: None,
        consent: None,
    };
    let mut standing = Standing::default();
    standing.fold(&shows(10, Interest::Active));
    standing.set_interest(ActId::new(20), Interest::Initial, &[]);
    assert_eq!(standing.interest, Some((Interest::Initial, InterestBy::Person)));
    // It was minted before the person decided, and stored afterwards.
    standing.fold(&shows(15, Interest::Active));
    standing.fold(&shows(21, Interest::Initial));
    assert_eq!(standing.interest, Some((Interest::Initial, InterestBy::Person)));
    standing.fold(&shows(22, Interest::Active));
    assert_eq!(standing.seen().interest, Some(Interest::Active));
    // An older decision comes too late.
    standing.set_interest(ActId::new(19), Interest::Initial, &[]);
    assert_eq!(standing.seen().interest, Some(Interest::Active));
}

#[test]
fn what_connectors_are_told_is_read_back_from_its_number() {
    for do_not_contact in [false, true] {
        for interest in [None, Some(Interest::Initial), Some(Interest::Active)] {
            for (consent, erases) in [(false, false), (false, true), (true, false), (true, true)] {
                let seen = Seen { do_not_contact, interest, consent, erases };
                assert_eq!(Seen::from_number(seen.number()), seen);
            }
        }
    }
}

#[test]
fn a_refusal_holds_what_waits_and_tells_who_may_know_the_lead() {
    let past = |touchpoint, destination, may_be_there, is_waiting| Past {
        touchpoint: id(touchpoint),
        destination: DestinationNo::new(destination),
        may_be_there,
        is_waiting,
        is_follow_up: false,
    };
    let numbers = |all: &[DestinationNo]| all.iter().map(|it| it.get()).collect::<Vec<_>>();
    let all =
        [past(1, 3, true, false), past(2, 3, false, true), past(1, 2, false, true), past(1, 1, true, false)];
    let refusal = refuse(&all, &[DestinationNo::new(3)]);
    assert_eq!(numbers(&refusal.told), [1, 3]);
    assert_eq!(refusal.held, [(id(2), DestinationNo::new(3))], "what waits for 2 is sent, marked");
    let follow_ups = all.map(|it| Past { is_follow_up: true, ..it });
    let refusal = refuse(&follow_ups, &[]);
    assert!(refusal.told.is_empty(), "a message is not taken back by another one");
    assert_eq!(refusal.held, [(id(2), DestinationNo::new(3)), (id(1), DestinationNo::new(2))]);
}

fn any_said() -> impl Strategy<Value = Said> {
    let interest = prop_oneof![Just(None), Just(Some(Interest::Initial)), Just(Some(Interest::Active))];
    let moment = || proptest::option::of((0..5i64).prop_map(Timestamp::from_millis));
    (0..9u128, interest, moment(), moment(), moment()).prop_map(
        |(by, interest, refused, permitted, consent)| Said {
            by: id(by),
            shown: interest.map(|interest| Shown { interest, rule: format!("{by}").into() }),
            refused,
            permitted,
            consent,
        },
    )
}

proptest! {
    #[test]
    fn the_order_of_touchpoints_and_the_moment_a_person_decides_change_nothing(
        mut touchpoints in proptest::collection::vec(any_said(), 0..8),
        seed in any::<u64>(),
        set in proptest::option::of((0..9u128, prop_oneof![Just(Interest::Initial), Just(Interest::Active)])),
        decided_after in 0..9usize,
    ) {
        // One touchpoint has one meaning.
        touchpoints.sort_by_key(|it| it.by);
        touchpoints.dedup_by_key(|it| it.by);
        let mut expected = Standing::default();
        let mut in_order = touchpoints.clone();
        if let Some((act, interest)) = set {
            expected.set_interest(ActId::new(act), interest, &[]);
        }
        in_order.iter().for_each(|it| expected.fold(it));
        in_order.sort_by_key(|it| (seed ^ u64::try_from(it.by.bits()).unwrap_or(0)).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut standing = Standing::default();
        let decided_after = decided_after.min(in_order.len());
        in_order[..decided_after].iter().for_each(|it| standing.fold(it));
        if let Some((act, interest)) = set {
            standing.set_interest(ActId::new(act), interest, &in_order[..decided_after]);
        }
        in_order[decided_after..].iter().for_each(|it| standing.fold(it));
        // Twice is once.
        in_order.iter().for_each(|it| standing.fold(it));
        prop_assert_eq!(standing, expected);
    }
}
