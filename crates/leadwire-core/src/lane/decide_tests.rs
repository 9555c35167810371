//! Laws of a decision: what each kind of failure does to the delivery and to the lane.

use super::*;
use crate::lane::{Allowance, allowance};
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn tried(outcome: Outcome, cause: &str) -> Tried {
    Tried { outcome, evidence: Evidence { cause: cause.to_owned(), ..Evidence::default() } }
}

fn decide(gate: &Gate, streak: &mut Streak, number: u32, outcome: Outcome, cause: &str) -> Decision {
    // Each is another lead, unless a test says otherwise.
    let touchpoint = TouchpointId::new(streak.refused.len() as u128);
    decide_for(touchpoint, gate, streak, number, outcome, cause)
}

fn decide_for(
    touchpoint: TouchpointId,
    gate: &Gate,
    streak: &mut Streak,
    number: u32,
    outcome: Outcome,
    cause: &str,
) -> Decision {
    let tried = tried(outcome, cause);
    let ended = Ended { touchpoint, number, batch: 1, is_probe: gate != &Gate::Open, tried: &tried };
    after_try(gate, streak, &RetryPolicy::default(), ended, NOW, Jitter::new(0.0))
}

#[track_caller]
fn check(outcome: Outcome, number: u32, next: &Next, pauses: bool) {
    let decision = decide(&Gate::Open, &mut Streak::default(), number, outcome, "x");
    assert_eq!(&decision.next, next);
    assert_eq!(matches!(decision.gate, Some(Gate::Paused(_))), pauses);
}

fn paused(probe_at: Option<i64>) -> Gate {
    Gate::Paused(Pause {
        cause: "http_401".to_owned(),
        message: String::new(),
        fix: String::new(),
        since: Timestamp::from_millis(5),
        probe_at: probe_at.map(Timestamp::from_millis),
        probes: 0,
    })
}

#[test]
fn each_fault_has_its_own_behaviour() {
    let soon = Next::RetryAt(NOW.plus(Duration::from_secs(1)));
    let at_once = Next::RetryAt(NOW);
    check(Outcome::Done(Receipt::Accepted), 1, &Next::Deliver(Receipt::Accepted), false);
    check(Outcome::Unknown, 1, &soon, false);
    check(Outcome::NotDone(Fault::RetryAfter(None)), 1, &soon, false);
    check(Outcome::NotDone(Fault::RetryNow), 1, &at_once, false);
    check(Outcome::NotDone(Fault::RetryNow), 2, &soon, false);
    check(Outcome::NotDone(Fault::RetryThenPause { attempts: 3 }), 2, &soon, false);
    check(Outcome::NotDone(Fault::RetryThenPause { attempts: 3 }), 3, &at_once, true);
    check(Outcome::NotDone(Fault::Pause), 1, &at_once, true);
    check(Outcome::NotDone(Fault::Stop), 1, &at_once, true);
    check(Outcome::NotDone(Fault::Park), 1, &Next::Park, false);
    check(
        Outcome::NotDone(Fault::HoldLane(Some(Duration::from_secs(30)))),
        1,
        &Next::RetryAt(NOW.plus(Duration::from_secs(30))),
        false,
    );
}

#[test]
fn a_destination_that_had_too_much_holds_the_lane_and_not_only_the_delivery() {
    let wish = Fault::HoldLane(Some(Duration::from_secs(30)));
    let decision = decide(&Gate::Open, &mut Streak::default(), 1, Outcome::NotDone(wish), "busy");
    assert_eq!(decision.pace, Pace::HoldUntil(NOW.plus(Duration::from_secs(30))));
    assert_eq!(decision.gate, None);
}

#[test]
fn a_batch_refused_as_a_whole_is_halved_until_the_culprit_is_alone_and_parked() {
    let tried = tried(Outcome::NotDone(Fault::SmallerBatch), "too_large");
    let decide = |batch| {
        let ended =
            Ended { touchpoint: TouchpointId::new(1), number: 7, batch, is_probe: false, tried: &tried };
        after_try(&Gate::Open, &mut Streak::default(), &RetryPolicy::default(), ended, NOW, Jitter::new(0.0))
    };
    let halved = Decision { next: Next::RetryAt(NOW), gate: None, pace: Pace::SmallerBatches };
    assert_eq!(decide(2), halved);
    assert_eq!(decide(1).next, Next::Park);
}

#[test]
fn retries_never_end() {
    let decision = decide(
        &Gate::Open,
        &mut Streak::default(),
        u32::MAX,
        Outcome::NotDone(Fault::RetryAfter(None)),
        "http_503",
    );
    assert!(matches!(decision.next, Next::RetryAt(_)));
    assert_eq!(decision.gate, None);
}

#[test]
fn a_destination_that_said_gone_is_never_probed() {
    let decision = decide(&Gate::Open, &mut Streak::default(), 1, Outcome::NotDone(Fault::Stop), "http_410");
    let Some(gate) = decision.gate else { panic!("the lane must pause") };
    assert_eq!(allowance(&gate, NOW.plus(Duration::from_secs(1_000_000))), Allowance::Nothing(None));
}

#[test]
fn a_paused_lane_sends_one_probe_when_it_is_due() {
    assert_eq!(
        allowance(&paused(Some(NOW.millis() + 1)), NOW),
        Allowance::Nothing(Some(Timestamp::from_millis(NOW.millis() + 1)))
    );
    assert_eq!(allowance(&paused(Some(NOW.millis())), NOW), Allowance::Probe);
}

#[test]
fn a_probe_that_gets_through_opens_the_lane() {
    let decision = decide(&paused(Some(1)), &mut Streak::default(), 1, Outcome::Done(Receipt::Accepted), "");
    assert_eq!(decision.gate, Some(Gate::Open));
}

#[test]
fn a_late_success_does_not_open_a_lane_that_a_person_paused() {
    let decision = decide(&paused(None), &mut Streak::default(), 1, Outcome::Done(Receipt::Accepted), "");
    assert_eq!(decision.gate, None);
}

#[test]
fn a_probe_that_fails_waits_longer_each_time() {
    let mut gate = paused(Some(1));
    let mut last = Duration::ZERO;
    for _ in 0..4 {
        let decision = decide(&gate, &mut Streak::default(), 9, Outcome::NotDone(Fault::Pause), "http_401");
        let Some(Gate::Paused(pause)) = decision.gate else { panic!("the lane stays paused") };
        let wait = pause.probe_at.expect("it probes again").since(NOW);
        assert!(wait > last, "{wait:?} after {last:?}");
        assert_eq!(pause.since, Timestamp::from_millis(5), "the pause is as old as its first cause");
        last = wait;
        gate = Gate::Paused(Pause { probe_at: Some(Timestamp::from_millis(1)), ..pause });
    }
}

#[test]
fn requests_that_fail_together_pause_once() {
    let gate = paused(Some(NOW.millis() + 60_000));
    let decision = decide(&gate, &mut Streak::default(), 1, Outcome::NotDone(Fault::Pause), "http_401");
    assert_eq!(decision, Decision { next: Next::RetryAt(NOW), gate: None, pace: Pace::Same });
}

#[test]
fn the_same_refusal_five_times_in_a_row_suspects_the_destination() {
    let mut streak = Streak::default();
    for _ in 1..limits::REFUSED_IN_A_ROW {
        let decision = decide(&Gate::Open, &mut streak, 1, Outcome::NotDone(Fault::Park), "http_422");
        assert_eq!(decision, Decision { next: Next::Park, gate: None, pace: Pace::Same });
    }
    let decision = decide(&Gate::Open, &mut streak, 1, Outcome::NotDone(Fault::Park), "http_422");
    assert_eq!(decision.next, Next::RetryAt(NOW), "the last one stays pending: it may be fine");
    assert!(matches!(decision.gate, Some(Gate::Paused(_))));
}

#[test]
fn a_success_or_another_refusal_ends_a_streak() {
    let mut streak = Streak::default();
    for cause in ["a", "a", "a", "a", "b", "a", "a", "a", "a"] {
        assert_eq!(decide(&Gate::Open, &mut streak, 1, Outcome::NotDone(Fault::Park), cause).gate, None);
    }
    decide(&Gate::Open, &mut streak, 1, Outcome::Done(Receipt::Accepted), "");
    assert_eq!(decide(&Gate::Open, &mut streak, 1, Outcome::NotDone(Fault::Park), "a").gate, None);
}

#[test]
fn the_same_lead_refused_again_and_again_says_nothing_about_the_destination() {
    let mut streak = Streak::default();
    for number in 1..20 {
        let outcome = Outcome::NotDone(Fault::Park);
        let decision =
            decide_for(TouchpointId::new(7), &Gate::Open, &mut streak, number, outcome, "http_422");
        assert_eq!(decision, Decision { next: Next::Park, gate: None, pace: Pace::Same });
    }
}
