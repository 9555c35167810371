//! How often something may be done: a steady rate with room for a burst, as a function of one number.

use crate::time::Timestamp;
use std::time::Duration;

/// A rate: one each `every`, and up to `burst` at once after a rest (the generic cell rate algorithm, ITU-T I.371).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Time that one of them takes up.
    pub every: Duration,
    /// How many may come at once.
    pub burst: u32,
}

impl Rate {
    /// Whether one more may be done. `full_until` is what the time before gave, at first any moment in the past.
    ///
    /// # Errors
    /// How long to wait.
    pub fn admit(self, full_until: Timestamp, now: Timestamp) -> Result<Timestamp, Duration> {
        let next = full_until.max(now).plus(self.every);
        let room = self.every * self.burst;
        let ahead = next.since(now);
        if ahead > room { Err(ahead - room) } else { Ok(next) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: Rate = Rate { every: Duration::from_secs(6), burst: 5 };

    #[test]
    fn a_burst_is_let_in_and_then_one_at_a_time() {
        let now = Timestamp::from_millis(1_000_000);
        let mut full_until = Timestamp::from_millis(0);
        for _ in 0..RATE.burst {
            full_until = RATE.admit(full_until, now).expect("room");
        }
        assert_eq!(RATE.admit(full_until, now), Err(RATE.every));
        let later = now.plus(RATE.every);
        full_until = RATE.admit(full_until, later).expect("room for one");
        assert!(RATE.admit(full_until, later).is_err());
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_the_rate(gaps in proptest::collection::vec(0u64..20_000, 1..200)) {
            let start = Timestamp::from_millis(1_000_000);
            let (mut now, mut full_until, mut let_in) = (start, Timestamp::from_millis(0), 0u128);
            for gap in gaps {
                now = now.plus(Duration::from_millis(gap));
                if let Ok(next) = RATE.admit(full_until, now) {
                    full_until = next;
                    let_in += 1;
                }
            }
            let allowed = u128::from(RATE.burst) + now.since(start).as_millis() / RATE.every.as_millis();
            prop_assert!(let_in <= allowed);
        }
    }
}
