//! When to try again: full jitter up to a cap, the destination's own wish respected, and no last attempt.

use crate::defect::{Defect, seeded};
use crate::limits;
use crate::time::Jitter;
use std::time::Duration;

/// How delays grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Upper bound of the first delay; doubled with each attempt.
    pub first: Duration,
    /// Upper bound of every delay.
    pub longest: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { first: limits::RETRY_FIRST, longest: limits::RETRY_LONGEST }
    }
}

/// Attempts after which the destination's wish lengthens the delay but no longer shortens it.
const HINTS_TAKEN_AS_SAID: u32 = 3;

/// The delay after the given number of attempts, of which there was at least one.
///
/// Full jitter (a uniform draw between the shortest delay and the bound) spreads a burst of failures best;
/// `hint` is the destination's `Retry-After`, believed up to [`limits::RETRY_AFTER_LONGEST`]. The delay is never
/// shorter than it; in the first attempts it is also not longer, but for a little jitter.
pub fn delay(policy: &RetryPolicy, attempts: u32, hint: Option<Duration>, jitter: Jitter) -> Duration {
    assert!(attempts >= 1, "a delay follows at least one attempt");
    // 2^31 first delays are centuries: past that the cap decides anyway.
    let doubled = policy.first.saturating_mul(2u32.saturating_pow((attempts - 1).min(31)));
    let longest = if seeded(Defect::DelayHasNoCap) { Duration::MAX } else { policy.longest };
    let bound = doubled.min(longest).max(limits::RETRY_SHORTEST);
    let drawn = limits::RETRY_SHORTEST + (bound - limits::RETRY_SHORTEST).mul_f64(jitter.get());
    match hint {
        // A little jitter on top, so that everyone who was told "60 s" does not come back in the same instant.
        Some(_) if seeded(Defect::HintIsIgnored) => drawn,
        Some(hint) => {
            let believed = !seeded(Defect::HintIsBelievedForEver);
            let hint = if believed { hint.min(limits::RETRY_AFTER_LONGEST) } else { hint };
            let wished = hint.max(limits::RETRY_SHORTEST) + hint.mul_f64(jitter.get() * 0.1);
            // A destination that says "in a second" for ever would be called every second for ever.
            if attempts <= HINTS_TAKEN_AS_SAID { wished } else { wished.max(drawn) }
        }
        None => drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(attempts: u32, hint: Option<u64>, jitter: f64, expected_ms: u64) {
        let got =
            delay(&RetryPolicy::default(), attempts, hint.map(Duration::from_secs), Jitter::new(jitter));
        assert_eq!(got.as_millis(), u128::from(expected_ms));
    }

    #[test]
    fn the_bound_doubles_until_the_cap() {
        check(1, None, 1.0, 5_000);
        check(2, None, 1.0, 10_000);
        check(10, None, 1.0, 2_560_000);
        check(11, None, 1.0, 3_600_000);
        check(u32::MAX, None, 1.0, 3_600_000);
    }

    #[test]
    fn the_lowest_draw_is_the_shortest_delay() {
        check(1, None, 0.0, 1_000);
        check(40, None, 0.0, 1_000);
    }

    #[test]
    fn the_destinations_wish_is_a_floor_and_is_capped_at_a_day() {
        check(1, Some(60), 0.0, 60_000);
        check(1, Some(36_000), 0.0, 36_000_000);
        check(1, Some(999_999), 0.0, 86_400_000);
        check(1, Some(0), 0.0, 1_000);
    }

    #[test]
    fn a_wish_that_is_never_kept_does_not_shorten_the_delay_for_ever() {
        check(3, Some(1), 1.0, 1_100);
        check(4, Some(1), 1.0, 40_000);
        check(4, Some(600), 0.0, 600_000);
    }

    proptest! {
        #[test]
        fn every_delay_is_within_its_bounds(attempts in 1u32.., hint in proptest::option::of(0u64..1_000_000), dice in 0.0f64..1.0) {
            let got = delay(&RetryPolicy::default(), attempts, hint.map(Duration::from_secs), Jitter::new(dice));
            prop_assert!(got >= limits::RETRY_SHORTEST);
            prop_assert!(got <= limits::RETRY_AFTER_LONGEST.mul_f64(1.1));
            if let Some(hint) = hint {
                prop_assert!(got >= Duration::from_secs(hint).min(limits::RETRY_AFTER_LONGEST));
            }
        }
    }
}
