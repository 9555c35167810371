//! The limits of the simulated instance: calls in twenty seconds, in a day, and at a time (Adobe, best practices).

use super::{Options, Refused};
use std::collections::VecDeque;

/// Length of the rate window, in milliseconds.
const RATE_WINDOW: i64 = 20_000;
const DAY: i64 = 24 * 3600 * 1000;
/// Midnight US Central Standard Time, in milliseconds of a day in UTC.
const MIDNIGHT: i64 = 6 * 3600 * 1000;
const MINUTE: i64 = 60_000;

#[derive(Default)]
pub(super) struct Limits {
    recent: VecDeque<i64>,
    day: (i64, u64),
    posts: VecDeque<i64>,
}

impl Limits {
    /// Counts a call, or says why it is refused.
    pub(super) fn take(&mut self, options: &Options, now: i64) -> Option<Refused> {
        forget(&mut self.recent, now - RATE_WINDOW);
        let day = (now - MIDNIGHT).div_euclid(DAY);
        if self.day.0 != day {
            self.day = (day, 0);
        }
        let running = self.recent.iter().rev().take_while(|it| **it > now - options.call_millis).count();
        if options.call_millis > 0 && running >= options.concurrency_max {
            return Some(("615", "Concurrent access limit reached".to_owned()));
        }
        if let Some(max) = options.rate_max.filter(|it| self.recent.len() >= *it) {
            return Some(("606", format!("Max rate limit '{max}' exceeded with in '20' secs")));
        }
        if options.daily_max.is_some_and(|max| self.day.1 >= max) {
            return Some(("607", "Daily quota reached".to_owned()));
        }
        self.recent.push_back(now);
        self.day.1 += 1;
        None
    }

    /// Calls of this day.
    pub(super) fn used(&self) -> u64 {
        self.day.1
    }

    /// Counts a classic form post; false when it is one too many within a minute.
    pub(super) fn take_post(&mut self, options: &Options, now: i64) -> bool {
        forget(&mut self.posts, now - MINUTE);
        if self.posts.len() >= options.posts_max {
            return false;
        }
        self.posts.push_back(now);
        true
    }
}

fn forget(moments: &mut VecDeque<i64>, until: i64) {
    while moments.front().is_some_and(|it| *it <= until) {
        moments.pop_front();
    }
}
