//! What a destination's account allows of calls, and how many of them may be made now: reserved before they are made, counted
//! after, and never more in any stretch of time than its windows allow.
//!
//! A call is reserved until a moment and made before it. It counts from the reservation until a window's length after that
//! moment, or after the moment it was told of; so of all calls made within any window's length, the last one to be reserved
//! saw all others. Nothing depends on when a window begins, which no system says.

mod count;
mod forecast;
mod plan;

pub use count::{Count, Others, Spent};
pub use forecast::{Forecast, WindowLeft, forecast};
pub use plan::{fill_until, is_scarce};

use crate::defect::{Defect, seeded};
use crate::limits;
use crate::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Calls that an account allows within a length of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many, of everybody who uses the account; none: not known until the service says it.
    pub calls: Option<u32>,
    /// Within which time, in any stretch of that length.
    pub length: Duration,
    /// The share that is left to the account's other users, in percent: 0 to 99.
    pub kept_percent: u8,
    /// Whether a person set the number: then the service may lower it and not raise it.
    pub is_set: bool,
}

impl Window {
    /// How much later than it ends a reservation may be counted: a finer count would cost rows, and calls no less.
    fn slot(&self) -> i64 {
        (millis(self.length) / limits::BUDGET_SLOTS).max(1)
    }

    fn slot_end(&self, at: Timestamp) -> Timestamp {
        let slot = self.slot();
        let ahead = if seeded(Defect::CountIsRoundedDown) { 0 } else { 1 };
        Timestamp::from_millis(at.millis().div_euclid(slot).saturating_add(ahead).saturating_mul(slot))
    }

    /// What is allowed to us: all but the share that is kept, and never less than one call.
    fn allowed(&self, limit: u32) -> u32 {
        let kept = if seeded(Defect::KeptShareIsUsed) { 0 } else { self.kept_percent };
        let percent = 100u64.saturating_sub(kept.into());
        u32::try_from(u64::from(limit) * percent / 100).unwrap_or(u32::MAX).max(1)
    }
}

/// How many calls a batch takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Needed whatever its size: a token, looks, writes.
    pub fixed: u32,
    /// Needed for each of its deliveries besides.
    pub each: u32,
    /// Seldom needed, and good to have where there are plenty.
    pub spare: u32,
}

impl Cost {
    /// Without which a batch of so many is not begun, at least 1.
    pub fn least(self, deliveries: usize) -> u32 {
        let each = self.each.saturating_mul(u32::try_from(deliveries).unwrap_or(u32::MAX));
        self.fixed.saturating_add(each).max(1)
    }

    /// What is reserved for it where there are plenty.
    pub fn whole(self, deliveries: usize) -> u32 {
        self.least(deliveries).saturating_add(self.spare)
    }

    /// What is reserved for a deletion, of which nobody knows what hangs on the record.
    pub fn erasure(self) -> u32 {
        self.whole(1).max(limits::ERASE_CALLS)
    }

    /// What it takes as a rule: a write and now and then a token or a look, and for each half of what is the most.
    pub fn usual(self, deliveries: usize) -> u32 {
        let each = self.each.saturating_mul(u32::try_from(deliveries).unwrap_or(u32::MAX)) / 2;
        self.fixed.min(2).saturating_add(each).max(1)
    }
}

/// Whether a cause says that a call was not made since none was left for it: one that brings, or one for a token.
pub fn is_used_up(cause: &str) -> bool {
    matches!(cause, "budget_used_up" | "token_budget_used_up")
}

/// The budget of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// What destinations share that call the same account: never a secret.
    pub account: String,
    /// Each of them holds.
    pub windows: Vec<Window>,
    /// Of the destination's batches.
    pub cost: Cost,
}

/// What a service said of a window in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Of the window of this length.
    pub length: Duration,
    /// Calls it allows.
    pub limit: u32,
    /// Calls that everybody together has made in it.
    pub used: u32,
}

/// Calls that were reserved and are no longer wanted, or were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Back {
    /// Until when they were reserved.
    pub until: Timestamp,
    /// How many of them were made.
    pub sent: u32,
    /// How many were not.
    pub unused: u32,
}

/// Calls that one batch may make.
#[derive(Clone, Debug)]
pub struct Allotment {
    /// Of which budget.
    pub budget: Arc<Budget>,
    /// How many.
    pub calls: u32,
    /// Before which moment.
    pub until: Timestamp,
}

/// What a lane asks of its budget in a turn.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which budget.
    pub budget: Arc<Budget>,
    /// What came of earlier reservations.
    pub back: Vec<Back>,
    /// What the service said since the last turn.
    pub told: Vec<Told>,
    /// Deliveries in hand that are not under way.
    pub queued: usize,
    /// Most deliveries of a batch.
    pub batch_max: usize,
    /// Batches that may be begun beside those under way.
    pub batches: usize,
}

impl Asked {
    /// Calls that this many deletions want, of which each goes alone.
    pub fn wanted_alone(&self, deliveries: usize) -> u32 {
        let batches = u32::try_from(deliveries.min(self.batches)).unwrap_or(u32::MAX);
        self.budget.cost.erasure().saturating_mul(batches)
    }

    /// Calls that this many deliveries want now.
    pub fn wanted(&self, deliveries: usize) -> u32 {
        let (full, rest) = (deliveries / self.batch_max.max(1), deliveries % self.batch_max.max(1));
        let full_batches = u32::try_from(full.min(self.batches)).unwrap_or(u32::MAX);
        let rest = if rest > 0 && full < self.batches { self.budget.cost.whole(rest) } else { 0 };
        self.budget.cost.whole(self.batch_max).saturating_mul(full_batches).saturating_add(rest)
    }
}

/// What a turn grants to a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// So many calls.
    pub calls: u32,
    /// To be made before this moment.
    pub until: Timestamp,
    /// The most that will ever be granted at once: a batch that may take more gets this.
    pub most: u32,
    /// When to ask again, when there is less than was wanted, or a fuller batch is waited for.
    pub next_at: Option<Timestamp>,
    /// Calls that are left after these; none: nobody knows the limit yet.
    pub left: Option<u32>,
}

/// A budget with its counts, one for each of its windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book<'a> {
    budget: &'a Budget,
    counts: Vec<Count>,
}

impl<'a> Book<'a> {
    /// Opens a book at `now`: what has passed out of a window is forgotten. Counts that are missing are empty.
    pub fn open(budget: &'a Budget, mut counts: Vec<Count>, now: Timestamp) -> Self {
        counts.resize_with(budget.windows.len(), Count::default);
        for (window, count) in budget.windows.iter().zip(&mut counts) {
            count.forget(window, now);
        }
        Self { budget, counts }
    }

    /// The counts, to be kept.
    pub fn counts(&self) -> &[Count] {
        &self.counts
    }

    fn each(&self) -> impl Iterator<Item = (&Window, &Count)> {
        self.budget.windows.iter().zip(&self.counts)
    }

    fn each_mut(&mut self) -> impl Iterator<Item = (&'a Window, &mut Count)> {
        self.budget.windows.iter().zip(&mut self.counts)
    }

    /// Notes what came of reservations. One that has passed out of a window counts in it no more.
    pub fn settle(&mut self, back: &[Back], now: Timestamp) {
        for (window, count) in self.each_mut() {
            back.iter().for_each(|it| count.settle(window, *it, now));
        }
    }

    /// Notes calls that were made without a reservation.
    pub fn spend(&mut self, calls: u32, now: Timestamp) {
        for (window, count) in self.each_mut() {
            count.spend(window, calls, now);
        }
    }

    /// Notes what the service said, in the order in which it was heard.
    pub fn hear(&mut self, told: &[Told], now: Timestamp) {
        for (window, count) in self.each_mut() {
            told.iter().filter(|it| it.length == window.length).for_each(|it| count.hear(*it, now));
        }
    }

    /// How many calls may be reserved now.
    pub fn free(&self, now: Timestamp) -> u32 {
        let mut free = self.each().map(|(window, count)| count.free(window, now));
        if seeded(Defect::OneWindowIsEnough) { free.next() } else { free.min() }.unwrap_or(u32::MAX)
    }

    /// The most that will ever be free.
    pub fn most(&self) -> u32 {
        self.each().map(|(window, count)| count.allowed(window)).min().unwrap_or(u32::MAX)
    }

    /// How many calls may be reserved now by somebody who needs `least`. When only what others used stands in the way and
    /// that was heard long ago, as many as `least`, once: the answer says how it is now.
    pub fn free_for(&mut self, least: u32, now: Timestamp) -> u32 {
        let free = self.free(now);
        if free >= least || self.each().any(|(window, count)| !count.may_look(window, least, now)) {
            return free;
        }
        for (window, count) in self.each_mut() {
            if count.free(window, now) < least {
                count.look(now);
            }
        }
        least
    }

    /// Reserves calls from now until [`limits::CALLS_HELD`] later.
    pub fn reserve(&mut self, calls: u32, now: Timestamp) -> Timestamp {
        let until = now.plus(limits::CALLS_HELD);
        if calls > 0 {
            for (window, count) in self.each_mut() {
                count.hold(window, calls, until);
            }
        }
        until
    }

    /// The first moment at which so many calls, or the most there ever are, will be free if nobody makes any meanwhile. A
    /// reservation whose end nobody tells counts to the last.
    pub fn free_at(&self, calls: u32, now: Timestamp) -> Timestamp {
        let calls = calls.min(self.most());
        self.each().map(|(window, count)| count.free_at(window, calls, now)).max().unwrap_or(now)
    }

    /// When to ask again for so many calls: when they will be free, and sooner while some are reserved that may go back unused.
    /// Who shares the account is not told when they do.
    pub fn ask_at(&self, calls: u32, now: Timestamp) -> Timestamp {
        let at = self.free_at(calls, now);
        let may_go_back = self.each().any(|(_, count)| count.has_reserved(now));
        if may_go_back && !seeded(Defect::ReturnsAreNotAwaited) {
            at.min(now.plus(limits::CALLS_HELD))
        } else {
            at
        }
    }
}

pub(crate) fn millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
