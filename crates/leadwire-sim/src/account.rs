//! An account that destinations call: what it allows, who else uses it, and what it says of that.

use crate::dice::Dice;
use leadwire_core::budget::{Budget, Cost, Told, Window};
use std::sync::Arc;
use std::time::Duration;

/// Who else calls an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    Nobody,
    /// Never more than the share that is kept for them.
    Modest,
    /// Now and then all there is.
    Greedy,
}

/// A window as the service counts it, and what Leadwire is told of it beforehand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowPlan {
    /// Calls that the service takes.
    pub(crate) calls: u32,
    pub(crate) length: i64,
    pub(crate) kept_percent: u8,
    /// Calls that Leadwire believes it takes, before it is told.
    pub(crate) guess: Option<u32>,
    /// Whether a person entered that.
    pub(crate) is_set: bool,
    /// Whether answers say how much is used.
    pub(crate) is_told: bool,
}

impl WindowPlan {
    fn draw(dice: &mut Dice, (length, calls): (i64, u32)) -> Self {
        let guess = match dice.below(6) {
            0 => Some((calls / 2).max(1)),
            1 => Some(calls * 2),
            2 => None,
            _ => Some(calls),
        };
        let kept_percent = *dice.pick(&[0, 20, 50]);
        let is_set = guess.is_some() && dice.falls(300);
        Self { calls, length, kept_percent, guess, is_set, is_told: dice.falls(500) || guess.is_none() }
    }

    /// Calls that are ours of so many.
    pub(crate) fn ours(&self, calls: u32) -> u32 {
        let kept = u64::from(calls) * u64::from(self.kept_percent);
        // Who is left half a call is left a whole one.
        calls.saturating_sub(u32::try_from(kept.div_ceil(100)).expect("a share of a number")).max(1)
    }

    /// Calls that are ours as far as Leadwire can know, before and after the service said its limit. None: any number.
    pub(crate) fn known(&self, is_heard: bool) -> Option<u32> {
        let limit = match (self.guess, is_heard && self.is_told) {
            (guess, false) => guess,
            (Some(guess), true) if self.is_set => Some(guess.min(self.calls)),
            (_, true) => Some(self.calls),
        };
        limit.map(|it| self.ours(it))
    }

    /// Whether Leadwire never learns how few calls there are.
    fn is_hidden(&self) -> bool {
        !self.is_told && self.guess.is_some_and(|it| it > self.calls)
    }
}

/// An account of a schedule.
#[derive(Clone, Debug)]
pub(crate) struct AccountPlan {
    pub(crate) windows: Vec<WindowPlan>,
    pub(crate) others: Others,
    pub(crate) budget: Arc<Budget>,
    /// Calls are made outside lanes too.
    pub(crate) has_asides: bool,
}

impl AccountPlan {
    pub(crate) fn draw(dice: &mut Dice, number: usize) -> Self {
        let burst = (*dice.pick(&[10_000, 20_000, 60_000]), *dice.pick(&[2, 5, 20, 100]));
        let long = (*dice.pick(&[3_600_000, 86_400_000]), *dice.pick(&[12, 40, 150, 1000]));
        let both: &[(i64, u32)] = match dice.below(3) {
            0 => &[burst],
            1 => &[long],
            _ => &[burst, long],
        };
        let windows: Vec<WindowPlan> = both.iter().map(|it| WindowPlan::draw(dice, *it)).collect();
        let cost = Cost {
            fixed: *dice.pick(&[1, 2, 3]),
            each: *dice.pick(&[0, 0, 1]),
            spare: *dice.pick(&[0, 1, 2]),
        };
        let others = *dice.pick(&[Others::Nobody, Others::Modest, Others::Modest, Others::Greedy]);
        Self::new(format!("account-{number}"), windows, cost, others, dice.falls(300))
    }

    pub(crate) fn new(
        account: String,
        windows: Vec<WindowPlan>,
        cost: Cost,
        others: Others,
        has_asides: bool,
    ) -> Self {
        let known = |it: &WindowPlan| Window {
            calls: it.guess,
            length: Duration::from_millis(it.length.unsigned_abs()),
            kept_percent: it.kept_percent,
            is_set: it.is_set,
        };
        let budget = Arc::new(Budget { account, windows: windows.iter().map(known).collect(), cost });
        Self { windows, others, budget, has_asides }
    }

    /// Whether what Leadwire knows is enough to be refused nothing.
    pub(crate) fn is_truthful(&self) -> bool {
        self.others != Others::Greedy && !self.windows.iter().any(WindowPlan::is_hidden)
    }
}

/// What the service counts.
#[derive(Debug, Default)]
pub(crate) struct Service {
    /// When it took calls, in order.
    taken: Vec<i64>,
}

impl Service {
    pub(crate) fn within(&self, length: i64, now: i64) -> u32 {
        let older = self.taken.partition_point(|it| *it <= now - length);
        u32::try_from(self.taken.len() - older).expect("a window has few calls")
    }

    /// Counts a call that left, whatever became of it.
    pub(crate) fn count(&mut self, now: i64) {
        self.taken.push(now);
    }

    /// Takes a call, or refuses it.
    pub(crate) fn take(&mut self, windows: &[WindowPlan], now: i64) -> bool {
        let has_room = windows.iter().all(|it| self.within(it.length, now) < it.calls);
        if has_room {
            self.taken.push(now);
        }
        has_room
    }

    /// Whether others may make a call that is theirs whatever we do: modest ones stay within their share.
    pub(crate) fn room(&self, windows: &[WindowPlan], now: i64) -> u32 {
        windows.iter().map(|it| it.calls.saturating_sub(self.within(it.length, now))).min().unwrap_or(0)
    }

    /// What an answer says now.
    pub(crate) fn tell(&self, windows: &[WindowPlan], now: i64) -> Vec<Told> {
        let told = windows.iter().filter(|it| it.is_told);
        told.map(|it| Told {
            length: Duration::from_millis(it.length.unsigned_abs()),
            limit: it.calls,
            used: self.within(it.length, now),
        })
        .collect()
    }
}
