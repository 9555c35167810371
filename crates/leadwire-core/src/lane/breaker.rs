//! When a destination fails call after call: the lane trips, tries one delivery now and then, and starts slowly again.
//!
//! Without it each waiting delivery would find out for itself that the destination is down, which floods it when it is
//! weakest, and has the store write down the same failure for every lead.

use super::{Gate, Pause};
use crate::budget;
use crate::defect::{Defect, seeded};
use crate::id::TouchpointId;
use crate::limits;
use crate::outcome::{Evidence, Fault, Outcome, Tried};
use crate::time::{Jitter, Timestamp};

/// What one call says of the destination as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It answers: it took something, or refused it for a reason.
    Alive,
    /// It gave no useful answer, or none at all.
    Failing,
    /// Nothing: no call was made, or the fault was our own.
    Silent,
}

/// The calls that failed since the last one that did not. In memory only: after a restart a few more calls are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trouble {
    calls: u32,
    /// Different ones, as many as count: one delivery that fails again and again says nothing about the destination.
    touchpoints: Vec<TouchpointId>,
}

impl Trouble {
    /// Counts a call that failed, and says whether so many did that it is the destination.
    pub(super) fn count(&mut self, of: impl Iterator<Item = TouchpointId>) -> bool {
        self.calls = self.calls.saturating_add(1);
        for touchpoint in of {
            if self.touchpoints.len() < limits::TRIP_TOUCHPOINTS && !self.touchpoints.contains(&touchpoint) {
                self.touchpoints.push(touchpoint);
            }
        }
        let are_different =
            self.touchpoints.len() >= limits::TRIP_TOUCHPOINTS || seeded(Defect::OneDeliveryTrips);
        self.calls >= limits::TRIP_CALLS && are_different
    }
}

/// What a call says: one that answers for a single delivery is alive.
pub(super) fn sign<'a>(tries: impl Iterator<Item = &'a Tried>) -> Sign {
    let mut said = Sign::Silent;
    for tried in tries {
        match sign_of(tried) {
            Sign::Alive => return Sign::Alive,
            Sign::Failing => said = Sign::Failing,
            Sign::Silent => {}
        }
    }
    said
}

fn sign_of(tried: &Tried) -> Sign {
    if is_own(&tried.evidence) && !seeded(Defect::OwnFaultsTrip) {
        return Sign::Silent;
    }
    match &tried.outcome {
        Outcome::Done(_) => Sign::Alive,
        Outcome::Unknown => Sign::Failing,
        Outcome::NotDone(fault) => match fault {
            Fault::RetryNow | Fault::RetryAfter(_) | Fault::RetryThenPause { .. } => Sign::Failing,
            Fault::HoldLane(_) | Fault::SmallerBatch | Fault::Park | Fault::Pause | Fault::Stop => {
                Sign::Alive
            }
            Fault::Withhold => Sign::Silent,
        },
    }
}

/// Faults of our own are no fault of the destination, nor does it say anything when no call was made for want of calls.
fn is_own(evidence: &Evidence) -> bool {
    budget::is_used_up(&evidence.cause)
        || matches!(&*evidence.cause, "connector_panicked" | "connector_miscounted" | "content_unreadable")
}

/// The gate of a lane that trips.
pub(super) fn tripped(evidence: &Evidence, now: Timestamp, jitter: Jitter) -> Gate {
    Gate::Tripped(Pause {
        cause: evidence.cause.clone(),
        message: evidence.message.clone(),
        fix: evidence.fix.clone(),
        since: now,
        probe_at: Some(probe_at(0, now, jitter)),
        probes: 0,
    })
}

/// When a tripped lane tries the next delivery.
pub(super) fn probe_at(probes: u32, now: Timestamp, jitter: Jitter) -> Timestamp {
    let doubled = limits::TRIP_FIRST.saturating_mul(2u32.saturating_pow(probes.min(31)));
    now.plus(doubled.min(limits::TRIP_LONGEST).mul_f64(0.5 + jitter.get() / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_was_never_made_says_nothing_of_the_destination() {
        let held = |cause: &str| Tried {
            outcome: Outcome::NotDone(Fault::HoldLane(None)),
            evidence: Evidence { cause: cause.to_owned(), ..Evidence::default() },
        };
        for cause in ["budget_used_up", "token_budget_used_up"] {
            assert_eq!(sign([held(cause)].iter()), Sign::Silent, "{cause}");
        }
        assert_eq!(sign([held("http_429")].iter()), Sign::Alive, "it answered");
    }
}
