//! What a destination's lane does next: for each delivery after an attempt, and for the lane as a whole.
//!
//! Everything here is a function of values. The run loop does what these functions say, and nothing else.

use crate::id::TouchpointId;
use crate::limits;
use crate::outcome::{Evidence, Fault, Outcome, Receipt, Tried};
use crate::retry::{self, RetryPolicy};
use crate::time::{Jitter, Timestamp};

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

/// Whether a lane may send.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Gate {
    /// It may.
    #[default]
    Open,
    /// It keeps everything and sends nothing, but for one probe when that is due.
    Paused(Pause),
}

/// Why a lane is paused. Everything in it stays pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Stable name of the cause, such as `http_401`, or `by_person`.
    pub cause: String,
    /// What happened, for people.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// Since when.
    pub since: Timestamp,
    /// When one delivery is tried to see whether it works again; never, when a person or the destination said stop.
    pub probe_at: Option<Timestamp>,
    /// Probes made so far.
    pub probes: u32,
}

/// How much a lane may send now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// As much as it has room for.
    Free,
    /// One delivery, as a probe.
    Probe,
    /// Nothing until this moment, or until somebody resumes the lane.
    Nothing(Option<Timestamp>),
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

/// How much a lane may send at `now`.
pub fn allowance(gate: &Gate, now: Timestamp) -> Allowance {
    match gate {
        Gate::Open => Allowance::Free,
        Gate::Paused(Pause { probe_at: Some(at), .. }) if *at <= now => Allowance::Probe,
        Gate::Paused(pause) => Allowance::Nothing(pause.probe_at),
    }
}

/// The pause a person asked for.
pub fn paused_by_person(now: Timestamp) -> Gate {
    Gate::Paused(Pause {
        cause: "by_person".to_owned(),
        message: "paused by a person".to_owned(),
        fix: "resume the destination when it may receive leads again".to_owned(),
        since: now,
        probe_at: None,
        probes: 0,
    })
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
    let later = |hint| Next::RetryAt(now.plus(retry::delay(policy, number, hint, jitter)));
    let same = |next, gate| Decision { next, gate, pace: Pace::Same };
    match &tried.outcome {
        Outcome::Done(receipt) => {
            *streak = Streak::default();
            let gate = match gate {
                // A probe got through, or a request that left before the pause did: either way it works again,
                // unless somebody asked for the stop.
                Gate::Paused(pause) if pause.probe_at.is_some() => Some(Gate::Open),
                Gate::Paused(_) | Gate::Open => None,
            };
            Decision { next: Next::Deliver(receipt.clone()), gate, pace: Pace::LargerBatches }
        }
        Outcome::Unknown => same(later(None), again_later(gate, now, jitter)),
        Outcome::NotDone(fault) => match fault {
            // Only at the first attempt: afterwards it is a failure like any other.
            Fault::RetryNow if number == 1 => same(Next::RetryAt(now), None),
            Fault::RetryNow => same(later(None), again_later(gate, now, jitter)),
            Fault::RetryAfter(hint) => same(later(*hint), again_later(gate, now, jitter)),
            Fault::HoldLane(hint) => {
                let until = now.plus(retry::delay(policy, number, *hint, jitter));
                let gate = again_later(gate, now, jitter);
                Decision { next: Next::RetryAt(until), gate, pace: Pace::HoldUntil(until) }
            }
            Fault::SmallerBatch if ended.batch > 1 => {
                Decision { next: Next::RetryAt(now), gate: None, pace: Pace::SmallerBatches }
            }
            Fault::RetryThenPause { attempts: patience } if number < *patience => {
                same(later(None), again_later(gate, now, jitter))
            }
            Fault::RetryThenPause { .. } | Fault::Pause => {
                same(Next::RetryAt(now), pause(gate, &tried.evidence, true, now, jitter))
            }
            Fault::Stop => same(Next::RetryAt(now), pause(gate, &tried.evidence, false, now, jitter)),
            // A probe that was withheld probed nothing, so the next one is due at once.
            Fault::Withhold => same(Next::Suppress, None),
            // Alone in its batch, it is the culprit itself.
            Fault::SmallerBatch | Fault::Park => after_refusal(gate, streak, ended, now, jitter),
        },
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
    if streak.refused.len() < limits::REFUSED_IN_A_ROW {
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

/// A probe that failed for another reason moves the next probe on; an open lane stays open.
fn again_later(gate: &Gate, now: Timestamp, jitter: Jitter) -> Option<Gate> {
    match gate {
        Gate::Paused(pause) if pause.probe_at.is_some() => {
            let probes = pause.probes.saturating_add(1);
            Some(Gate::Paused(Pause {
                probe_at: Some(probe_after(probes, now, jitter)),
                probes,
                ..pause.clone()
            }))
        }
        Gate::Paused(_) | Gate::Open => None,
    }
}

fn pause(gate: &Gate, evidence: &Evidence, may_probe: bool, now: Timestamp, jitter: Jitter) -> Option<Gate> {
    let (since, probes, may_probe) = match gate {
        Gate::Open => (now, 0, may_probe),
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
        probe_at: may_probe.then(|| probe_after(probes, now, jitter)),
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
#[path = "lane_tests.rs"]
mod tests;
