//! What is known of an account's calls, found out without the core: what was reserved, what left, and what was told of that.

use crate::account::{AccountPlan, Service, WindowPlan};
use leadwire_core::budget::Told;
use leadwire_core::limits;
use std::collections::{BTreeMap, VecDeque};

/// Calls that a turn reserved. Once their lane is lost, nobody tells of them any more.
#[derive(Debug)]
struct Reserved {
    lane: usize,
    token: i64,
    /// By the program's clock.
    until: i64,
    /// Not given back.
    calls: u32,
    /// Of these, taken by batches that are under way.
    under_way: u32,
    /// Whether the limits that are told were known then.
    is_heard: bool,
}

/// What a turn under way tells of a reservation.
#[derive(Clone, Copy, Debug)]
struct Telling {
    until: i64,
    sent: u32,
    unused: u32,
    /// By a batch.
    was_taken: bool,
}

/// A call of ours that left.
#[derive(Clone, Copy, Debug)]
struct Left {
    at: i64,
    /// Reserved when the limits that are told were known.
    is_heard: bool,
}

/// The last word of a service about a window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    /// By the program's clock.
    pub(crate) at: i64,
    /// Calls of others, at least.
    pub(crate) others: u32,
    /// When one batch was last let through to hear it anew.
    pub(crate) looked_at: i64,
}

/// What is known of an account.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) plan: AccountPlan,
    pub(crate) service: Service,
    reserved: Vec<Reserved>,
    /// Calls that were told of, and until when they are reserved.
    made: Vec<(i64, u32)>,
    left: VecDeque<Left>,
    /// Of batches that ended, by lane: what the next turn tells.
    ended: BTreeMap<usize, (Vec<Telling>, Vec<Told>)>,
    /// What the turn under way tells.
    telling: BTreeMap<(usize, i64), (Vec<Telling>, Vec<Told>)>,
    /// When modest others called, and calls outside lanes, which their share covers.
    pub(crate) others: Vec<i64>,
    /// Window by window.
    pub(crate) heard: Vec<Option<Heard>>,
    /// When calls last left after their reservation had ended, since the program stood still.
    pub(crate) late_at: i64,
    pub(crate) last_left: i64,
    pub(crate) is_clock_moved: bool,
}

fn slot_end(window: &WindowPlan, at: i64) -> i64 {
    let slot = (window.length / limits::BUDGET_SLOTS).max(1);
    (at.div_euclid(slot) + 1) * slot
}

impl Ledger {
    pub(crate) fn new(plan: AccountPlan) -> Self {
        Self {
            heard: vec![None; plan.windows.len()],
            plan,
            service: Service::default(),
            reserved: Vec::new(),
            made: Vec::new(),
            left: VecDeque::new(),
            ended: BTreeMap::new(),
            telling: BTreeMap::new(),
            others: Vec::new(),
            late_at: i64::MIN / 2,
            last_left: 0,
            is_clock_moved: false,
        }
    }

    pub(crate) fn is_heard(&self) -> bool {
        self.plan.windows.iter().zip(&self.heard).all(|(window, heard)| heard.is_some() || !window.is_told)
    }

    /// A turn granted calls.
    pub(crate) fn grant(&mut self, (lane, token): (usize, i64), until: i64, calls: u32) {
        if calls > 0 {
            let is_heard = self.is_heard();
            self.reserved.push(Reserved { lane, token, until, calls, under_way: 0, is_heard });
        }
    }

    /// A batch takes calls of its lane's last grant, and learns whether the limits were known when they were reserved. None: there
    /// are not so many.
    pub(crate) fn take(&mut self, (lane, token): (usize, i64), until: i64, calls: u32) -> Option<bool> {
        let found = self.reserved.iter_mut().rev().find(|it| {
            (it.lane, it.token, it.until) == (lane, token, until) && it.calls - it.under_way >= calls
        })?;
        found.under_way += calls;
        Some(found.is_heard)
    }

    /// A batch ended, and its lane heard it.
    pub(crate) fn end(&mut self, lane: usize, until: i64, (calls, sent): (u32, u32), told: &[Told]) {
        let (ended, words) = self.ended.entry(lane).or_default();
        ended.push(Telling { until, sent, unused: calls.saturating_sub(sent), was_taken: true });
        words.extend(told);
    }

    /// A lane's task is lost with all that it knew; its turn under way may still be written down. True: there were reservations
    /// among it, of which nobody tells any more.
    pub(crate) fn lose(&mut self, lane: usize) -> bool {
        self.ended.remove(&lane);
        self.reserved.iter().any(|it| it.lane == lane)
    }

    /// A turn begins: it tells of what ended, and gives back what no batch took.
    pub(crate) fn begin_turn(&mut self, (lane, token): (usize, i64)) {
        let mut telling = self.ended.remove(&lane).unwrap_or_default();
        for it in self.reserved.iter().filter(|it| (it.lane, it.token) == (lane, token)) {
            let unused = it.calls - it.under_way;
            if unused > 0 {
                telling.0.push(Telling { until: it.until, sent: 0, unused, was_taken: false });
            }
        }
        self.telling.insert((lane, token), telling);
    }

    /// The turn is written down. Gives what it told of the service's limits, and how many calls went back.
    pub(crate) fn commit_turn(&mut self, (lane, token): (usize, i64), now: i64) -> (Vec<Told>, u32) {
        let (telling, told) = self.telling.remove(&(lane, token)).unwrap_or_default();
        for it in &telling {
            let mine = (lane, token, it.until);
            if let Some(of) = self.reserved.iter_mut().find(|it| (it.lane, it.token, it.until) == mine) {
                of.calls -= it.sent + it.unused;
                of.under_way -= if it.was_taken { it.sent + it.unused } else { 0 };
                self.made.push((now.min(it.until), it.sent));
            }
        }
        // A law looks back by less than this.
        self.forget(now - 2 * 3_600_000);
        (told, telling.iter().map(|it| it.unused).sum())
    }

    fn forget(&mut self, now: i64) {
        let longest = self.plan.windows.iter().max_by_key(|it| it.length).expect("an account has windows");
        let counts = |at: i64| slot_end(longest, at) + longest.length > now;
        self.reserved.retain(|it| it.calls > 0 && counts(it.until));
        self.made.retain(|it| it.1 > 0 && counts(it.0));
    }

    /// Calls that count in a window: what was told of as made, and what is or was reserved and may have been made.
    pub(crate) fn used(&self, window: &WindowPlan, now: i64) -> u32 {
        let counts = |at: i64| slot_end(window, at) + window.length > now;
        let reserved = self.reserved.iter().filter(|it| counts(it.until)).map(|it| it.calls);
        let made = self.made.iter().filter(|it| counts(it.0)).map(|it| it.1);
        reserved.sum::<u32>() + made.sum::<u32>()
    }

    /// A call was made outside lanes, and is written down at once.
    pub(crate) fn aside(&mut self, now: i64) {
        self.made.push((now, 1));
    }

    /// The service's word is written down.
    pub(crate) fn hear(&mut self, told: &[Told], now: i64) {
        for (place, window) in self.plan.windows.iter().enumerate() {
            let of_window = |it: &&Told| it.length.as_millis() == u128::from(window.length.unsigned_abs());
            // A turn that stood still brings an old word.
            let is_older = self.heard[place].is_some_and(|it| it.at > now);
            if let Some(it) = told.iter().rfind(of_window).filter(|_| !is_older) {
                let others = it.used.saturating_sub(self.used(window, now));
                self.heard[place] = Some(Heard { at: now, others, looked_at: now });
            }
        }
    }

    /// A call of ours leaves, at the world's time.
    pub(crate) fn leave(&mut self, is_heard: bool, now: i64) {
        let longest = self.plan.windows.iter().map(|it| it.length).max().unwrap_or(0);
        while self.left.front().is_some_and(|it| it.at <= now - longest) {
            self.left.pop_front();
        }
        self.left.push_back(Left { at: now, is_heard });
        self.last_left = now;
    }

    /// Calls of ours within a window: all, and those that were reserved when the limits were known.
    pub(crate) fn within(&self, window: &WindowPlan, now: i64) -> (u32, u32) {
        let recent = self.left.iter().rev().take_while(|it| it.at > now - window.length);
        recent.fold((0, 0), |sum, it| (sum.0 + 1, sum.1 + u32::from(it.is_heard)))
    }

    /// Whether the service has no reason to refuse anybody: we know its limits, and so did all our calls that count.
    pub(crate) fn is_in_the_clear(&self, now: i64) -> bool {
        let all_heard = |it: &WindowPlan| {
            let (all, heard) = self.within(it, now);
            all == heard
        };
        let longest = self.plan.windows.iter().map(|it| it.length).max().unwrap_or(0);
        self.plan.is_truthful() && self.late_at <= now - longest && self.plan.windows.iter().all(all_heard)
    }
}
