//! What follows from one attempt: for the delivery, for the lane's gate, and for its pace.

use super::breaker;
use super::{Gate, Pause};
use crate::defect::{Defect, seeded};
use crate::id::TouchpointId;
use crate::limits;
use crate::outcome::{Evidence, Fault, Outcome, Receipt, Tried};
use crate::retry::{self, RetryPolicy};
use crate::time::{Jitter, Timestamp};
use std::time::Duration;

/// What becomes of one delivery after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is delivered.
    Deliver(Receipt),
    /// It stays pending and is due at this moment.
    RetryAt(Timestamp),
    /// It waits for a person.
    Park,
    /// It must not be sent, for the cause in the evidence.
    Suppress,
}

/// What the lane remembers between attempts, in memory only: losing it costs a few refused records at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    cause: String,
    /// Different ones: a person who retries a refused lead tells nothing new about the destination.
    refused: Vec<TouchpointId>,
}

/// An attempt that came to an end, and whose it was.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// What was to be brought.
    pub touchpoint: TouchpointId,
    /// The number of the attempt, from 1.
    pub number: u32,
    /// How many were in its batch.
    pub batch: usize,
    /// Whether it was tried to see whether a destination works again.
    pub is_probe: bool,
    /// What came of it.
    pub tried: &'a Tried,
}

/// The decision after one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// For the delivery.
    pub next: Next,
    /// For the lane, when it changes.
    pub gate: Option<Gate>,
    /// For how the lane goes on.
    pub pace: Pace,
}

/// How a lane goes on after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As before.
    Same,
    /// It sends nothing before this moment.
    HoldUntil(Timestamp),
    /// It sends batches of half the size.
    SmallerBatches,
    /// It may send larger batches again.
    LargerBatches,
}

/// What follows from one attempt.
pub fn after_try(
    gate: &Gate,
    streak: &mut Streak,
    policy: &RetryPolicy,
    ended: Ended<'_>,
    now: Timestamp,
    jitter: Jitter,
) -> Decision {
    let Ended { number, tried, .. } = ended;
    let later = |hint: Option<Duration>| match gate {
        // The gate holds it back, and nothing else does once that opens.
        Gate::Paused(_) | Gate::Tripped(_) if hint.is_none() => Next::RetryAt(now),
        Gate::Open | Gate::Paused(_) | Gate::Tripped(_) => {
            Next::RetryAt(now.plus(retry::delay(policy, number, hint, jitter)))
        }
    };
    let same = |next, gate| Decision { next, gate, pace: Pace::Same };
    let again = |hint| if ended.is_probe { probed_in_vain(gate, hint, now, jitter) } else { None };
    match &tried.outcome {
        Outcome::Done(receipt) => {
            *streak = Streak::default();
            let gate = match gate {
                // A probe got through, or a request that left before the pause did: either way it works again,
                // unless somebody asked for the stop.
                Gate::Tripped(_) if seeded(Defect::NeverOpens) => None,
                Gate::Paused(pause) | Gate::Tripped(pause) if pause.probe_at.is_some() => Some(Gate::Open),
                Gate::Paused(_) | Gate::Tripped(_) | Gate::Open => None,
            };
            Decision { next: Next::Deliver(receipt.clone()), gate, pace: Pace::LargerBatches }
        }
        Outcome::Unknown if seeded(Defect::UnknownIsDone) => same(Next::Deliver(Receipt::Accepted), None),
        Outcome::Unknown if seeded(Defect::UnknownIsParked) => same(Next::Park, None),
        Outcome::Unknown => same(later(None), again(None)),
        Outcome::NotDone(fault) => match fault {
            // Only at the first attempt: afterwards it is a failure like any other.
            Fault::RetryNow if number == 1 => same(Next::RetryAt(now), None),
            Fault::RetryNow => same(later(None), again(None)),
            Fault::RetryAfter(_) if number >= 5 && seeded(Defect::GivesUp) => same(Next::Park, None),
            Fault::RetryAfter(hint) => same(later(*hint), again(*hint)),
            Fault::HoldLane(hint) => {
                let until = now.plus(retry::delay(policy, number, *hint, jitter));
                Decision { next: Next::RetryAt(until), gate: again(*hint), pace: Pace::HoldUntil(until) }
            }
            Fault::SmallerBatch if seeded(Defect::BatchIsNotHalved) => same(Next::RetryAt(now), None),
            Fault::SmallerBatch if ended.batch > 1 => {
                Decision { next: Next::RetryAt(now), gate: None, pace: Pace::SmallerBatches }
            }
            Fault::RetryThenPause { attempts: patience } if !has_waited_enough(gate, &ended, *patience) => {
                same(later(None), again(None))
            }
            Fault::RetryThenPause { .. } | Fault::Pause => {
                same(Next::RetryAt(now), pause(gate, &tried.evidence, true, now, jitter))
            }
            Fault::Stop => {
                let may_probe = seeded(Defect::StopIsProbed);
                same(Next::RetryAt(now), pause(gate, &tried.evidence, may_probe, now, jitter))
            }
            // A probe that was withheld probed nothing, so the next one is due at once.
            Fault::Withhold => same(Next::Suppress, None),
            Fault::Park if seeded(Defect::PoisonIsRetried) => same(later(None), None),
            // Alone in its batch, it is the culprit itself.
            Fault::SmallerBatch | Fault::Park => after_refusal(gate, streak, ended, now, jitter),
        },
    }
}

/// Whether a person is needed, after so many attempts of one delivery, or so many probes of a lane that tripped: there each
/// is of another delivery.
fn has_waited_enough(gate: &Gate, ended: &Ended<'_>, patience: u32) -> bool {
    match gate {
        Gate::Tripped(pause) if ended.is_probe => pause.probes.saturating_add(1) >= patience,
        Gate::Open | Gate::Paused(_) | Gate::Tripped(_) => ended.number >= patience,
    }
}

fn after_refusal(
    gate: &Gate,
    streak: &mut Streak,
    ended: Ended<'_>,
    now: Timestamp,
    jitter: Jitter,
) -> Decision {
    let tried = ended.tried;
    if streak.cause != tried.evidence.cause {
        *streak = Streak { cause: tried.evidence.cause.clone(), refused: Vec::new() };
    }
    if !streak.refused.contains(&ended.touchpoint) {
        streak.refused.push(ended.touchpoint);
    }
    if streak.refused.len() < limits::REFUSED_IN_A_ROW || seeded(Defect::RefusalsNeverPause) {
        return Decision { next: Next::Park, gate: None, pace: Pace::Same };
    }
    *streak = Streak::default();
    let evidence = Evidence {
        message: format!(
            "{} different leads in a row were refused in the same way: {}",
            limits::REFUSED_IN_A_ROW,
            tried.evidence.message
        ),
        fix:
            "check the destination's settings and what it expects, then resume it and retry the parked leads"
                .to_owned(),
        ..tried.evidence.clone()
    };
    Decision { next: Next::RetryAt(now), gate: pause(gate, &evidence, true, now, jitter), pace: Pace::Same }
}

/// The outcome of a delivery that a job did not bring, for sure: it goes by batches, at once. The reason stays as evidence.
pub fn goes_by_batches(mut tried: Tried) -> Tried {
    tried.outcome = Outcome::NotDone(Fault::RetryNow);
    tried.evidence.message =
        format!("not brought by the bulk job, so it goes by batches: {}", tried.evidence.message);
    tried
}

/// A probe that failed moves the next one on; an open lane stays open.
fn probed_in_vain(gate: &Gate, hint: Option<Duration>, now: Timestamp, jitter: Jitter) -> Option<Gate> {
    let moved = |pause: &Pause, wait: fn(u32, Timestamp, Jitter) -> Timestamp| {
        let probes = pause.probes.saturating_add(1);
        let wished = now.plus(hint.unwrap_or_default().min(limits::RETRY_AFTER_LONGEST));
        Pause { probe_at: Some(wait(probes, now, jitter).max(wished)), probes, ..pause.clone() }
    };
    match gate {
        Gate::Paused(pause) if pause.probe_at.is_some() => Some(Gate::Paused(moved(pause, probe_after))),
        Gate::Tripped(_) if seeded(Defect::ProbeIsNotMoved) => None,
        Gate::Tripped(pause) => Some(Gate::Tripped(moved(pause, breaker::probe_at))),
        Gate::Paused(_) | Gate::Open => None,
    }
}

/// Pauses the lane until somebody puts something right; a lane that tripped is paused from now on.
fn pause(gate: &Gate, evidence: &Evidence, may_probe: bool, now: Timestamp, jitter: Jitter) -> Option<Gate> {
    let (since, probes, may_probe) = match gate {
        Gate::Open | Gate::Tripped(_) => (now, 0, may_probe),
        // Several requests in flight fail together when a credential dies: the first pause stands.
        Gate::Paused(pause) if pause.probe_at.is_none_or(|at| at > now) && may_probe => return None,
        Gate::Paused(pause) => {
            (pause.since, pause.probes.saturating_add(1), may_probe && pause.probe_at.is_some())
        }
    };
    Some(Gate::Paused(Pause {
        cause: evidence.cause.clone(),
        message: evidence.message.clone(),
        fix: evidence.fix.clone(),
        since,
        probe_at: (may_probe && !seeded(Defect::PauseIsNotProbed)).then(|| probe_after(probes, now, jitter)),
        probes,
    }))
}

fn probe_after(probes: u32, now: Timestamp, jitter: Jitter) -> Timestamp {
    let bound =
        limits::PROBE_FIRST.saturating_mul(2u32.saturating_pow(probes.min(31))).min(limits::RETRY_LONGEST);
    // Half of the wait is certain: a probe costs the destination a refused request.
    now.plus(bound.mul_f64(0.5 + jitter.get() / 2.0))
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
