//! Two clocks held against each other: how far apart they are for certain.

use crate::limits;
use crate::time::Timestamp;

/// How many milliseconds a clock is ahead of another one, or behind it when negative; the other was read between two readings of
/// the first. What the reading took is not counted: 0 when both may show the same.
pub fn ahead_by(before: Timestamp, other: Timestamp, after: Timestamp) -> i64 {
    let (before, other, after) = (before.millis(), other.millis(), after.millis());
    if other < before {
        before.saturating_sub(other)
    } else if other > after {
        after.saturating_sub(other)
    } else {
        0
    }
}

/// Whether somebody is to be told.
pub fn is_far(ahead_ms: i64) -> bool {
    ahead_ms.unsigned_abs() > limits::CLOCK_OFF_MAX_MS.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_clock_that_may_be_right_is_not_blamed_and_no_distance_is_made_greater(
            start in -1_000_000_i64..1_000_000, took in 0_i64..100_000, at in 0_i64..=100_000,
            ahead in -1_000_000_i64..1_000_000,
        ) {
            // The other clock is read at some moment of the time that it took, and shows the right time.
            let right = start + at.min(took);
            let [before, after] = [start, start + took].map(|it| Timestamp::from_millis(it + ahead));
            let found = ahead_by(before, Timestamp::from_millis(right), after);
            prop_assert!(found.unsigned_abs() <= ahead.unsigned_abs());
            prop_assert!(found == 0 || (found > 0) == (ahead > 0));
            prop_assert!((ahead - found).unsigned_abs() <= took.unsigned_abs());
        }
    }

    #[test]
    fn two_seconds_are_near_and_more_is_far_either_way() {
        assert_eq!([2000, 2001, -2000, -2001, i64::MIN].map(is_far), [false, true, false, true, true]);
    }
}
